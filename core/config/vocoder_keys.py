"""Config keys of a vocoder: its networks, its data, its losses, in SingingVocoders' own names."""

from __future__ import annotations

from .section import OpenSection, Section, key
from .training_keys import OptimizerArgs

RECIPES = ("nsf", "fast", "hifigan")
"""``nsf``: sines, multi-period and multi-scale discriminators. ``fast``: the light
discriminators and their joint loss. ``hifigan``: no sines, the original of 2020."""

GENERATOR_KEYS = (
    "resblock",
    "upsample_rates",
    "upsample_kernel_sizes",
    "upsample_initial_channel",
    "resblock_kernel_sizes",
    "resblock_dilation_sizes",
    "mini_nsf",
    "noise_sigma",
)
"""Keys of ``model_args`` that decide the shape of the generator."""


class VocoderModelArgs(OpenSection):
    """The generator and its discriminators."""

    mini_nsf: bool = key(
        "Give the network one sine at the sung pitch and nothing else (PC-NSF-HiFiGAN): steadier, "
        "and needed for pc_aug. False = nine sines and noise. Decides which weights fit.",
        stage="n",
        level="r",
        kinds="W",
        default=False,
    )
    noise_sigma: float = key(
        "Strength of the noise mixed into the network, also while singing.",
        stage="ni",
        level="X",
        kinds="W",
        default=0.0,
        low=0,
    )
    resblock: str = key(
        "Kind of the residual blocks: '1' has three pairs of layers, '2' two single ones.",
        stage="n",
        level="X",
        kinds="W",
        default="1",
        choices=("1", "2"),
    )
    upsample_rates: list[int] = key(
        "By how much each stage multiplies the time steps; their product has to be hop_size.",
        stage="n",
        level="X",
        kinds="W",
    )
    upsample_kernel_sizes: list[int] = key(
        "Length of the filter of each stage, usually twice its rate.",
        stage="n",
        level="X",
        kinds="W",
        unit="samples",
    )
    upsample_initial_channel: int = key(
        "Width of the first stage; every stage has half the width of the one before. The main "
        "lever between quality and speed.",
        stage="n",
        level="r",
        kinds="W",
        low=2,
    )
    resblock_kernel_sizes: list[int] = key(
        "Filter lengths of the parallel residual blocks of every stage.",
        stage="n",
        level="X",
        kinds="W",
    )
    resblock_dilation_sizes: list[list[int]] = key(
        "For each of these blocks, how far apart its layers look.",
        stage="n",
        level="X",
        kinds="W",
    )
    discriminator_periods: list[int] = key(
        "The periods in samples at which the multi-period discriminator looks.",
        stage="n",
        level="X",
        kinds="W",
        default=[3, 5, 7, 11, 17, 23, 37],
    )
    fast_mpd_periods: list[int] | None = key(
        "Periods of the fast multi-period discriminator; left out = discriminator_periods.",
        stage="n",
        kinds="W",
        default=None,
    )
    fast_mpd_strides: list[int] = key(
        "By how much the fast multi-period discriminator shortens its input, layer by layer.",
        stage="n",
        level="X",
        kinds="W",
        default=[4, 4, 4],
    )
    fast_mpd_kernel_size: int = key(
        "Filter length of the fast multi-period discriminator.",
        stage="n",
        level="X",
        kinds="W",
        default=11,
        low=1,
    )
    fast_mpd_init_channel: int = key(
        "Width of the fast multi-period discriminator.",
        stage="n",
        level="X",
        kinds="W",
        default=8,
        low=1,
    )
    fast_mrd_init_channel: int = key(
        "Width of the fast multi-resolution discriminator.",
        stage="n",
        level="X",
        kinds="W",
        default=8,
        low=1,
    )
    fast_mrd_strides: list[int] = key(
        "By how much the fast multi-resolution discriminator shortens time, layer by layer.",
        stage="n",
        level="X",
        kinds="W",
        default=[4, 2, 2],
    )
    fast_mrd_fft_sizes: list[int] = key(
        "Spectrum lengths the fast multi-resolution discriminator looks at.",
        stage="n",
        level="X",
        kinds="W",
        unit="samples",
        default=[512, 1024, 2048],
    )
    fast_mrd_hop_sizes: list[int] = key(
        "Distance between its spectra.",
        stage="n",
        level="X",
        kinds="W",
        unit="samples",
        default=[64, 128, 256],
    )
    fast_mrd_win_lengths: list[int] = key(
        "Length of its windows.",
        stage="n",
        level="X",
        kinds="W",
        unit="samples",
        default=[512, 1024, 2048],
    )


class VocoderKeys(Section):
    """Top-level keys that only vocoders know."""

    gan_recipe: str = key(
        "Which networks are trained against each other: nsf as the community does, fast with "
        "light discriminators, hifigan for models of the original HiFi-GAN.",
        stage="nt",
        level="r",
        kinds="W",
        default="nsf",
        choices=RECIPES,
    )
    step_unit: str = key(
        "What max_updates, log_interval and permanent_ckpt_… count: 'batch' (what is trained), or "
        "'optimizer' as SingingVocoders, where every batch counts twice. Converted when read.",
        stage="o",
        level="Z",
        kinds="W",
        default="batch",
        choices=("batch", "optimizer"),
    )
    model_args: VocoderModelArgs = key(
        "Size and shape of the networks.", stage="n", level="X", kinds="W"
    )
    data_input_path: list[str] = key(
        "Further folders of sound to learn from, without labels; sub-folders included.",
        stage="p",
        level="r",
        kinds="W",
        default=[],
    )
    data_out_path: list[str] = key(
        "Folders of records made by SingingVocoders; used by its index files.",
        stage="o",
        kinds="W",
        default=[],
        place=True,
    )
    DataIndexPath: str = key(
        "Folder of SingingVocoders' index files, for training from records it made.",
        stage="o",
        kinds="W",
        default="data",
        place=True,
    )
    train_set_name: str = key(
        "Index file of the training records.", stage="o", kinds="W", default="train", place=True
    )
    valid_set_name: str = key(
        "Index file of the validation records.", stage="o", kinds="W", default="valid", place=True
    )
    val_num: int = key(
        "How many recordings of data_input_path are kept for validation.",
        stage="p",
        level="r",
        kinds="W",
        low=0,
    )
    input_training_file: str = key(
        "HiFi-GAN's list of recordings to learn from; empty = all.",
        stage="p",
        kinds="W",
        default="",
    )
    input_validation_file: str = key(
        "HiFi-GAN's list of recordings for validation; empty = val_num of them.",
        stage="p",
        kinds="W",
        default="",
    )
    peak_normalise: bool = key(
        "Bring every recording to the same peak (0.95), as HiFi-GAN does.",
        stage="p",
        kinds="W",
        default=False,
    )
    fmax_for_loss: float | None = key(
        "Upper edge of the spectrogram that judges the sound; left out = half the sample rate.",
        stage="t",
        kinds="W",
        unit="Hz",
        default=None,
        low=1,
    )
    batch_size: int = key(
        "Clips in one batch on each device; lower it first when memory runs out.",
        stage="t",
        level="r",
        kinds="W",
        low=1,
    )
    crop_mel_frames: int = key(
        "Length of the clips that are cut out of the recordings at random.",
        stage="t",
        level="r",
        kinds="W",
        unit="frames",
        low=4,
    )
    volume_aug: bool = key(
        "Make some clips louder or softer, so that the vocoder sings at any level.",
        stage="t",
        kinds="W",
        default=True,
    )
    volume_aug_prob: float = key(
        "Share of the clips that are.", stage="t", kinds="W", default=0.5, low=0, high=1
    )
    key_aug: bool = key(
        "Play some clips faster or slower, for pitches the singer did not sing. Can harm the "
        "timbre.",
        stage="t",
        level="r",
        kinds="W",
        default=False,
    )
    key_aug_prob: float = key(
        "Share of the clips that are.", stage="t", kinds="W", default=0.5, low=0, high=1
    )
    aug_min: float = key(
        "Slowest speed.", stage="t", kinds="W", unit="times", default=0.9, low=0.25, high=4
    )
    aug_max: float = key(
        "Fastest speed.", stage="t", kinds="W", unit="times", default=1.4, low=0.25, high=4
    )
    pc_aug: bool = key(
        "Teach the vocoder to sing a spectrogram at another pitch, which gives OpenUTAU's "
        "formant-keeping key shift. Needs mini_nsf; a step costs about twice as much.",
        stage="ti",
        level="r",
        kinds="W",
        default=False,
    )
    pc_aug_rate: float = key(
        "Share of each batch that is sung at other pitches.",
        stage="t",
        level="r",
        kinds="W",
        default=0.4,
        low=0,
        high=1,
    )
    pc_aug_key: float = key(
        "How far away, up and down.",
        stage="t",
        kinds="W",
        unit="semitones",
        default=12,
        low=0,
        high=36,
    )
    use_stftloss: bool = key(
        "Also compare spectra at many resolutions.", stage="t", kinds="W", default=False
    )
    loss_fft_sizes: list[int] = key(
        "Lengths of these spectra.", stage="t", kinds="W", unit="samples", default=[]
    )
    loss_hop_sizes: list[int] = key(
        "Distance between them.", stage="t", kinds="W", unit="samples", default=[]
    )
    loss_win_lengths: list[int] = key(
        "Length of their windows.", stage="t", kinds="W", unit="samples", default=[]
    )
    lab_aux_melloss: float = key(
        "Weight of the spectrogram error against the discriminators.",
        stage="t",
        level="X",
        kinds="W",
        default=45,
        low=0,
    )
    lab_aux_stftloss: float = key(
        "Weight of the error at many resolutions.",
        stage="t",
        level="X",
        kinds="W",
        default=2.5,
        low=0,
    )
    aux_step: int = key(
        "For so many steps at the beginning the generator learns from spectrograms alone; then "
        "the discriminators join in. Such steps cost a fraction.",
        stage="t",
        level="r",
        kinds="W",
        default=0,
        low=0,
    )
    pitch_first: bool = key(
        "Begin with the sines louder than the spectrogram, and keep the filters between frames "
        "smooth: a small network then sings the right pitch from the first step on, and cannot "
        "hum at the frame rate instead. For vocoders from nothing.",
        stage="t",
        level="r",
        kinds="W",
        default=False,
    )
    generater_optimizer_args: OptimizerArgs = key(
        "The optimizer of the generator (the spelling is SingingVocoders').",
        stage="t",
        level="r",
        kinds="W",
    )
    discriminate_optimizer_args: OptimizerArgs = key(
        "The optimizer of the discriminators.", stage="t", level="r", kinds="W"
    )
