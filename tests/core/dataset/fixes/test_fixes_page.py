"""The page about fixes names every fix as it is."""

from __future__ import annotations

import re
from pathlib import Path

import singwiz
from singwiz.core.dataset.fixes import FIXES

PAGE = Path(singwiz.__file__).parent / "docs" / "fixes.md"
ROW = re.compile(r"^\| `([a-z0-9-]+)` \| (.+) \| (yes|no) \|$", re.MULTILINE)


def test_the_table_of_fixes_is_complete_and_true() -> None:
    listed = {
        code: (title, safe) for code, title, safe in ROW.findall(PAGE.read_text(encoding="utf-8"))
    }
    assert listed == {code: (fix.title, "yes" if fix.safe else "no") for code, fix in FIXES.items()}
