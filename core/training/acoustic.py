"""Training the acoustic model: phonemes and pitch to mel spectrograms."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from torch import Tensor

from ..models.acoustic import AcousticModel, AcousticOutput
from ..synthesis.evaluate import PhonemeMeans
from .baselines import sample_items
from .figures import mel_figure
from .gallery import ValidationGallery
from .measurements import ErrorsByClass, Measurement
from .task import TrainingTask
from .validation_sound import ValidationSound

CURVES = ("energy", "breathiness", "voicing", "tension")


class AcousticTask(TrainingTask):
    """Trains the acoustic model, its auxiliary decoder included."""

    category = "acoustic"
    model: AcousticModel

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._sound = ValidationSound(self.config, self.surroundings.reporter)
        self._means: PhonemeMeans | None = None

    def fields(self) -> list[str]:
        """Tokens, mel, f0 and whatever embeddings the config turns on."""
        wanted = {"languages": "use_lang_id", "spk_id": "use_spk_id"}
        wanted |= {name: f"use_{name}_embed" for name in (*CURVES, "key_shift", "speed")}
        optional = [field for field, flag in wanted.items() if self.options.get(flag)]
        return ["tokens", "mel", "mel2ph", "f0", *optional]

    def loss_names(self) -> list[str]:
        """``aux_mel_loss`` and ``mel_loss``, as far as their decoders are trained."""
        trained = {
            "aux_mel_loss": self.model.train_aux_decoder,
            "mel_loss": self.model.train_diffusion,
        }
        return [name for name, takes_part in trained.items() if takes_part]

    def has_unused_parameters(self) -> bool:
        """True if a decoder exists that takes no part in training."""
        decoders = 1 if self.model.aux_decoder is None else 2
        return len(self.loss_names()) < decoders

    def _inputs(self, batch: Mapping[str, Any]) -> dict[str, Tensor]:
        names = {"spk_ids": "spk_embed_id", "languages": "languages"}
        names |= {name: name for name in (*CURVES, "key_shift", "speed")}
        inputs = {to: batch[field] for field, to in names.items() if field in batch}
        return {
            "txt_tokens": batch["tokens"],
            "mel2ph": batch["mel2ph"],
            "f0": batch["f0"],
            **inputs,
        }

    def losses(self, batch: Mapping[str, Any]) -> dict[str, Tensor]:
        """Losses of both decoders on a batch."""
        output = self.model(**self._inputs(batch), gt_mel=batch["mel"])
        return self.model.losses(output, gt_mel=batch["mel"], mel2ph=batch["mel2ph"])

    # Validation ---------------------------------------------------------------------------

    def examine(self, gallery: ValidationGallery, shown: int, measured: int) -> list[Measurement]:
        """Sing validation items, compare their mels, and show the first ones."""
        if self._means is None:
            training = sample_items(self.train_items, seed=self.surroundings.seed)
            self._means = PhonemeMeans.fit(training)
        sung, aux, rule = ErrorsByClass(), ErrorsByClass(), ErrorsByClass()
        for indices, batch in self.performed_batches(measured):
            self._seed(0)
            output = self.model(**self._inputs(batch), gt_mel=batch["mel"], infer=True)
            for row, index in enumerate(indices):
                item = self.valid_items[index]
                mels = self._mels(index, row, output)
                labelled = item["mel2ph"] > 0
                owners = self.classes[item["tokens"][item["mel2ph"][labelled] - 1]]
                predicted = {**mels, "rule": self._means.predict(item["tokens"], item["mel2ph"])}
                for errors, name in ((sung, "diff"), (aux, "aux"), (rule, "rule")):
                    if name in predicted:
                        distance = np.abs(predicted[name] - item["mel"]).mean(axis=1)
                        errors.add(distance[labelled], owners)
                if index < shown:
                    self._show_item(gallery, index, mels)
        found = [sung.measurement("mel_l1", "mel error", "nat", measured, rule)]
        if self.model.train_aux_decoder:
            label = "mel error, auxiliary decoder"
            found.append(aux.measurement("aux_mel_l1", label, "nat", measured, rule))
        found.append(self._sound.measurement())
        return [one for one in found if one is not None]

    def score(self, measurements: list[Measurement]) -> tuple[str, float] | None:
        """The error of the mel that is trained last."""
        wanted = "mel_l1" if self.model.train_diffusion else "aux_mel_l1"
        return next(((one.name, one.value) for one in measurements if one.name == wanted), None)

    def _mels(self, index: int, row: int, output: AcousticOutput) -> dict[str, np.ndarray]:
        """Mels ``[T, bins]`` of one item by decoder, cut to its length."""
        frames = self.valid_items.sizes[index]
        mels = {"aux": output.aux_out, "diff": output.diff_out}
        return {
            name: mel[row, :frames].float().cpu().numpy()
            for name, mel in mels.items()
            if mel is not None
        }

    def _show_item(
        self, gallery: ValidationGallery, index: int, mels: Mapping[str, np.ndarray]
    ) -> None:
        item, name, title = self.valid_items[index], self.valid_items.name(index), self.title(index)
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
                gallery.figure(f"{kind}mel_{index}", picture, file=file, label=name)
        f0 = np.asarray(item["f0"], np.float32)
        self._sound.play(gallery, index, name, f0, cut, device=str(self.device))
