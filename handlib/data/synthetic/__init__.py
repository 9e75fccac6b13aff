"""Rendered hands behind and around everyday objects, as images and as short videos."""

from handlib.data.synthetic.config import SequencesConfig, StillsConfig
from handlib.data.synthetic.dataset import SyntheticHands
from handlib.data.synthetic.sequences import SyntheticSequences

__all__ = ["SequencesConfig", "StillsConfig", "SyntheticHands", "SyntheticSequences"]
