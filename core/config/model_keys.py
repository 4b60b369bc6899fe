"""Config keys about what the model can do, its size, and diffusion."""

from __future__ import annotations

from .section import OpenSection, Section, key

BACKBONES = ("wavenet", "lynxnet", "lynxnet2")
ACTIVATIONS = ("relu", "gelu", "swish", "swiglu", "atanglu")


class BackboneArgs(OpenSection):
    """Size of a diffusion backbone; each backbone takes the ones it knows."""

    num_layers: int | None = key("Layers of the backbone.", stage="n", default=None, low=1)
    num_channels: int | None = key(
        "Width of the backbone; the main lever between quality and speed.",
        stage="n",
        default=None,
        low=1,
    )
    kernel_size: int | None = key(
        "How many frames one layer looks at (lynxnet, lynxnet2).",
        stage="n",
        default=None,
        unit="frames",
        low=1,
    )
    expansion_factor: float | None = key(
        "How much wider a layer is inside (lynxnet, lynxnet2).", stage="n", default=None, low=1
    )
    dilation_cycle_length: int | None = key(
        "After how many layers the spacing starts over (wavenet).", stage="n", default=None, low=1
    )
    dropout_rate: float | None = key(
        "Share of values dropped while learning.", stage="n", default=None, low=0, high=1
    )
    activation: str | None = key(
        "Nonlinearity of lynxnet.", stage="n", default=None, choices=("PReLU", "SiLU", "ReLU")
    )
    strong_cond: bool | None = key(
        "Feed the lyrics and pitch into every part of a lynxnet layer.", stage="n", default=None
    )
    use_conditioner_cache: bool | None = key(
        "Compute what comes from lyrics and pitch once per phrase (lynxnet2).",
        stage="n",
        default=None,
    )
    glu_type: str | None = key(
        "Gate of lynxnet2; atanglu is safe in half precision.",
        stage="n",
        default=None,
        choices=("swiglu", "atanglu"),
    )


class AuxDecoderArgs(OpenSection):
    """Size of the fast decoder that makes the first sketch of the spectrogram."""

    num_channels: int | None = key("Width.", stage="n", kinds="A", default=None, low=1)
    num_layers: int | None = key("Layers.", stage="n", kinds="A", default=None, low=1)
    kernel_size: int | None = key(
        "Frames one layer looks at.", stage="n", kinds="A", default=None, unit="frames", low=1
    )
    dropout_rate: float | None = key(
        "Share of values dropped while learning.",
        stage="n",
        kinds="A",
        default=None,
        low=0,
        high=1,
    )


class ShallowDiffusionArgs(Section):
    """Two decoders: a fast one sketches, diffusion refines."""

    train_aux_decoder: bool = key("Train the sketching decoder.", stage="t", kinds="A")
    train_diffusion: bool = key("Train the refining decoder.", stage="t", kinds="A")
    val_gt_start: bool = key(
        "During validation refine the recording's own spectrogram instead of the sketch.",
        stage="t",
        kinds="A",
    )
    aux_decoder_arch: str = key(
        "Type of the sketching decoder.",
        stage="n",
        level="Z",
        kinds="A",
        choices=("convnext",),
        part="aux_decoder",
    )
    aux_decoder_args: AuxDecoderArgs = key("Size of the sketching decoder.", stage="n", kinds="A")
    aux_decoder_grad: float = key(
        "How much the sketch may shape the encoder.", stage="t", kinds="A", low=0
    )


class ArchitectureArgs(OpenSection):
    """Arguments of a model from an installed package; each package knows its own."""


class MelodyEncoderArgs(OpenSection):
    """Size of the note encoder; what is left out is taken from the main encoder."""

    hidden_size: int | None = key("Width.", stage="n", kinds="V", default=None, low=1)
    enc_layers: int | None = key("Layers.", stage="n", kinds="V", default=None, low=1)
    enc_ffn_kernel_size: int | None = key("Kernel.", stage="n", kinds="V", default=None, low=1)
    ffn_act: str | None = key(
        "Nonlinearity.", stage="n", kinds="V", default=None, choices=ACTIVATIONS
    )
    dropout: float | None = key("Dropout.", stage="n", kinds="V", default=None, low=0, high=1)
    num_heads: int | None = key("Attention heads.", stage="n", kinds="V", default=None, low=1)
    use_pos_embed: bool | None = key("Positions on.", stage="n", kinds="V", default=None)
    rel_pos: bool | None = key("Relative positions.", stage="n", kinds="V", default=None)
    use_rope: bool | None = key("Rotary positions.", stage="n", kinds="V", default=None)


class DurPredictionArgs(Section):
    """The duration predictor."""

    arch: str = key(
        "Type of the predictor.",
        stage="n",
        level="Z",
        kinds="V",
        default="fs2",
        choices=("fs2", "resnet"),
    )
    hidden_size: int = key("Width.", stage="n", kinds="V", low=1)
    dropout: float = key("Dropout.", stage="n", level="X", kinds="V", low=0, high=1)
    num_layers: int = key("Layers.", stage="n", kinds="V", low=1)
    kernel_size: int = key("Phonemes one layer looks at.", stage="n", kinds="V", low=1)
    log_offset: float = key(
        "Offset inside the logarithm of durations.", stage="t", level="X", kinds="V"
    )
    loss_type: str = key(
        "How errors of duration are weighed.", stage="t", kinds="V", choices=("mse", "huber")
    )
    lambda_pdur_loss: float = key("Weight of phoneme lengths.", stage="t", kinds="V", low=0)
    lambda_wdur_loss: float = key("Weight of word lengths.", stage="t", kinds="V", low=0)
    lambda_sdur_loss: float = key("Weight of the phrase length.", stage="t", kinds="V", low=0)


class PitchPredictionArgs(Section):
    """The pitch predictor."""

    pitd_norm_min: float = key(
        "Largest fall below the notes that is learned in full.",
        stage="i",
        level="r",
        kinds="V",
        unit="semitones",
    )
    pitd_norm_max: float = key(
        "Largest rise above the notes that is learned in full.",
        stage="i",
        level="r",
        kinds="V",
        unit="semitones",
    )
    pitd_clip_min: float = key(
        "Deviations from the notes are cut below this.", stage="i", kinds="V", unit="semitones"
    )
    pitd_clip_max: float = key(
        "Deviations from the notes are cut above this.", stage="i", kinds="V", unit="semitones"
    )
    repeat_bins: int = key(
        "Channels on which the one curve is repeated.", stage="ni", level="r", kinds="V", low=1
    )
    backbone_type: str | None = key(
        "Backbone of the pitch predictor; left out, the main backbone_type.",
        stage="n",
        kinds="V",
        default=None,
        choices=BACKBONES,
        part="backbone",
    )
    backbone_args: BackboneArgs = key("Size of the pitch backbone.", stage="n", kinds="V")


class VariancesPredictionArgs(Section):
    """The predictor of energy, breathiness, voicing and tension."""

    total_repeat_bins: int = key(
        "Channels shared by all predicted curves; divisible by their number.",
        stage="ni",
        level="r",
        kinds="V",
        low=1,
    )
    backbone_type: str | None = key(
        "Backbone of the curve predictor; left out, the main backbone_type.",
        stage="n",
        kinds="V",
        default=None,
        choices=BACKBONES,
        part="backbone",
    )
    backbone_args: BackboneArgs = key("Size of the curve backbone.", stage="n", kinds="V")


class ModelKeys(Section):
    """Top-level keys about the network."""

    architecture: str | None = key(
        "The whole model, from an installed package; empty = singwiz's own.",
        stage="n",
        kinds="A",
        default=None,
    )
    architecture_args: ArchitectureArgs = key(
        "What that model can be told; see: singwiz models.",
        stage="n",
        kinds="A",
        default=ArchitectureArgs(),
    )
    hidden_size: int = key("Width of the encoder that reads the lyrics.", stage="n", low=1)
    dropout: float = key(
        "Share of encoder values dropped while learning.", stage="n", level="X", low=0, high=1
    )
    enc_layers: int = key("Layers of the encoder.", stage="n", low=1)
    num_heads: int = key("Attention heads of the encoder.", stage="n", level="X", low=1)
    enc_ffn_kernel_size: int = key(
        "Phonemes one encoder layer looks at directly.", stage="n", level="X", low=1
    )
    ffn_act: str = key("Nonlinearity of the encoder.", stage="n", level="X", choices=ACTIVATIONS)
    use_pos_embed: bool = key("Tell the encoder where a phoneme stands.", stage="n", level="X")
    rel_pos: bool = key("Relative positions.", stage="n", level="X", default=False)
    use_rope: bool = key("Rotary positions.", stage="n", level="X", default=False)
    rope_interleaved: bool = key(
        "Memory layout of the rotary positions.", stage="n", level="X", default=True
    )
    use_stretch_embed: bool = key(
        "Tell the model how far inside a phoneme it is.", stage="npi", level="X", default=False
    )
    use_variance_scaling: bool = key(
        "Bring durations and curves to a common size before they enter the network.",
        stage="ni",
        level="X",
        default=False,
    )
    use_mix_ln: bool = key(
        "Let the singer shape the encoder's layers.", stage="n", kinds="A", default=False
    )
    mix_ln_layer: list[int] = key(
        "Encoder layers shaped by the singer, counted from 0.", stage="n", kinds="A", default=[]
    )
    use_spk_id: bool = key(
        "The model holds several singers.", stage="npi", level="r", default=False
    )
    num_spk: int = key(
        "Room for singers; more than the highest spk_id.", stage="n", level="R", default=1, low=1
    )
    use_lang_id: bool = key(
        "Tell the model the language of phonemes that several languages share.",
        stage="npi",
        level="r",
        default=False,
    )
    num_lang: int = key(
        "Room for languages; at least the number of dictionaries.",
        stage="n",
        level="R",
        default=1,
        low=1,
    )
    use_energy_embed: bool = key(
        "The acoustic model takes a loudness curve.",
        stage="npi",
        level="r",
        kinds="A",
        default=False,
    )
    use_breathiness_embed: bool = key(
        "The acoustic model takes a breathiness curve.",
        stage="npi",
        level="r",
        kinds="A",
        default=False,
    )
    use_voicing_embed: bool = key(
        "The acoustic model takes a voicing curve.",
        stage="npi",
        level="r",
        kinds="A",
        default=False,
    )
    use_tension_embed: bool = key(
        "The acoustic model takes a tension curve.",
        stage="npi",
        level="r",
        kinds="A",
        default=False,
    )
    use_key_shift_embed: bool = key(
        "The voice gets a gender control; needs pitch-shifted copies to learn it from.",
        stage="npi",
        level="r",
        kinds="A",
        default=False,
    )
    use_speed_embed: bool = key(
        "The voice gets a velocity control; needs time-stretched copies to learn it from.",
        stage="npi",
        level="r",
        kinds="A",
        default=False,
    )
    predict_dur: bool = key(
        "Predict how long each phoneme lasts.", stage="npti", level="r", kinds="V"
    )
    predict_pitch: bool = key(
        "Predict the pitch curve from the notes.", stage="npti", level="r", kinds="V"
    )
    predict_energy: bool = key(
        "Predict loudness.", stage="npti", level="r", kinds="V", default=False
    )
    predict_breathiness: bool = key(
        "Predict breathiness.", stage="npti", level="r", kinds="V", default=False
    )
    predict_voicing: bool = key(
        "Predict voicing.", stage="npti", level="r", kinds="V", default=False
    )
    predict_tension: bool = key(
        "Predict tension.", stage="npti", level="r", kinds="V", default=False
    )
    use_melody_encoder: bool = key(
        "Read the notes with an encoder of their own.",
        stage="n",
        level="r",
        kinds="V",
        default=False,
    )
    melody_encoder_args: MelodyEncoderArgs = key("Size of the note encoder.", stage="n", kinds="V")
    use_glide_embed: bool = key(
        "Use the ornaments of the note_glide column.",
        stage="npi",
        level="r",
        kinds="V",
        default=False,
    )
    glide_embed_scale: float = key(
        "Strength of the ornament input.", stage="n", level="X", kinds="V"
    )
    dur_prediction_args: DurPredictionArgs = key("The duration predictor.", stage="nt", kinds="V")
    pitch_prediction_args: PitchPredictionArgs = key("The pitch predictor.", stage="ni", kinds="V")
    variances_prediction_args: VariancesPredictionArgs = key(
        "The curve predictor.", stage="ni", kinds="V"
    )
    energy_db_min: float = key("Quietest energy.", stage="i", level="r", kinds="V", unit="dB")
    energy_db_max: float = key("Loudest energy.", stage="i", level="r", kinds="V", unit="dB")
    breathiness_db_min: float = key(
        "Least breathiness.", stage="i", level="r", kinds="V", unit="dB"
    )
    breathiness_db_max: float = key("Most breathiness.", stage="i", level="r", kinds="V", unit="dB")
    voicing_db_min: float = key("Least voicing.", stage="i", level="r", kinds="V", unit="dB")
    voicing_db_max: float = key("Most voicing.", stage="i", level="r", kinds="V", unit="dB")
    tension_logit_min: float = key("Least tension.", stage="i", level="r", kinds="V")
    tension_logit_max: float = key("Most tension.", stage="i", level="r", kinds="V")
    spec_min: list[float] = key(
        "Quietest value of the spectrogram, one for all bands or one per band.",
        stage="i",
        level="X",
        kinds="A",
    )
    spec_max: list[float] = key(
        "Loudest value of the spectrogram, one for all bands or one per band.",
        stage="i",
        level="X",
        kinds="A",
    )
    backbone_type: str = key(
        "Network that refines the spectrogram; lynxnet2 is the fastest for its quality.",
        stage="n",
        kinds="A",
        default="wavenet",
        choices=BACKBONES,
        part="backbone",
    )
    backbone_args: BackboneArgs = key("Size of that network.", stage="n", kinds="A")

    diffusion_type: str = key(
        "How a spectrogram grows out of noise: reflow is today's, ddpm the older way.",
        stage="n",
        default="ddpm",
        choices=("ddpm", "reflow"),
    )
    time_scale_factor: float = key("Factor on the diffusion time.", stage="n", level="X", low=1)
    sampling_algorithm: str = key(
        "How reflow takes its steps when rendering; euler is enough at 20 steps.",
        stage="i",
        choices=("euler", "rk2", "rk4", "rk5"),
    )
    sampling_steps: int = key(
        "Refining steps per phrase when rendering; more is slower and slightly cleaner.",
        stage="i",
        unit="steps",
        low=1,
    )
    timesteps: int = key("Steps of the ddpm noise schedule.", stage="n", level="X", low=1)
    max_beta: float = key(
        "Strongest noise of the linear ddpm schedule.", stage="ni", default=0.01, low=0, high=1
    )
    schedule_type: str = key(
        "Shape of the ddpm noise schedule.", stage="n", level="X", choices=("linear", "cosine")
    )
    diff_accelerator: str = key(
        "How ddpm takes its steps when rendering.",
        stage="i",
        choices=("ddim", "pndm", "dpm-solver", "unipc"),
    )
    diff_speedup: int = key(
        "By what factor ddpm rendering skips steps; divides K_step.", stage="i", low=1
    )
    main_loss_type: str = key(
        "How errors of the refined spectrogram, of pitch and of curves are weighed.",
        stage="t",
        level="X",
        choices=("l1", "l2"),
    )
    main_loss_log_norm: bool = key(
        "Weigh the middle of the refining path more (reflow).", stage="t", default=False
    )
    use_shallow_diffusion: bool = key(
        "A fast decoder sketches the spectrogram and diffusion only refines it.",
        stage="ni",
        level="r",
        kinds="A",
        default=False,
    )
    T_start: float = key(
        "How much of the refining path is left to the sketch in training (reflow).",
        stage="t",
        level="r",
        kinds="A",
        low=0,
        high=1,
    )
    T_start_infer: float = key(
        "The same when rendering; at least T_start.",
        stage="i",
        level="r",
        kinds="A",
        low=0,
        high=1,
    )
    K_step: int = key("How many ddpm steps the refining part learns.", stage="t", level="r", low=1)
    K_step_infer: int = key(
        "The same when rendering; at most K_step.", stage="i", level="r", kinds="A", low=1
    )
    shallow_diffusion_args: ShallowDiffusionArgs = key(
        "The sketching decoder.", stage="nt", kinds="A"
    )
    lambda_aux_mel_loss: float = key("Weight of the sketch's error.", stage="t", kinds="A", low=0)
    lambda_dur_loss: float = key("Weight of duration errors.", stage="t", kinds="V", low=0)
    lambda_pitch_loss: float = key("Weight of pitch errors.", stage="t", kinds="V", low=0)
    lambda_var_loss: float = key("Weight of curve errors.", stage="t", kinds="V", low=0)
