"""Rendered hands behind and around everyday objects."""

from handlib.data.synthetic.config import StillsConfig
from handlib.data.synthetic.dataset import SyntheticHands

__all__ = ["StillsConfig", "SyntheticHands"]
