"""Which images are held out, and whether the two splits of a data set belong together."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

HOLD_OUT_EVERY = 10  # one image of so many is held out
FEWEST = 4  # held-out images that a comparison needs
SEED = b"vaegan held out"  # decides the permutation
TRAINING = ("train", "training")
# The first of these that is there is the held-out split.
HELD_OUT = ("test", "testing", "val", "valid", "validation", "eval", "evaluation", "dev", "holdout", "held-out")


def digests(items: Iterable[bytes | np.ndarray]) -> np.ndarray:
    """Return a uint64 (N,) digest of each item's bytes."""
    contents = (item if isinstance(item, bytes) else item.data for item in items)
    return np.frombuffer(b"".join(hashlib.blake2b(x, digest_size=8).digest() for x in contents), np.uint64)


def held_out(contents: np.ndarray, labels: Tensor | None = None) -> np.ndarray:
    """Return which of N items are held out, bool (N,), given digests of their contents (uint64) and their classes.

    Of each class, the tenth with the lowest seeded hashes of their contents is held out, at least one and never all,
    and of small sets up to a half, until FEWEST are: whatever their places and names, copies together.
    Added items move one that was trained on only where that number grows.
    """
    strata = np.zeros(len(contents), np.int64) if labels is None or labels.ndim != 1 else labels.numpy()
    chosen = np.zeros(len(contents), bool)
    known = np.unique(strata)
    for stratum in known:
        rows = np.flatnonzero(strata == stratum)
        chosen[rows] = _stratum(contents[rows], -(-FEWEST // len(known)))
    return chosen


def _stratum(contents: np.ndarray, fewest: int) -> np.ndarray:
    if (contents == contents[0]).all():  # copies of one image: nothing else tells them apart
        contents = contents + np.arange(len(contents), dtype=np.uint64)
    order = digests(SEED + content.tobytes() for content in contents)
    count = max(1, min(fewest, len(order) // 2), round(len(order) / HOLD_OUT_EVERY))
    last = np.sort(order)[count - 1]
    return (order <= last) & (order < order.max())


def hold_out_note(source: str, count: int, total: int) -> str:
    """Return the note of a set that was split by `held_out`."""
    few = f"; warning: too few are held out to compare runs ({FEWEST} are needed)" if count < FEWEST else ""
    return f"{count:,} of {total:,} images of {source}, chosen by their content, are held out{few}"


def of_folders(names: Sequence[str]) -> tuple[str, str] | None:
    """Return which of the folder `names`, in any case, are the training and the held-out split; None for other names.

    Raises ValueError when two names mean the same split.
    """
    folders: dict[str, str] = {}
    for kind, known in (("training", TRAINING), ("held-out", HELD_OUT)):
        for word in known:
            same = [name for name in names if name.lower() == word]
            if len(same) > 1:
                raise ValueError(f"{' and '.join(same)} are both the {kind} split: keep one")
            if same:
                folders.setdefault(kind, same[0])
    return (folders["training"], folders["held-out"]) if len(folders) == 2 else None


def ambiguous_note(names: Sequence[str]) -> str:
    """Warn of a folder that is called as a split among others that are not: all of them are read as classes."""
    if len(names) < 2 or not any(name.lower() in TRAINING + HELD_OUT for name in names):
        return ""
    listed = ", ".join(f"{name}/" for name in names[:5])
    return f"warning: the folders {listed} are read as classes, not as splits: call the splits train/ and test/"


def siblings(file_name: str) -> list[str]:
    """Return the names, in lower case, under which the held-out images of a training file may lie."""
    training = list(re.finditer("training|train", file_name.lower()))
    if not training:
        return []
    start, stop = training[-1].span()
    return [f"{file_name[:start]}{word}{file_name[stop:]}".lower() for word in HELD_OUT]


@dataclass(frozen=True)
class Labels:
    """The labels of one split, with the name of the file or folder they come from."""

    origin: str
    values: Tensor | None
    names: tuple[str, ...] = ()

    @property
    def classes(self) -> list[int]:
        """The class of each image; [] without labels."""
        return [] if self.values is None else self.values.tolist()


def label_fault(train: Labels, test: Labels | None = None) -> str:
    """Say in a few words why the labels of two splits, or of a file that is yet to be split, cannot be used; "" when
    they can."""
    if test is None:
        test = Labels(train.origin, None if train.values is None else train.values[:0], train.names)
    here = f"{train.origin} and {test.origin}"
    if train.values is None and test.values is None:
        return ""
    if train.values is None or test.values is None:
        with_labels, without = (train, test) if test.values is None else (test, train)
        return f"{with_labels.origin} has labels, {without.origin} has none"
    kinds = [_kind(values) for values in (train.values, test.values)]
    if kinds[0] != kinds[1]:
        return f"{train.origin} has {kinds[0]}, {test.origin} has {kinds[1]}"
    if train.names[: len(test.names)] != test.names[: len(train.names)]:
        a, b = next(pair for pair in zip(train.names, test.names, strict=False) if pair[0] != pair[1])
        return f"{here} name a label {a!r} and {b!r}"
    return _class_fault(train, test) if train.values.ndim == 1 else ""


def unlabelled(fault: str) -> str:
    """Return the note of a set whose labels were left out."""
    return f"labels are left out: {fault}" if fault else ""


def _kind(labels: Tensor) -> str:
    return "classes" if labels.ndim == 1 else f"{labels.shape[1]} attributes"


def _class_fault(train: Labels, test: Labels) -> str:
    known, asked = set(train.classes), set(test.classes)
    count = len(train.classes) + len(test.classes)
    if 2 * len(known | asked) > count:
        return f"{len(known | asked):,} classes for {count:,} images: what tells images apart is no class"
    extra = sorted(asked - known)
    if not extra:
        return ""
    if extra[0] < 0:
        return f"{test.origin} has images without a class, {train.origin} has none"
    names = train.names if len(train.names) > len(test.names) else test.names
    return f"class {names[extra[0]]!r} of {test.origin} has no image in {train.origin}"


def overlap_note(train: np.ndarray, test: np.ndarray) -> str:
    """Say how many held-out images are, byte for byte, training images too, given digests of both."""
    shared = int(np.isin(test, train).sum())
    return f"warning: {shared:,} of {len(test):,} held-out images are training images too" if shared else ""
