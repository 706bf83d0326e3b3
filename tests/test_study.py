"""The study: trains what is missing, resumes what is half done, keeps what is done, then reports."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from stand_in import dead_leaves, save_npz, save_run

from eval import study
from vaegan import checkpoint
from vaegan.config import Config
from vaegan.errors import UsageError

ROOT = Path(__file__).resolve().parents[1]


def finish(directory: Path, step: int) -> None:
    """Leave a checkpoint that says how far a run got."""
    parts = {"config": {}, "channels": 1, "networks": {}, "decoder_ema": {}, "optimizers": {}, "random_state": {}}
    checkpoint.save(directory, {"step": step, **parts})


def planned(out: Path, **arguments) -> study.Plan:
    return study.plan(study.Arguments(dataset="mnist", out=out, **arguments), "vae", 0)


def test_a_missing_run_is_trained(tmp_path):
    plan = planned(tmp_path, steps=5)
    assert not plan.exists and not plan.finished and plan.directory == tmp_path / "mnist-vae-s0"
    assert " ".join(plan.flags).startswith("--mode vae --dataset mnist --seed 0 --steps 5 --run-dir ")


@pytest.mark.parametrize(("step", "asked", "finished"), [(5, None, True), (5, 5, True), (3, 5, False), (5, 8, False)])
def test_finished_means_the_checkpoint_is_at_the_last_step(tmp_path, step, asked, finished):
    directory = save_run(tmp_path / "mnist-vae-s0", Config(mode="vae", dataset="mnist", steps=5))
    finish(directory, step)
    plan = planned(tmp_path, steps=asked)
    assert plan.finished is finished and plan.step == step


def test_a_run_stopped_before_its_first_checkpoint_is_resumed(tmp_path):
    save_run(tmp_path / "mnist-vae-s0", Config(mode="vae", dataset="mnist", steps=5))
    plan = planned(tmp_path)
    assert plan.exists and plan.step == 0 and not plan.finished


@pytest.mark.parametrize("other", [{"steps": 3}, {"width": 1.0}, {"image_size": 64}])
def test_a_run_of_other_settings_is_not_taken_for_ours(tmp_path, other):
    config = Config(mode="vae", dataset="mnist", steps=5, image_size=32)
    finish(save_run(tmp_path / "mnist-vae-s0", config), 5)
    with pytest.raises(UsageError, match="choose another --out"):
        planned(tmp_path, **other)


def test_the_donor_of_a_discriminator_is_trained_first(tmp_path):
    arguments = study.Arguments(modes=("vae-disl", "vae", "vaegan"), out=tmp_path)
    assert study.training_order(arguments.modes) == ["vae", "vaegan", "vae-disl"]
    flags = study.plan(arguments, "vae-disl", 1).flags
    assert flags[flags.index("--discriminator") + 1] == str(tmp_path / "synthfaces-vaegan-s1")
    with pytest.raises(UsageError, match="add vaegan"):
        study.training_order(["vae", "vae-disl"])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [({"modes": ("vea",)}, "did you mean 'vae'"), ({"modes": ()}, "--modes"), ({"seeds": (0, 0)}, "--seeds 0 0"),
     ({"samples": 0}, "--samples 0")],
)  # fmt: skip
def test_a_study_that_cannot_be_is_refused_before_training(arguments, words):
    with pytest.raises(UsageError, match=words):
        study.check(study.Arguments(**arguments))


def test_finished_runs_are_kept_and_compared_in_the_order_of_the_modes(tmp_path, monkeypatch, capsys):
    for mode in ("vae", "vaegan"):
        finish(save_run(tmp_path / f"mnist-{mode}-s0", Config(mode=mode, dataset="mnist", steps=5)), 5)
    commands = []
    monkeypatch.setattr(study, "call", lambda command, doing: commands.append(command))
    monkeypatch.setattr(
        sys, "argv", ["study", "--dataset", "mnist", "--out", str(tmp_path), "--modes", "vaegan", "vae"]
    )
    study.main()
    (command,) = commands
    assert command[2:4] == [str(tmp_path / "mnist-vaegan-s0"), str(tmp_path / "mnist-vae-s0")]
    assert capsys.readouterr().out.count("finished at step 5, kept") == 2


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A whole tiny study by the real trainer, from a foreign directory, and the command that made it."""
    folder = tmp_path_factory.mktemp("study")
    dataset = save_npz(folder / "leaves.npz", dead_leaves(200, channels=3))
    command = [sys.executable, str(ROOT / "eval" / "study.py"), "--dataset", dataset, "--out", "runs"]
    command += ["--image-size", "32", "--width", "0.0625", "--batch-size", "8", "--samples", "10"]
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"} | {"OMP_NUM_THREADS": "1"}

    def run(*more):
        return subprocess.run(
            [*command, *more], cwd=folder, env=environment, capture_output=True, text=True, timeout=280
        )  # fmt: skip

    return folder / "runs", run, run("--steps", "2")


def test_both_modes_are_trained_and_reported(finished):
    out, _, done = finished
    assert done.returncode == 0, done.stderr
    (report,) = out.glob("report-*")
    value = json.loads((report / "report.json").read_text())
    assert [run["step"] for run in value["runs"]] == [2, 2]
    assert str(report.relative_to(out.parent) / "report.html") in done.stdout


def test_more_steps_resume_a_run(finished):
    out, run, _ = finished
    longer = run("--steps", "3", "--modes", "vae")
    assert longer.returncode == 0 and "resuming at step 2 of 3" in longer.stdout, longer.stderr
    (path,) = out.glob("*-vae-s0/checkpoints/last.pt")
    assert torch.load(path, weights_only=True)["step"] == 3


def test_a_training_that_fails_is_one_line_after_its_own(finished):
    _, run, _ = finished
    done = run("--preset", "nothing", "--seeds", "7")
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith("error: training ") and "Traceback" not in done.stderr
