"""Writes the preset dictionaries of this folder from the rules of their languages.

Run after changing a rule: ``python dictionaries/generate.py``. Not part of the program,
which reads the ``.txt`` files.
"""

from __future__ import annotations

from pathlib import Path


def _names(text: str) -> list[str]:
    return text.split()


# Mandarin: initials cross with nearly all finals, more than standard pinyin has, so that
# any sung syllable can be written. Apical vowels (i0, ir) and E, En are phonemes of their own.
_BASIC = _names("a ai an ang ao e ei en eng er ong ou")
_I_ROW = _names("i ia ian iang iao ie in ing iong iu")
_U_ROW = _names("u ua uai uan uang ui un")
_FULL = [*_BASIC, *_I_ROW, *_U_ROW]

_FINALS_BY_INITIALS = (
    ("b p m f", [*_FULL, "o", "v", "ve"]),
    ("d n g k h", [*_FULL, "uo", "v", "ve"]),
    ("l", [*_FULL, "o", "uo", "v", "ve"]),
    ("t", [final for final in _FULL if final != "iu"] + ["uo", "v", "ve"]),
    ("z c s", [*_BASIC, *_U_ROW, "uo", "v", "i0", "i"]),
    ("zh ch sh r", [*_BASIC, *_U_ROW, "uo", "v", "ir", "i"]),
    ("j q x", [*_I_ROW, "v", "van", "ve", "vn"]),
    ("w", [*_BASIC, "o", "i", "u"]),
    ("y", _names("a ai ang ao ei i in ing o ong ou v van ve vn E En u")),
)
_APICAL_INITIALS = frozenset(_names("z c s zh ch sh r"))
_ROUNDED_WRITTEN_U = frozenset(_names("j q x y"))


def _spell_mandarin(initial: str, final: str) -> str:
    """Tone-less pinyin; ``v`` is ü except after j, q, x, y."""
    if initial in _APICAL_INITIALS:
        if final in ("i0", "ir"):
            return f"{initial}i"
        if final == "i":
            return f"{initial}yi"
    if initial == "y" and final in ("E", "En", "u"):
        return {"E": "ye", "En": "yan", "u": "ywu"}[final]
    if initial in _ROUNDED_WRITTEN_U and final.startswith("v"):
        return f"{initial}u{final[1:]}"
    return initial + final


def opencpop_extension() -> dict[str, list[str]]:
    """601 Mandarin syllables over 62 phonemes; the symbols DiffSinger voices use."""
    entries = {final: [final] for final in [*_BASIC, "o"]}
    for initials, finals in _FINALS_BY_INITIALS:
        for initial in _names(initials):
            for final in finals:
                entries[_spell_mandarin(initial, final)] = [initial, final]
    return entries


# Japanese in Hepburn romaji: vowels a i u e o, consonants, the syllabic nasal N and the
# closure cl (small tsu). ぢ is ji, づ is zu; sounds of loanwords (ti, fa, tsa, va …) included.
_VOWELS_AFTER = (
    ("k g s z t d n h b p m r", "a i u e o"),
    ("sh ch j f ts v", "a i u e o"),
    ("ky gy ny hy by py my ry", "a u e o"),
    ("ty dy", "a u o"),
    ("y", "a u e o"),
    ("w", "a i e o"),
    ("kw gw", "a"),
)
_NOT_JAPANESE = frozenset({"hu"})
"""ふ is fu: one sound, one spelling."""


def japanese_romaji() -> dict[str, list[str]]:
    """Japanese syllables, each a vowel, consonant and vowel, N or cl."""
    entries = {name: [name] for name in _names("a i u e o N cl")}
    for consonants, vowels in _VOWELS_AFTER:
        for consonant in _names(consonants):
            for vowel in _names(vowels):
                entries[consonant + vowel] = [consonant, vowel]
    return {syllable: ph for syllable, ph in entries.items() if syllable not in _NOT_JAPANESE}


# The older Mandarin set, made from the Opencpop corpus: plain pinyin as it is attested there.
# ``i`` is ambiguous in it (high front or apical vowel), and ``e`` and ``an`` stand for ``E`` and
# ``En`` after y. ``opencpop-strict`` is the same with those nine syllables told apart.
_OPENCPOP_FINALS = (
    ("b", "a ai an ang ao ei en eng i ian iao ie in ing o u"),
    ("p", "a ai an ang ao ei en eng i ian iao ie in ing o ou u"),
    ("m", "a ai an ang ao e ei en eng i ian iao ie in ing iu o ou u"),
    ("f", "a an ang ei en eng o ou u"),
    ("d", "a ai an ang ao e ei en eng i ia ian iao ie ing iu ong ou u uan ui un uo"),
    ("t", "a ai an ang ao e ei eng i ian iao ie ing ong ou u uan ui un uo"),
    ("n", "a ai an ang ao e ei en eng i ian iang iao ie in ing iu ong ou u uan un uo v ve"),
    ("l", "a ai an ang ao e ei eng i ia ian iang iao ie in ing iu o ong ou u uan un uo v ve"),
    ("g k h", "a ai an ang ao e ei en eng ong ou u ua uai uan uang ui un uo"),
    ("j q x", "i ia ian iang iao ie in ing iong iu v van ve vn"),
    ("zh", "a ai an ang ao e ei en eng i ong ou u ua uai uan uang ui un uo"),
    ("ch", "a ai an ang ao e en eng i ong ou u ua uai uan uang ui un uo"),
    ("sh", "a ai an ang ao e ei en eng i ou u ua uai uan uang ui un uo"),
    ("r", "an ang ao e en eng i ong ou u ua uan ui un uo"),
    ("z c", "a ai an ang ao e ei en eng i ong ou u uan ui un uo"),
    ("s", "a ai an ang ao e en eng i ong ou u uan ui un uo"),
    ("y", "a an ang ao e i in ing o ong ou v van ve vn"),
    ("w", "a ai an ang ei en eng o u"),
)
_OPENCPOP_VOWELS = _names("a ai an ang ao e ei en eng er o ou")


def opencpop() -> dict[str, list[str]]:
    """413 pinyin syllables and 16 other spellings (jv for ju …) over 58 phonemes."""
    entries = {final: [final] for final in _OPENCPOP_VOWELS}
    for initials, finals in _OPENCPOP_FINALS:
        for initial in _names(initials):
            for final in _names(finals):
                if initial in _ROUNDED_WRITTEN_U and final.startswith("v"):
                    entries[f"{initial}u{final[1:]}"] = [initial, final]
                entries[initial + final] = [initial, final]
    return entries


def opencpop_strict() -> dict[str, list[str]]:
    """``opencpop`` with the nine ambiguous syllables pronounced as in the extension."""
    extension = opencpop_extension()
    return {
        syllable: extension.get(syllable, phonemes) for syllable, phonemes in opencpop().items()
    }


# Korean: every Hangul syllable block, as it is pronounced by itself in standard Korean. The
# code point of a block is 0xAC00 + (onset * 21 + vowel) * 28 + coda, so rules suffice.
# Glides are phonemes of their own (y a, w eo): fewer sounds to record. Codas fall together into
# seven; the unreleased stops are kcl, tcl, pcl, because an unreleased k is not the aspirated k.
# How neighbouring blocks change each other (liaison, nasalisation) is up to the lyricist or the
# editor's phonemizer, which does it before it looks up blocks.
_ONSETS = _names("g kk n d tt r m b pp s ss - j jj ch k t p h")
_HANGUL_VOWELS = _names("a ae y+a y+ae eo e y+eo y+e o w+a w+ae w+e y+o u w+eo w+e w+i y+u eu ui i")
_CODAS = _names(
    "- kcl kcl kcl n n n tcl l kcl m l l l pcl l m pcl pcl tcl tcl ng tcl tcl kcl tcl pcl tcl"
)
_SWALLOW_Y = frozenset(_names("j jj ch"))


def korean() -> dict[str, list[str]]:
    """All 11,172 Hangul syllable blocks over 34 phonemes."""
    entries = {}
    for first, onset in enumerate(_ONSETS):
        for second, vowel in enumerate(_HANGUL_VOWELS):
            sounds = vowel.split("+")
            if onset != "-" and vowel == "ui":
                sounds = ["i"]
            if onset in _SWALLOW_Y and sounds[0] == "y":
                sounds = sounds[1:]
            for third, coda in enumerate(_CODAS):
                block = chr(0xAC00 + (first * 21 + second) * 28 + third)
                entries[block] = [sound for sound in (onset, *sounds, coda) if sound != "-"]
    return entries


# English: the 39 sounds of ARPAbet as American dictionaries use them, without stress marks and
# in small letters. No word list: each sound is an entry of its own, so words are written in
# phonemes, or the editor's phonemizer brings its own words.
_ARPABET = (
    "aa ae ah ao aw ay b ch d dh eh er ey f g hh ih iy jh k l m n ng ow oy p r s sh t th uh uw "
    "v w y z zh"
)


def english_arpabet() -> dict[str, list[str]]:
    """The 39 ARPAbet phonemes; every entry is one phoneme."""
    return {phoneme: [phoneme] for phoneme in _names(_ARPABET)}


def render(entries: dict[str, list[str]]) -> str:
    """File text, sorted by syllable in code-point order."""
    return "".join(f"{syllable}\t{' '.join(entries[syllable])}\n" for syllable in sorted(entries))


PRESETS = {
    "english-arpabet": english_arpabet,
    "japanese-romaji": japanese_romaji,
    "korean": korean,
    "opencpop": opencpop,
    "opencpop-extension": opencpop_extension,
    "opencpop-strict": opencpop_strict,
}


def main() -> None:
    """Write every preset beside this script."""
    for name, make in PRESETS.items():
        path = Path(__file__).with_name(f"{name}.txt")
        path.write_bytes(render(make()).encode("utf-8"))


if __name__ == "__main__":
    main()
