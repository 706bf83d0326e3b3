"""By what a run knows its data again: a fingerprint of images, labels and their order, and what differs in words."""

import base64
import binascii
import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from torch import Tensor

from vaegan.data.cache import cache_key, cached_array
from vaegan.data.imageset import ImageSet, joined
from vaegan.data.splits import digests
from vaegan.errors import UserError

VERSION = 1
CHUNK = 4096  # images at a time
DARK = 16  # levels of 255: whoever stores 0 to 16 means other units


def identified(images: ImageSet) -> ImageSet:
    """Return a set as loaded with its identity, and a note where its values cannot be levels of 0 to 255.

    Raises UserError for images of 0 and 1, which would be trained on, or measured, as black.
    """
    if not len(images.images):
        raise UserError(f"{images.name} has no image in its {images.split} split: add some")
    known = _contents(images)
    brightest, darkest = int(known[:, 1].max()), int(known[:, 2].min())
    if (darkest, brightest) == (0, 1):
        raise UserError(f"the pixels of {images.name} are all 0 or 1, which is black: multiply them by 255")
    note = f"warning: no pixel is above {brightest} of 255" if brightest <= DARK else ""
    note = f"warning: every pixel is {brightest}" if brightest == darkest else note
    return replace(images, note=joined(images.note, note), identity=_identity(images, known[:, 0]))


def _contents(images: ImageSet) -> np.ndarray:
    """Return (N, 3) uint64: each image's digest, brightest and darkest level; kept in the cache where it has a file."""
    count = len(images.images)

    def blocks() -> Iterator[np.ndarray]:
        for part in images.images.split(CHUNK):
            rows = part.numpy().reshape(len(part), -1)
            yield np.stack(
                [digests(np.ascontiguousarray(rows)), rows.max(axis=1), rows.min(axis=1)], axis=1, dtype=np.uint64
            )

    if not images.source:
        return np.concatenate(list(blocks()))
    return cached_array(cache_key("contents", images.source), (count, 3), np.uint64, blocks)


def _identity(images: ImageSet, rows: np.ndarray) -> dict[str, Any]:
    """Return JSON values: one digest that decides, and short ones of each image and label that say what changed."""
    labels, names = _label_digests(images.labels), "\n".join(images.label_names)
    whole = hashlib.blake2b(digest_size=16)
    for part in (str(images.images.shape[1:]).encode(), rows.tobytes(), _label_bytes(images.labels), names.encode()):
        whole.update(part)
    return {
        "version": VERSION,
        "digest": whole.hexdigest(),
        "count": len(rows),
        "channels": images.channels,
        "image_size": images.image_size,
        "label_names": list(images.label_names),
        "rows": _packed(rows.astype(np.uint32)),
        "labels": _packed(labels),
    }


def _label_bytes(labels: Tensor | None) -> bytes:
    return b"" if labels is None else f"{labels.dtype}{tuple(labels.shape)}".encode() + labels.numpy().tobytes()


def _label_digests(labels: Tensor | None) -> np.ndarray:
    """Return uint16 (N,), a sum of each image's labels by fixed odd weights; empty without labels."""
    if labels is None:
        return np.zeros(0, np.uint16)
    values = labels.numpy().reshape(len(labels), -1).astype(np.uint16)
    weights = np.random.default_rng(VERSION).integers(2**15, size=values.shape[1], dtype=np.uint16) * 2 + 1
    return (values * weights).sum(axis=1, dtype=np.uint16)


def _packed(array: np.ndarray) -> str:
    return base64.b64encode(np.ascontiguousarray(array).data).decode()


def _unpacked(text: str, dtype: type[np.generic]) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text, validate=True), dtype)


def check(trained_on: Mapping[str, Any] | None, name: str, now: Mapping[str, Any]) -> None:
    """Raise UserError, saying what differs, unless the data `name` are what a run was trained with.

    trained_on: the identity of each split, as a checkpoint keeps it; None for one from before there were any.
    now: the identity of the splits that were loaded, one or both.
    """
    for split, identity in now.items():
        try:
            stored = (trained_on or {}).get(split)
            different = difference(stored, identity) if stored and stored["version"] == VERSION else ""
        except (AttributeError, KeyError, TypeError, ValueError, binascii.Error):
            raise UserError(
                "what the run knows of its data is damaged: restore its checkpoint or train it again"
            ) from None
        if different:
            which = "training" if split == "train" else "held-out"
            raise UserError(
                f"{name} is not what the run was trained with: of its {which} images {different}; restore them, or say "
                "with --data-dir where they lie now"
            )


def difference(old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    """Say what differs between two identities of one split, "" when nothing does.

    Errors as of damaged values: KeyError, TypeError, ValueError.
    """
    if old["digest"] == new["digest"]:
        return ""
    if old["image_size"] != new["image_size"]:
        return f"the size was {old['image_size']}, now {new['image_size']} pixels"
    if old["channels"] != new["channels"]:
        turned = "all turned grey" if new["channels"] == 1 else "some turned coloured"
        return f"{turned} ({old['channels']} channels, now {new['channels']})"
    return ", ".join(_changes(old, new)) or "pixels or labels differ"


def _changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    (a, b), (y, z) = (
        [_unpacked(identity[key], dtype) for identity in (old, new)]
        for key, dtype in (("rows", np.uint32), ("labels", np.uint16))
    )
    if len(a) != old["count"]:  # kept without a line for every image
        return []
    before, after = Counter(a.tolist()), Counter(b.tolist())
    added, removed = (after - before).total(), (before - after).total()
    if added and len(a) == len(b):
        changes = [f"{added:,} of {len(a):,} changed"]
    else:
        changes = [f"{n:,} {word}" for n, word in ((added, "added"), (removed, "removed")) if n]
    if not changes and (a != b).any():
        changes = ["the order differs"]
    if bool(len(y)) != bool(len(z)):
        return [*changes, "labels were added" if len(z) else "labels were removed"]
    labelled = Counter(zip(b.tolist(), z.tolist(), strict=False)) - Counter(zip(a.tolist(), y.tolist(), strict=False))
    relabelled = labelled.total() - added if len(z) else 0
    changes += [f"{relabelled:,} relabelled"] if relabelled else []
    renamed = list(old["label_names"]) != list(new["label_names"])
    return changes + (["label names differ"] if renamed else [])
