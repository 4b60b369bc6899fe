"""A real browser, shared by everything that drives one; and no files of the user's own."""

from __future__ import annotations

import importlib
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.remote.webdriver import WebDriver

from .findings.packages import write_package


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-snapshots",
        action="store_true",
        help="how the terminal wizard looks now is how it should look",
    )


@pytest.fixture(scope="session", autouse=True)
def no_fetched_files(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What whoever runs the tests has fetched for their voices must not change results."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SINGWIZ_ASSETS", str(tmp_path_factory.mktemp("assets")))
        # Nor may work of this machine make tests wait, or tests that run beside one another.
        patch.setenv("SINGWIZ_QUEUE", str(tmp_path_factory.mktemp("queue")))
        yield


@pytest.fixture(scope="session", autouse=True)
def english_unless_asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Nor must their language, and what a test chooses must not stay chosen."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SINGWIZ_LANG", "en")
        patch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("config")))
        yield


@pytest.fixture(autouse=True)
def language_of_each_test(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test begins with what the environment says."""
    # The package has a function of the same name.
    module = importlib.import_module("singwiz.core.words.languages")
    monkeypatch.setattr(module, "_chosen", [])


@pytest.fixture(scope="session")
def browser() -> Iterator[WebDriver]:
    options = Options()
    for argument in (
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--autoplay-policy=no-user-gesture-required",
        "--window-size=1280,1400",
    ):
        options.add_argument(argument)
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    driver = shutil.which("chromedriver")
    assert chromium and driver, "install Chromium and its driver to run the browser tests"
    options.binary_location = chromium
    chrome = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    yield chrome
    chrome.quit()


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """``install(name, entry_points, code)``: a package as pip would leave it, to be imported."""

    def make(
        name: str, entry_points: dict[str, dict[str, str]], code: str = "", version: str = "1.2"
    ) -> Path:
        site = tmp_path / f"site-{name}"
        write_package(site, name, entry_points, code, version)
        monkeypatch.syspath_prepend(str(site))
        return site

    return make
