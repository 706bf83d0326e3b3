"""Weights of a run kept from the last tenth of its training, so that a reading can be averaged over them.

A VAE/GAN's last weights wander from update to update; a mean over several of them does so less (docs/choices.md).
"""

from pathlib import Path
from typing import Any

from vaegan.errors import UserError
from vaegan.storage import checkpoint

SHARE = 10  # a snapshot comes from the last 1 / SHARE of the updates


def schedule(steps: int, count: int) -> dict[int, int]:
    """Return the updates after which snapshots are taken and their numbers, 1 being the earliest; the last update has
    one. They are evenly spread, one update apart at least."""
    apart = max(1.0, steps / SHARE / max(count, 1))
    wanted = (steps - int((count - number) * apart) for number in range(1, count + 1))
    return {step: number for number, step in enumerate((step for step in wanted if step >= 1), start=1)}


def name(number: int) -> str:
    """Return the file name of a snapshot, among the checkpoints."""
    return f"snapshot-{number}.pt"


def existing(run_dir: Path) -> list[int]:
    """Return the numbers of the snapshots that a run has."""
    numbers = (file.stem.removeprefix("snapshot-") for file in checkpoint.path(run_dir).parent.glob("snapshot-*.pt"))
    return sorted(int(number) for number in numbers if number.isdecimal())


def read(run_dir: Path, number: int) -> dict[str, Any]:
    """Read a snapshot as `checkpoint.read` does. Raises UserError, naming those that exist, when it does not."""
    numbers = existing(run_dir)
    if number not in numbers:
        have = f"it has {', '.join(map(str, numbers))}" if numbers else "it has none"
        raise UserError(f"{run_dir} has no snapshot {number}: {have}")
    return checkpoint.read(run_dir, name(number))


def discard(run_dir: Path) -> None:
    """Remove the snapshots of a run that trains on for longer: their place is in its new last tenth."""
    for number in existing(run_dir):
        (checkpoint.path(run_dir).parent / name(number)).unlink()
