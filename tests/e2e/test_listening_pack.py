"""A friend opens the page from a file, hears a test to its end, and sends the answers back."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webdriver import WebDriver
from selenium.webdriver.support.ui import WebDriverWait

from singwiz.core.listening.making import Version, write_test
from singwiz.core.listening.pack import read_result, write_pack
from singwiz.core.listening.plan import Clip
from singwiz.core.listening.store import ListeningTest
from singwiz.core.listening.verdict import judge

pytestmark = pytest.mark.browser

RATE = 16000


@pytest.fixture
def test(tmp_path: Path) -> ListeningTest:
    clips = [Clip(id=f"k{n}", item=f"song{n}", start=0, end=1) for n in (1, 2)]
    t = np.arange(RATE) / RATE
    versions = [
        Version(label, {}, sounds={c.id: (0.1 * np.sin(pitch * t)).astype("f4") for c in clips})
        for label, pitch in (("EarlyCheckpoint", 2000), ("LateCheckpoint", 3000))
    ]
    return write_test(
        tmp_path / "listening", "ab", clips, versions, sample_rate=RATE, trials=6, seed=2
    )


def test_a_friend_finishes_a_test_and_the_answers_are_merged(
    browser: WebDriver, test: ListeningTest, tmp_path: Path
) -> None:
    page = write_pack(test, tmp_path / "for friends.html")
    downloads = tmp_path / "downloads"
    downloads.mkdir()
    allowed = {"behavior": "allow", "downloadPath": str(downloads)}
    browser.execute_cdp_cmd("Browser.setDownloadBehavior", allowed)  # type: ignore[attr-defined]

    browser.get(page.as_uri())
    browser.find_element(By.ID, "listener").send_keys("Friend")
    browser.find_element(By.ID, "begin").click()
    body = browser.find_element(By.TAG_NAME, "body")
    assert not browser.find_element(By.ID, "vote-A").is_enabled(), "unheard, nobody may judge"
    body.send_keys("a")
    until(browser, lambda: "A" in sounding(browser))
    time.sleep(0.3)
    before = browser.execute_script("return player.position()")
    body.send_keys("b")
    until(browser, lambda: "B" in sounding(browser))
    levels = browser.execute_script("return player.running.gains.length")
    assert before > 0.1 and levels == 2
    assert browser.execute_script("return player.position()") > before, "it goes on, not anew"
    vote(browser, test)
    vote(browser, test)

    browser.get(page.as_uri())  # the window was closed in the middle
    assert browser.find_element(By.ID, "begin").text == "Go on"
    browser.find_element(By.ID, "begin").click()
    assert browser.find_element(By.ID, "count").text == "3 / 8"
    for _ in range(6):
        vote(browser, test)
    browser.find_element(By.ID, "save").click()
    until(browser, lambda: list(downloads.glob("*.json")))

    (file,) = downloads.glob("*.json")
    assert "Checkpoint" not in file.read_text()
    (session,) = test.merge([read_result(file)])
    assert session.listener == "Friend" and session.catches_missed() == 0
    outcome = judge(test)
    assert outcome.words == "'LateCheckpoint' preferred, 6 of 6, p = 0.031."
    plays = [answer["plays"] for answer in json.loads(file.read_text())["answers"]]
    assert all(set(one) == {"A", "B"} for one in plays)


def sounding(browser: WebDriver) -> str:
    found = browser.find_elements(By.CSS_SELECTOR, ".sounding")
    return " ".join(one.text for one in found)


def vote(browser: WebDriver, test: ListeningTest) -> None:
    """Prefer the late checkpoint, and what is not spoiled."""
    tokens = browser.execute_script("return question().sounds")
    conditions = [test.plan.sound(token).condition for token in tokens]
    spoiled = "broken" in conditions
    wanted = 1 - conditions.index("broken") if spoiled else conditions.index("c2")
    for key in "ab":
        browser.find_element(By.TAG_NAME, "body").send_keys(key)
    number = browser.execute_script("return state.answers.length")
    until(browser, lambda: browser.find_element(By.ID, "vote-" + "AB"[wanted]).is_enabled())
    browser.find_element(By.TAG_NAME, "body").send_keys(str(wanted + 1))
    until(browser, lambda: browser.execute_script("return state.answers.length") == number + 1)


def until(browser: WebDriver, condition: Callable[[], Any]) -> Any:
    return WebDriverWait(browser, 30, poll_frequency=0.05).until(lambda _: condition())
