"""Journeys of people through several commands, each in processes of its own, as typed."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from stand_in import dead_leaves, save_npz

ROOT = Path(__file__).resolve().parents[1]
TINY = ["--image-size", "32", "--width", "0.0625", "--batch-size", "8", "--log-every", "5"]
pytestmark = pytest.mark.slow


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}


def start(folder: Path, *words: object) -> subprocess.Popen:
    """Start `vaegan ...` in a folder."""
    return subprocess.Popen(
        [sys.executable, "-m", "vaegan", *map(str, words)], cwd=folder, env=environment(), text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )  # fmt: skip


def vaegan(folder: Path, *words: object, code: int = 0) -> subprocess.CompletedProcess:
    """Run `vaegan ...` in a folder."""
    process = start(folder, *words)
    out, err = process.communicate(timeout=1500)
    assert process.returncode == code, out + err
    return subprocess.CompletedProcess(words, code, out, err)


def finished(runs: Path) -> list[Path]:
    """Runs whose training has said that it is done."""
    logs = (log for log in runs.glob("*/train.log") if re.search("^wrote ", log.read_text(), re.MULTILINE))
    return [log.parent for log in logs]


def test_a_grid_is_interrupted_twice_and_nothing_is_trained_twice(tmp_path):
    save_npz(tmp_path / "leaves.npz", dead_leaves(200))
    grid = ["study", "--dataset", "npz:leaves.npz", *TINY, "--steps", 40, "--samples", 10, "--jobs", 2]
    grid += ["--beta", 0.5, 1, 2, "--modes", "vae", "vae-sigma", "--seeds", 0, 1]
    runs = tmp_path / "runs"
    for some in (1, 6):
        process = start(tmp_path, *grid)
        while len(finished(runs)) < some and process.poll() is None:
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=300)
        assert process.returncode == 130 and "the same command continues" in err, out + err
    done = finished(runs)
    before = {run: (run / "checkpoints" / "last.pt").stat().st_mtime_ns for run in done}
    last = start(tmp_path, *grid)
    out, err = last.communicate(timeout=1500)
    assert last.returncode in (0, 1), err  # 1: so short a training may count as collapsed
    assert out.count("finished at step 40, kept") == len(done) < 12
    assert before == {run: (run / "checkpoints" / "last.pt").stat().st_mtime_ns for run in done}
    ends = {f"-{m}-beta-{b}-s{s}" for m in ("vae", "vae-sigma") for b in ("0.5", "1", "2") for s in (0, 1)}
    assert {run.name.partition(".npz")[2] for run in finished(runs)} == ends
    for run in finished(runs):
        steps = [json.loads(line)["step"] for line in (run / "metrics.jsonl").read_text().splitlines()]
        assert steps == sorted(set(steps)) and steps[-1] == 40
    assert len(list(runs.glob("report-*/report.html"))) == 1
    rows = json.loads((runs / "study.json").read_text())["datasets"][0]["rows"]
    assert [row["settings"]["beta"] for row in rows] == [0.5, 1.0, 2.0] * 2
    again = vaegan(tmp_path, "study", "--plan", "runs/study.toml", "--dry-run").stdout
    assert again.count("finished at step 40") == 12 and "nothing to train" in again
