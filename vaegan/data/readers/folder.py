"""`folder:DIR`: a tree of image files, with classes as sub-folders or without, decoded once into the cache."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from vaegan.data import splits
from vaegan.data.cache import cache_key, cached_array
from vaegan.data.fitting import cropped_note, fit, is_too_long
from vaegan.data.imageset import DEFAULT_SIZES, ImageSet, joined
from vaegan.data.readers import decoding, listing
from vaegan.data.splits import Labels
from vaegan.errors import UserError

GREY_MODES = ("1", "L", "LA", "La")
WIDTH, HEIGHT, GREY, ALPHA, FRAMES, DIGEST = range(6)  # the columns of a tree's headers


@dataclass(frozen=True)
class Tree:
    """The image files under a folder: the training split first, then the held-out split, each in sorted order."""

    root: Path
    fingerprint: str
    headers: np.ndarray  # (N, 6) int64
    files: list[Path]  # relative to root
    train_count: int
    labels: Tensor | None
    label_names: tuple[str, ...]
    unusable_labels: str
    note: str

    def rows(self, split: str) -> slice:
        return slice(0, self.train_count) if split == "train" else slice(self.train_count, None)


def native_size(root: Path) -> int:
    """Return the largest of 32, 64 and 128 that no image under `root` must be enlarged to; 32 when all would be."""
    smallest = _tree(root).headers[:, : HEIGHT + 1].min()
    return max((size for size in DEFAULT_SIZES if size <= smallest), default=DEFAULT_SIZES[0])


def read(root: Path, split: str, image_size: int) -> ImageSet:
    """Read one split of the images under `root`, centre-cropped, resized, RGB unless every file is grey.

    The folders train/ and test/ (or val/, valid/, validation/, in any case) are the splits when both exist; else about
    a tenth is held out, see `splits.held_out`. Labels are the first sub-folders' names, in sorted order; an image
    outside them gets -1, and with fewer than two classes, or classes that the splits do not share, there are no labels.
    Raises UserError when the folder or its images are absent, when a folder cannot be listed or an image not decoded,
    and when one split is grey and the other coloured.
    """
    tree = _tree(root)
    channels = 1 if tree.headers[:, GREY].all() else 3
    shape = (len(tree.files), channels, image_size, image_size)
    key = cache_key("folder", tree.fingerprint, decoding.DECODER, image_size, channels)
    images = cached_array(key, shape, np.uint8, lambda: _decoded(tree, image_size, channels))
    rows = tree.rows(split)
    return ImageSet(
        name=f"folder:{root}",
        split=split,
        images=torch.from_numpy(images[rows]),
        labels=None if tree.labels is None else tree.labels[rows],
        label_names=tree.label_names,
        note=joined(tree.note, _pixel_note(tree.headers[rows], image_size)),
        unusable_labels=tree.unusable_labels,
        source=f"{key} {split}",
    )


def _tree(root: Path) -> Tree:
    names = listing.folders(root)
    try:
        pair = splits.of_folders(names)
    except ValueError as error:
        raise UserError(f"{root}: {error}") from None
    if pair:
        return _split_tree(root, pair, [name for name in names if name not in pair])
    files = listing.image_files(root)
    if len(files.files) < 2:
        raise UserError(f"{root} holds a single image ({files.files[0]}); at least two are needed, one to be held out")
    fingerprint, headers = _headers(root, files.files)
    tops = {file.parts[0].lower() for file in files.files}
    alone = len(tops) == 1 and tops <= set(splits.TRAINING)  # train/ without a held-out split
    labels, label_names = _labels(files.files, depth=int(alone))
    strata = None if splits.label_fault(Labels(str(root), labels, label_names)) else labels
    chosen = splits.held_out(np.ascontiguousarray(headers[:, DIGEST]).view(np.uint64), strata)
    order = np.argsort(chosen, kind="stable")
    note = splits.hold_out_note(str(root), int(chosen.sum()), len(chosen))
    ordered = [files.files[i] for i in order]
    labels = None if labels is None else labels[torch.from_numpy(order)]
    fingerprint = cache_key(fingerprint, np.packbits(chosen).tobytes())
    return _checked(root, fingerprint, headers[order], ordered, int((~chosen).sum()), labels, label_names,
                    (str(root),) * 2, joined(note, splits.ambiguous_note(names), files.note()))  # fmt: skip


def _split_tree(root: Path, pair: tuple[str, str], others: list[str]) -> Tree:
    train, test = (listing.image_files(root, folder) for folder in pair)
    files = train.files + test.files
    labels, names = _labels(files, depth=1)
    note = f"splits are the folders {pair[0]}/ and {pair[1]}/"
    note += f", {', '.join(f'{name}/' for name in others)} is not read" if others else ""
    left_out = listing.Listing([], train.left_out + test.left_out).note()
    return _checked(root, *_headers(root, files), files, len(train.files), labels, names,
                    (f"{root / pair[0]}", f"{root / pair[1]}"), joined(note, left_out))  # fmt: skip


def _checked(
    root: Path, fingerprint: str, headers: np.ndarray, files: list[Path], train_count: int, labels: Tensor | None,
    names: tuple[str, ...], origins: tuple[str, str], note: str,
) -> Tree:  # fmt: skip
    """Compare the two splits of a tree."""
    train, test = headers[:train_count], headers[train_count:]
    sides = (train, test)
    for a, b in ((0, 1), (1, 0)) if origins[0] != origins[1] else ():  # of a split made here it is chance
        if sides[a][:, GREY].all() and not sides[b][:, GREY].any():
            raise UserError(f"the images of {origins[a]} are grey, those of {origins[b]} coloured: give both the same")
    shared = splits.overlap_note(train[:, DIGEST], test[:, DIGEST])
    fault = ""
    if labels is not None:
        parts = (labels[:train_count], labels[train_count:])
        fault = splits.label_fault(*(Labels(o, part, names) for o, part in zip(origins, parts, strict=True)))
    if fault:
        labels, names = None, ()
    note = joined(note, shared, splits.unlabelled(fault))
    return Tree(root, fingerprint, headers, files, train_count, labels, names, fault, note)


def _labels(files: list[Path], depth: int) -> tuple[Tensor | None, tuple[str, ...]]:
    classes = [file.parts[depth] if len(file.parts) > depth + 1 else None for file in files]
    names = tuple(sorted({name for name in classes if name is not None}))
    if len(names) < 2:
        return None, ()
    index: dict[str | None, int] = {name: i for i, name in enumerate(names)}
    return torch.tensor([index.get(name, -1) for name in classes]), names


def _headers(root: Path, files: list[Path]) -> tuple[str, np.ndarray]:
    """Return the files' fingerprint, and (N, 6) int64 by the columns above; cached, as opening 200,000 files takes many
    seconds.

    Raises UserError naming all files that cannot be read, those included whose header is whole.
    """

    def read(function: Callable[[Path], np.ndarray]) -> Iterator[np.ndarray]:
        return decoding.each([root / file for file in files], function)

    try:
        fingerprint = decoding.fingerprint(root, files)
        key = cache_key("headers", fingerprint, decoding.DECODER)
        shape = (len(files), FRAMES + 2)
        return fingerprint, cached_array(key, shape, np.int64, lambda: read(_header))
    except (UserError, OSError):
        for _ in read(_thorough):
            pass
        raise


def _header(file: Path) -> np.ndarray:
    data = decoding.contents(file)
    with decoding.opened(data) as image:
        if image.mode[0] in "IF":
            raise ValueError(f"its {image.mode!r} pixels are not 8-bit: convert it first")
        if is_too_long(*image.size):
            raise ValueError(f"{image.width}x{image.height} pixels: a square would keep too little, cut it first")
        what = (image.mode in GREY_MODES, decoding.is_transparent(image), getattr(image, "n_frames", 1))
        return np.array([*image.size, *what, splits.digests([data]).view(np.int64)[0]], np.int64)


def _thorough(file: Path) -> np.ndarray:
    decoding.pixels(file)
    return _header(file)


def _decoded(tree: Tree, size: int, channels: int) -> Iterator[np.ndarray]:
    mode = "L" if channels == 1 else "RGB"

    def decode(file: Path) -> np.ndarray:
        return fit(torch.from_numpy(decoding.pixels(file, mode)).permute(2, 0, 1), size).numpy()

    return decoding.each([tree.root / file for file in tree.files], decode)


def _pixel_note(headers: np.ndarray, size: int) -> str:
    """Say what was done to the pixels of files with these headers."""
    sides = headers[:, : HEIGHT + 1].min(axis=1)
    total = f"of {len(headers):,} images"
    resampled = (sides != 28) | (size > 32)
    which = (sides < size) & resampled, (sides > size) & resampled, headers[:, ALPHA] > 0, headers[:, FRAMES] > 1
    enlarged, reduced, alpha, animated = map(np.count_nonzero, which)
    return joined(
        f"{enlarged:,} {total} are smaller than {size} pixels and were enlarged" if enlarged else "",
        f"{reduced:,} {total} are larger than {size} pixels and were reduced" if reduced else "",
        cropped_note(headers[:, : HEIGHT + 1]),
        f"{alpha:,} {total} have an alpha channel and were laid over white" if alpha else "",
        f"{animated:,} {total} are animated or have pages, the first was read" if animated else "",
    )
