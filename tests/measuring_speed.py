"""How long measuring anybody's images takes, and how much memory: folders of PNG files, each command in a process of
its own, its start, its imports and all decoding included.

    python tests/measuring_speed.py [--share 1.0]
    python tests/measuring_speed.py --imagenet     # how near EfficientNet-Lite0 comes to what this machine multiplies

Prints wall time, the processors' time, peak memory and the goal; on a machine that does other work beside it, the
processors' time is what to look at. Exit code 1 where a goal is missed.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import torch
from folders import save_folder
from stand_in import dead_leaves
from torch import Tensor

ROOT = Path(__file__).resolve().parents[1]

DRAWN = 250  # images; the rest are these, rolled, with other grain
GRAIN = 4.0  # grey levels, so that a PNG holds as many bytes as a photograph's
MEBI = 2**20
# What a child runs: a command, then its own peak. The system's figure for a child, ru_maxrss, starts at its parent's.
CHILD = """
import os, re, sys
from vaegan.__main__ import main
os.chdir(sys.argv[1])
try:
    main(sys.argv[2:])
finally:
    with open("/proc/self/status") as status, open("peak", "w") as peak:
        peak.write(re.search(r"VmHWM:\\s*(\\d+)", status.read())[1])
"""
SHIPPED = "eval/features/weights/cifar10.safetensors"


@dataclass(frozen=True)
class Row:
    """A command, what of it is promised, and the folders that it reads: (name, images, side)."""

    title: str
    words: str
    folders: tuple[tuple[str, int, int], ...]
    seconds: float | None = None
    mebibytes: float | None = None


SMALL, REAL = ("generated64", 10_000, 64), ("real64", 10_000, 64)
BLUR = "blur generated64 --reference real64"
ROWS = (
    Row("blur, 2,500 of 64x64 against as many", BLUR, (("generated64", 2_500, 64), ("real64", 2_500, 64))),
    Row("blur, 10,000 of 64x64 against 1,000", BLUR, (SMALL, ("real64", 1_000, 64)), 20, 2048),
    Row("blur, 10,000 of 64x64 against as many", BLUR, (SMALL, REAL), None, 2048),
    Row(
        "blur, 1,000 of 512x512 against 200",
        "blur generated512 --reference real512",
        (("generated512", 1_000, 512), ("real512", 200, 512)),
        40,
    ),
    Row(
        "distances, 10,000 of 64x64 against as many",
        f"distances generated64 --reference real64 --features {ROOT / SHIPPED}",
        (SMALL, REAL),
        60,
    ),
)


def pictures(count: int, side: int, seed: int) -> Iterator[tuple[int, Tensor]]:
    """Yield uint8 (n, 3, side, side) until there are `count`, no two alike, each with the number of its first."""
    drawn = dead_leaves(min(count, DRAWN), size=side, channels=3, seed=seed)
    generator = torch.Generator().manual_seed(seed)
    for first in range(0, count, len(drawn)):
        rolled = drawn.roll((first // len(drawn), 0), dims=(2, 3))[: count - first]
        grain = GRAIN * torch.randn(rolled.shape, generator=generator)
        yield first, (rolled + grain).clamp(0, 255).byte()


def make(folder: Path, count: int, side: int, seed: int) -> None:
    """A folder of `count` files; one that has more keeps the first, one that has fewer gets the rest."""
    have = len(list(folder.glob("*.png")))
    for path in sorted(folder.glob("*.png"))[count:]:
        path.unlink()
    for first, images in pictures(count, side, seed) if have < count else ():
        save_folder(folder, images, first=first)


def timed(words: Sequence[str], folder: Path) -> tuple[float, float, float]:
    """Run a command of `vaegan`: wall seconds, seconds of all processors, peak MiB."""
    begun = time.monotonic()
    with (folder / "output").open("w") as output:
        child = subprocess.Popen(
            [sys.executable, "-c", CHILD, str(folder), *words],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=output,
            stderr=output,
        )
        _, status, used = os.wait4(child.pid, 0)
    if status:
        raise SystemExit(f"{' '.join(words)}: {(folder / 'output').read_text()[-500:]}")
    peak = int((folder / "peak").read_text()) * 1024 / MEBI
    return time.monotonic() - begun, used.ru_utime + used.ru_stime, peak


def share_of_peak(images: int = 32, side: int = 2048, rounds: int = 5) -> str:
    """Images a second of EfficientNet-Lite0, 64x64 enlarged to 224 px included, and the share of what a matrix product
    of the same precision does in the same process; both in turns, medians, by the processors' time."""
    from torch.utils.flop_counter import FlopCounterMode

    from eval.features import imagenet

    network, x = imagenet.load(), dead_leaves(images, size=64, channels=3)
    a, b = torch.randn(side, side), torch.randn(side, side)
    with FlopCounterMode(display=False) as counted:
        network.features(x[:1])
    flops = counted.get_total_flops()
    took = [(busy(lambda: network.features(x)), busy(lambda: a @ b)) for _ in range(rounds)]
    rate, peak = images / median(t for t, _ in took), 2 * side**3 / median(t for _, t in took)
    return (
        f"{rate * torch.get_num_threads():.1f} images/s of {flops / 1e9:.2f} billion operations, "
        f"{rate * flops / peak:.0%} of a product's {peak * torch.get_num_threads() / 1e9:.0f} billion a second, "
        f"{torch.get_num_threads()} threads, float32"
    )


def busy(work: Callable[[], object]) -> float:
    """Seconds of all processors that `work` takes."""
    begun = time.process_time()
    work()
    return time.process_time() - begun


def main(args: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--share", type=float, default=1.0, help="of the images")
    parser.add_argument("--only", default="", help="rows whose title holds this")
    parser.add_argument("--imagenet", action="store_true", help="only EfficientNet-Lite0's share of the peak")
    asked = parser.parse_args(args)
    if asked.imagenet:
        print(share_of_peak())
        return
    missed = 0
    print(f"{torch.get_num_threads()} threads")
    with tempfile.TemporaryDirectory() as made:
        for row in (row for row in ROWS if asked.only in row.title):
            for seed, (name, count, side) in enumerate(row.folders):
                make(Path(made) / name, int(count * asked.share), side, seed)
            wall, busy, peak = timed(row.words.split(), Path(made))
            late = row.seconds is not None and wall > row.seconds
            large = row.mebibytes is not None and peak > row.mebibytes
            missed += late or large
            goals = [f"{goal:g} {unit}" for goal, unit in ((row.seconds, "s"), (row.mebibytes, "MiB")) if goal]
            said = f"; goal {', '.join(goals)}{': missed' if late or large else ''}" if goals else ""
            print(f"{row.title}: {wall:.1f} s, processors {busy:.1f} s, {peak:,.0f} MiB{said}", flush=True)
    raise SystemExit(missed > 0)


if __name__ == "__main__":
    main()
