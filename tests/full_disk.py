"""A disk that is full at a random point of training, comparing or caching: one line, the last checkpoint loads, and the
same command ends as if nothing had been.

    python tests/full_disk.py [--points 20]

The disk is a tmpfs in a mount namespace of our own (Linux, `unshare`), as large as what a whole run writes times a
random share.
"""

import argparse
import os
import random
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import forked
import numpy as np
from fuzz_commands import judged
from kill_storm import TINY, outcome, same
from PIL import Image

from vaegan.storage import checkpoint

INSIDE = "--inside"  # the namespace
AMPLE = 2**30
VARIANT = "--mode vaegan --device cpu"


@dataclass(frozen=True)
class Job:
    """A command that writes to a disk, how it is continued, and what it leaves there."""

    command: list[str]
    outcome: Callable[[], Any]
    resumes: Path | None = None  # what lies there once the command needs --resume

    def run(self, cache: Path) -> tuple[int | None, str]:
        """Run the command, continuing what there is; its exit code and what it says."""
        words = [*self.command, *["--resume"] * bool(self.resumes and self.resumes.exists())]
        with tempfile.NamedTemporaryFile("r", errors="replace", newline="") as said:
            child = forked.start(words, Path(os.devnull), Path(said.name), {"VAEGAN_CACHE": str(cache)})
            return forked.wait(child, 600), said.read()


class Disk:
    """An empty disk of a size at a folder."""

    def __init__(self, folder: Path):
        self.folder = folder
        folder.mkdir()

    def mount(self, size: int) -> None:
        subprocess.run(["umount", self.folder], stderr=subprocess.DEVNULL)
        self._mount(f"size={size}")

    def grow(self) -> None:
        self._mount(f"remount,size={AMPLE}")

    def _mount(self, options: str) -> None:
        subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", self.folder], check=True)

    def used(self) -> int:
        """Return the bytes written."""
        s = os.statvfs(self.folder)
        return (s.f_blocks - s.f_bfree) * s.f_frsize


def written(folder: Path) -> dict[str, int]:
    """How many files of each name a folder has, TensorBoard's without their time and process; that what is in a report
    is the same, others test."""
    names = (str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
    return Counter("events" if "tfevents" in name else name for name in names)


def jobs(folder: Path, disk: Path, data: str, pictures: Path) -> dict[str, Job]:
    """The three kinds of work, each writing to the disk."""
    train = ["train", "--dataset", data, *TINY.split(), *VARIANT.split()]
    compare = ["compare", str(folder / "run"), "--out", str(disk / "report")]
    read = ["train", "--mode", "vae", "--dry-run", "--dataset", f"folder:{pictures}"]
    return {
        "training": Job(
            [*train, "--run-dir", str(disk / "run")], lambda: outcome(disk / "run"), disk / "run/config.json"
        ),
        "comparing": Job([*compare, "--samples", "10"], lambda: written(disk / "report")),
        "caching": Job(read, lambda: written(disk / "cache")),
    }


def fault(job: Job, disk: Disk, size: int, expected: Any) -> str:
    """Fill the disk after `size` bytes, then make room; what went wrong, or nothing."""
    disk.mount(size)
    cache = disk.folder / "cache"
    code, said = job.run(cache)
    if wrong := judged(code, said):
        return f"{wrong}: {said[-800:]}"
    if code == 0 and not same(job.outcome(), expected):
        return "exit code 0, with something missing"
    if code == 2:
        return f"exit code 2: {said[-300:]}"
    run_dir = disk.folder / "run"
    if checkpoint.path(run_dir).exists():
        checkpoint.read(run_dir)
    disk.grow()
    code, said = job.run(cache)
    if code:
        return f"does not continue: {said[-800:]}"
    found = job.outcome()
    return "" if same(found, expected) else f"continued, it ends differently: {different(found, expected)}"


def different(found: dict, expected: dict) -> str:
    """The names of what differs."""
    return ", ".join(sorted(key for key in {**found, **expected} if not same(found.get(key), expected.get(key))))


def main(args: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--points", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(INSIDE, action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args(args)
    if not asked.inside:
        given = sys.argv[1:] if args is None else [*args]
        os.execvp("unshare", ["unshare", "--map-root-user", "--mount", sys.executable, __file__, *given, INSIDE])
    forked.prepare("train", "compare")
    draw, faults = random.Random(asked.seed), 0
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        disk = Disk(folder / "disk")
        data, pictures = made_data(folder)
        work = jobs(folder, disk.folder, data, pictures)
        trained = Job([*work["training"].command[:-1], str(folder / "run")], lambda: None)
        assert trained.run(folder / "cache")[0] == 0
        wholes = {}
        for name, job in work.items():
            disk.mount(AMPLE)
            code, said = job.run(disk.folder / "cache")
            assert code == 0, said
            wholes[name] = job.outcome(), disk.used()
        for point in range(asked.points):
            name = list(work)[point % len(work)]
            expected, whole = wholes[name]
            size = max(4096, int(whole * draw.uniform(0, 0.98)))
            wrong = fault(work[name], disk, size, expected)
            faults += bool(wrong)
            print(f"{name}, full after {size:,} of {whole:,} bytes: {wrong or 'one line, and it goes on'}", flush=True)
        subprocess.run(["umount", disk.folder], check=True)
    print(f"a full disk at {asked.points} points: {faults} faults")
    raise SystemExit(faults > 0)


def made_data(folder: Path) -> tuple[str, Path]:
    """Sixty small images, as an .npz and as files."""
    coarse = np.random.default_rng(0).integers(0, 256, (60, 4, 4, 3), dtype=np.uint8)
    images = coarse.repeat(8, axis=1).repeat(8, axis=2)
    np.savez(folder / "data.npz", images=images)
    (folder / "pictures").mkdir()
    for number, image in enumerate(images):
        Image.fromarray(image).save(folder / "pictures" / f"{number}.png")
    return f"npz:{folder / 'data.npz'}", folder / "pictures"


if __name__ == "__main__":
    main()
