"""How conditions are written."""

from __future__ import annotations

import pytest

from singwiz.core.errors import SingwizError
from singwiz.core.listening.recipe import Recipe


@pytest.mark.parametrize(
    ("text", "recipe"),
    [
        ("@1000", Recipe(ckpt="1000")),
        ("voice@best", Recipe(experiment="voice", ckpt="best")),
        ("voice", Recipe(experiment="voice")),
        ("recording", Recipe("recording")),
        ("copy,vocoder=/a b/v.ckpt", Recipe("copy", vocoder="/a b/v.ckpt")),
        ("late=@8000,steps=50,depth=0.4", Recipe(label="late", ckpt="8000", steps=50, depth=0.4)),
        ("@best,chain", Recipe("chain", ckpt="best")),
        ("chain", Recipe("chain")),
    ],
)
def test_conditions_are_read(text: str, recipe: Recipe) -> None:
    assert Recipe.parse(text) == recipe


@pytest.mark.parametrize(
    "text", ["", "@", "@latest", "=@1000", "voice@", "@1,steps=0", "@1,depth=2", "@1,colour=red"]
)
def test_what_makes_no_sense_is_refused_with_examples(text: str) -> None:
    with pytest.raises(SingwizError) as caught:
        Recipe.parse(text)
    assert caught.value.code == "listening-condition-unclear" and "@best" in caught.value.hint


def test_a_condition_says_what_it_is() -> None:
    recipe = Recipe(vocoder="/files/pc-nsf", steps=20)
    assert recipe.describe("voice", 800) == "voice, step 800, vocoder pc-nsf, 20 sampling steps"
    assert Recipe("copy").describe("voice", None) == "copy-synthesis"
    assert Recipe(label="mine").describe("voice", 1) == "mine"
