"""The browser face draws every kind of question and block and sends back what was chosen."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webdriver import WebDriver
from selenium.webdriver.support.ui import WebDriverWait

from singwiz.assistant.guide.view import JobView

pytestmark = pytest.mark.browser


def until(browser: WebDriver, condition: Callable[[], Any], seconds: float = 40) -> Any:
    return WebDriverWait(browser, seconds, poll_frequency=0.1).until(lambda _: condition())


def find(browser: WebDriver, selector: str) -> Any:
    return until(browser, lambda: next(iter(browser.find_elements(By.CSS_SELECTOR, selector)), 0))


def told(guide: Any) -> dict[str, Any]:
    return {key: value for _, values in guide.answers for key, value in values.items()}


def open_page(browser: WebDriver, url: str) -> None:
    browser.get(url)
    find(browser, "#q-rate, #more-options")
    find(browser, "#a-start")


def retype(field: Any, text: str) -> None:
    field.send_keys(Keys.CONTROL, "a")
    field.send_keys(text)


def test_questions_are_answered_and_refusals_explained(
    browser: WebDriver, guide: Any, serve_guide: Any
) -> None:
    open_page(browser, serve_guide(guide))

    find(browser, "#q-preset input[value='big']").click()
    find(browser, "#q-consent input").click()
    number = find(browser, "#q-steps input")
    retype(number, "250")
    name = find(browser, "#q-name textarea, #q-name input")
    retype(name, "歌")
    folders = find(browser, "#q-folders textarea")
    retype(folders, "/a\n/b c")
    find(browser, "#heading").click()
    until(browser, lambda: len(told(guide)) >= 5)
    assert told(guide) == {
        "preset": "big",
        "consent": True,
        "steps": 250,
        "name": "歌",
        "folders": ["/a", "/b c"],
    }

    guide.refusals = {"steps": "At least one <b>step</b>."}
    retype(find(browser, "#q-steps input"), "0\t")
    refused = until(browser, lambda: browser.find_elements(By.CSS_SELECTOR, ".refused"))
    until(browser, lambda: any("At least one <b>step</b>." in one.text for one in refused))


def test_a_field_that_was_just_typed_counts_when_the_button_is_pressed(
    browser: WebDriver, guide: Any, serve_guide: Any
) -> None:
    open_page(browser, serve_guide(guide))
    retype(find(browser, "#q-name textarea, #q-name input"), "kaze")
    find(browser, "#a-start").click()
    until(browser, lambda: guide.actions)
    assert guide.values["name"] == "kaze"
    assert guide.actions == [("two", "start")]
    until(browser, lambda: "3. Three" in browser.find_element(By.ID, "why").text)


def test_work_is_shown_live_without_disturbing_what_is_typed(
    browser: WebDriver, guide: Any, serve_guide: Any
) -> None:
    open_page(browser, serve_guide(guide))
    name = find(browser, "#q-name textarea, #q-name input")
    retype(name, "half")
    guide.job = JobView("j", "running", "step 1 of 2", 0.5, eta=9, elapsed=1)
    guide.curve = (*guide.curve, (20.0, 0.25))
    until(browser, lambda: "step 1 of 2" in browser.find_element(By.ID, "job").text)
    assert browser.switch_to.active_element == name
    name.send_keys(" typed")
    assert name.get_property("value") == "half typed"


def test_sounds_pictures_tables_and_steps_are_there(
    browser: WebDriver, guide: Any, serve_guide: Any, tmp_path: Path
) -> None:
    url = serve_guide(guide, allowed=tmp_path)
    open_page(browser, url)
    find(browser, ".sound")
    until(browser, lambda: "It is [broken]." in browser.page_source)
    folds = browser.find_elements(By.CSS_SELECTOR, ".folded > button")
    next(one for one in folds if "A report" in one.text).click()
    until(browser, lambda: find(browser, ".copyable textarea").get_property("value") == "log …")
    find(browser, ".copyable button[aria-label='Copy']")
    labels = [one.text for one in browser.find_elements(By.CSS_SELECTOR, "#steps button")]
    assert [label.split("\n")[-1].removeprefix("✓ ") for label in labels][:3] == [
        "Recordings",
        "Train",
        "Listen",
    ]

    def fetch(path: Path | str) -> int:
        try:
            address = f"{url.rstrip('/')}/gradio_api/file={quote(str(path))}"
            return urllib.request.urlopen(address, timeout=10).status
        except urllib.error.HTTPError as error:
            return error.code

    assert fetch(tmp_path / "sound.wav") == 200
    assert fetch("/etc/passwd") == 403
    assert fetch(tmp_path / ".." / ".." / "passwd") in (403, 404)


def test_steps_are_reached_and_languages_changed_by_clicks(
    browser: WebDriver, guide: Any, serve_guide: Any
) -> None:
    open_page(browser, serve_guide(guide))

    def shown() -> str:
        return browser.find_element(By.ID, "why").text

    find(browser, "#steps button.completed").click()
    until(browser, lambda: "1. One" in shown())
    ahead = browser.find_element(By.ID, "move-ahead")
    ahead.click()
    until(browser, lambda: "2. Train" in shown())
    find(browser, "#a-start")
    ahead.click()
    until(browser, lambda: "3. Three" in shown())
    browser.find_element(By.ID, "move-back").click()
    until(browser, lambda: "2. Train" in shown())
    browser.find_element(By.ID, "to-overview").click()
    until(browser, lambda: "Everything" in shown())
    browser.find_element(By.ID, "move-back").click()
    until(browser, lambda: "2. Train" in shown())

    find(browser, "#language input").click()
    options = until(browser, lambda: browser.find_elements(By.CSS_SELECTOR, "[role='option']"))
    next(one for one in options if "日本語" in one.text).click()
    until(browser, lambda: browser.find_element(By.ID, "move-back").text == "← 戻る")
    assert "2. Train" in shown()
    until(browser, lambda: "その他の設定" in browser.page_source)
    html = browser.find_element(By.TAG_NAME, "html")
    until(browser, lambda: html.get_attribute("lang") == "ja")
    browser.refresh()
    until(browser, lambda: browser.find_element(By.ID, "move-back").text == "← 戻る")
    browser.execute_script("localStorage.removeItem('singwiz-language')")
