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
COMMANDS = (ROOT / "docs" / "commands.md").read_text()
DOCUMENTED = re.search(r"```python\n(from torch import nn\n.*?)```", COMMANDS, re.DOTALL).group(
    1
)  # networks of one's own
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
    for some, number, code in ((1, signal.SIGINT, 130), (6, signal.SIGKILL, -signal.SIGKILL)):
        process = start(tmp_path, *grid)
        while len(finished(runs)) < some and process.poll() is None:
            time.sleep(0.05)
        process.send_signal(number)
        out, err = process.communicate(timeout=300)  # ends with the last of its children, which hold its streams
        assert process.returncode == code, out + err
        assert number == signal.SIGKILL or "the same command continues" in err
    done = finished(runs)
    before = {run: (run / "checkpoints" / "last.pt").stat().st_mtime_ns for run in done}
    last = start(tmp_path, *grid)
    out, err = last.communicate(timeout=1500)
    assert last.returncode in (0, 1), err  # 1: so short a training may count as collapsed
    assert len(done) <= out.count("finished at step 40, kept") < 12  # one may be killed between its end and its word
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


def test_networks_of_ones_own_are_trained_continued_and_compared(tmp_path):
    (tmp_path / "mynets.py").write_text(DOCUMENTED)
    save_npz(tmp_path / "leaves.npz", dead_leaves(200))
    train = ["train", "--architecture", "mynets:Mine", "--dataset", "npz:leaves.npz", *TINY]
    vaegan(tmp_path, *train, "--mode", "vae", "--steps", 20, "--run-dir", "runs/vae")
    process = start(tmp_path, *train, "--mode", "vaegan", "--steps", 300, "--run-dir", "runs/vaegan")
    while not (tmp_path / "runs" / "vaegan" / "metrics.jsonl").exists() and process.poll() is None:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=300)
    assert process.returncode == 130, out + err
    command = re.search("continue with: python -m vaegan (train --resume --run-dir runs/vaegan)$", err, re.MULTILINE)
    vaegan(tmp_path, *command.group(1).split())
    vaegan(tmp_path, "compare", "runs/vae", "runs/vaegan", "--out", "report", "--samples", 10)
    report = json.loads((tmp_path / "report" / "report.json").read_text())
    assert {run["mode"] for run in report["runs"]} == {"vae", "vaegan"}
    assert all(config["architecture"] == "mynets:Mine" for config in report["configs"].values())
    (tmp_path / "mynets.py").unlink()
    err = vaegan(tmp_path, "sample", "runs/vae", "--out", "x.png", code=1).stderr
    assert "networks that are not here" in err and err.count("\n") == 1 and not (tmp_path / "x.png").exists()


def test_a_study_is_run_by_a_scheduler_and_compared_here(tmp_path):
    save_npz(tmp_path / "leaves.npz", dead_leaves(200))
    study = ["study", "--dataset", "npz:leaves.npz", *TINY, "--steps", 3, "--samples", 10, "--latent-dim", 4, 8]
    study += ["--modes", "vae"]
    lines = vaegan(tmp_path, *study, "--commands").stdout.splitlines()
    assert len(lines) == 2 and not (tmp_path / "runs").exists()
    for line in lines:
        subprocess.run(
            line.replace("python", sys.executable, 1), shell=True, cwd=tmp_path, env=environment(), check=True
        )
    done = start(tmp_path, *study)
    out, err = done.communicate(timeout=1500)
    assert done.returncode in (0, 1) and out.count("finished at step 3, kept") == 2, err
    (report,) = (tmp_path / "runs").glob("report-*")
    assert (report / "figures" / "sweep.png").is_file()
