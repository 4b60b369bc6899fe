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


def render(entries: dict[str, list[str]]) -> str:
    """File text, sorted by syllable in code-point order."""
    return "".join(f"{syllable}\t{' '.join(entries[syllable])}\n" for syllable in sorted(entries))


PRESETS = {
    "opencpop-extension": opencpop_extension,
    "japanese-romaji": japanese_romaji,
}


def main() -> None:
    """Write every preset beside this script."""
    for name, make in PRESETS.items():
        path = Path(__file__).with_name(f"{name}.txt")
        path.write_bytes(render(make()).encode("utf-8"))


if __name__ == "__main__":
    main()
