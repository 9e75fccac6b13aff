"""Hands under Occlusion: HandOccNet and Deformer, built to be read, trained and taught."""

__version__ = "0.1.0"
