"""``singwiz assets`` as a user calls it, in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest


@pytest.fixture
def assets(tmp_path):
    environment = os.environ | {"SINGWIZ_ASSETS": str(tmp_path / "shared"), "COLUMNS": "200"}

    def call(*arguments, code=0):
        done = subprocess.run(
            [sys.executable, "-m", "singwiz", "assets", *map(str, arguments)],
            capture_output=True,
            text=True,
            env=environment,
            check=False,
        )
        assert done.returncode == code, done.stderr
        assert "Traceback" not in done.stderr
        return done

    return call


def test_the_list_shows_terms_and_what_is_here(assets, tmp_path):
    shown = assets("list").stdout
    assert "CC BY-NC-SA 4.0" in shown
    assert str(tmp_path / "shared") in shown
    listed = json.loads(assets("list", "--json").stdout)
    assert {entry["name"]: entry["installed"] for entry in listed["assets"]}["rmvpe"] is None


def test_a_server_without_the_file_gives_advice_and_no_traceback(assets, site):
    refused = assets("get", "rmvpe", "--url", site.url("/nothing.zip"), code=1)
    assert "download-failed" in refused.stderr
    assert "singwiz assets add" in refused.stderr


def test_a_file_that_is_no_network_is_refused_and_not_kept(assets, site, tmp_path):
    site.files["/model.pt"] = b"<html>Sign in to continue</html>"
    assets("get", "rmvpe", "--url", site.url("/model.pt"), code=1)
    assets("add", "rmvpe", tmp_path / "nowhere.pt", code=2)
    listed = json.loads(assets("list", "--json").stdout)
    assert not any(entry["installed"] for entry in listed["assets"])


def test_an_unknown_name_is_wrong_usage(assets):
    assert "asset-unknown" in assets("get", "nsf", code=2).stderr
