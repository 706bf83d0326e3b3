"""What a data set is once it is loaded: one uint8 array, its labels, and how its split was made."""

from __future__ import annotations  # the names and sizes of data sets are known without torch

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from vaegan.errors import UserError

if TYPE_CHECKING:
    from torch import Tensor

SIZES = tuple(2**k for k in range(5, 10))  # 32 to 512: what every data set is brought to unless told otherwise
DEFAULT_SIZES = SIZES[:3]  # what images get by themselves; larger ones are asked for
SMALL_SIZES = (26, 28)  # MNIST's own pixels, for networks that need no power of two, and their 26-pixel centre
SPLITS = ("train", "test")  # "test" is held out: nothing is ever trained on it


@dataclass(frozen=True, eq=False)
class ImageSet:
    """One split of a data set.

    images: (N, C, S, S) uint8, C 1 or 3, S one of SIZES or SMALL_SIZES; it may be a view of a memory-mapped file.
    labels: None, (N,) int64 classes with -1 for unlabelled, or (N, A) uint8 binary attributes.
    label_names: a name for each class or attribute, () when there are none.
    note: how the split was made and what was done to the pixels, when that is not the publisher's own choice.
    unusable_labels: why labels that the data have were left out, "" otherwise.
    source: what the images were made from, as a cache key; "" when they have no file.
    identity: what `vaegan.data.identity` knows them by, {} until `load` has computed it.
    """

    name: str
    split: str
    images: Tensor
    labels: Tensor | None = None
    label_names: tuple[str, ...] = ()
    note: str = ""
    unusable_labels: str = ""
    source: str = ""
    identity: dict[str, Any] = field(default_factory=dict, repr=False)

    @property
    def known_labels(self) -> Tensor:
        """The labels, of a set that is used because it has some. Raises UserError where it has none."""
        if self.labels is None:
            why = f" ({self.unusable_labels})" if self.unusable_labels else ""
            raise UserError(f"{self.name} has no usable labels{why}: use labelled data")
        return self.labels

    @property
    def channels(self) -> int:
        return self.images.shape[1]

    @property
    def image_size(self) -> int:
        return self.images.shape[-1]


def joined(*notes: str) -> str:
    """Return those notes that say something as one."""
    return "; ".join(filter(None, notes))
