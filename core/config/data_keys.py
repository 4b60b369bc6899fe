"""Config keys about recordings, dictionaries, preparation and augmentation."""

from __future__ import annotations

from .section import Section, key


class DatasetEntry(Section):
    """One entry of ``datasets``: a folder of labelled recordings of one singer."""

    raw_data_dir: str = key(
        "Folder with transcriptions.csv and wavs/; a relative path starts at the working folder.",
        stage="p",
        kinds="AVW",
        level="R",
        default="",
    )
    speaker: str = key(
        "Name of the singer; letters A-Z, digits, '_' and '-' only, because speaker mixes allow "
        "nothing else.",
        stage="p",
        kinds="AVW",
        level="R",
        default="",
    )
    spk_id: int | None = key(
        "Number of the singer inside the model; left out, it is given automatically. Datasets "
        "with the same number are one singer.",
        stage="p",
        kinds="AVW",
        default=None,
        low=0,
    )
    language: str = key(
        "Language of the labels; one of the names under 'dictionaries'.",
        stage="p",
        kinds="AVW",
        level="R",
        default="",
    )
    test_prefixes: list[str] = key(
        "Recordings kept out of training to judge the voice: full item names, or beginnings of "
        "names where no item has exactly that name.",
        stage="p",
        kinds="AVW",
        level="R",
        default=[],
    )


class BinarizationArgs(Section):
    """How the recordings are turned into a binary dataset."""

    num_workers: int = key(
        "How many processes prepare recordings at the same time; 0 = no extra process.",
        stage="p",
        kinds="AVW",
        level="r",
        low=0,
        place=True,
    )
    shuffle: bool = key("Mix the order of the training items.", stage="p", default=False)
    prefer_ds: bool = key(
        "Take pitch and curves from the .ds files beside the recordings where there are any.",
        stage="p",
        level="r",
        kinds="V",
        default=False,
    )


class RandomPitchShifting(Section):
    """Copies of recordings shifted by random amounts."""

    enabled: bool = key(
        "Train on pitch-shifted copies as well, which gives the voice a 'gender' control. Needs "
        "use_key_shift_embed.",
        stage="p",
        level="r",
        kinds="A",
        default=False,
    )
    range: list[float] = key(
        "Lowest and highest shift; also what the ends of the gender control mean when rendering.",
        stage="pi",
        level="X",
        kinds="A",
        unit="semitones",
        default=[-5.0, 5.0],
    )
    scale: float = key(
        "How many shifted copies are added, as a share of the recordings.",
        stage="p",
        level="r",
        kinds="A",
        default=0.75,
        low=0,
    )


class FixedPitchShifting(Section):
    """Copies of recordings shifted by fixed amounts, each learned as one more singer."""

    enabled: bool = key(
        "Train on copies shifted by fixed amounts, learned as additional singers. Needs "
        "use_spk_id.",
        stage="p",
        level="r",
        kinds="A",
        default=False,
    )
    targets: list[float] = key(
        "The shifts.", stage="p", level="X", kinds="A", unit="semitones", default=[-5.0, 5.0]
    )
    scale: float = key(
        "Copies per shift, as a share of the recordings; less than 1.",
        stage="p",
        level="r",
        kinds="A",
        default=0.5,
        low=0,
    )


class RandomTimeStretching(Section):
    """Copies of recordings played faster or slower."""

    enabled: bool = key(
        "Train on time-stretched copies as well, which gives the voice a 'velocity' control. "
        "Needs use_speed_embed.",
        stage="p",
        level="r",
        kinds="A",
        default=False,
    )
    range: list[float] = key(
        "Slowest and fastest speed; velocity is limited to it when rendering.",
        stage="pi",
        level="X",
        kinds="A",
        unit="times",
        default=[0.5, 2.0],
    )
    scale: float = key(
        "How many stretched copies are added, as a share of the recordings.",
        stage="p",
        level="r",
        kinds="A",
        default=0.75,
        low=0,
    )


class AugmentationArgs(Section):
    """Altered copies of the recordings that the acoustic model also learns from."""

    random_pitch_shifting: RandomPitchShifting = key(
        "Copies shifted by random amounts.", stage="pi", level="r", kinds="A", default={}
    )
    fixed_pitch_shifting: FixedPitchShifting = key(
        "Copies shifted by fixed amounts.", stage="p", level="r", kinds="A", default={}
    )
    random_time_stretching: RandomTimeStretching = key(
        "Copies played faster or slower.", stage="pi", level="r", kinds="A", default={}
    )


class DataKeys(Section):
    """Top-level keys about data."""

    base_config: str | list[str] = key(
        "Config files this one builds on; a path that begins with '.' starts at this file.",
        stage="o",
        kinds="AVW",
        default=[],
    )
    task_cls: str = key(
        "Which kind of model is trained, in DiffSinger's own words.",
        stage="t",
        kinds="AVW",
        level="Z",
    )
    binarizer_cls: str = key(
        "Which preparation belongs to the model, in DiffSinger's own words.", stage="p", level="Z"
    )
    datasets: list[DatasetEntry] = key(
        "The recordings, one entry for each folder.", stage="p", kinds="AVW", level="R", default=[]
    )
    dictionaries: dict[str, str] = key(
        "For each language, the file that spells its syllables in phonemes.",
        stage="p",
        level="R",
        default={},
    )
    extra_phonemes: list[str] = key(
        "Phonemes that are sung but stand in no dictionary, e.g. a glottal stop.",
        stage="p",
        default=[],
    )
    merged_phoneme_groups: list[list[str]] = key(
        "Phonemes that the model shall treat as the same sound, e.g. zh/i and ja/i.",
        stage="p",
        level="R",
        default=[],
    )
    binary_data_dir: str = key(
        "Folder of the prepared dataset that training reads.",
        stage="pt",
        kinds="AVW",
        level="R",
        place=True,
    )
    binarization_args: BinarizationArgs = key(
        "How the recordings are prepared.", stage="p", kinds="AVW", level="r"
    )
    augmentation_args: AugmentationArgs = key(
        "Altered copies of the recordings to learn from.",
        stage="pi",
        level="r",
        kinds="A",
        default={},
    )

    audio_sample_rate: int = key(
        "Samples per second of everything the model hears and sings.",
        stage="p",
        kinds="AVW",
        level="Z",
        unit="Hz",
        low=8000,
    )
    hop_size: int = key(
        "Distance between two frames of analysis.",
        stage="p",
        kinds="AVW",
        level="Z",
        unit="samples",
        low=1,
    )
    win_size: int = key(
        "Length of sound looked at for one frame.",
        stage="p",
        kinds="AVW",
        level="Z",
        unit="samples",
        low=1,
    )
    fft_size: int = key(
        "Length of the spectrum analysis; at least win_size.",
        stage="p",
        kinds="AVW",
        level="Z",
        unit="samples",
        low=1,
    )
    audio_num_mel_bins: int = key(
        "Number of frequency bands of the spectrogram that the model paints.",
        stage="npi",
        level="Z",
        kinds="AW",
        low=1,
    )
    fmin: float = key(
        "Lower edge of the spectrogram.", stage="p", level="Z", kinds="AW", unit="Hz", low=0
    )
    fmax: float = key(
        "Upper edge of the spectrogram.", stage="p", level="Z", kinds="AW", unit="Hz", low=1
    )
    mel_base: str = key(
        "Base of the logarithm of the spectrogram; 'e' today, '10' in voices made before 2024.",
        stage="p",
        level="Z",
        kinds="A",
        default="10",
        choices=("e", "10"),
    )
    pe: str = key(
        "How pitch is measured: parselmouth is fast and exact, swift-f0 and rmvpe stand noise, "
        "harvest keeps creaky voice and is slow.",
        stage="p",
        kinds="AVW",
        choices=("parselmouth", "swift-f0", "rmvpe", "harvest"),
        part="pitch_extractor",
    )
    pe_ckpt: str = key(
        "Weights of the rmvpe pitch extractor; unused by the others.",
        stage="p",
        kinds="AVW",
        default="",
        place=True,
    )
    f0_min: float = key(
        "Lowest pitch that counts; rmvpe ignores it.",
        stage="p",
        kinds="AVW",
        unit="Hz",
        low=10,
    )
    f0_max: float = key(
        "Highest pitch that counts; 1100 Hz is about C#6 and cuts soprano and whistle notes. "
        "rmvpe ignores it.",
        stage="p",
        kinds="AVW",
        unit="Hz",
        low=20,
    )
    hnsep: str = key(
        "How tone and breath are separated: world needs no download, vr is cleaner.",
        stage="p",
        choices=("world", "vr"),
        part="separator",
    )
    hnsep_ckpt: str = key(
        "Weights of the vr separator, with config.yaml beside them; unused by world.",
        stage="p",
        default="",
        place=True,
    )
    energy_smooth_width: float = key(
        "How strongly the loudness curve is smoothed.", stage="p", unit="s", low=0
    )
    breathiness_smooth_width: float = key(
        "How strongly the breathiness curve is smoothed.", stage="p", unit="s", low=0
    )
    voicing_smooth_width: float = key(
        "How strongly the voicing curve is smoothed.", stage="p", unit="s", low=0
    )
    tension_smooth_width: float = key(
        "How strongly the tension curve is smoothed.", stage="p", unit="s", low=0
    )
    midi_smooth_width: float = key(
        "How strongly the steps between notes are smoothed into a base pitch.",
        stage="p",
        kinds="V",
        unit="s",
        low=0,
    )
    glide_types: list[str] = key(
        "Names of the ornaments in the note_glide column, without 'none'.",
        stage="p",
        kinds="V",
        default=[],
    )
