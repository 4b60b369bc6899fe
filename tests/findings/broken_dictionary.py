"""Dictionaries and phoneme sets, each broken in one way."""

from __future__ import annotations

from singwiz.core.dictionary import read_dictionary

from .scene import DICTIONARY, Scene, breaks


@breaks("dictionary-line")
def _(scene: Scene) -> None:
    scene.dictionary(DICTIONARY + "ku k u\n")


@breaks("dictionary-empty")
def _(scene: Scene) -> None:
    scene.dictionary("\n")


@breaks("dictionary-encoding")
def _(scene: Scene) -> None:
    scene.dictionary(DICTIONARY + "あ\ta\nさくらの歌\ti\n", "shift_jis")


@breaks("dictionary-bom")
def _(scene: Scene) -> None:
    scene.dictionary(DICTIONARY, "utf-8-sig")


@breaks("dictionary-duplicate")
def _(scene: Scene) -> None:
    scene.dictionary(DICTIONARY + "ka\tk a\n")


@breaks("dictionary-conflict")
def _(scene: Scene) -> None:
    scene.dictionary(DICTIONARY + "ka\tk i\n")


@breaks("dictionary-slash-phoneme")
def _(scene: Scene) -> None:
    scene.dictionary(DICTIONARY + "ja\tja/a\n")


@breaks("dictionary-slash-syllable")
def _(scene: Scene) -> None:
    scene.dictionary(DICTIONARY + "ja/ka\tk a\n")


@breaks("dictionary-reserved")
def _(scene: Scene) -> None:
    scene.dictionary(DICTIONARY + "SP\ta\n")


@breaks("dictionary-global-phoneme")
def _(scene: Scene) -> None:
    scene.dictionary(DICTIONARY + "pause\tSP\n")


@breaks("dictionary-slur-mark")
def _(scene: Scene) -> None:
    scene.dictionary(DICTIONARY + "+\ta\n")


@breaks("dictionary-special-character")
def _(scene: Scene) -> None:
    scene.dictionary(DICTIONARY + "k@\tk a\n")


@breaks("dictionary-leading-dot")
def _(scene: Scene) -> None:
    scene.dictionary(DICTIONARY + ".ka\tk a\n")


@breaks("dictionary-non-ascii")
def _(scene: Scene) -> None:
    scene.dictionary(DICTIONARY + "か\tk a\n")


@breaks("dictionary-whitespace")
def _(scene: Scene) -> None:
    scene.dictionary(DICTIONARY + "ki\tk  i \n")


@breaks("dictionary-look-alike")
def _(scene: Scene) -> None:
    scene.dictionary(DICTIONARY + "kaa\tk ａ\n")


@breaks("dictionary-case")
def _(scene: Scene) -> None:
    scene.dictionary(DICTIONARY + "A\tA\n")


@breaks("language-tag")
def _(scene: Scene) -> None:
    scene.extra += read_dictionary(scene.root / "dictionary-ja.txt", "日本語")[1]


@breaks("phoneme-hidden-by-global")
def _(scene: Scene) -> None:
    second(scene)
    scene.project.state.extra_phonemes = ["a"]


@breaks("merged-groups-joined")
def _(scene: Scene) -> None:
    second(scene)
    scene.project.state.merged_phoneme_groups = [["ja/a", "zh/a"], ["zh/a", "zh/e"]]


@breaks("merged-group-single")
def _(scene: Scene) -> None:
    scene.project.state.merged_phoneme_groups = [["a"]]


@breaks("dictionary-not-chosen")
def _(scene: Scene) -> None:
    scene.project.state.dictionaries.clear()


@breaks("dictionary-not-found")
def _(scene: Scene) -> None:
    scene.project.state.dictionaries["ja"] = "lost/dictionary.txt"


@breaks("dictionary-unreadable")
def _(scene: Scene) -> None:
    # A file that vanishes between being chosen and being read does so as well.
    path = scene.root / "dictionary-ja.txt"
    scene.extra += unreadable(path)


def unreadable(path):
    from singwiz.core.dictionary import rules
    from singwiz.core.errors import SingwizError
    from singwiz.core.findings import Place

    path.unlink()
    path.mkdir()
    try:
        read_dictionary(path, "ja")
    except SingwizError as error:
        return [rules.DICTIONARY_RULES[error.code].finding(error.message, Place())]
    return []


@breaks("dictionary-too-large")
def _(scene: Scene) -> None:
    with (scene.root / "dictionary-ja.txt").open("r+b") as file:
        file.truncate(65 * 2**20)


@breaks("extra-phoneme-invalid")
def _(scene: Scene) -> None:
    scene.project.state.extra_phonemes = ["vocal fry"]


@breaks("extra-phoneme-language")
def _(scene: Scene) -> None:
    scene.project.state.extra_phonemes = ["ko/eo"]


@breaks("extra-phoneme-conflict")
def _(scene: Scene) -> None:
    scene.project.state.extra_phonemes = ["ja/SP"]


@breaks("merged-phoneme-language")
def _(scene: Scene) -> None:
    scene.project.state.merged_phoneme_groups = [["a", "ko/a"]]


@breaks("merged-phoneme-unknown")
def _(scene: Scene) -> None:
    scene.project.state.merged_phoneme_groups = [["a", "ah"]]


def second(scene: Scene) -> None:
    """A second language without recordings."""
    (scene.root / "zh.txt").write_text("a\ta\ne\te\n")
    scene.project.state.dictionaries["zh"] = str(scene.root / "zh.txt")
