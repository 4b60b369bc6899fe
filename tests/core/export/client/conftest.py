"""The good voicebank, and copies of it to break."""

from __future__ import annotations

import shutil

import pytest

from singwiz.core.export.client.bank import Bank


@pytest.fixture
def opened(bank):
    return Bank.open(bank.folder)


@pytest.fixture
def copy(bank, tmp_path):
    """A copy of the good voicebank."""
    return shutil.copytree(bank.folder, tmp_path / "bank")
