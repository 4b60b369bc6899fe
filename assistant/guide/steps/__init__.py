"""The steps, in the order in which a voice is made."""

from .base import Step
from .check import CheckStep
from .dictionary import DictionaryStep
from .export import ExportStep
from .features import FeaturesStep
from .listen import ListenStep
from .model import ModelStep
from .prepare import PrepareStep
from .recordings import RecordingsStep
from .train import TrainStep
from .vocoder import VocoderStep

STEPS: tuple[Step, ...] = (
    RecordingsStep(),
    CheckStep(),
    DictionaryStep(),
    FeaturesStep(),
    ModelStep(),
    PrepareStep(),
    TrainStep(),
    ListenStep(),
    VocoderStep(),
    ExportStep(),
)

__all__ = ["STEPS", "Step"]
