"""A data set of faces whose pixels say everything, and the real training command on it, in this process."""

from pathlib import Path

import numpy as np
import torch

from vaegan import train
from vaegan.data import ImageSet

NAMES = ("Bangs", "Smiling", "Wearing_Hat")
TINY = ["--width", "0.0625", "--latent-dim", "4", "--batch-size", "4", "--log-every", "2", "--images-every", "4"]
TINY += ["--learning-rate-decay", "1", "--beta-warmup", "0"]  # what moves over a run's length forbids making it longer


def faces(count=60, labels=True) -> ImageSet:
    """Images whose grey value is their number, with the bits of that number as attributes."""
    number = torch.arange(count)
    attributes = torch.stack([number >> bit & 1 for bit in range(3)], dim=1).byte()
    images = number.byte().view(-1, 1, 1, 1).expand(-1, 1, 32, 32).contiguous()
    return ImageSet("faces", "train", images, attributes if labels else None, NAMES if labels else ())


def save_faces(folder: Path) -> None:
    """Write faces.npz, and bare.npz without its labels."""
    images = faces()
    np.savez(folder / "faces.npz", images=images.images[:, 0].numpy(), labels=images.labels.numpy(), label_names=NAMES)
    np.savez(folder / "bare.npz", images=images.images[:, 0].numpy())


def call(main, *words) -> int:
    """Run an entry point with these arguments and return its exit code."""
    try:
        main([str(word) for word in words])
    except SystemExit as stop:
        return stop.code
    return 0


def train_tiny(folder: Path, name: str, *flags, data="faces") -> int:
    """Train folder/name on folder/<data>.npz and return the exit code."""
    return call(train.main, "--dataset", f"npz:{folder / data}.npz", "--run-dir", folder / name, *TINY, *flags)
