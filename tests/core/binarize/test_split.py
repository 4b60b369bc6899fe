import pytest

from singwiz.core.binarize.split import split_items
from singwiz.core.errors import SingwizError

KEYS = ["1:wav1", "0:wav11", "0:wav10", "0:wav1"]


def test_an_exact_name_is_no_prefix() -> None:
    split = split_items(KEYS, ["0:wav1"])
    assert split.valid == ("0:wav1",)
    assert split.train == ("0:wav10", "0:wav11", "1:wav1")
    assert split.unmatched == ()


def test_a_beginning_takes_all_items_that_start_with_it() -> None:
    split = split_items(["0:wav10", "0:wav11", "0:song"], ["0:wav1"])
    assert split.valid == ("0:wav10", "0:wav11")


def test_a_rule_without_dataset_matches_every_dataset() -> None:
    assert split_items(KEYS, ["wav1"]).valid == ("0:wav1", "1:wav1")


def test_a_bare_number_does_not_mean_a_dataset() -> None:
    split = split_items(["0:a", "1:b", "1:1c"], ["1"])
    assert split.valid == ("1:1c",)


def test_numbers_are_read_as_names() -> None:
    assert split_items(["0:1", "0:2"], [1]).valid == ("0:1",)


def test_rules_that_match_nothing_are_named() -> None:
    assert split_items(KEYS, ["0:wav1", "0:nope"]).unmatched == ("0:nope",)


def test_validation_keeps_the_order_in_which_items_were_found() -> None:
    split = split_items(KEYS, ["0:wav10", "1:w", "0:wav1"])
    assert split.valid == ("0:wav10", "0:wav1", "1:wav1")


def test_repeated_rules_collapse() -> None:
    assert split_items(KEYS, ["0:wav1", "0:wav1"]).valid == ("0:wav1",)


def test_no_validation_item_is_an_error() -> None:
    with pytest.raises(SingwizError) as caught:
        split_items(KEYS, ["0:wav1x"])
    assert caught.value.code == "validation-empty"
    assert "0:wav1x" in str(caught.value)


def test_no_training_item_is_an_error() -> None:
    with pytest.raises(SingwizError, match="Training set is empty"):
        split_items(KEYS, ["wav"])
