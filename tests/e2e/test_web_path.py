"""The whole way in the browser: from a folder of recordings to a sound that plays."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webdriver import WebDriver
from selenium.webdriver.support.ui import WebDriverWait

from singwiz.core.demo.corpus import make_corpus

pytestmark = pytest.mark.browser

FORM_SETTLES = 2.0
"""Seconds after which a form has taken an answer and, if others follow from it, is drawn anew."""


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """``singwiz web`` as a user starts it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    command = [sys.executable, "-m", "singwiz", "web", str(tmp_path / "my voice")]
    server = subprocess.Popen(
        [*command, "--port", port, "--no-open"], stdout=subprocess.PIPE, text=True, cwd=tmp_path
    )
    assert server.stdout is not None
    found = None
    for line in server.stdout:
        if found := re.search(r"http://\S+", line):
            break
    assert found, "the server never said where it is"
    yield found.group()
    server.terminate()
    server.wait(20)


class Page:
    """What a person does in the browser."""

    def __init__(self, browser: WebDriver) -> None:
        self.browser = browser

    def until(self, condition: Callable[[], Any], seconds: float = 60) -> Any:
        waiting = WebDriverWait(self.browser, seconds, 0.1, ignored_exceptions=[Exception])
        return waiting.until(lambda _: condition())

    def find(self, selector: str, seconds: float = 60) -> Any:
        def visible() -> Any:
            elements = self.browser.find_elements(By.CSS_SELECTOR, selector)
            return next((one for one in elements if one.is_displayed()), None)

        return self.until(visible, seconds)

    def type(self, selector: str, text: str) -> None:
        def typed() -> bool:
            field = self.find(selector)
            if field.get_property("value") != text:
                field.send_keys(Keys.CONTROL, "a")
                field.send_keys(text)
                self.find("#heading").click()
                time.sleep(FORM_SETTLES)
            return self.find(selector).get_property("value") == text

        self.until(typed)

    def tick(self, selector: str) -> None:
        def ticked() -> bool:
            if not self.find(selector).is_selected():
                self.find(selector).click()
                time.sleep(FORM_SETTLES)
            return self.find(selector).is_selected()

        self.until(ticked)

    def press(self, action: str, seconds: float = 60) -> None:
        def pressed() -> bool:
            button = self.find(f"#a-{action}", seconds)
            if not button.is_enabled():
                return False
            self.browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", button)
            button.click()
            return True

        self.until(pressed, seconds)

    def press_until_at(self, action: str, title: str) -> None:
        """Press a button again if the form was being drawn anew under the finger."""

        def there() -> bool:
            if title in self.browser.find_element(By.ID, "why").text:
                return True
            self.press(action, 5)
            time.sleep(FORM_SETTLES)
            return False

        self.until(there)

    def is_at(self, title: str) -> None:
        self.until(lambda: title in self.browser.find_element(By.ID, "why").text)


def test_recordings_become_a_voice_in_the_browser(
    browser: WebDriver, address: str, tmp_path: Path
) -> None:
    corpus = make_corpus(tmp_path / "demo", items=6, seconds=1.5, sample_rate=44100)
    page = Page(browser)
    browser.get(address)

    page.is_at("1. ")
    page.type("#q-raw_dirs textarea", str(corpus.raw_data_dir))
    page.tick("#q-consent input")
    page.press("create")

    page.is_at("2. ")
    page.press("start")
    page.press("continue", 120)
    page.is_at("3. ")
    page.press("continue")

    page.is_at("4. ")
    page.press_until_at("usual", "5. ")

    page.tick("#q-preset input[value='tiny']")
    page.type("#q-max_updates input", "20")
    page.press("write")

    page.is_at("6. ")
    page.press("start")
    page.press("continue", 200)

    page.is_at("7. ")
    page.press("start")
    page.find("#job progress", 100)
    page.press("continue", 300)

    page.is_at("8. ")
    page.press("start")
    page.find(".sound", 200)
    play = page.find(".sound button[aria-label='Play']")
    browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", play)
    play.click()
    # Whatever draws the player: a sound is playing when a media element's time moves on.
    moving = "return [...document.querySelectorAll('audio')].some(a => a.currentTime > 0.05)"
    deep = (
        "const find = (root) => [...root.querySelectorAll('*')].flatMap(e =>"
        " [e, ...(e.shadowRoot ? find(e.shadowRoot) : [])]);"
        "return find(document).some(e => e.tagName === 'AUDIO' && e.currentTime > 0.05)"
    )
    pause = ".sound button[aria-label='Pause']"
    page.until(
        lambda: (
            browser.execute_script(moving)
            or browser.execute_script(deep)
            or browser.find_elements(By.CSS_SELECTOR, pause)
        )
    )
