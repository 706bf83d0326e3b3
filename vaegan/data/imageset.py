"""What a data set is once it is loaded: one uint8 array, its labels, and how its split was made."""

from __future__ import annotations  # the names and sizes of data sets are known without torch

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

SIZES = (32, 64, 128)  # what every data set is brought to unless told otherwise
SMALL_SIZES = (26, 28)  # MNIST's own pixels, for networks that need no power of two, and their 26-pixel centre
SPLITS = ("train", "test")  # "test" is held out: nothing is ever trained on it
HOLD_OUT_EVERY = 10


@dataclass(frozen=True, eq=False)
class ImageSet:
    """One split of a data set.

    images: (N, C, S, S) uint8, C 1 or 3, S one of SIZES or SMALL_SIZES; it may be a view of a memory-mapped file.
    labels: None, (N,) int64 classes with -1 for unlabelled, or (N, A) uint8 binary attributes.
    label_names: a name for each class or attribute, () when there are none.
    note: how the split was made and what was done to the pixels, when that is not the publisher's own choice.
    """

    name: str
    split: str
    images: Tensor
    labels: Tensor | None = None
    label_names: tuple[str, ...] = ()
    note: str = ""

    @property
    def channels(self) -> int:
        return self.images.shape[1]

    @property
    def image_size(self) -> int:
        return self.images.shape[-1]


def held_out(count: int, split: str) -> list[int]:
    """Return the indices of `split` when every tenth of `count` images, the first included, is held out."""
    wants_test = split == "test"
    return [i for i in range(count) if (i % HOLD_OUT_EVERY == 0) == wants_test]


def hold_out_note(source: str) -> str:
    """Return the note of a set that was split by `held_out`."""
    return f"every {HOLD_OUT_EVERY}th image of {source} is held out as the test split"
