"""Rules about the network, its curves and diffusion."""

from __future__ import annotations

from pathlib import Path

from .rule import ERROR, NOTE, WARNING, Findings, Rule, say, switched_curves
from .schema import Config


def _encoder(config: Config, base: Path) -> Findings:
    step = config.num_heads * (2 if config.use_rope else 1)
    if step > 0 and config.hidden_size % step:
        yield say(
            "config-heads-indivisible",
            ERROR,
            "hidden_size",
            f"'hidden_size' ({config.hidden_size}) cannot be shared evenly by "
            f"{config.num_heads} attention heads.",
            f"Use a multiple of {step}.",
        )
    if config.kind == "acoustic" and config.use_mix_ln:
        beyond = [layer for layer in config.mix_ln_layer if not 0 <= layer < config.enc_layers]
        if beyond:
            yield say(
                "config-mix-ln-layer",
                WARNING,
                "mix_ln_layer",
                f"The encoder has {config.enc_layers} layers; there is no layer {beyond[0]}.",
                f"Use numbers from 0 to {config.enc_layers - 1}.",
            )
        if not config.use_spk_id:
            yield say(
                "config-mix-ln-without-speakers",
                ERROR,
                "use_mix_ln",
                "use_mix_ln lets the singer shape the encoder, but the model has no singers.",
                "Set use_spk_id to true, or use_mix_ln to false.",
            )


def _diffusion(config: Config, base: Path) -> Findings:
    if config.diffusion_type == "ddpm":
        if config.K_step > config.timesteps:
            yield say(
                "config-k-step-too-large",
                ERROR,
                "K_step",
                f"'K_step' ({config.K_step}) is more than 'timesteps' ({config.timesteps}).",
                "Lower K_step.",
            )
        if config.diff_speedup > 0 and config.K_step % config.diff_speedup:
            yield say(
                "config-speedup-indivisible",
                ERROR,
                "diff_speedup",
                f"'K_step' ({config.K_step}) is not a multiple of 'diff_speedup' "
                f"({config.diff_speedup}).",
                "Choose a speed-up that divides K_step, such as 10.",
            )
    if config.kind != "acoustic" or not config.use_shallow_diffusion:
        return
    if config.diffusion_type == "ddpm" and config.K_step_infer > config.K_step:
        yield say(
            "config-k-step-infer-too-large",
            ERROR,
            "K_step_infer",
            f"'K_step_infer' ({config.K_step_infer}) is more than the {config.K_step} steps that "
            "are learned.",
            "Use at most K_step.",
        )
    if config.diffusion_type == "reflow" and config.T_start_infer < config.T_start:
        yield say(
            "config-t-start-infer-too-small",
            ERROR,
            "T_start_infer",
            f"'T_start_infer' ({config.T_start_infer:g}) lies before 'T_start' "
            f"({config.T_start:g}), where nothing is learned.",
            "Use at least T_start.",
        )
    args = config.shallow_diffusion_args
    if not args.train_aux_decoder and not args.train_diffusion:
        yield say(
            "config-nothing-trained",
            ERROR,
            "shallow_diffusion_args.train_diffusion",
            "Neither the sketch nor the refinement is trained.",
            "Set train_aux_decoder or train_diffusion to true.",
        )


def _mel(config: Config, base: Path) -> Findings:
    if config.mel_base != "e":
        yield say(
            "config-mel-base",
            ERROR,
            "mel_base",
            "Spectrograms with 'mel_base' 10 cannot be prepared any more.",
            "Set mel_base: 'e', spec_min: [-12], spec_max: [0], mel_vmin: -14, mel_vmax: 4, and "
            "prepare the recordings again.",
        )
    elif config.spec_min and max(config.spec_min) > -8:
        yield say(
            "config-spec-range-old",
            WARNING,
            "spec_min",
            f"'spec_min' ({max(config.spec_min):g}) belongs to the old log10 spectrograms; quiet "
            "sounds would be cut.",
            "Use spec_min: [-12] and spec_max: [0] with mel_base 'e'.",
        )
    for key in ("spec_min", "spec_max"):
        if len(getattr(config, key)) not in (1, config.audio_num_mel_bins):
            yield say(
                "config-spec-length",
                ERROR,
                key,
                f"'{key}' has {len(getattr(config, key))} values.",
                f"Give one value, or one for each of the {config.audio_num_mel_bins} bands.",
            )
    if config.spec_min and config.spec_max and min(config.spec_max) <= max(config.spec_min):
        yield say(
            "config-range-empty",
            ERROR,
            "spec_min",
            "'spec_min' is not below 'spec_max'.",
            "Use spec_min: [-12] and spec_max: [0].",
        )


def _curves(config: Config, base: Path) -> Findings:
    acoustic = config.kind == "acoustic"
    prefix, suffix = ("use_", "_embed") if acoustic else ("predict_", "")
    on = switched_curves(config)
    if {"energy", "breathiness", "voicing"} <= set(on):
        yield say(
            "config-curves-overlap",
            WARNING,
            f"{prefix}energy{suffix}",
            "Energy is nearly the sum of breathiness and voicing; the three contradict each "
            "other when you draw them.",
            "Switch energy off.",
        )
    if "tension" in on and {"energy", "voicing"} & set(on):
        yield say(
            "config-tension-loudness",
            NOTE,
            f"{prefix}tension{suffix}",
            "Tension together with energy or voicing fixes loudness twice.",
            "Listen closely, and switch one off if tension seems dead.",
        )
    if acoustic:
        return
    predicted = [*on, *(name for name in ("dur", "pitch") if getattr(config, f"predict_{name}"))]
    if not predicted:
        yield say(
            "config-predicts-nothing",
            ERROR,
            "predict_dur",
            "The variance model would predict nothing.",
            "Set at least one of the predict_… keys to true.",
        )
    bins = config.variances_prediction_args.total_repeat_bins
    if on and bins % len(on):
        yield say(
            "config-repeat-bins-indivisible",
            ERROR,
            "variances_prediction_args.total_repeat_bins",
            f"{bins} bins cannot be shared evenly by {len(on)} curves.",
            "Use 72.",
        )
    if config.predict_dur and config.predict_pitch:
        yield say(
            "config-dur-with-pitch",
            NOTE,
            "predict_dur",
            "Pitch is usually better when it is learned without durations, in a second model.",
            "Keep both in one model if convenience matters more.",
        )
    if config.use_glide_embed and not (config.predict_pitch and config.use_melody_encoder):
        yield say(
            "config-glide-without-melody",
            ERROR,
            "use_glide_embed",
            "Ornaments are read by the note encoder of the pitch predictor, which is off.",
            "Set predict_pitch and use_melody_encoder to true, or use_glide_embed to false.",
        )
    if "none" in config.glide_types:
        yield say(
            "config-glide-none",
            ERROR,
            "glide_types",
            "'none' is reserved for notes without an ornament.",
            "Remove it from glide_types.",
        )
    pitd = config.pitch_prediction_args
    if not pitd.pitd_clip_min <= pitd.pitd_norm_min < pitd.pitd_norm_max <= pitd.pitd_clip_max:
        yield say(
            "config-range-empty",
            WARNING,
            "pitch_prediction_args.pitd_norm_min",
            "The ranges of pitch deviation are not nested: clip_min ≤ norm_min < norm_max ≤ "
            "clip_max.",
            "Use -12, -8, 8 and 12 semitones.",
        )


RULES: tuple[Rule, ...] = (_encoder, _diffusion, _curves)
ACOUSTIC_RULES: tuple[Rule, ...] = (_mel,)
