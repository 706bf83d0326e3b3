"""Data sets as uint8 tensors (N, C, H, W), and which images make up which batch."""

from vaegan.data.batches import batch_indices
from vaegan.data.catalog import (
    DATASETS,
    EMBEDDED,
    PREFIXES,
    drawn,
    identities,
    load,
    native_size,
    resolved,
    same_kind,
)
from vaegan.data.identity import check
from vaegan.data.imageset import SIZES, ImageSet

__all__ = [
    "DATASETS",
    "EMBEDDED",
    "PREFIXES",
    "SIZES",
    "ImageSet",
    "batch_indices",
    "check",
    "drawn",
    "identities",
    "load",
    "native_size",
    "resolved",
    "same_kind",
]
