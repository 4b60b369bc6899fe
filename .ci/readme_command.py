"""Print one of the README's two commands, so that what is documented is what is run."""

import re
import sys
from pathlib import Path

README = Path(__file__).resolve().parent.parent / "README.md"


def readme_command(name: str) -> str:
    """The shell block that follows the marker ``<!-- command: name -->``."""
    match = re.search(
        rf"<!-- command: {re.escape(name)} -->\s*```(?:bash|sh|console)\n(.*?)```",
        README.read_text(encoding="utf-8"),
        re.DOTALL,
    )
    if match is None:
        raise SystemExit(f"README.md has no command marked '{name}'")
    return match.group(1).strip()


if __name__ == "__main__":
    sys.stdout.write(readme_command(sys.argv[1]) + "\n")
