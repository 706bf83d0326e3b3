"""Runs killed at random moments and resumed must end as the run that nothing interrupted: weights, metrics.jsonl,
pictures and TensorBoard's points.

    python tests/kill_storm.py [--kills 100]
"""

import argparse
import json
import logging
import os
import random
import signal
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import forked
import numpy as np
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from vaegan.storage import checkpoint

TINY = "--width 0.0625 --latent-dim 4 --batch-size 4 --log-every 2 --images-every 10 --save-every 7 --steps 40"
VARIANTS = [
    "--mode vaegan",
    "--mode vae --likelihood bernoulli",
    "--mode vaegan --norm batch",
    "--mode vaegan-pixel --architecture cppn --schedule otoro --norm batch",
    "--mode gan --learning-rate-decay 1",
    "--mode vae-sigma --learning-rate-schedule cosine",
    "--mode vae --precision bf16",
]
TIMED = "images_per_second"  # the one scalar that is not a function of the run


def command(data: Path, run_dir: Path, variant: str) -> list[str]:
    words = ["train", "--device", "cpu", "--dataset", f"npz:{data}", "--run-dir", str(run_dir)]
    return [*words, *TINY.split(), *variant.split()]


def start(words: list[str], run_dir: Path) -> int:
    """Start a run, or continue it where there is one to continue; its process."""
    begun = (run_dir / "config.json").exists()
    log = run_dir.with_suffix(".log")
    return forked.start([*words, *["--resume"] * begun], log, log)


def killed(words: list[str], run_dir: Path, draw: random.Random, length: float) -> int:
    """Kill a run after random times until one of its processes ends by itself; return how many were killed."""
    for kills in range(6):
        child = start(words, run_dir)
        code = forked.wait(child, draw.uniform(0, 0.5) * length if kills < 5 else 600)
        if code is None:
            os.kill(child, signal.SIGKILL)
            code = forked.wait(child, 60)
        if code != -signal.SIGKILL:
            assert code == 0, run_dir.with_suffix(".log").read_text()[-1000:]
            return kills
    raise AssertionError("unreachable")


def outcome(run_dir: Path) -> dict[str, Any]:
    """Everything that a run leaves and that does not depend on the clock."""
    state = checkpoint.read(run_dir)
    rows = [json.loads(line) for line in (run_dir / "metrics.jsonl").read_text().splitlines()]
    board = EventAccumulator(str(run_dir), {"scalars": 0})
    board.Reload()
    files = sorted(run_dir.glob("samples/*.png")) + sorted(run_dir.glob("checkpoints/snapshot-*.pt"))
    return {
        "weights": {**state["networks"], "ema": state["decoder_ema"]},
        "optimizers": {name: o["state"] for name, o in state["optimizers"].items()},
        "metrics.jsonl": [{k: v for k, v in row.items() if k != TIMED} for row in rows],
        "pictures and snapshots": {file.name: file.read_bytes() for file in files if file.suffix == ".png"}
        | {file.name: checkpoint.read(run_dir, file.name)["networks"] for file in files if file.suffix == ".pt"},
        "TensorBoard": {
            tag: [(e.step, e.value) for e in board.Scalars(tag)] for tag in board.Tags()["scalars"] if TIMED not in tag
        },
        "litter": sorted(p.name for p in run_dir.rglob(".*")),
    }


def same(a: Any, b: Any) -> bool:
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    return torch.equal(a, b) if isinstance(a, torch.Tensor) else a == b


def main(args: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--variants", type=int, nargs="*", default=list(range(len(VARIANTS))))
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args(args)
    forked.prepare("train")
    logging.getLogger("tensorboard").setLevel(logging.ERROR)  # it tells of every point that a resumed run purges
    draw, kills, runs, failures = random.Random(asked.seed), 0, 0, 0
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data.npz"
        coarse = np.random.default_rng(0).integers(0, 256, (60, 4, 4, 3), dtype=np.uint8)
        np.savez(data, images=coarse.repeat(8, axis=1).repeat(8, axis=2))
        wholes: dict[int, tuple[dict[str, Any], float]] = {}
        while kills < asked.kills:
            number = asked.variants[runs % len(asked.variants)]
            if number not in wholes:
                whole, begun = Path(folder) / f"whole{number}", time.monotonic()
                assert forked.wait(start(command(data, whole, VARIANTS[number]), whole), 600) == 0, VARIANTS[number]
                wholes[number] = outcome(whole), time.monotonic() - begun
            expected, length = wholes[number]
            run_dir = Path(folder) / f"killed{runs}"
            kills += killed(command(data, run_dir, VARIANTS[number]), run_dir, draw, length)
            found = outcome(run_dir)
            different = [name for name in expected if not same(expected[name], found[name])]
            runs, failures = runs + 1, failures + bool(different)
            print(f"{kills} kills, {VARIANTS[number]}: {', '.join(different) or 'identical'}", flush=True)
    print(f"{kills} random SIGKILLs in {runs} runs: {runs - failures} of {runs} as if nothing had happened")
    raise SystemExit(failures > 0)


if __name__ == "__main__":
    main()
