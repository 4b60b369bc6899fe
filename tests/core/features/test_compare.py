import numpy as np
import pytest

from singwiz.core.features.compare import (
    Advice,
    Figures,
    Range,
    Track,
    consensus,
    disagreements,
    judge,
    measure_range,
    recommend,
    run,
)
from singwiz.core.features.pitch import Parselmouth

SAMPLE_RATE = 44100
HOP = 512
DT = HOP / SAMPLE_RATE


def track(*parts: tuple[float, int], processor: float = 0.1) -> Track:
    """F0 in Hz and how many frames it lasts."""
    f0 = np.concatenate([np.full(count, hertz, np.float32) for hertz, count in parts])
    return Track(f0, processor)


TRUTH = track((0, 20), (220, 100), (0, 20), (330, 100), (0, 20))


def figures_of(tracks: dict[str, Track], name: str) -> Figures:
    found = judge({key: [one] for key, one in tracks.items()}, dt=DT, f0_min=65, f0_max=1100)
    return next(one for one in found if one.name == name)


def tone(hertz: float, seconds: float = 1.0) -> np.ndarray:
    phase = 2 * np.pi * hertz * np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    return (0.1 * sum(np.sin(k * phase) / k for k in range(1, 12))).astype(np.float32)


def test_consensus_is_the_median_of_those_that_lie_together() -> None:
    agreed = consensus(
        [
            np.array([220, 220, 0, 0, 220, 220], np.float32),
            np.array([222, 220, 0, 0, 440, 220], np.float32),
            np.array([221, 441, 0, 99, 330, 0], np.float32),
        ]
    )
    np.testing.assert_allclose(agreed, [221, 220, 0, 0, np.nan, 220], rtol=1e-6)


def test_two_that_contradict_each_other_agree_on_nothing() -> None:
    agreed = consensus([np.array([220, 0, 220], np.float32), np.array([440, 220, 223], np.float32)])
    assert np.isnan(agreed[:2]).all()
    assert agreed[2] == pytest.approx(221.5, abs=0.01)


def test_octave_errors_are_counted_against_the_one_who_makes_them() -> None:
    wrong = track((0, 20), (220, 50), (440, 50), (0, 20), (330, 100), (0, 20))
    tracks = {"parselmouth": wrong, "swift-f0": TRUTH, "harvest": TRUTH}
    bad, good = figures_of(tracks, "parselmouth"), figures_of(tracks, "swift-f0")
    # 200 sung frames, two beside each of the four borders not judged.
    assert bad.octaves == pytest.approx(48 / 192)
    assert bad.gross == bad.octaves
    assert bad.missed == 0
    assert bad.jumps == pytest.approx(60 / (200 * DT))
    assert good.octaves == 0
    assert good.cost < bad.cost


def test_missed_and_invented_singing_are_told_apart() -> None:
    shy = track((0, 20), (220, 100), (0, 140))
    bold = track((220, 140), (330, 120))
    tracks = {"parselmouth": shy, "swift-f0": TRUTH, "harvest": TRUTH, "rmvpe": bold}
    missing, extra = figures_of(tracks, "parselmouth"), figures_of(tracks, "rmvpe")
    assert missing.missed == pytest.approx(96 / 192)
    assert missing.found == pytest.approx(0.5)
    assert missing.extra == 0
    assert extra.missed == 0
    assert extra.extra == 1
    assert extra.voiced == 1


def test_cents_speed_and_limits_are_measured() -> None:
    sharp = TRUTH.f0 * np.float32(2 ** (10 / 1200))
    tracks = {"parselmouth": Track(sharp, 0.1), "swift-f0": TRUTH}
    found = figures_of(tracks, "parselmouth")
    assert found.cents == pytest.approx(10, abs=0.01)
    assert found.gross == 0
    assert found.limits == 0
    assert found.speed == pytest.approx(260 * DT / 0.1)
    at_the_edge = track((66, 50), (300, 100), (1080, 50))
    assert figures_of({"harvest": at_the_edge}, "harvest").limits == 0.5


def test_a_border_between_sung_and_silent_is_nobodys_mistake() -> None:
    late = track((0, 22), (220, 98), (0, 20), (330, 100), (0, 20))
    tracks = {"parselmouth": late, "swift-f0": TRUTH, "harvest": TRUTH}
    assert figures_of(tracks, "parselmouth").missed == 0


def test_a_single_extractor_agrees_with_itself() -> None:
    (only,) = judge({"harvest": [TRUTH]}, dt=DT, f0_min=65, f0_max=1100)
    assert only.cents == 0
    assert only.cost == 0


def test_disagreements_are_marked_by_kind() -> None:
    odd = track((220, 20), (220, 50), (233, 50), (0, 20), (660, 100), (0, 20))
    codes = disagreements({"a": odd, "b": TRUTH, "c": TRUTH})
    assert set(codes["a"][:20]) == {1}
    assert set(codes["a"][20:70]) == {0}
    assert set(codes["a"][70:120]) == {2}
    assert set(codes["a"][140:240]) == {3}
    assert not codes["b"][20:70].any()


def test_a_real_extractor_is_timed_without_its_start() -> None:
    found = run(Parselmouth(65, 1100), tone(220), SAMPLE_RATE, hop_size=HOP, warm=False)
    assert len(found.f0) == 1 + SAMPLE_RATE // HOP
    assert found.processor > 0
    np.testing.assert_allclose(found.f0[5:-5], 220, rtol=1e-3)


# Range ------------------------------------------------------------------------------------


def heard(*hertz: float) -> Range:
    clips = [tone(one) for one in hertz]
    return measure_range(clips, SAMPLE_RATE, hop_size=HOP, f0_min=65, f0_max=1100)


def test_the_usual_limits_stay_where_they_do_not_cut() -> None:
    found = heard(150, 600)
    assert (found.f0_min, found.f0_max, found.cut) == (65, 1100, 0)
    assert found.low == pytest.approx(150, rel=0.01)
    assert found.high == pytest.approx(600, rel=0.01)


def test_limits_that_cut_are_widened_by_more_than_a_whole_tone() -> None:
    found = heard(300, 1300)
    assert found.cut == pytest.approx(0.5, abs=0.03)
    assert 1300 * 2 ** (2 / 12) <= found.f0_max <= 1550
    assert found.f0_min == 65
    assert heard(60, 200).f0_min in (50, 55)


def test_silence_has_no_range() -> None:
    clips = [np.zeros(SAMPLE_RATE, np.float32)]
    found = measure_range(clips, SAMPLE_RATE, hop_size=HOP, f0_min=65, f0_max=1100)
    assert found == Range(None, None, 65, 1100, 0.0)


# Advice -----------------------------------------------------------------------------------


def figures(name: str, **changes: float) -> Figures:
    values: dict[str, float] = {
        "voiced": 0.7, "missed": 0.0, "extra": 0.0, "cents": 2.0, "gross": 0.0,
        "octaves": 0.0, "jumps": 0.0, "limits": 0.0, "speed": 80.0,
    }  # fmt: skip
    return Figures(name=name, **{**values, **changes})


def advise(*found: Figures, seconds: float = 1200, **more: object) -> Advice:
    given: dict = {"heard": Range(100, 500, 65, 1100), "unavailable": {}, **more}
    unavailable = given.pop("unavailable")
    return recommend(found, unavailable, seconds=seconds, **given)


def test_where_all_agree_the_usual_one_is_taken() -> None:
    advice = advise(figures("swift-f0"), figures("harvest", extra=0.5), figures("parselmouth"))
    assert advice.name == "parselmouth"
    assert "agrees" in advice.reason
    assert not advice.notes


def test_octave_errors_of_the_usual_one_make_another_better() -> None:
    advice = advise(figures("parselmouth", octaves=0.05, gross=0.06), figures("swift-f0"))
    assert advice.name == "swift-f0"
    assert "5.0 % into another octave" in advice.reason
    assert any("DiffSinger" in note for note in advice.notes)


def test_singing_that_only_harvest_finds_makes_it_worth_its_time() -> None:
    advice = advise(
        figures("parselmouth", missed=0.3), figures("swift-f0", missed=0.25), figures("harvest")
    )
    assert advice.name == "harvest"
    assert "30 % of the singing" in advice.reason


def test_a_slow_network_without_a_graphics_card_waits_for_a_reason() -> None:
    bad = figures("parselmouth", octaves=0.1, gross=0.1)
    network, small = figures("rmvpe", speed=0.5), figures("swift-f0", missed=0.02)
    assert advise(bad, network, small).name == "swift-f0"
    assert advise(bad, network, small, gpu=True).name == "rmvpe"
    alone = advise(bad, network)
    assert alone.name == "rmvpe"
    assert any("40 min" in note for note in alone.notes)


def test_notes_tell_of_range_noise_and_what_was_left_out() -> None:
    advice = advise(
        figures("parselmouth"),
        figures("swift-f0"),
        unavailable={"rmvpe": "its file is not here."},
        heard=Range(200, 1300, 65, 1500, 0.12),
        noise=-38.0,
    )
    notes = " ".join(advice.notes)
    assert "f0_max to 1500" in notes
    assert "12 %" in notes
    assert "-38 dB" in notes
    assert "rmvpe was left out: its file is not here." in notes


def test_without_anything_to_choose_from_nothing_is_recommended() -> None:
    assert advise(unavailable={"parselmouth": "gone"}).name == ""
    assert "nothing to compare" in advise(figures("harvest")).reason
