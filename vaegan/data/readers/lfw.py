"""Labeled Faces in the Wild in torchvision's folder layout: 13,233 photographs of 5,749 people, split by person."""

from pathlib import Path

import numpy as np
import torch

from vaegan.data import splits
from vaegan.data.imageset import ImageSet
from vaegan.data.readers import listing, portraits
from vaegan.data.readers.portraits import Crop
from vaegan.errors import UserError
from vaegan.storage.reading import reason, text

FOLDER = Path("lfw-py")
ALIGNED = ("lfw-deepfunneled", "lfw_funneled", "lfw")  # the best aligned one that is there is read
PEOPLE = {"train": "peopleDevTrain.txt", "test": "peopleDevTest.txt"}
ATTRIBUTES = "lfw_attributes.txt"  # Kumar et al.'s, beside the images: 73 scores, positive when present
CROP = Crop(top=50, left=50, side=150)  # the centre of 250x250, as in the released code
REMEDY = (
    "get lfw-deepfunneled.tgz (torchvision cannot download it any more; copies are at "
    "https://www.kaggle.com/datasets/jessicali9530/lfw-dataset) and unpack it there"
)


def read(data_dir: Path, split: str, image_size: int) -> ImageSet:
    """Read one split from `data_dir`/lfw-py: the publisher's people when both lists are there, else a tenth of
    them is held out, chosen by their names (`splits.held_out`).

    Labels are the (N, 73) attributes when lfw_attributes.txt lies there, and images without any are left out; else
    there are none: the people of one split are no classes of the other.
    Raises UserError when the images are absent or a file is damaged.
    """
    root = _images(data_dir)
    there = listing.image_files(root).files
    people, split_note = _people(root, split, sorted({file.parts[0] for file in there if len(file.parts) > 1}))
    files = [file for file in there if file.parts[0] in people]
    names, flags = _attributes(root.parent / ATTRIBUTES)
    if names:
        files = [file for file in files if file.stem in flags]
    if not files:
        raise UserError(f"{root} has no image of the {split} people (NAME/NAME_0001.jpg): unpack the images again")
    labels = torch.from_numpy(np.stack([flags[file.stem] for file in files])) if names else None
    images, source = portraits.decoded("lfw", root, files, CROP, image_size)
    note = f"{root.name}, {CROP.note(image_size)}; {split_note}"
    return ImageSet("lfw", split, torch.from_numpy(images), labels, names, note, source=source)


def _images(data_dir: Path) -> Path:
    """Return the folder of the best alignment that is there."""
    there = [name for name in ALIGNED if (data_dir / FOLDER / name).is_dir()]
    return portraits.find("lfw", data_dir, FOLDER / (there or ALIGNED)[0], REMEDY)


def _people(root: Path, split: str, there: list[str]) -> tuple[set[str], str]:
    """Return the people of a split, of those whose images are there, and how they were chosen."""
    lists = {part: root.parent / name for part, name in PEOPLE.items()}
    if all(file.exists() for file in lists.values()):
        lines = _lines(lists[split])[1:]  # the first line is their number
        return {line.split()[0] for line in lines if line.strip()}, f"people of {lists[split].name}"
    chosen = splits.held_out(splits.digests(person.encode() for person in there))
    note = f"{chosen.sum():,} of {len(there):,} people, chosen by their names, are held out as the test split"
    return {person for person, held in zip(there, chosen, strict=True) if held == (split == "test")}, note


def _attributes(file: Path) -> tuple[tuple[str, ...], dict[str, np.ndarray]]:
    """Return names and, by the stem of an image's file, (73,) uint8; nothing when there is no such file.

    Lines are a person, a number and scores, between tabs; the second line has the names.
    """
    if not file.exists():
        return (), {}
    try:
        header, *lines = _lines(file)[1:]
        names = tuple(name.strip().replace(" ", "_") for name in header.strip("#\t ").split("\t")[2:])
        rows = [line.split("\t") for line in lines if line.strip()]
        flags = {
            f"{person.replace(' ', '_')}_{int(number):04d}": np.array([float(s) > 0 for s in scores], np.uint8)
            for person, number, *scores in rows
        }
        if {len(row) for row in flags.values()} != {len(names)}:
            raise ValueError(f"not every row has {len(names)} scores")
    except ValueError as error:
        raise _unreadable(file, error) from None
    return names, flags


def _lines(file: Path) -> list[str]:
    try:
        return text(file, errors="replace").splitlines()
    except OSError as error:
        raise _unreadable(file, error) from None


def _unreadable(file: Path, error: Exception) -> UserError:
    return UserError(f"{file} cannot be read ({reason(error)}): copy the publisher's file again")
