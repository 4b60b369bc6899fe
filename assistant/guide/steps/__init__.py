"""The steps, in the order in which a voice is made."""

from .base import Step
from .check import CheckStep
from .dictionary import DictionaryStep
from .export import ExportStep
from .features import FeaturesStep
from .listen import ListenStep
from .model import ModelStep
from .pair import PrepareBoth, TrainBoth
from .recordings import RecordingsStep
from .vocoder import VocoderStep

STEPS: tuple[Step, ...] = (
    RecordingsStep(),
    CheckStep(),
    DictionaryStep(),
    FeaturesStep(),
    ModelStep(),
    PrepareBoth(),
    TrainBoth(),
    ListenStep(),
    VocoderStep(),
    ExportStep(),
)

__all__ = ["STEPS", "Step"]
