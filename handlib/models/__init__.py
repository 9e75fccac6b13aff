"""The networks, one concept a file."""

from handlib.models import official
from handlib.models.deformer import Deformer, SequencePrediction
from handlib.models.deformer_config import DeformerConfig
from handlib.models.discriminator import MotionDiscriminator
from handlib.models.handoccnet import HandOccNet, HandOccNetConfig, HandPrediction
from handlib.models.inference import fuse_for_inference
from handlib.models.record import record

__all__ = [
    "Deformer",
    "DeformerConfig",
    "HandOccNet",
    "HandOccNetConfig",
    "HandPrediction",
    "MotionDiscriminator",
    "SequencePrediction",
    "fuse_for_inference",
    "official",
    "record",
]
