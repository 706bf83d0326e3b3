"""What looking for damage costs: opening a run with its checkpoint's digest and without, and opening a cached array
after its first use against mapping it.

    python tests/cost_of_checks.py [--rounds 15]
"""

import argparse
import dataclasses
import io
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from unittest import mock

import damage
import numpy as np
import torch

import vaegan
from vaegan.data.cache import cached_array
from vaegan.storage import checkpoint

IMAGES = (20_000, 3, 64, 64)  # 246 MB


def seconds(functions: Sequence[Callable[[], object]], rounds: int) -> list[float]:
    """Least processor time of a call of each, taken in turn: what other work on the machine does to them is none of
    their cost."""
    found = []
    for _ in range(rounds):
        for function in functions:
            begun = time.process_time()
            function()
            found.append(time.process_time() - begun)
    return [min(found[place :: len(functions)]) for place in range(len(functions))]


def unchecked(content: bytes) -> object:
    """What `checkpoint.opened` was before it looked for damage."""
    return torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)


def of_checkpoints(folder: Path, rounds: int) -> None:
    """Print what opening a run costs, with the digest and without."""
    settings = dataclasses.replace(damage.SETTINGS, width=0.25, latent_dim=128)
    with mock.patch.object(damage, "SETTINGS", settings):
        damage.save(folder, damage.state())
    size = checkpoint.path(folder).stat().st_size / 1e6

    def without() -> object:
        with mock.patch.object(checkpoint, "opened", unchecked):
            return vaegan.load(folder)

    checked, plain = seconds((lambda: vaegan.load(folder), without), rounds)
    print(f"run with a checkpoint of {size:.0f} MB: {1e3 * checked:.1f} ms, {checked / plain:.2f} times without digest")


def of_caches(folder: Path, rounds: int) -> None:
    """Print what opening a cached array costs, with the comparison of its state and without."""
    os.environ["VAEGAN_CACHE"] = str(folder)
    rows = np.random.default_rng(0).integers(0, 256, IMAGES, dtype=np.uint8)

    def opened() -> np.ndarray:
        return cached_array("images", IMAGES, np.uint8, lambda: [rows])

    begun = time.process_time()
    opened(), opened()
    print(
        f"cache of {rows.nbytes / 1e6:.0f} MB: made, and compared at first use, in {time.process_time() - begun:.2f} s"
    )
    plain, again = seconds((lambda: np.load(folder / "images.npy", mmap_mode="c"), opened), rounds)
    print(f"opened again: {1e3 * again:.2f} ms, {again / plain:.2f} times mapping alone")


def main(args: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args(args).rounds
    with tempfile.TemporaryDirectory() as folder:
        of_checkpoints(Path(folder) / "run", rounds)
        of_caches(Path(folder) / "cache", rounds)


if __name__ == "__main__":
    main()
