"""The real trainer as a real process: every mode, determinism, kill -9 and resume, signals, several processes."""

import json
import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch

import vaegan
from baselines.objectives import OBJECTIVES as BASELINES
from vaegan import objective
from vaegan.storage import checkpoint
from vaegan.train import main

ROOT = Path(__file__).resolve().parents[1]
TINY = ["--width", "0.0625", "--latent-dim", "4", "--batch-size", "4", "--log-every", "2", "--images-every", "4"]
MODES = [*objective.OBJECTIVES, *BASELINES]


@pytest.fixture(scope="session")
def images(tmp_path_factory):
    """A small data set of smooth random colour images, as npz."""
    path = tmp_path_factory.mktemp("data") / "blobs.npz"
    coarse = np.random.default_rng(0).integers(0, 256, (60, 4, 4, 3), dtype=np.uint8)
    np.savez(path, images=coarse.repeat(8, axis=1).repeat(8, axis=2))
    return f"npz:{path}"


def command(images, run_dir, *flags):
    return [
        sys.executable,
        "-m",
        "vaegan.train",
        "--dataset",
        images,
        "--run-dir",
        str(run_dir),
        *TINY,
        *map(str, flags),
    ]


def environment():
    return {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}


def train(images, run_dir, *flags):
    """A real process that succeeds."""
    done = subprocess.run(command(images, run_dir, *flags), capture_output=True, text=True, env=environment())
    assert done.returncode == 0, done.stderr
    return done


@pytest.fixture
def train_here(images, command_line):
    """The same command line in this process, which saves its start; returns what it printed."""

    def run(run_dir, *flags, code=0):
        return command_line(main, *command(images, run_dir, *flags)[3:], code=code)

    return run


def weights(run_dir):
    state = checkpoint.read(run_dir)
    parts = {**state["networks"], "ema": state["decoder_ema"]}
    return {f"{name}.{key}": value for name, tensors in parts.items() for key, value in tensors.items()}


def assert_same(a, b):
    assert a.keys() == b.keys()
    for name in a:
        assert torch.equal(a[name], b[name]), name


@pytest.fixture(scope="session")
def finished(images, tmp_path_factory):
    """A vaegan run of 8 steps that nothing interrupted."""
    run_dir = tmp_path_factory.mktemp("runs") / "whole"
    return run_dir, train(images, run_dir, "--mode", "vaegan", "--steps", 8)


def test_a_run_leaves_what_the_design_promises(finished):
    run_dir, done = finished
    names = {str(p.relative_to(run_dir)) for p in run_dir.rglob("*") if p.is_file()}
    assert {"config.json", "env.json", "metrics.jsonl", "checkpoints/last.pt", "samples/samples-0000008.png"} <= names
    assert any("tfevents" in name for name in names)
    for word in ("vaegan (VAE/GAN)", "54 images", "parameters", "cpu", "writes to", "next: python -m eval.compare"):
        assert word in done.stdout
    assert vaegan.load(run_dir).sample(2).shape == (2, 3, 32, 32)


def test_metrics_have_the_promised_names_and_tensorboard_has_the_same(finished):
    run_dir, _ = finished
    lines = [json.loads(line) for line in (run_dir / "metrics.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [2, 4, 6, 8]
    names = set(lines[-1]) - {"step"}
    assert names == {
        *(f"terms/{t}" for t in ("prior", "features", "gan_real", "gan_fake", "gan_decoder")),
        *(f"losses/{n}" for n in ("encoder", "decoder", "discriminator")),
        *(f"dis/{k}" for k in ("real", "reconstruction", "prior")),
        *(f"gate/{n}" for n in ("discriminator", "decoder")),
        *(f"grad/encoder/{r}" for r in ("prior", "reconstruction")),
        *(f"grad/decoder/{r}" for r in ("reconstruction", "adversarial")),
        "grad/discriminator/adversarial",
        *(f"posterior/{n}" for n in ("kl", "kl_largest_dimension", "active_units", "informative_units")),
        "images_per_second",
    }
    assert [line["step"] for line in lines if "posterior/kl" in line] == [4, 8]
    assert all(math.isfinite(value) for line in lines for value in line.values())
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    board = EventAccumulator(str(run_dir))
    board.Reload()
    assert names <= set(board.Tags()["scalars"])
    assert set(board.Tags()["images"]) == {"samples", "reconstructions", "interpolation"}
    assert set(board.Tags()["histograms"]) == {f"posterior/{n}" for n in ("mu", "sigma", "kl_by_dimension")}
    assert "_hparams_/session_start_info" in board.summary_metadata


def test_two_runs_of_one_seed_are_identical_and_of_two_seeds_are_not(finished, images, tmp_path):
    train(images, tmp_path / "again", "--mode", "vaegan", "--steps", 8)
    train(images, tmp_path / "other", "--mode", "vaegan", "--steps", 8, "--seed", 1)
    assert_same(weights(finished[0]), weights(tmp_path / "again"))
    other = weights(tmp_path / "other")
    assert any(not torch.equal(value, other[name]) for name, value in weights(finished[0]).items())


def test_killed_and_resumed_equals_uninterrupted(finished, images, tmp_path):
    run_dir = tmp_path / "killed"
    flags = ["--mode", "vaegan", "--steps", 10_000, "--save-every", 3, "--learning-rate-decay", 1]
    process = subprocess.Popen(
        command(images, run_dir, *flags), env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    wait_for(lambda: checkpoint.path(run_dir).exists() and checkpoint.read(run_dir)["step"] >= 3, process)
    process.send_signal(signal.SIGKILL)
    process.wait()
    killed_at = checkpoint.read(run_dir)["step"]
    goal = max(8, killed_at + 4)
    config = json.loads((run_dir / "config.json").read_text())
    (run_dir / "config.json").write_text(json.dumps({**config, "steps": goal}))
    train(images, run_dir, "--mode", "vaegan", "--resume")
    whole = ["--steps", goal, "--save-every", 3, "--learning-rate-decay", 1]
    train(images, tmp_path / "whole", "--mode", "vaegan", *whole)
    assert_same(weights(run_dir), weights(tmp_path / "whole"))
    steps = [json.loads(line)["step"] for line in (run_dir / "metrics.jsonl").read_text().splitlines()]
    assert steps == sorted(set(steps)) and steps[-1] == goal


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_save_and_say_how_to_continue(images, tmp_path, number):
    run_dir = tmp_path / "stopped"
    process = subprocess.Popen(
        command(images, run_dir, "--mode", "vae", "--steps", 100_000, "--save-every", 100_000),
        env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    wait_for(lambda: (run_dir / "metrics.jsonl").exists() and (run_dir / "metrics.jsonl").read_text(), process)
    process.send_signal(number)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert "--resume --run-dir" in errors and "Traceback" not in errors
    assert vaegan.load(run_dir).step > 0


def wait_for(condition, process, seconds=120):
    deadline = time.monotonic() + seconds
    while not condition():
        assert process.poll() is None and time.monotonic() < deadline, "the process ended or hung"
        time.sleep(0.02)


@pytest.mark.parametrize("mode", [m for m in MODES if m != "vaegan"])
def test_every_mode_trains_and_only_its_networks_move(mode, finished, train_here, tmp_path):
    row = {**objective.OBJECTIVES, **BASELINES}[mode]
    flags = ["--gate-margin", 1e9]  # nobody waits
    flags += ["--discriminator", finished[0]] if mode == "vae-disl" else []
    train_here(tmp_path / "one", "--mode", mode, "--steps", 1, *flags)
    train_here(tmp_path / "two", "--mode", mode, "--steps", 2, *flags)
    one, two = weights(tmp_path / "one"), weights(tmp_path / "two")
    for network in ("encoder", "decoder", "discriminator"):
        names = [name for name in one if name.startswith(network)]
        assert bool(names) == (network in row.needs)
        moved = any(not torch.equal(one[name], two[name]) for name in names)
        assert moved == (network in row.trains), network


@pytest.mark.parametrize("few", ["yes", "no"])
def test_two_processes_take_the_gradients_of_one(images, tmp_path, few):
    """With group norm the split batch sees the same normalisation, and Dis, if it does, looks across the whole batch,
    so weights agree to rounding."""
    flags = ["--mode", "vaegan", "--steps", 2, "--norm", "group", "--precision", "fp32"]
    flags += ["--minibatch-std", few, "--augment", few]
    train(images, tmp_path / "one", *flags)
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m"]
    two = launcher + command(images, tmp_path / "two", *flags)[2:]
    done = subprocess.run(two, capture_output=True, text=True, env=environment())
    assert done.returncode == 0, done.stderr
    a, b = weights(tmp_path / "one"), weights(tmp_path / "two")
    for name in a:
        torch.testing.assert_close(a[name], b[name], rtol=1e-3, atol=2e-5)


@pytest.mark.parametrize(
    "flags,code,message",
    [
        (["--mode", "vagan"], 2, "unknown mode 'vagan'; did you mean 'vaegan'?"),
        (["--dataset", "mnits"], 2, "unknown data set 'mnits'; did you mean 'mnist'?"),
        (["--dataset", "mnist", "--data-dir", "nowhere"], 1, "train-images-idx3-ubyte"),
        (["--mode", "vae-disl"], 2, "needs --discriminator RUN"),
        (["--mode", "vae", "--discriminator", "x"], 2, "has no use in mode vae"),
        (["--image-size", "33"], 2, "use 32, 64, 128, 256 or 512"),
    ],
)
def test_bad_input_is_one_line_and_writes_nothing(train_here, tmp_path, flags, code, message):
    printed = train_here(tmp_path / "bad", *flags, code=code)
    assert message in printed.err and len(printed.err.strip().splitlines()) == 1
    assert not (tmp_path / "bad").exists()


def test_a_run_is_not_overwritten_and_resume_is_not_another_run(finished, train_here):
    run_dir, _ = finished
    before = weights(run_dir)
    assert "add --resume" in train_here(run_dir, "--mode", "vaegan", "--steps", 8, code=2).err
    assert "gamma 0.006 -> 5.0" in train_here(run_dir, "--resume", "--gamma", 5, code=2).err
    assert_same(before, weights(run_dir))


def test_a_loss_that_is_not_finite_stops_with_a_remedy(train_here, tmp_path):
    flags = ["--mode", "vae", "--learning-rate", "1e30", "--steps", 50]
    printed = train_here(tmp_path / "nan", *flags, code=1)
    assert "not finite" in printed.err and "lower --learning-rate" in printed.err


@pytest.mark.parametrize("mode", ["ae", "gan"])
def test_an_update_that_ruins_the_weights_is_neither_drawn_nor_saved(mode, train_here, tmp_path):
    rates = ["--learning-rate", "1e39", "--discriminator-learning-rate", "1e39"]
    printed = train_here(tmp_path / "nan", "--mode", mode, "--steps", 1, "--log-every", 1, *rates, code=1)
    assert "finite at step 1" in printed.err and "lower --learning-rate" in printed.err
    assert not checkpoint.path(tmp_path / "nan").exists() and not list((tmp_path / "nan" / "samples").iterdir())


def test_dry_run_writes_nothing(train_here, tmp_path):
    assert "writes to" in train_here(tmp_path / "dry", "--dry-run").out and not (tmp_path / "dry").exists()
