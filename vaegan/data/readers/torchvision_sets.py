"""MNIST, Fashion-MNIST and CIFAR-10 through torchvision's readers and its folder layout."""

import contextlib
import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from torchvision import datasets

from vaegan.data.fitting import fit, resized_note
from vaegan.data.imageset import ImageSet
from vaegan.data.readers import decoding
from vaegan.errors import UserError


@dataclass(frozen=True)
class TorchvisionSet:
    """One row: torchvision's class, a file of each split that its reader needs, and the class names."""

    reader: Callable[..., datasets.VisionDataset]
    files: dict[str, str]
    label_names: tuple[str, ...]


class Cifar10(datasets.CIFAR10):
    """torchvision's reader without its checksums, so that a copy that is not the publisher's is read."""

    def _check_integrity(self) -> bool:
        names = [name for name, _ in (*self.train_list, *self.test_list)]
        return all((Path(self.root) / self.base_folder / name).is_file() for name in names)

    def _load_meta(self) -> None:
        pass  # the class names stand in SETS


SETS = {
    "mnist": TorchvisionSet(
        datasets.MNIST,
        {"train": "MNIST/raw/train-images-idx3-ubyte", "test": "MNIST/raw/t10k-images-idx3-ubyte"},
        tuple("0123456789"),
    ),
    "fashion-mnist": TorchvisionSet(
        datasets.FashionMNIST,
        {"train": "FashionMNIST/raw/train-images-idx3-ubyte", "test": "FashionMNIST/raw/t10k-images-idx3-ubyte"},
        ("T-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot"),
    ),
    "cifar10": TorchvisionSet(
        Cifar10,
        {"train": "cifar-10-batches-py/data_batch_1", "test": "cifar-10-batches-py/test_batch"},
        ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"),
    ),
}


def read(name: str, data_dir: Path, split: str, image_size: int) -> ImageSet:
    """Read one split of SETS[name] from `data_dir`, downloading it first when it is absent.

    MNIST's 28 pixels are padded with zeros to 32; larger sizes than 32 are enlarged bilinearly, and the note says so.
    Raises UserError, naming the file that was looked for, when the set is absent and the download fails.
    """
    row = SETS[name]
    source = _open(name, row, Path(data_dir), split)
    images = _as_nchw(torch.as_tensor(source.data))
    labels = torch.as_tensor(source.targets, dtype=torch.int64)
    note = resized_note(images.shape[-1], image_size)
    fitted = fit(images, image_size, black_ground=True)
    return ImageSet(
        name, split, fitted, labels, row.label_names, note, source=_source(name, row, data_dir, split, image_size)
    )


def _source(name: str, row: TorchvisionSet, data_dir: Path, split: str, size: int) -> str:
    folder = (Path(data_dir) / row.files[split]).parent
    files = [Path(file.name) for file in sorted(folder.iterdir()) if file.is_file()]
    return f"{name} {decoding.fingerprint(folder, files)} {split} {size} {decoding.DECODER}"


def _open(name: str, row: TorchvisionSet, data_dir: Path, split: str) -> datasets.VisionDataset:
    file = data_dir / row.files[split]
    absent = not file.exists()
    if not absent and not file.is_file():
        raise UserError(f"cannot read {name}: {file} is not a regular file; delete it to fetch it anew")
    try:
        with contextlib.redirect_stdout(io.StringIO()):  # torchvision prints each mirror that it tries
            return row.reader(data_dir, train=split == "train", download=absent)
    except Exception as error:  # whatever the network, the archive or the file format did
        if absent:
            _remove_empty(file.parent, data_dir)
            raise UserError(
                f"{name} is not in {str(data_dir)!r} (looked for {file}) and could not be downloaded; "
                "point --data-dir at the folder that holds it, or run once with a network"
            ) from error
        reason = str(error).split("\n", 1)[0]
        raise UserError(f"cannot read {name} ({reason}); delete {file.parent} to fetch it anew") from error


def _remove_empty(folder: Path, data_dir: Path) -> None:
    """Remove the folders that torchvision makes before it downloads anything, up to where the data should lie."""
    for made in (folder, *folder.parents):
        if made == data_dir.parent:
            return
        with contextlib.suppress(OSError):  # not empty, or never made
            made.rmdir()


def _as_nchw(images: Tensor) -> Tensor:
    return images.unsqueeze(1) if images.ndim == 3 else images.permute(0, 3, 1, 2).contiguous()
