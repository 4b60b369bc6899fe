"""The whole way in the browser: from a folder of recordings to a voicebank that can speak."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver.chrome.webdriver import WebDriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

from singwiz.core.demo.corpus import make_corpus

from .. import pictures

pytestmark = pytest.mark.browser

SETTLED = """
const [quiet, done] = arguments;
const over = () => { watch.disconnect(); done(); };
let timer = setTimeout(over, quiet);
const watch = new MutationObserver(() => { clearTimeout(timer); timer = setTimeout(over, quiet); });
watch.observe(document.querySelector("#answers"), {childList: true, subtree: true});
"""


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

    def settle(self) -> None:
        """Wait until the form has taken an answer and, if others follow from it, is drawn anew."""
        self.browser.execute_async_script(SETTLED, 600)

    def type(self, selector: str, text: str) -> None:
        def typed() -> bool:
            field = self.find(selector)
            if field.get_property("value") != text:
                field.send_keys(Keys.CONTROL, "a")
                field.send_keys(text)
                self.find("#heading").click()
                self.settle()
            return self.find(selector).get_property("value") == text

        self.until(typed)

    def tick(self, selector: str) -> None:
        def ticked() -> bool:
            if not self.find(selector).is_selected():
                self.find(selector).click()
                self.settle()
            return self.find(selector).is_selected()

        self.until(ticked)

    def press(self, action: str, then: Callable[[], Any], seconds: float = 60) -> None:
        """Press a button, again if the form was being drawn anew under the finger."""

        def pressed() -> Any:
            if then():
                return True
            button = self.find(f"#a-{action}", 5)
            if not button.is_enabled():
                return False
            self.browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", button)
            button.click()
            return self.until(then, 4)

        self.until(pressed, seconds)

    def is_at(self, number: int) -> bool:
        return self.browser.find_element(By.ID, "why").text.startswith(f"{number}. ")

    def works(self) -> bool:
        """Whether work is being done, or is done."""
        shown = "#job progress, #a-stop, #a-continue"
        return any(one.is_displayed() for one in self.browser.find_elements(By.CSS_SELECTOR, shown))

    def go_on(self, number: int, action: str = "continue", seconds: float = 60) -> None:
        """Press the button that leads to a step."""
        self.press(action, lambda: self.is_at(number), seconds)
        self.settle()

    def shoot(self, name: str) -> None:
        """Keep a picture; nothing may stick out of a phone."""
        assert pictures.of_page(name, self.browser) == []


def test_recordings_become_a_voicebank_in_the_browser(
    browser: WebDriver, address: str, tmp_path: Path
) -> None:
    corpus = make_corpus(tmp_path / "demo", items=6, seconds=1.5, sample_rate=44100)
    page = Page(browser)
    browser.get(address)

    page.until(lambda: page.is_at(1))
    page.type("#q-raw_dirs textarea", str(corpus.raw_data_dir))
    page.tick("#q-consent input")
    page.shoot("1-recordings")
    page.go_on(2, "create")

    page.press("start", page.works)
    page.find("#a-continue", 120)
    page.shoot("2-check")
    page.go_on(3)
    page.shoot("3-dictionary")
    page.go_on(4)
    page.shoot("4-features")
    page.go_on(5, "usual")

    page.tick("#q-preset input[value='tiny']")
    page.tick("#q-learn_dur input")
    page.tick("#q-learn_pitch input")
    page.type("#q-max_updates input", "4")
    page.find("#more-options > button").click()
    page.type("#q-variance_max_updates input", "4")
    page.shoot("5-model")
    page.go_on(6, "write")

    page.press("start", page.works)
    page.find("#a-continue", 200)
    page.shoot("6-prepare")
    page.go_on(7)

    page.press("start", page.works)
    page.find("#job progress", 100)
    page.shoot("7-train-at-work")
    page.find("#a-continue", 300)
    page.shoot("7-train")
    page.go_on(8)

    page.press("start", page.works)
    page.find(".sound", 200)
    hear(page)
    page.shoot("8-listen")
    page.go_on(9)
    page.shoot("9-vocoder")
    page.go_on(10, "keep")

    page.press("start", page.works)
    page.until(lambda: ".zip" in browser.page_source, 200)
    page.shoot("10-export")
    browser.find_element(By.ID, "to-overview").click()
    page.until(lambda: "Overview" in browser.find_element(By.ID, "why").text)
    page.shoot("overview")
    assert list((tmp_path / "my voice").rglob("dsdur/*.onnx"))


def hear(page: Page) -> None:
    """Play a sound."""
    browser = page.browser
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
