"""Hands in images that no data set knows: read, predicted, written as meshes and parameters."""

from handlib.photos.predict import PhotoHand, predict_photos
from handlib.photos.results import write_results
from handlib.photos.source import Photo, open_photos

__all__ = ["Photo", "PhotoHand", "open_photos", "predict_photos", "write_results"]
