"""A study killed at random moments and started again must end in the report of one that nothing interrupted, and no
process of it may outlive it.

    python tests/kill_study.py [--kills 50]

The study's own processes are forks that have imported everything already; they are started, and die, as real ones do.
"""

import argparse
import json
import os
import random
import signal
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import forked
from stand_in import dead_leaves, save_npz

TINY = "--image-size 32 --width 0.0625 --latent-dim 4 --batch-size 8 --samples 10 --steps 60 --modes vae"
GONE = 10.0  # s that the system has to end a process


def start(folder: Path, data: str) -> int:
    """Start the study, or go on with it."""
    words = ["study", "--dataset", data, "--out", str(folder / "runs"), *TINY.split()]
    forks = SimpleNamespace(Popen=forked.Process, DEVNULL=None)
    with mock.patch("eval.studies.jobs.subprocess", forks):
        return forked.start(words, folder / "log", folder / "log")


def children(process: int) -> list[int]:
    """The processes that a process has started and that have not ended."""
    try:
        return [int(word) for word in Path(f"/proc/{process}/task/{process}/children").read_text().split()]
    except OSError:
        return []


def alive(process: int) -> bool:
    """Whether a process still runs; a zombie does not."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def outlived(started: Sequence[int]) -> list[int]:
    """Those of `started` that are still there after a while."""
    until = time.monotonic() + GONE
    while (left := [process for process in started if alive(process)]) and time.monotonic() < until:
        time.sleep(0.05)
    return left


def killed(folder: Path, data: str, draw: random.Random, length: float) -> tuple[int, list[int]]:
    """Kill a study after random times until it ends by itself: how many were killed, and what outlived them."""
    left: list[int] = []
    for kills in range(6):
        study = start(folder, data)
        code = forked.wait(study, draw.uniform(0, 0.5) * length if kills < 5 else 1800)
        if code is None:
            started = children(study)
            os.kill(study, signal.SIGKILL)
            code = forked.wait(study, 60)
            left += outlived(started)
        if code != -signal.SIGKILL:
            assert code == 0, (folder / "log").read_text()[-1000:]
            return kills, left
    raise AssertionError("unreachable")


def report(folder: Path) -> dict[str, Any]:
    """The study's report, wherever it lies."""
    (file,) = folder.glob("runs/report-*/report.json")
    return json.loads(file.read_text().replace(str(folder), ""))


def differences(a: Any, b: Any, where: str = "report.json") -> list[str]:
    """The places at which two JSON values differ."""
    if isinstance(a, dict) and isinstance(b, dict):
        pairs = [(name, a.get(name), b.get(name)) for name in sorted(a.keys() | b.keys())]
    elif isinstance(a, list) and isinstance(b, list) and len(a) == len(b):
        pairs = [(str(number), x, y) for number, (x, y) in enumerate(zip(a, b, strict=True))]
    else:
        return [where] * (a != b)
    return [place for name, x, y in pairs for place in differences(x, y, f"{where}/{name}")]


def main(args: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args(args)
    forked.prepare("train", "compare", "study")
    draw, kills, studies, faults = random.Random(asked.seed), 0, 0, 0
    with tempfile.TemporaryDirectory() as made:
        data = save_npz(Path(made) / "leaves.npz", dead_leaves(120))
        whole, begun = Path(made) / "whole", time.monotonic()
        whole.mkdir()
        code = forked.wait(start(whole, data), 1800)
        assert code == 0, (whole / "log").read_text()[-1000:]
        length = time.monotonic() - begun
        while kills < asked.kills:
            folder = Path(made) / f"killed{studies}"
            folder.mkdir()
            died, left = killed(folder, data, draw, length)
            wrong = differences(report(whole), report(folder)) + [f"process {p} lives on" for p in left]
            kills, studies, faults = kills + died, studies + 1, faults + bool(wrong)
            print(f"{kills} kills: {', '.join(wrong) or 'the same report, and no process left'}", flush=True)
    print(f"{kills} kills of {studies} studies: {studies - faults} of {studies} as if nothing had happened")
    raise SystemExit(faults > 0)


if __name__ == "__main__":
    main()
