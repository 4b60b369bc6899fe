"""Contract tests as a library: what an author of a model or a part calls in one line.

``check_backbone``, ``check_aux_decoder``, ``check_criterion`` and ``check_acoustic_model`` run
everything that applies; the single checks can be used for anything else. A failure is a
:class:`BrokenContract`, an ``AssertionError`` that says what is wrong and where.
"""

from .exporting import check_onnx
from .failures import BrokenContract
from .layers import (
    check_batch_invariance,
    check_deterministic,
    check_finite,
    check_gradients,
    check_shapes,
)
from .losses import check_criterion
from .models import acoustic_batch, acoustic_config, check_acoustic_model
from .parts import check_aux_decoder, check_backbone, check_pitch_extractor, check_separator
from .training import (
    check_all_parameters_change,
    check_logs,
    check_resume,
    check_state_round_trip,
)

__all__ = [
    "BrokenContract",
    "acoustic_batch",
    "acoustic_config",
    "check_acoustic_model",
    "check_all_parameters_change",
    "check_aux_decoder",
    "check_backbone",
    "check_batch_invariance",
    "check_criterion",
    "check_deterministic",
    "check_finite",
    "check_gradients",
    "check_logs",
    "check_onnx",
    "check_pitch_extractor",
    "check_resume",
    "check_separator",
    "check_shapes",
    "check_state_round_trip",
]
