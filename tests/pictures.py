"""Pictures of what the wizard looks like, for whoever looks through the files of a test run."""

from __future__ import annotations

import base64
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from selenium.webdriver.chrome.webdriver import WebDriver

FOLDER = Path(__file__).parents[1] / "build" / "screenshots"
"""Ignored by git; CI keeps it."""
PHONE = 420
"""Pixels; the narrowest window in which nothing but tables may have to be moved sideways."""
TALLEST = 6000


def keep(name: str, content: str | bytes) -> Path:
    """Write a picture for people; nothing is compared with it."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    path = FOLDER / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def of_terminal(name: str, app: Any) -> None:
    """What a terminal shows now."""
    keep(f"{name}.svg", app.export_screenshot(simplify=True))


def of_page(name: str, browser: WebDriver) -> list[str]:
    """The whole of a page, as wide as a desk (light) and as a phone (dark).

    Returns:
        What is too wide for a phone, and sticks out of the page instead of being moved in itself.
    """
    wide: list[str] = []
    for width, height in ((1280, 1000), (PHONE, 900)):
        dark = width == PHONE
        screen = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
        browser.execute_script("document.body.classList.toggle('dark', arguments[0])", dark)
        if dark:
            time.sleep(0.3)  # the list of steps makes itself small a moment later
        long = min(browser.execute_script("return document.body.scrollHeight"), TALLEST)
        clip = {"x": 0, "y": 0, "width": width, "height": long, "scale": 1}
        shot = browser.execute_cdp_cmd(
            "Page.captureScreenshot", {"clip": clip, "captureBeyondViewport": True}
        )
        keep(f"web-{name}-{width}.png", base64.b64decode(shot["data"]))
        if dark:
            wide = browser.execute_script(STICKING_OUT)
    browser.execute_script("document.body.classList.remove('dark')")
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    return wide


STICKING_OUT = """
const wide = document.documentElement.scrollWidth;
if (wide <= innerWidth) return [];
return [...document.querySelectorAll("body *")]
  .filter(e => e.getBoundingClientRect().right > innerWidth + 1 && !e.children.length)
  .slice(0, 5).map(e => `${wide} px: <${e.tagName} ${e.className}> ${e.textContent.slice(0, 60)}`)
  .concat(`${wide} px`);
"""
