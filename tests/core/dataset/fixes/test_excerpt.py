"""Long rows in a diff are cut down to what changes."""

from singwiz.core.dataset.fixes.excerpt import excerpt


def diff(old: str, new: str) -> str:
    return (
        f"--- voice/transcriptions.csv\n+++ voice/transcriptions.csv\n@@ -2 +2 @@\n-{old}\n+{new}\n"
    )


def test_only_the_words_beside_a_change_are_shown() -> None:
    row = "song1," + " ".join(["a"] * 500)
    text = excerpt(diff(row + " xx b", row + " cl b"))
    assert text.splitlines() == [
        "voice/transcriptions.csv",
        "-song1 … a a xx b",
        "+song1 … a a cl b",
    ]


def test_short_lines_stay_as_they_are() -> None:
    assert excerpt(diff("a,SP a,1 1", "a,SP b,1 1")).splitlines()[1:] == [
        "-a,SP a,1 1",
        "+a,SP b,1 1",
    ]


def test_added_and_removed_rows_are_cut_to_the_width() -> None:
    text = excerpt("--- t\n+++ t\n@@ -1,2 +0,0 @@\n-" + "x" * 500 + "\n-b\n", width=40)
    removed = text.splitlines()[1:]
    assert [len(line) for line in removed] == [41, 2]


def test_what_is_left_out_is_counted() -> None:
    many = "--- t\n+++ t\n" + "".join(f"-{number}\n+{number + 1}\n" for number in range(500))
    lines = excerpt(many, lines=20).splitlines()
    assert len(lines) == 21
    assert "1002 lines in all" in lines[-1]


def test_other_lines_are_kept() -> None:
    assert excerpt("singwiz.yaml: extra_phonemes: [] -> ['x']\n").startswith("singwiz.yaml")
