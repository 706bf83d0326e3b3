"""Data sets as uint8 tensors (N, C, H, W), and which images make up which batch."""

from vaegan.data.catalog import DATASETS, EMBEDDED, PREFIXES, drawn, identities, load, native_size, resolved, same_kind
from vaegan.data.imageset import SIZES, ImageSet

__all__ = [
    "DATASETS",
    "EMBEDDED",
    "PREFIXES",
    "SIZES",
    "ImageSet",
    "drawn",
    "identities",
    "load",
    "native_size",
    "resolved",
    "same_kind",
]
