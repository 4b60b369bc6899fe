"""How long a user waits for nothing: import, help page, first screen of either wizard.

    python benchmarks/cold_start.py [--runs 5]

Each number is the median over fresh processes, and the best one, which a busy computer spoils
least. Budgets: ``import singwiz`` and ``singwiz --help`` 0.3 s each, first screen of
``singwiz tui`` 1 s. Exit code 1 if a best time is over its budget.

The browser's wizard is measured with headless Chromium, already open: from starting the server to
the address being said, and to the first step being visible. Without Chromium these lines are left
out and that is said.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from selenium.webdriver.remote.webdriver import WebDriver

FIRST_SCREEN = """
import asyncio
from singwiz.assistant.guide import Guide
from singwiz.assistant.tui.app import GuideApp

async def until_drawn():
    async with GuideApp(Guide.open(None)).run_test(size=(100, 40)) as pilot:
        await pilot.pause()

asyncio.run(until_drawn())
"""


VISIBLE = """
const [title, field] = ["#why h2", "#q-raw_dirs textarea"].map(s => document.querySelector(s));
return Boolean(title?.offsetHeight && field?.offsetHeight);
"""
"""Whether the first step's heading and its main field can be seen."""


@dataclass(frozen=True)
class Start:
    """Something a user starts, and how long it may take at most, in seconds."""

    name: str
    arguments: tuple[str, ...]
    budget: float | None


STARTS = (
    Start("python, nothing else", ("-c", "pass"), None),
    Start("import singwiz", ("-c", "import singwiz"), 0.3),
    Start("singwiz --help", ("-m", "singwiz", "--help"), 0.3),
    Start("singwiz tui, first screen", ("-c", FIRST_SCREEN), 1.0),
)


def measure(arguments: tuple[str, ...]) -> float:
    """Seconds from start to end of one fresh process."""
    began = time.perf_counter()
    subprocess.run(
        [sys.executable, *arguments],
        check=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    return time.perf_counter() - began


def open_chromium() -> WebDriver | None:
    """A headless browser; None if there is none on this machine."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    driver = shutil.which("chromedriver")
    if not (chromium and driver):
        return None
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
        options.add_argument(argument)
    options.binary_location = chromium
    return webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))


def first_paint(browser: WebDriver) -> tuple[float, float]:
    """Seconds from starting ``singwiz web`` to its address, and to the first step on the page."""
    from selenium.webdriver.support.ui import WebDriverWait

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    # Whatever the last start left in the cache has another address.
    browser.get("about:blank")
    with tempfile.TemporaryDirectory() as folder:
        voice = str(Path(folder) / "voice")
        began = time.perf_counter()
        server = subprocess.Popen(
            [sys.executable, "-m", "singwiz", "web", voice, "--no-open", "--port", port],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "SINGWIZ_LANG": "en"},
        )
        try:
            assert server.stdout is not None
            found = next(filter(None, (re.search(r"http://\S+", line) for line in server.stdout)))
            told = time.perf_counter() - began
            browser.get(found.group())
            WebDriverWait(browser, 120, 0.02).until(lambda page: page.execute_script(VISIBLE))
            return told, time.perf_counter() - began
        finally:
            server.terminate()
            server.wait(20)


def show(name: str, times: list[float], verdict: str = "") -> None:
    print(f"{name:32}{min(times):6.2f} s{statistics.median(times):6.2f} s{verdict}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--runs", type=int, default=5, help="fresh processes per line")
    runs = parser.parse_args().runs
    late = False
    print(f"{'':32}{'best':>8}{'median':>8}{'budget':>8}")
    for start in STARTS:
        measure(start.arguments)  # the first run fills the disk cache and writes bytecode
        times = [measure(start.arguments) for _ in range(runs)]
        verdict = ""
        if start.budget is not None:
            missed = min(times) > start.budget
            late = late or missed
            verdict = f"{start.budget:6.2f} s{'  over' if missed else ''}"
        show(start.name, times, verdict)
    browser = open_chromium()
    if browser is None:
        print("singwiz web: not measured, there is no Chromium with its driver")
        return int(late)
    try:
        first_paint(browser)
        paints = [first_paint(browser) for _ in range(runs)]
    finally:
        browser.quit()
    show("singwiz web, address", [told for told, _ in paints])
    show("singwiz web, first step visible", [seen for _, seen in paints])
    return int(late)


if __name__ == "__main__":
    sys.exit(main())
