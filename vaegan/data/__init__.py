"""Data sets as uint8 tensors (N, C, H, W), and which images make up which batch."""

from vaegan.data.catalog import DATASETS, PREFIXES, drawn, load, native_size
from vaegan.data.imageset import SIZES, ImageSet

__all__ = ["DATASETS", "PREFIXES", "SIZES", "ImageSet", "drawn", "load", "native_size"]
