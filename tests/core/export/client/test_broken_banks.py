"""One thing is changed in a good voicebank, and the checks name it."""

from __future__ import annotations

import json
import shutil

import numpy as np
import onnx
import pytest
import yaml
from onnx import TensorProto, helper

from singwiz.core.export.client.checking import check_bank


def edit(name, **changes):
    """Change keys of a YAML file; None takes a key out."""

    def change(folder):
        content = yaml.safe_load((folder / name).read_text(encoding="utf-8"))
        for key, value in changes.items():
            content[key] = value
            if value is None:
                del content[key]
        (folder / name).write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")

    return change


def remove(name):
    def change(folder):
        path = folder / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()

    return change


def write(name, content):
    return lambda folder: (folder / name).write_bytes(content)


def phonemes(name, **changes):
    def change(folder):
        content = json.loads((folder / name).read_text())
        for key, value in changes.items():
            content[key] = value
            if value is None:
                del content[key]
        (folder / name).write_text(json.dumps(content))

    return change


def symbols(name, keep):
    def change(folder):
        content = yaml.safe_load((folder / name).read_text(encoding="utf-8"))
        content["symbols"] = [row for row in content["symbols"] if keep(row)]
        (folder / name).write_text(yaml.safe_dump(content), encoding="utf-8")

    return change


def colours(**changes):
    def change(folder):
        path = folder / "character.yaml"
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        for row in content["subbanks"]:
            row.update(changes)
            for key in [key for key, value in changes.items() if value is None]:
                del row[key]
        path.write_text(yaml.safe_dump(content), encoding="utf-8")

    return change


def graph(name, change_model):
    def change(folder):
        model = onnx.load(str(folder / name))
        change_model(model)
        onnx.save(model, str(folder / name))

    return change


def output(name, *nodes, element=TensorProto.FLOAT, shape=None):
    """Put nodes between what a graph gives and its output; they go from ``in`` to ``out``."""

    def change(model):
        inner = model.graph
        for node in inner.node:
            node.output[:] = ["was" if o == name else o for o in node.output]
        for op, others, kind in nodes:
            inputs = ["was" if one == "in" else one for one in others]
            inner.node.append(helper.make_node(op, inputs, [name], **kind))
        port = next(one for one in inner.output if one.name == name)
        port.type.tensor_type.elem_type = element
        if shape:
            port.CopyFrom(helper.make_tensor_value_info(name, element, shape))

    return change


def times(value):
    def change(name):
        def on(model):
            tensor = helper.make_tensor("factor", TensorProto.FLOAT, [], [value])
            model.graph.initializer.append(tensor)
            output(name, ("Mul", ("in", "factor"), {}))(model)

        return on

    return change


def plus(name, value):
    def on(model):
        tensor = helper.make_tensor("more", TensorProto.FLOAT, [], [value])
        model.graph.initializer.append(tensor)
        output(name, ("Add", ("in", "more"), {}))(model)

    return on


def rename_output(old, new):
    def change(model):
        for node in model.graph.node:
            node.output[:] = [new if name == old else name for name in node.output]
            node.input[:] = [new if name == old else name for name in node.input]
        next(one for one in model.graph.output if one.name == old).name = new

    return change


def rename_input(old, new):
    def change(model):
        _renamed(model.graph, old, new)
        next(one for one in model.graph.input if one.name == old).name = new

    return change


def _renamed(inner, old, new):
    for node in inner.node:
        node.input[:] = [new if name == old else name for name in node.input]
        for attribute in node.attribute:
            if attribute.HasField("g"):
                _renamed(attribute.g, old, new)


def int32_tokens(model):
    inner = model.graph
    port = next(one for one in inner.input if one.name == "tokens")
    port.type.tensor_type.elem_type = TensorProto.INT32
    _renamed(inner, "tokens", "wide")
    inner.node.insert(0, helper.make_node("Cast", ["tokens"], ["wide"], to=TensorProto.INT64))


def seven_only(model):
    tensor = helper.make_tensor("seven", TensorProto.INT64, [2], [1, 7])
    model.graph.initializer.append(tensor)
    output("ph_dur_pred", ("Reshape", ("in", "seven"), {}))(model)


def opset(model):
    del model.opset_import[:]
    model.opset_import.append(helper.make_opsetid("", 20))


NOTHING = np.zeros(16, "<f4").tobytes()
NAN = np.full(16, np.nan, "<f4").tobytes()
ROOT = "dsconfig.yaml"

READING = {
    "no character.txt": (remove("character.txt"), "E_CHARACTER", "character.txt"),
    "another kind of singer": (
        edit("character.yaml", singer_type="enunu"), "E_CHARACTER", "character.yaml"
    ),
    "a picture that is not there": (
        edit("character.yaml", image="no.png"), "E_CHARACTER", "character.yaml"
    ),
    "subbanks that are no list": (
        edit("character.yaml", subbanks="x"), "E_CHARACTER", "character.yaml"
    ),
    "no dsconfig": (remove("dspitch/dsconfig.yaml"), "E_CONFIG", "dspitch/dsconfig.yaml"),
    "a dsconfig that is no YAML": (write(ROOT, b"a: [\n"), "E_CONFIG", ROOT),
    "a dsconfig that is a list": (write(ROOT, b"- a\n"), "E_CONFIG", ROOT),
    "no vocoder named": (edit(ROOT, vocoder=None), "E_CONFIG", ROOT),
    "no graph named": (edit("dsdur/dsconfig.yaml", dur=""), "E_CONFIG", "dsdur/dsconfig.yaml"),
    "a size that is text": (edit(ROOT, hidden_size="wide"), "E_CONFIG", ROOT),
    "speakers that are no list": (edit(ROOT, speakers="anna"), "E_CONFIG", ROOT),
    "speakers that are none": (edit(ROOT, speakers=[]), "E_CONFIG", ROOT),
    "no phoneme list": (remove("dsdur/phonemes.json"), "E_PHONEMES", "dsdur/phonemes.json"),
    "a damaged phoneme list": (write("phonemes.json", b"[1]"), "E_PHONEMES", "phonemes.json"),
    "no silence": (phonemes("phonemes.json", SP=None), "E_PHONEMES", "phonemes.json"),
    "languages asked for but not named": (
        edit(ROOT, use_lang_id=True, languages=None), "E_LANGUAGES", ROOT
    ),
    "languages that are not there": (
        edit(ROOT, use_lang_id=True, languages="no.json"), "E_LANGUAGES", "no.json"
    ),
    "no embedding": (remove("dspitch/embeds/ben.emb"), "E_EMB", "dspitch/embeds/ben.emb"),
    "a long embedding": (write("embeds/ben.emb", NOTHING * 2), "E_EMB", "embeds/ben.emb"),
    "an embedding of nonsense": (write("embeds/ben.emb", NAN), "E_EMB", "embeds/ben.emb"),
    "an unreadable vocoder.yaml": (
        write("dsvocoder/vocoder.yaml", b"a: [\n"), "E_CONFIG", "dsvocoder/vocoder.yaml"
    ),
}  # fmt: skip
FITTING = {
    "a phoneme less": (phonemes("dspitch/phonemes.json", n=None), "E_PHONEME", "dspitch/phonemes"),
    "a phoneme more": (phonemes("dspitch/phonemes.json", q=1), "E_PHONEME", "dspitch/phonemes"),
    "an untyped phoneme": (
        symbols("dsvariance/dsdict.yaml", lambda row: row["symbol"] != "n"),
        "E_DSDICT", "dsvariance/dsdict.yaml",
    ),
    "no vowel": (
        symbols("dsdur/dsdict.yaml", lambda row: row["symbol"] not in ("a", "i")),
        "E_DSDICT", "dsdur/dsdict.yaml",
    ),
    "no dictionary": (remove("dspitch/dsdict.yaml"), "E_DSDICT", "dspitch/dsdict.yaml"),
    "words without quotes": (
        write("dspitch/dsdict.yaml", b"symbols:\n- {symbol: on, type: vowel}\n"),
        "E_DSDICT", "dspitch/dsdict.yaml",
    ),
    "a dictionary without symbols": (
        write("dspitch/dsdict.yaml", b"entries: []\n"), "E_DSDICT", "dspitch/dsdict.yaml"
    ),
    "no model of curves": (remove("dsvariance"), "E_VARIANCE", "dsvariance"),
    "a curve that is not predicted": (
        edit("dsvariance/dsconfig.yaml", predict_tension=False), "E_VARIANCE", "dsvariance"
    ),
    "another mel": (edit("dsvocoder/vocoder.yaml", mel_fmax=8000), "E_MEL", "vocoder.yaml"),
    "an odd base": (edit(ROOT, mel_base="2"), "E_MEL", ROOT),
    "an odd scale": (edit(ROOT, mel_scale="bark"), "E_MEL", ROOT),
    "no depth": (edit(ROOT, max_depth=None), "E_CONFIG", ROOT),
    "no range of the key shift": (edit(ROOT, augmentation_args=None), "E_CONFIG", ROOT),
    "no graph": (remove("acoustic.onnx"), "E_MODEL", "acoustic.onnx"),
    "a damaged graph": (write("dsdur/dur.onnx", b"graph"), "E_MODEL", "dsdur/dur.onnx"),
    "a flag too few": (edit(ROOT, use_speed_embed=False), "E_INPUT_MISSING", "acoustic.onnx"),
    "a flag too many": (edit(ROOT, use_energy_embed=True), "E_INPUT_UNEXPECTED", "acoustic.onnx"),
    "no speakers": (edit(ROOT, speakers=None), "E_INPUT_MISSING", "acoustic.onnx"),
    "the old interface": (
        edit(ROOT, use_continuous_acceleration=None), "E_INPUT_MISSING", "acoustic.onnx"
    ),
    "words or phonemes": (
        edit("dspitch/dsconfig.yaml", predict_dur=False), "E_INPUT_MISSING", "linguistic.onnx"
    ),
    "an expression too few": (
        edit("dspitch/dsconfig.yaml", use_expr=False), "E_INPUT_MISSING", "pitch.onnx"
    ),
    "a renamed input": (
        graph("acoustic.onnx", rename_input("f0", "pitch")), "E_INPUT_MISSING", "acoustic.onnx"
    ),
    "a renamed output": (
        graph("dsvariance/variance.onnx", rename_output("tension_pred", "t")),
        "E_OUTPUT_NAME", "variance.onnx",
    ),
    "a lost mask": (
        graph("dspitch/linguistic.onnx", rename_output("x_masks", "m")),
        "E_OUTPUT_NAME", "dspitch/linguistic.onnx",
    ),
}  # fmt: skip
SINGING = {
    "embeddings of another size": (
        lambda folder: (
            edit(ROOT, hidden_size=8)(folder),
            [write(f"embeds/{n}.emb", NOTHING[:32])(folder) for n in ("anna", "ben")],
        ),
        "E_INPUT_SHAPE", "acoustic.onnx",
    ),
    "tokens of another type": (
        graph("dsdur/linguistic.onnx", int32_tokens), "E_INPUT_TYPE", "dsdur/linguistic.onnx"
    ),
    "half-precision sound": (
        graph(
            "dsvocoder/nsf_hifigan.onnx",
            output(
                "waveform", ("Cast", ("in",), {"to": TensorProto.FLOAT16}),
                element=TensorProto.FLOAT16,
            ),
        ),
        "E_OUTPUT_TYPE", "nsf_hifigan.onnx",
    ),
    "sound of another length": (
        graph(
            "dsvocoder/nsf_hifigan.onnx",
            output("waveform", ("Concat", ("in", "in"), {"axis": 1}), shape=[1, "n"]),
        ),
        "E_OUTPUT_SHAPE", "nsf_hifigan.onnx",
    ),
    "silence": (
        graph("dsvocoder/nsf_hifigan.onnx", times(0.0)("waveform")), "E_SILENT", "nsf_hifigan.onnx"
    ),
    "no numbers": (
        graph("acoustic.onnx", plus("mel", float("nan"))), "E_NONFINITE", "acoustic.onnx"
    ),
    "durations of nothing": (
        graph("dsdur/dur.onnx", times(0.0)("ph_dur_pred")), "E_DURATION", "dur.onnx"
    ),
    "negative durations": (
        graph("dsdur/dur.onnx", times(-1.0)("ph_dur_pred")), "E_DURATION", "dur.onnx"
    ),
    "a voice for dogs": (
        graph("dspitch/pitch.onnx", plus("pitch_pred", 90.0)), "E_PITCH", "pitch.onnx"
    ),
    "a graph whose parts do not fit": (
        graph(
            "dsdur/dur.onnx",
            output("ph_dur_pred", ("Concat", ("in", "encoder_out"), {"axis": 1})),
        ),
        "E_MODEL", "dur.onnx",
    ),
    "a graph that fails while it runs": (
        graph("dsdur/dur.onnx", seven_only), "E_RUN", "dur.onnx"
    ),
}  # fmt: skip
WARNINGS = {
    "names in another encoding": (
        edit("character.yaml", text_file_encoding=None), "W_ENCODING", "character.txt"
    ),
    "a colour that leads nowhere": (colours(suffix="anna"), "W_SUFFIX", ROOT),
    "colours that begin with the second singer": (
        edit(
            "character.yaml",
            subbanks=[
                {"color": "b", "suffix": "embeds/anna", "tone_ranges": ["C1-B7"]},
                {"color": "a", "suffix": "embeds/ben", "tone_ranges": ["C1-B7"]},
            ],
        ),
        "W_SUFFIX", "character.yaml",
    ),
    "colours without tones": (colours(tone_ranges=None), "W_TONE_RANGES", "character.yaml"),
    "no durations": (remove("dsdur"), "W_NO_DUR", "dsdur"),
    "no vocoder": (remove("dsvocoder"), "W_NO_VOCODER", ROOT),
    "a graph of the newest kind": (graph("dsdur/dur.onnx", opset), "W_VERSION", "dur.onnx"),
}  # fmt: skip


def codes(report, severity):
    return {(one.code, one.where) for one in report.remarks if one.severity == severity}


def named(found, code, where):
    return any(one == code and where in place for one, place in found)


def test_the_good_voicebank_has_nothing_to_remark(copy):
    report = check_bank(copy, smoke=False)
    assert report.remarks == []


@pytest.mark.parametrize("case", [*READING, *FITTING])
def test_faults_are_found_without_singing(case, copy):
    change, code, where = {**READING, **FITTING}[case]
    change(copy)
    report = check_bank(copy, smoke=False)
    assert named(codes(report, "error"), code, where), report.to_dict()
    assert all(remark.hint for remark in report.errors)


@pytest.mark.parametrize("case", SINGING)
def test_faults_that_only_singing_shows(case, copy):
    change, code, where = SINGING[case]
    change(copy)
    report = check_bank(copy)
    assert named(codes(report, "error"), code, where), report.to_dict()


@pytest.mark.parametrize("case", WARNINGS)
def test_what_misbehaves_without_failing_is_a_warning(case, copy):
    change, code, where = WARNINGS[case]
    change(copy)
    report = check_bank(copy, smoke=False)
    assert named(codes(report, "warning"), code, where), report.to_dict()
    assert not codes(report, "error")


def test_faults_of_several_modules_are_listed_together(copy):
    remove("dsdur/phonemes.json")(copy)
    remove("dsvariance/embeds/ben.emb")(copy)
    found = codes(check_bank(copy), "error")
    assert found == {
        ("E_PHONEMES", "dsdur/phonemes.json"),
        ("E_EMB", "dsvariance/embeds/ben.emb"),
    }


def test_a_vocoder_is_found_among_installed_packages(copy, tmp_path):
    name = yaml.safe_load((copy / ROOT).read_text())["vocoder"]
    shutil.move(copy / "dsvocoder", tmp_path / name)
    report = check_bank(copy, packages=tmp_path)
    # The vocoder of these tests has learned nothing, not even to follow the pitch.
    assert {remark.code for remark in report.remarks} <= {"W_PITCH"}
    assert all(one["sound"] for one in report.renders)


def test_a_list_of_phonemes_may_be_a_text_with_a_line_each(copy):
    numbers = json.loads((copy / "phonemes.json").read_text())
    lines = ["<PAD>", *sorted(numbers, key=numbers.get)]
    (copy / "phonemes.txt").write_text("\n".join(lines))
    edit(ROOT, phonemes="phonemes.txt")(copy)
    report = check_bank(copy, smoke=False)
    assert {remark.code for remark in report.errors} <= {"E_PHONEME"}
