"""Labels, notes, words and phonemes, each broken in one way."""

from __future__ import annotations

from singwiz.core.dictionary import resolve_dictionary

from .scene import PH_DUR, PH_SEQ, Scene, breaks

DUR = [f"{seconds:g}" for seconds in PH_DUR]
SEQ = " ".join(PH_SEQ)


@breaks("lengths-differ")
def _(scene: Scene) -> None:
    scene.relabel(SEQ, " ".join(DUR[:-1]))


@breaks("number-invalid")
def _(scene: Scene) -> None:
    scene.relabel(SEQ, " ".join(["0.2s", *DUR[1:]]))


@breaks("duration-negative")
def _(scene: Scene) -> None:
    scene.relabel(SEQ, " ".join(["-0.2", *DUR[1:]]))


@breaks("duration-unit")
def _(scene: Scene) -> None:
    for row in scene.rows:
        durations = map(float, row["ph_dur"].split())
        row["ph_dur"] = " ".join(str(round(seconds * 1000)) for seconds in durations)
    scene.write()


@breaks("duration-zero")
def _(scene: Scene) -> None:
    scene.relabel(SEQ, "0.28 0 " + " ".join(DUR[2:]))


@breaks("duration-short")
def _(scene: Scene) -> None:
    scene.relabel(SEQ, "0.265 0.015 " + " ".join(DUR[2:]))


@breaks("duration-under-frame")
def _(scene: Scene) -> None:
    scene.limits["short_duration_share"] = 1
    scene.relabel(SEQ, "0.275 0.005 " + " ".join(DUR[2:]))


@breaks("duration-long")
def _(scene: Scene) -> None:
    labels = ("SP", "k", "a", "m", "i", "SP"), (0.2, 0.1, 3.2, 0.1, 0.5, 0.2)
    scene.row("long", 240.0, seq=labels[0], dur=labels[1])
    scene.write()


@breaks("edge-label")
def _(scene: Scene) -> None:
    scene.row("bare", 240.0, seq=PH_SEQ[2:], dur=PH_DUR[2:])
    scene.write()


@breaks("edge-silence-long")
def _(scene: Scene) -> None:
    scene.row("late", 240.0, dur=(1.8, *PH_DUR[1:]))
    scene.write()


@breaks("variance-columns-missing")
def _(scene: Scene) -> None:
    scene.kind = "variance"


@breaks("word-form")
def _(scene: Scene) -> None:
    scene.notes()
    scene.rows[0]["ph_num"] = "1 2 2 1 2 1"
    scene.write()


@breaks("note-invalid")
def _(scene: Scene) -> None:
    scene.notes()
    scene.rows[0]["note_seq"] = "rest A3 H3 rest A3 rest"
    scene.write()


@breaks("note-all-rest")
def _(scene: Scene) -> None:
    scene.notes()
    scene.rows[0]["note_seq"] = "rest rest rest rest rest rest"
    scene.write()


@breaks("note-length")
def _(scene: Scene) -> None:
    scene.notes()
    scene.rows[0]["note_dur"] = "0.28 0.6 0.52 0.3 0.5 0.35"
    scene.write()


@breaks("note-word-boundary")
def _(scene: Scene) -> None:
    scene.notes()
    scene.rows[0]["note_dur"] = "0.28 0.55 0.57 0.3 0.5 0.3"
    scene.write()


@breaks("note-rest")
def _(scene: Scene) -> None:
    scene.notes()
    scene.rows[0]["note_seq"] = "rest A3 rest rest A3 rest"
    scene.write()


@breaks("note-octave")
def _(scene: Scene) -> None:
    scene.notes()
    scene.rows[0]["note_seq"] = "rest A2 A2 rest A2 rest"
    scene.write()


@breaks("note-off-pitch")
def _(scene: Scene) -> None:
    scene.notes()
    scene.rows[0]["note_seq"] = "rest C4 C4 rest C4 rest"
    scene.write()


@breaks("glide-unused")
def _(scene: Scene) -> None:
    glides(scene, "none none none none none none")


@breaks("glide-unknown")
def _(scene: Scene) -> None:
    glides(scene, "none up slide none none none")


def glides(scene: Scene, tokens: str) -> None:
    scene.kind = "variance"
    scene.model(use_glide_embed=True, glide_types=["up"], use_melody_encoder=True)
    scene.model(predict_pitch=True)
    scene.notes()
    for row in scene.rows:
        row["note_glide"] = tokens
    scene.write()


@breaks("unknown-phoneme")
def _(scene: Scene) -> None:
    scene.relabel(SEQ.replace("SP k", "SP kk"), " ".join(DUR))


@breaks("missing-phoneme")
def _(scene: Scene) -> None:
    scene.dictionary("a\ta\ni\ti\nka\tk a\nmi\tm i\nsa\ts a\nha\th a\n")


@breaks("rare-phoneme")
def _(scene: Scene) -> None:
    scene.limits |= {"rare_count": 20, "very_rare_count": 5}


@breaks("validation-only-phoneme")
def _(scene: Scene) -> None:
    from singwiz.core.dataset import check_datasets
    from singwiz.core.dictionary import PhonemeSet, read_dictionary
    from singwiz.core.jobs.stages import open_datasets

    scene.dictionary("a\ta\ni\ti\nka\tk a\nmi\tm i\nsa\ts a\nta\tt a\n")
    scene.relabel(SEQ.replace("SP k", "SP t"), " ".join(DUR))
    dictionary = read_dictionary(scene.root / "dictionary-ja.txt", "ja")[0]
    scene.extra += check_datasets(
        open_datasets(scene.project),
        PhonemeSet.build({"ja": dictionary}),
        audio=False,
        thresholds=scene.limits,
        validation_items={"voice": ["song0_a"]},
    )


@breaks("mandarin-dictionary")
def _(scene: Scene) -> None:
    path = resolve_dictionary("opencpop")
    scene.dictionary(path.read_text(encoding="utf-8"))
    for row in scene.rows:
        row["ph_seq"] = "SP zh ir m i AP s i0 SP"
    scene.write()


@breaks("syllable-in-labels")
def _(scene: Scene) -> None:
    scene.relabel("SP ka m i AP s a SP", "0.2 0.58 " + " ".join(DUR[3:]))


@breaks("language-prefix")
def _(scene: Scene) -> None:
    scene.relabel(SEQ.replace("SP k", "SP ko/k"), " ".join(DUR))


@breaks("language-unknown")
def _(scene: Scene) -> None:
    two_languages(scene, "ko")


@breaks("language-wrong")
def _(scene: Scene) -> None:
    two_languages(scene, "zh")


def two_languages(scene: Scene, own: str) -> None:
    """A voice of two languages, whose recordings are marked with ``own``."""
    from singwiz.core.dataset import RawDataset, check_datasets
    from singwiz.core.dictionary import PhonemeSet, read_dictionary

    (scene.root / "zh.txt").write_text("a\ta\nir\tir\n")
    read = {
        "ja": read_dictionary(scene.root / "dictionary-ja.txt", "ja")[0],
        "zh": read_dictionary(scene.root / "zh.txt", "zh")[0],
    }
    dataset = RawDataset.open(scene.raw, name="voice", speaker="aoi", language=own)
    scene.extra += check_datasets([dataset], PhonemeSet.build(read), audio=False)
