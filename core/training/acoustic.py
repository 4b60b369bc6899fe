"""Training the acoustic model: phonemes and pitch to mel spectrograms."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
from torch import Tensor, nn

from ..models.acoustic import AcousticModel, AcousticOutput
from ..models.outputs import MAIN_OUTPUT, named_outputs
from ..synthesis.evaluate import PhonemeMeans
from .baselines import sample_items
from .contract import MAIN, Criterion, Outputs, TrainableModel
from .examination import Examination
from .figures import mel_figure
from .measurements import ErrorsByClass, Measurement
from .validation_sound import ValidationSound

CURVES = ("energy", "breathiness", "voicing", "tension")


class AcousticBase(TrainableModel):
    """What all acoustic models share: their data, and how they are examined.

    A model of this kind takes ``txt_tokens``, ``mel2ph``, ``f0`` and whatever the config turns on
    (see :meth:`format_batch`), with ``gt_mel`` in training; its inference gives a mel
    ``[B, T, M]``, natural log, as ``model_outputs``.

    Attributes:
        train_diffusion: the main output is trained.
        train_aux_decoder: there is an ``aux_out``, a coarser mel, and it is trained.
    """

    category = "acoustic"
    train_diffusion: bool = True
    train_aux_decoder: bool = False
    _sound: ValidationSound | None = None
    _means: PhonemeMeans | None = None

    @property
    def speaker_table(self) -> nn.Module | None:
        """Speaker id -> embedding ``[H]``; None if the model has no speakers.

        A model with speakers takes ``spk_embed_id`` ``[B]`` in training, and when singing
        ``spk_mix_embed`` ``[B, 1 or T, H]``, a weighted sum of rows of this table.
        """
        return None

    def fields(self) -> list[str]:
        """Tokens, mel, f0 and whatever embeddings the config turns on."""
        wanted = {"languages": "use_lang_id", "spk_id": "use_spk_id"}
        wanted |= {name: f"use_{name}_embed" for name in (*CURVES, "key_shift", "speed")}
        optional = [field for field, flag in wanted.items() if self.options.get(flag)]
        return ["tokens", "mel", "mel2ph", "f0", *optional]

    def format_batch(self, batch: Mapping[str, Any]) -> dict[str, Any]:
        """``txt_tokens``, ``mel2ph``, ``f0``, ``gt_mel`` and, where the config turns them on,
        ``spk_embed_id``, ``languages``, curves, ``key_shift`` and ``speed``; see
        :meth:`singwiz.core.models.acoustic.AcousticModel.forward`."""
        names = {"tokens": "txt_tokens", "mel2ph": "mel2ph", "f0": "f0", "mel": "gt_mel"}
        names |= {"spk_ids": "spk_embed_id", "languages": "languages"}
        names |= {name: name for name in (*CURVES, "key_shift", "speed")}
        return {to: batch[field] for field, to in names.items() if field in batch}

    # Validation ---------------------------------------------------------------------------

    def eval_log(self, examination: Examination) -> list[Measurement]:
        """Sing held-out recordings, compare their mels, and show the first ones."""
        ex = examination
        if self._sound is None:
            self._sound = ValidationSound(ex.config, ex.surroundings.reporter)
        if self._means is None:
            training = sample_items(ex.training, seed=ex.surroundings.seed)
            self._means = PhonemeMeans.fit(training)
        sung, aux, rule = ErrorsByClass(), ErrorsByClass(), ErrorsByClass()
        for indices, batch in ex.batches():
            inputs = self.format_batch(batch)
            target = {"gt_mel": inputs.pop("gt_mel")}
            outputs = named_outputs(self.inference(inputs, target))
            for row, index in enumerate(indices):
                item = ex.items[index]
                mels = _mels(outputs, row, ex.items.sizes[index])
                labelled = item["mel2ph"] > 0
                owners = ex.classes[item["tokens"][item["mel2ph"][labelled] - 1]]
                predicted = {**mels, "rule": self._means.predict(item["tokens"], item["mel2ph"])}
                for errors, name in ((sung, "diff"), (aux, "aux"), (rule, "rule")):
                    if name in predicted:
                        distance = np.abs(predicted[name] - item["mel"]).mean(axis=1)
                        errors.add(distance[labelled], owners)
                if index < ex.shown:
                    self._show_item(ex, index, mels)
        found = [sung.measurement("mel_l1", "mel error", "nat", ex.measured, rule)]
        if self.train_aux_decoder:
            label = "mel error, auxiliary decoder"
            found.append(aux.measurement("aux_mel_l1", label, "nat", ex.measured, rule))
        found.append(self._sound.measurement())
        return [one for one in found if one is not None]

    def score(self, measurements: list[Measurement]) -> tuple[str, float] | None:
        """The error of the mel that is trained last."""
        wanted = "mel_l1" if self.train_diffusion else "aux_mel_l1"
        return next(((one.name, one.value) for one in measurements if one.name == wanted), None)

    def _show_item(
        self, examination: Examination, index: int, mels: Mapping[str, np.ndarray]
    ) -> None:
        ex = examination
        item, name, title = ex.items[index], ex.items.name(index), ex.title(index)
        cut = {"gt": item["mel"], **mels}
        for kind in ("aux", "diff"):
            if kind in cut:
                picture = mel_figure(
                    cut[kind],
                    cut["gt"],
                    vmin=float(self.options["mel_vmin"]),
                    vmax=float(self.options["mel_vmax"]),
                    title=title,
                )
                file = f"{index}_mel.png" if kind == "diff" else ""
                ex.gallery.figure(f"{kind}mel_{index}", picture, file=file, label=name)
        f0 = np.asarray(item["f0"], np.float32)
        assert self._sound is not None
        self._sound.play(ex.gallery, index, name, f0, cut, device=str(ex.device))


def _mels(outputs: Outputs, row: int, frames: int) -> dict[str, np.ndarray]:
    """Mels ``[T, bins]`` of one item by decoder, cut to its length."""
    mels = {"aux": outputs.get("aux_out"), "diff": outputs[MAIN_OUTPUT]}
    return {
        name: mel[row, :frames].float().cpu().numpy()
        for name, mel in mels.items()
        if mel is not None
    }


class AcousticCriterion(Criterion):
    """Losses of both decoders, as far as they are trained."""

    def __init__(self, model: AcousticModel) -> None:
        super().__init__()
        trained = {
            "aux_mel_loss": model.train_aux_decoder,
            "mel_loss": model.train_diffusion,
        }
        self.names = tuple(name for name, takes_part in trained.items() if takes_part)
        self._losses = model.losses  # not the model itself: it would become a child

    def compute(
        self, outputs: Outputs, batch: Mapping[str, Any], optimizer_name: str = MAIN
    ) -> dict[str, Tensor]:
        """``aux_mel_loss`` and ``mel_loss``."""
        output = AcousticOutput(outputs["aux_out"], outputs["diff_out"])
        return self._losses(output, gt_mel=batch["gt_mel"], mel2ph=batch["mel2ph"])


class AcousticTraining(AcousticModel, AcousticBase):
    """singwiz's own acoustic model, its auxiliary decoder included."""

    @classmethod
    def init_from_config(cls, config: Mapping[str, Any], *, vocab_size: int) -> Self:
        """See :meth:`.contract.TrainableModel.init_from_config`."""
        model = cls(config, vocab_size=vocab_size)
        model.options = dict(config)
        return model

    def has_unused_parameters(self) -> bool:
        """True if a decoder exists that takes no part in training."""
        decoders = 1 if self.aux_decoder is None else 2
        return self.train_aux_decoder + self.train_diffusion < decoders

    def get_criterion(self) -> Criterion:
        """See :class:`AcousticCriterion`."""
        return AcousticCriterion(self)
