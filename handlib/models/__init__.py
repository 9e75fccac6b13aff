"""The networks, one concept a file."""

from handlib.models import official
from handlib.models.handoccnet import HandOccNet, HandOccNetConfig, HandPrediction
from handlib.models.inference import fuse_for_inference
from handlib.models.record import record

__all__ = [
    "HandOccNet",
    "HandOccNetConfig",
    "HandPrediction",
    "fuse_for_inference",
    "official",
    "record",
]
