"""Labels of other programs: every form is read, written and read again, and none can crash us."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from singwiz.core.dataset.labels import (
    ARPABET_SYMBOLS,
    FORMATS,
    SILENCE_SYMBOLS,
    Label,
    Tier,
    labels_of,
    read_label_file,
    recognise,
    sequence_of,
)
from singwiz.core.dataset.labels.audacity import read_audacity, write_audacity
from singwiz.core.dataset.labels.lab import read_lab, write_lab
from singwiz.core.dataset.labels.textgrid import read_textgrid, write_textgrid
from singwiz.core.dataset.labels.v1 import read_v1
from singwiz.core.errors import SingwizError

LAB = "0 33740000 pau\n33740000 34260000 m\n34260000 36633333 a\n"


def times(labels) -> list[tuple[float, float, str]]:
    return [(label.start, label.end, label.text) for label in labels]


def write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
    return path


def refused(call, *arguments, **options) -> SingwizError:
    with pytest.raises(SingwizError) as caught:
        call(*arguments, **options)
    assert caught.value.code.startswith("labels-") and caught.value.hint
    return caught.value


# .lab


def test_hts_labels_are_in_units_of_100_ns():
    assert times(read_lab(LAB).labels) == [
        (0, 3.374, "pau"),
        (3.374, 3.426, "m"),
        (3.426, 3.6633333, "a"),
    ]


@pytest.mark.parametrize(
    ("text", "seconds", "last"),
    [
        ("0 0.5 a\n0.5 1.25 b\n", None, 1.25),
        ("0 1 a\n1 3 b\n", None, 3),
        ("0\t0,5\ta\n", None, 0.5),
        ("0 500 a\n500 12000 b", 12.4, 12),
        ("0 5000000 a", 0.5, 0.5),
        ("0 3 a", 3.1, 3),
        ("  0 50000000 a  \r\n".replace("\r\n", "\n\n"), None, 5),
    ],
)
def test_other_units_are_recognised(text, seconds, last):
    assert read_lab(text, seconds=seconds).labels[-1].end == last


def test_the_unit_can_be_given():
    assert read_lab("0 1500 a", unit="ms").labels[0].end == 1.5


def test_full_context_labels_give_their_phoneme_and_scores_are_ignored():
    full = "0 5000000 xx^sil-pau+k=a_xx%xx/A:1+2/B:3\n5000000 9000000 sil^pau-k+a=n/A:0\n"
    assert [label.text for label in read_lab(full).labels] == ["pau", "k"]
    assert read_lab("0 5000000 a -12.5").labels[0].text == "a"
    assert read_lab("0 5000000 a b").labels[0].text == "a b"


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("0 1 a\nb\n", "line 2"),
        ("0 x a", "line 1"),
        ("0 1 a\n2 1 b", "line 2"),
        ("-5 1 a", "line 1"),
        ("0 nan a", "line 1"),
        ("0 1e999 a", "line 1"),
        ("0 1_0 a", "line 1"),
        ("#!MLF!#\n", "line 1"),
    ],
)
def test_a_bad_lab_line_is_named(text, where):
    assert refused(read_lab, text).where == where


# Audacity


def test_audacity_tracks_are_read_without_their_frequency_ranges():
    text = "0.5\t1.0\tk\n\\\t100.0\t2000.0\n1.0\t1.5\ta b\n2\t2\t\n"
    assert times(read_audacity(text).labels) == [
        (0.5, 1, "k"),
        (1, 1.5, "a b"),
        (2, 2, ""),
    ]
    assert read_audacity("0,5\t1,0\tk").labels[0].start == 0.5
    assert refused(read_audacity, "0.5 1.0 k").where == "line 1"


# TextGrid

LONG = '''File type = "ooTextFile"
Object class = "TextGrid"

xmin = 0
xmax = 1.5
tiers? <exists>
size = 2
item []:
    item [1]:
        class = "IntervalTier"
        name = "words"
        xmin = 0
        xmax = 1.5
        intervals: size = 2
        intervals [1]:
            xmin = 0
            xmax = 0.5
            text = ""
        intervals [2]:
            xmin = 0.5
            xmax = 1.5
            text = "say ""ka"""
    item [2]:
        class = "TextTier"
        name = "beats"
        xmin = 0
        xmax = 1.5
        points: size = 1
        points [1]:
            number = 0.25
            mark = "x"
'''.replace("\n", " \n")  # Praat leaves spaces at the ends of lines
SHORT = (
    '"ooTextFile"\n"TextGrid"\n0\n1.5\n<exists>\n1\n"IntervalTier"\n"phones"\n0\n1.5\n2\n'
    '0\n0.5\n"k"\n0.5\n1.5\n"a"\n'
)


def test_long_and_short_textgrids_are_read():
    words, beats = read_textgrid(LONG)
    assert (words.name, times(words.labels), words.end) == ("words", [(0.5, 1.5, 'say "ka"')], 1.5)
    assert (beats.name, times(beats.labels)) == ("beats", [(0.25, 0.25, "x")])
    assert times(read_textgrid(SHORT)[0].labels) == [(0, 0.5, "k"), (0.5, 1.5, "a")]


@pytest.mark.parametrize(
    ("change", "where"),
    [
        (("intervals: size = 2", "intervals: size = 3"), "line 24"),
        (("intervals: size = 2", "intervals: size = 999999999"), "line 24"),
        (("intervals: size = 2", "intervals: size = -2"), "line 14"),
        (("intervals: size = 2", "intervals: size = 99999999999999"), "line 14"),
        (("xmax = 0.5", "xmax = half"), "line 18"),
        (("xmin = 0.5", "xmin = 2"), "line 22"),
        (("xmax = 0.5", "xmax = 1e999"), "line 17"),
        (('"say ""ka"""', '"say'), "line 24"),
        (('"TextTier"', '"MatrixTier"'), "line 24"),
    ],
)
def test_a_damaged_textgrid_is_refused_with_its_line(change, where):
    assert refused(read_textgrid, LONG.replace(*change)).where == where


def test_what_is_no_textgrid_is_refused():
    for text in ("", "TextGrid", "ooBinaryFile\x08TextGrid", SHORT.replace("TextGrid", "Pitch")):
        refused(read_textgrid, text)
    assert read_textgrid(SHORT.replace("<exists>", "<absent>")) == []


def test_praat_reads_what_we_write_and_we_read_what_praat_writes(tmp_path):
    import parselmouth

    tiers = [
        Tier(labels_of(["SP", "k", "a", 'q"x'], [0.25, 0.0, 0.5, 0.125]), "phones"),
        Tier((Label(0.25, 0.5, "声"),), "words"),
    ]
    ours = write(tmp_path / "ours.TextGrid", write_textgrid(tiers))
    grid = parselmouth.read(str(ours))
    assert parselmouth.praat.call(grid, "Get number of intervals", 1) == 4
    assert parselmouth.praat.call(grid, "Get label of interval", 1, 4) == 'q"x'
    assert parselmouth.praat.call(grid, "Get label of interval", 2, 2) == "声"
    for style in ("Save as text file", "Save as short text file"):
        theirs = tmp_path / "theirs.TextGrid"
        parselmouth.praat.call(grid, style + "...", str(theirs))
        read = read_label_file(theirs)
        assert [tier.name for tier in read.tiers] == ["phones", "words"]
        sequence = sequence_of(read.phones().labels)
        assert sequence.ph_seq == ("SP", "k", "a", 'q"x')
        assert sequence.ph_dur == (0.25, 0.0, 0.5, 0.125)
    parselmouth.praat.call(grid, "Save as binary file...", str(theirs))
    assert "binary" in refused(read_label_file, theirs).message


# V1


def test_v1_lines_keep_name_phonemes_and_durations():
    rows, wrong = read_v1("2001|lyrics 词|sh i|C4 C4|0.5 0.5|0.1 0.4|0 0\nbad|line\n|a|b|c|d|e|f\n")
    assert [(row.line, row.name, row.ph_seq, row.ph_dur) for row in rows] == [
        (1, "2001", "sh i", "0.1 0.4")
    ]
    assert [number for number, _ in wrong] == [2, 3]


# Files


@pytest.mark.parametrize(
    ("name", "text", "format"),
    [
        ("a.lab", LAB, "lab"),
        ("a.txt", "0.0 0.5 a\n", "lab"),
        ("a.txt", "0.0\t0.5\ta\n", "audacity"),
        ("a.lab", "0\t5000000\ta\n", "lab"),
        ("a.TextGrid", SHORT, "textgrid"),
        ("a.textgrid", LONG, "textgrid"),
        ("a.txt", SHORT, "textgrid"),
        ("transcriptions.txt", "a|b|c|d|e|f|g\n", "v1"),
        ("a.lab", "these are lyrics\n", ""),
        ("a.txt", "", ""),
        ("a.md", LAB, ""),
    ],
)
def test_formats_are_recognised(name, text, format):
    assert recognise(Path(name), text) == format


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_label_files_may_come_in_other_encodings(tmp_path, encoding):
    path = write(tmp_path / "a.TextGrid", SHORT.replace('"a"', '"あ"').encode(encoding))
    assert read_label_file(path).phones().labels[1].text == "あ"


def test_the_tier_with_phonemes_is_found(tmp_path):
    words = Tier((Label(0, 1, "ka"),), "Words")
    named = Tier((Label(0, 1, "ka"),), "Phones ")
    other = Tier((Label(0, 0.5, "k"), Label(0.5, 1, "a")), "my tier")
    path = write(tmp_path / "a.TextGrid", write_textgrid([words, other]))
    read = read_label_file(path)
    assert read.phones().name == "my tier" and read.words() == read.tiers[0]
    assert read.phones("words").name == "Words"
    error = refused(read.phones, "beats")
    assert error.code == "labels-tier-missing" and "'my tier'" in error.hint
    write(path, write_textgrid([other, named]))
    assert read_label_file(path).phones().name == "Phones "


def test_bad_files_are_named_with_their_line(tmp_path):
    path = write(tmp_path / "a.lab", "0 1 a\nx y z\n")
    assert refused(read_label_file, path).where == f"{path}:2"
    assert refused(read_label_file, tmp_path / "none.lab").code == "labels-unreadable"
    assert refused(read_label_file, tmp_path).code == "labels-unreadable"
    refused(read_label_file, write(tmp_path / "b.lab", "some lyrics"))
    refused(read_label_file, write(tmp_path / "c.TextGrid", write_textgrid([])))


# Sequences


def test_gaps_become_silence_and_short_ones_go_to_the_neighbours():
    labels = [
        Label(0.5, 1.0, "k"),
        Label(1.02, 1.5, "a"),
        Label(1.8, 2.0, "pau"),
        Label(2.3, 2.5, "n"),
    ]
    found = sequence_of(labels, seconds=2.52, symbols=SILENCE_SYMBOLS)
    assert found.ph_seq == ("SP", "k", "a", "SP", "n")
    assert found.ph_dur == (0.5, 0.51, 0.49, 0.8, 0.22)
    assert found.replaced == {"pau": 1}
    assert found.filled == ((0, 0.5),)
    assert sequence_of([Label(0.03, 1, "a")], seconds=1.5).ph_seq == ("a", "SP")
    assert sequence_of([Label(0.03, 1, "a")], seconds=1.0).ph_dur == (1.0,)


def test_points_reach_to_the_next_point():
    points = [Label(0, 0, "SP"), Label(0.5, 0.5, "k"), Label(0.75, 0.75, "a")]
    assert sequence_of(points, seconds=2).ph_dur == (0.5, 0.25, 1.25)
    assert sequence_of(points).ph_dur == (0.5, 0.25, 0)


def test_overlaps_are_mistakes_unless_they_are_rounding():
    assert sequence_of([Label(0, 1, "k"), Label(0.999, 2, "a")]).ph_dur == (1, 1)
    assert "overlaps" in refused(sequence_of, [Label(0, 1, "k"), Label(0.9, 2, "a")]).message
    assert "overlaps" in refused(sequence_of, [Label(0, 3, "k"), Label(1, 2, "a")]).message


def test_a_label_with_several_names_is_no_phoneme():
    assert "several names" in refused(sequence_of, [Label(0, 1, "k a")]).message
    refused(sequence_of, [])
    refused(sequence_of, [Label(0, 1, " ")])


def test_arpabet_of_aligners_becomes_that_of_the_shipped_dictionary():
    labels = [Label(k, k + 1, name) for k, name in enumerate(["HH", "AH0", "l", "ow1", "sil"])]
    found = sequence_of(labels, symbols={**SILENCE_SYMBOLS, **ARPABET_SYMBOLS})
    assert found.ph_seq == ("hh", "ah", "l", "ow", "SP")


# Nothing can crash the readers; everything comes back

names = st.text(st.characters(exclude_categories=("Cs", "Cc", "Z")), min_size=1, max_size=6).filter(
    lambda name: "^" not in name and name.split() == [name]
)
rows = st.lists(st.tuples(names, st.integers(0, 3_000_000)), min_size=1, max_size=30)


def through(format: str, labels: tuple[Label, ...]) -> str:
    if format == "lab":
        return write_lab(labels)
    return write_audacity(labels) if format == "audacity" else write_textgrid([Tier(labels)])


@pytest.mark.parametrize("format", [*FORMATS])
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(rows=rows)
@example(rows=[("a", 0), ("k", 0), ("s", 0), ("x", 5)])
@example(rows=[('"', 1), ('""', 2), ("<exists>", 3), ("\\", 4), ("5", 100)])
def test_phonemes_and_durations_come_back_exactly(tmp_path, format, rows):
    ph_seq = tuple(name for name, _ in rows)
    ph_dur = tuple(microseconds / 1e6 for _, microseconds in rows)
    if not sum(ph_dur):
        return
    labels = labels_of(ph_seq, ph_dur)
    path = write(tmp_path / f"a{FORMATS[format]}", through(format, labels))
    read = read_label_file(path, format=format, seconds=sum(ph_dur))
    back = sequence_of(read.phones().labels)
    assert (back.ph_seq, back.ph_dur) == (ph_seq, ph_dur)


@given(rows=rows)
def test_seconds_in_lab_files_come_back_exactly(rows):
    labels = labels_of([n for n, _ in rows], [us / 1e6 for _, us in rows])
    back = read_lab(write_lab(labels, unit="s")).labels
    assert [(round(a.start, 6), round(a.end, 6), a.text) for a in back] == [
        (round(b.start, 6), round(b.end, 6), b.text) for b in labels
    ]


QUOTES = ['"', '""', "<exists>", '"ooTextFile"', '"TextGrid"', '"IntervalTier"', '"TextTier"']
NUMBERS = ["0", "1e9", "-1", "nan", "2", "9" * 20, "1.5.2"]
pieces = st.sampled_from([*QUOTES, *NUMBERS, *"\n\t |a\\\0", "File type = "])
hostile = st.one_of(
    st.text(max_size=200),
    st.lists(pieces, max_size=40).map(" ".join),
    st.lists(pieces, max_size=40).map("".join),
)


@settings(deadline=None)
@given(text=hostile)
def test_no_text_crashes_a_reader(text):
    for reader in (read_lab, read_audacity, read_textgrid):
        try:
            tiers = reader(text)
        except SingwizError as error:
            assert error.code == "labels-invalid"
            continue
        for tier in tiers if isinstance(tiers, list) else [tiers]:
            try:
                found = sequence_of(tier.labels)
            except SingwizError as error:
                assert error.code == "labels-invalid"
                continue
            assert len(found.ph_seq) == len(found.ph_dur)
            assert all(0 <= seconds < 1e9 for seconds in found.ph_dur)
    read_v1(text)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.binary(max_size=300), suffix=st.sampled_from([".lab", ".txt", ".TextGrid"]))
def test_no_bytes_crash_the_reader_of_files(tmp_path, data, suffix):
    path = write(tmp_path / f"a{suffix}", data)
    try:
        read_label_file(path)
    except SingwizError as error:
        assert error.code == "labels-invalid"


def test_an_endless_string_takes_no_endless_time():
    bomb = LONG.replace('"say ""ka"""', '"' + '""' * 300_000)
    refused(read_textgrid, bomb)
    refused(read_textgrid, LONG.replace('"say ""ka"""', '" ' * 300_001))
