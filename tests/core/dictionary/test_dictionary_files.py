"""Dictionary files: every rule of a line, with its place, and where dictionaries are found."""

import hashlib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import singwiz
from singwiz.core.dictionary import (
    PhonemeSet,
    read_dictionary,
    resolve_dictionary,
    trim_dictionary,
)
from singwiz.core.errors import SingwizError
from singwiz.core.findings import Finding, Severity

PACKAGE = Path(singwiz.__file__).parent


def read(tmp_path: Path, content: str | bytes, language: str = "ja"):
    path = tmp_path / "dict.txt"
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
    return read_dictionary(path, language)


def codes(findings: list[Finding]) -> list[str]:
    return [finding.code for finding in findings]


def test_a_clean_dictionary_has_no_findings(tmp_path):
    dictionary, findings = read(tmp_path, "a\ta\nka\tk a\n\nN\tN\n")
    assert findings == []
    assert dictionary.entries == {"a": ("a",), "ka": ("k", "a"), "N": ("N",)}
    assert dictionary.phonemes == {"a", "k", "N"}
    assert dictionary.sha256 == hashlib.sha256(b"a\ta\nka\tk a\n\nN\tN\n").hexdigest()


@pytest.mark.parametrize(
    ("line", "code", "severity"),
    [
        ("ka k a", "dictionary-line", Severity.ERROR),
        ("ka\tk\ta", "dictionary-line", Severity.ERROR),
        ("ka\t", "dictionary-line", Severity.ERROR),
        ("\tk a", "dictionary-line", Severity.ERROR),
        ("# comment", "dictionary-line", Severity.ERROR),
        ("a\ta", "dictionary-duplicate", Severity.WARNING),
        ("a\to", "dictionary-conflict", Severity.ERROR),
        ("ka\tk/a", "dictionary-slash-phoneme", Severity.ERROR),
        ("k/a\tk a", "dictionary-slash-syllable", Severity.ERROR),
        ("SP\ta", "dictionary-reserved", Severity.ERROR),
        ("<PAD>\ta", "dictionary-reserved", Severity.ERROR),
        ("pad\t<PAD>", "dictionary-reserved", Severity.ERROR),
        ("br\tAP", "dictionary-global-phoneme", Severity.WARNING),
        ("-\ta", "dictionary-slur-mark", Severity.ERROR),
        ("+x\ta", "dictionary-slur-mark", Severity.ERROR),
        ("long\t+", "dictionary-slur-mark", Severity.ERROR),
        ("k@\tk a", "dictionary-special-character", Severity.WARNING),
        ("ka\tk& a", "dictionary-special-character", Severity.WARNING),
        (".a\ta", "dictionary-leading-dot", Severity.WARNING),
        ("か\tk a", "dictionary-non-ascii", Severity.NOTE),
        ("ka\tk  a", "dictionary-whitespace", Severity.WARNING),
        (" ka\tk a", "dictionary-whitespace", Severity.WARNING),
        ("ka\tk\u3000a", "dictionary-whitespace", Severity.WARNING),
        ("ka\tk\u200b a", "dictionary-whitespace", Severity.WARNING),
    ],
)
def test_every_faulty_line_is_reported_with_its_number(tmp_path, line, code, severity):
    _, findings = read(tmp_path, f"a\ta\nk\tk\n{line}\n")
    found = [finding for finding in findings if finding.code == code]
    assert len(found) == 1, codes(findings)
    assert found[0].severity is severity
    assert (found[0].place.file, found[0].place.line) == ("dict.txt", 3)
    assert found[0].message.endswith(".")
    assert found[0].hint


def test_a_repeated_syllable_keeps_its_first_reading_and_all_phonemes_for_equal_ids(tmp_path):
    dictionary, _ = read(tmp_path, "a\ta\na\to\n")
    assert dictionary.entries == {"a": ("a",)}
    assert dictionary.phonemes == {"a", "o"}


def test_invisible_characters_do_not_make_a_second_phoneme(tmp_path):
    dictionary, _ = read(tmp_path, "a\ta\u200b\nka\tk a\n")
    assert dictionary.phonemes == {"a", "k"}


def test_look_alikes_are_told_apart_from_upper_and_lower_case(tmp_path):
    _, findings = read(tmp_path, "a\ta\nx\t\uff41\nn\tn\nN\tN\n")
    by_code = {finding.code: finding for finding in findings}
    assert "'a', '\uff41'" in by_code["dictionary-look-alike"].message
    assert "'N', 'n'" in by_code["dictionary-case"].message


@pytest.mark.parametrize(
    ("encoding", "name"), [("gbk", "GBK"), ("shift_jis", "Shift-JIS"), ("utf-16", "UTF-16")]
)
def test_other_encodings_are_read_and_named(tmp_path, encoding, name):
    text = "".join(f"{syllable}\ta\n" for syllable in ("你好", "春江花月夜", "撒娇"))
    if encoding == "shift_jis":
        text = "".join(f"{syllable}\ta\n" for syllable in ("か", "きょう", "東京"))
    dictionary, findings = read(tmp_path, text.encode(encoding))
    assert name in next(f.message for f in findings if f.code == "dictionary-encoding")
    assert set(dictionary.entries) == {line.split("\t")[0] for line in text.splitlines()}


def test_a_byte_order_mark_is_not_part_of_the_first_syllable(tmp_path):
    dictionary, findings = read(tmp_path, b"\xef\xbb\xbfa\ta\n")
    assert codes(findings) == ["dictionary-bom"]
    assert list(dictionary.entries) == ["a"]


def test_a_wrong_file_does_not_flood_the_screen(tmp_path):
    _, findings = read(tmp_path, "nonsense line\n" * 5000)
    assert len(findings) < 60
    assert any("4950 more" in finding.message for finding in findings)
    assert "dictionary-empty" in codes(findings)


def test_an_unusable_language_name_is_reported(tmp_path):
    assert "language-tag" in codes(read(tmp_path, "a\ta\n", "ja/x")[1])


def test_a_missing_dictionary_is_an_error_with_advice(tmp_path):
    with pytest.raises(SingwizError, match="no dictionary file") as caught:
        read_dictionary(tmp_path / "none.txt", "ja")
    assert caught.value.code == "dictionary-not-found"
    with pytest.raises(SingwizError) as caught:
        resolve_dictionary("klingon")
    assert "opencpop-extension" in caught.value.hint
    for hostile in ("", "\0", "a" * 5000, ".."):
        with pytest.raises(SingwizError):
            resolve_dictionary(hostile)


def test_a_shipped_name_a_relative_path_and_the_upstream_path_all_lead_to_a_file(tmp_path):
    own = tmp_path / "sub" / "mine.txt"
    own.parent.mkdir()
    own.write_text("a\ta\n")
    shipped = PACKAGE / "dictionaries" / "opencpop-extension.txt"
    assert resolve_dictionary("opencpop-extension") == shipped
    assert resolve_dictionary("dictionaries/opencpop-extension.txt", base=tmp_path) == shipped
    assert resolve_dictionary("sub/mine.txt", base=tmp_path) == own
    assert resolve_dictionary(str(own)) == own


def test_the_shipped_mandarin_dictionary_is_the_one_everybody_uses():
    path = resolve_dictionary("opencpop-extension")
    data = path.read_bytes()
    digest = "873e75eeb99b1bb36c7ec4129df3f151e3cbc5861ef238d97b2763fac78a242a"
    assert hashlib.sha256(data).hexdigest() == digest
    dictionary, findings = read_dictionary(path, "zh")
    assert len(dictionary.entries) == 601
    assert len(dictionary.phonemes) == 62
    assert [finding for finding in findings if finding.severity is not Severity.NOTE] == []


def test_trimming_keeps_what_is_sung_and_loses_no_sung_phoneme(tmp_path):
    dictionary, _ = read(tmp_path, "a\ta\nka\tk a\nsa\ts a\ncl\tcl\nmo\tm o\n")
    text = trim_dictionary(dictionary, {"a", "ja/k", "m", "SP"})
    assert text == "a\ta\nka\tk a\nm\tm\n"
    trimmed, findings = read(tmp_path, text)
    assert findings == []
    assert trimmed.phonemes == {"a", "k", "m"}


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    content=st.one_of(
        st.binary(max_size=200),
        st.lists(st.text(alphabet="ak \t/\n-+<>PADS.#\u3000\u200bか\r\0", max_size=12)).map(
            lambda lines: "\n".join(lines).encode("utf-8")
        ),
    )
)
@example(content=b"\xff\xfe")
@example(content=b"\xff\xfea")
def test_no_file_content_ever_breaks_the_reader(tmp_path, content):
    dictionary, findings = read(tmp_path, content)
    assert all(isinstance(finding, Finding) and finding.message for finding in findings)
    assert all("/" not in phoneme for phoneme in dictionary.phonemes)
    PhonemeSet.build({"ja": dictionary})
    trim_dictionary(dictionary, dictionary.phonemes)
