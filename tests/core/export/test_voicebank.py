"""Voicebank folders: what is in them, and what stops an export."""

from __future__ import annotations

import json
import zipfile

import pytest
import yaml

from singwiz.core.dictionary import PhonemeSet, read_dictionary
from singwiz.core.errors import SingwizError
from singwiz.core.export.character import Character, folder_name, phonemizer_of
from singwiz.core.export.dsdict import dsdict_text, phoneme_types, read_types, write_types
from singwiz.core.export.experiment import GraphOptions
from singwiz.core.export.plan import ExportProblems, plan_bank
from singwiz.core.export.voicebank import export_bank
from singwiz.core.synthesis.experiment import read_dictionaries, read_experiment

MODULES = ("", "dsdur", "dspitch", "dsvariance")


def read(voices, **roles):
    return {
        role: read_experiment(getattr(voices, name), kind="variance")
        for role, name in roles.items()
    }


def test_a_voicebank_is_complete_and_stands_alone(bank):
    names = set(bank.files)
    assert {"character.txt", "character.yaml", "license.txt", "readme.txt"} <= names
    for module in MODULES:
        at = f"{module}/" if module else ""
        settings = yaml.safe_load((bank.folder / module / "dsconfig.yaml").read_text())
        assert settings["speakers"] == ["embeds/anna", "embeds/ben"]
        assert {f"{at}embeds/anna.emb", f"{at}embeds/ben.emb", f"{at}phonemes.json"} <= names
        assert settings["hidden_size"] == 16
        for key in ("acoustic", "linguistic", "dur", "pitch", "variance"):
            assert key not in settings or f"{at}{settings[key]}" in names
    assert {"dsdur/dsdict-demo.yaml", "dsvocoder/vocoder.yaml"} <= names
    assert "dspitch/variance.onnx" not in names and "dsdur/pitch.onnx" not in names
    assert all(name.isascii() and "\\" not in name for name in names)
    assert not any("ckpt" in name or name.endswith("types.yaml") for name in names)


def test_the_singer_is_found_and_shown(bank):
    assert bank.folder.name == "Anna"
    text = (bank.folder / "character.txt").read_text(encoding="utf-8")
    assert "name=Änna 声\n" in text and "author=me\n" in text
    settings = yaml.safe_load((bank.folder / "character.yaml").read_text(encoding="utf-8"))
    assert settings["singer_type"] == "diffsinger"
    assert settings["text_file_encoding"] == "utf-8"
    assert settings["default_phonemizer"].endswith(".DiffSingerPhonemizer")
    assert settings["subbanks"] == [
        {"color": "01: anna", "prefix": "", "suffix": "embeds/anna", "tone_ranges": ["C1-B7"]},
        {"color": "02: ben", "prefix": "", "suffix": "embeds/ben", "tone_ranges": ["C1-B7"]},
    ]


def test_the_zip_has_one_folder_and_the_same_files(bank):
    with zipfile.ZipFile(bank.archive) as archive:
        names = archive.namelist()
    assert sorted(names) == sorted(f"Anna/{name}" for name in bank.files)


def test_the_report_lies_beside_and_says_how_exact_the_graphs_are(bank):
    report = json.loads(bank.report_file.read_text(encoding="utf-8"))
    assert report["passed"] and bank.report_file.parent == bank.folder.parent
    assert set(report["errors_against_torch"]) >= {
        "acoustic.onnx: mel",
        "dsdur/dur.onnx: ph_dur_pred",
        "dspitch/pitch.onnx: pitch_pred",
        "dsvariance/variance.onnx: tension_pred",
        "dsvocoder/nsf_hifigan.onnx: waveform",
    }
    sung = [(one["speaker"], one["language"], one["sound"]) for one in report["renders"]]
    assert sung == [("01: anna", "demo", True), ("02: ben", "demo", True)]


def test_the_dictionary_types_everything_and_quotes_it(bank):
    text = (bank.folder / "dsdur" / "dsdict.yaml").read_text(encoding="utf-8")
    content = yaml.safe_load(text)
    types = {row["symbol"]: row["type"] for row in content["symbols"]}
    assert types == {
        "AP": "vowel", "SP": "vowel", "a": "vowel", "i": "vowel", "n": "nasal", "s": "fricative",
    }  # fmt: skip
    entries = {row["grapheme"]: row["phonemes"] for row in content["entries"]}
    assert entries["sa"] == ["s", "a"] and entries["n"] == ["n"] and entries["AP"] == ["AP"]
    assert "replacements" not in content
    assert '"n"' in text and ": n\n" not in text


def test_a_voice_of_two_languages_has_prefixes_everywhere(voices, tmp_path):
    plan = plan_bank(
        read_experiment(voices.both),
        read(voices, duration="both_durations"),
        character=Character("both"),
        vocoder="none",
        consent=True,
    )
    made = export_bank(plan, tmp_path)
    assert {"dsdur/dsdict-ja.yaml", "dsdur/dsdict-zh.yaml"} <= set(made.files)
    content = yaml.safe_load((made.folder / "dsdur" / "dsdict-zh.yaml").read_text())
    assert {"from": "n", "to": "zh/n"} in content["replacements"]
    assert {"ja/s", "zh/s"} <= {row["symbol"] for row in content["symbols"]}
    assert {"grapheme": "ni", "phonemes": ["zh/n", "zh/i"]} in content["entries"]
    for module in ("", "dsdur"):
        settings = yaml.safe_load((made.folder / module / "dsconfig.yaml").read_text())
        assert settings["use_lang_id"] is True
    sung = {one["language"] for one in made.report.renders}
    assert sung == {"ja", "zh"}
    assert "W_NO_VOCODER" in {remark.code for remark in made.report.remarks}


def test_all_obstacles_are_named_before_any_work(voices, tmp_path):
    (tmp_path / "image.txt").write_text("no picture")
    with pytest.raises(ExportProblems) as caught:
        plan_bank(
            read_experiment(voices.acoustic),
            {},
            character=Character("x", image=tmp_path / "image.txt"),
            options=GraphOptions(export_speakers=("carl",)),
            vocoder=str(tmp_path / "no" / "vocoder.ckpt"),
        )
    assert {problem.code for problem in caught.value.problems} == {
        "export-consent",
        "export-image",
        "speaker-unknown",
        "export-no-duration",
        "export-no-curves",
        "vocoder-missing",
    }


def test_models_that_do_not_fit_are_refused(voices):
    with pytest.raises(ExportProblems) as caught:
        plan_bank(
            read_experiment(voices.plain),
            read(voices, duration="both_durations"),
            character=Character("x"),
            consent=True,
        )
    codes = {problem.code for problem in caught.value.problems}
    assert "export-phonemes-differ" in codes


def test_a_vocoder_for_other_spectrograms_is_refused(voices, tmp_path):
    (tmp_path / "v").mkdir()
    (tmp_path / "v" / "model.ckpt").write_bytes((voices.vocoder / "model.ckpt").read_bytes())
    config = json.loads((voices.vocoder / "config.json").read_text())
    (tmp_path / "v" / "config.json").write_text(json.dumps(config | {"fmax": 8000}))
    with pytest.raises(ExportProblems) as caught:
        plan_bank(
            read_experiment(voices.plain),
            read(voices, duration="plain_durations"),
            character=Character("x"),
            vocoder=str(tmp_path / "v"),
            consent=True,
        )
    assert caught.value.code == "export-vocoder-differs"
    assert "mel_fmax" in caught.value.message


def test_a_voice_without_speakers_takes_the_speaker_that_is_named(voices):
    roles = read(voices, duration="durations")
    acoustic = read_experiment(voices.plain)
    with pytest.raises(ExportProblems) as caught:
        plan_bank(acoustic, roles, character=Character("x"), consent=True)
    assert caught.value.code == "speaker-not-chosen"
    plan = plan_bank(
        acoustic,
        roles,
        character=Character("x"),
        options=GraphOptions(freeze_speaker="ben"),
        consent=True,
    )
    assert plan.options_of(roles["duration"]).freeze_speaker == "ben"


def test_an_incomplete_voice_is_exported_if_the_user_insists(voices, tmp_path):
    plan = plan_bank(
        read_experiment(voices.acoustic),
        {},
        character=Character("alone"),
        vocoder="my_vocoder",
        consent=True,
        allow_incomplete=True,
    )
    made = export_bank(plan, tmp_path)
    settings = yaml.safe_load((made.folder / "dsconfig.yaml").read_text())
    assert settings["vocoder"] == "my_vocoder"
    assert not (made.folder / "dsdur").exists()
    assert {"W_NO_DUR", "E_VARIANCE"} <= {remark.code for remark in made.report.remarks}
    assert not made.report.errors


def test_a_bank_that_fails_leaves_the_old_one_in_place(voices, tmp_path, monkeypatch):
    plan = plan_bank(
        read_experiment(voices.plain),
        read(voices, duration="plain_durations"),
        character=Character("voice"),
        consent=True,
    )
    made = export_bank(plan, tmp_path)
    before = (made.folder / "dsconfig.yaml").read_bytes()
    assert made.report.renders
    monkeypatch.setattr(
        "singwiz.core.export.voicebank.dsdict_text", lambda *args: dsdict_text({}, {"a": ["a"]})
    )
    with pytest.raises(SingwizError) as caught:
        export_bank(plan, tmp_path)
    assert caught.value.code == "export-verification"
    assert "dsdict.yaml" in caught.value.message
    assert (made.folder / "dsconfig.yaml").read_bytes() == before
    assert json.loads(made.report_file.read_text())["passed"] is False
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]
    kept = export_bank(plan, tmp_path, force=True)
    assert kept.report.errors and kept.folder.is_dir()


def test_a_folder_that_is_no_voicebank_is_never_replaced(voices, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "song.txt").write_text("dear")
    plan = plan_bank(
        read_experiment(voices.plain),
        read(voices, duration="plain_durations"),
        character=Character("mine"),
        consent=True,
    )
    with pytest.raises(SingwizError) as caught:
        export_bank(plan, tmp_path)
    assert caught.value.code == "export-folder-taken"
    assert (tmp_path / "mine" / "song.txt").read_text() == "dear"


def test_the_table_of_types_can_be_corrected(voices, tmp_path):
    experiment = read_experiment(voices.plain)
    dictionaries = read_dictionaries(experiment.folder, experiment.config)
    table = tmp_path / "types.yaml"
    table.write_text('"n": vowel\n"s": affricate  # said so\n')
    types = phoneme_types(experiment.phonemes, dictionaries, corrections=read_types(table))
    assert types["n"].type == "vowel" and types["s"].type == "affricate"
    guessed = phoneme_types(experiment.phonemes, {})
    assert guessed["a"].type == "vowel" and guessed["a"].guessed
    assert guessed["s"].type == "fricative" and guessed["SP"].type == "vowel"
    for wrong in ({"n": "noise"}, {"q": "stop"}):
        with pytest.raises(SingwizError) as caught:
            phoneme_types(experiment.phonemes, dictionaries, corrections=wrong)
        assert caught.value.code == "phoneme-type-unknown"
    table.write_text("- no table")
    with pytest.raises(SingwizError) as caught:
        read_types(table)
    assert caught.value.code == "phoneme-types-unreadable"


def test_doubtful_types_are_marked(tmp_path):
    def types_of(*lines):
        path = tmp_path / "d.txt"
        path.write_text("\n".join(lines) + "\n")
        dictionaries = {"x": read_dictionary(path, "x")[0]}
        return phoneme_types(PhonemeSet.build(dictionaries), dictionaries)

    syllables = types_of("a\ta", "ka\tk a", "ya\ty a", "cl\tcl")
    assert (syllables["cl"].type, syllables["cl"].guessed) == ("vowel", True)
    assert (syllables["y"].type, syllables["y"].guessed) == ("semivowel", False)
    # Where consonants come in clusters, a glide would open notes that no model was trained on.
    clusters = types_of("a\ta", "gya\tg y a", "ga\tg a", "yan\ty a n")
    assert clusters["y"].type == "stop" and clusters["a"].type == "vowel"
    write_types(tmp_path / "t.yaml", syllables)
    text = (tmp_path / "t.yaml").read_text()
    assert '"cl": vowel  # doubtful\n' in text
    assert read_types(tmp_path / "t.yaml") == {n: t.type for n, t in syllables.items()}


def test_dictionaries_survive_every_reader():
    odd = {"null": ["~", "n"], "1": ["on"], 'a"b': ["y"], "か": ["'"]}
    content = yaml.safe_load(dsdict_text({}, odd, {"no": "ja/no"}))
    assert {row["grapheme"]: row["phonemes"] for row in content["entries"]} == odd
    assert content["replacements"] == [{"from": "no", "to": "ja/no"}]


def test_folders_and_phonemizers_follow_names_and_languages():
    assert folder_name("Änna 声 v2.0") == "Anna_v2.0"
    assert folder_name("声") == "singer"
    assert folder_name("../x") == "x"
    assert phonemizer_of({"ja": {"ka": 1}}).endswith(".DiffSingerJapanesePhonemizer")
    assert phonemizer_of({"ja": {"own": 1}}).endswith(".DiffSingerPhonemizer")
    assert phonemizer_of({"ja": {"ka": 1}, "zh": {"ni": 1}}).endswith(".DiffSingerPhonemizer")


def test_the_terms_of_a_vocoder_travel_with_it(voices, tmp_path):
    home = tmp_path / "vocoder"
    home.mkdir()
    for name in ("model.ckpt", "config.json"):
        (home / name).write_bytes((voices.vocoder / name).read_bytes())
    asset = {"name": "Their Vocoder", "licence": "CC BY-NC-SA 4.0", "attribution": "by them"}
    (home / "asset.json").write_text(json.dumps(asset))
    plan = plan_bank(
        read_experiment(voices.plain),
        read(voices, duration="plain_durations"),
        character=Character("voice", licence="Be kind."),
        vocoder=str(home),
        consent=True,
    )
    made = export_bank(plan, tmp_path / "out")
    terms = (made.folder / "license.txt").read_text(encoding="utf-8")
    assert "Be kind." in terms and "Their Vocoder: CC BY-NC-SA 4.0" in terms and "by them" in terms
