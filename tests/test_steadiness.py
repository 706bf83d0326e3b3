"""Steadiness: a run's earlier snapshots are read as the weights they hold, their spread is one of px^2."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from stand_in import Blurrer, dead_leaves, save_npz, save_run

import vaegan
from eval.evidence import steadiness
from eval.evidence.steadiness import Steadiness
from eval.sources.runs import HeldOut, Run
from vaegan.config import Config
from vaegan.storage import snapshots

LEAVES = dead_leaves(400)
HELD_OUT = HeldOut("leaves", 400, "", LEAVES[:200], LEAVES[200:])
BLURS = {None: 0.5, 1: 0.7, 2: 0.6, 3: 0.5}  # by snapshot; the last is that of the last update


@pytest.fixture
def run(monkeypatch, tmp_path) -> Run:
    """A stand-in with three snapshots, each blurring by its own sigma."""
    config = Config(
        mode="vaegan", dataset=save_npz(tmp_path / "leaves.npz", dead_leaves(3000)), image_size=32, steps=30
    )
    save_run(tmp_path / "run", config)

    def load(directory, weights="raw", snapshot=None, device="cpu"):
        return Blurrer(config, BLURS[snapshot], step=30 if snapshot is None else 27 + snapshot)

    monkeypatch.setattr(vaegan, "load", load)
    monkeypatch.setattr(snapshots, "existing", lambda directory: [1, 2, 3])
    return Run("vaegan", "VAE/GAN", tmp_path / "run", load(Path()))


def test_earlier_snapshots_are_read_and_the_last_is_the_run(run):
    assert [then.model.step for then in steadiness.earlier(run)] == [28, 29]
    stopped = replace(run, model=Blurrer(run.config, 0.5, step=29))  # before its last snapshot was taken
    assert [then.model.step for then in steadiness.earlier(stopped)] == [28]


def test_values_are_those_of_each_snapshots_images(run, monkeypatch):
    monkeypatch.setattr(steadiness, "COUNT", 50)
    found = steadiness.of_run(run, HELD_OUT, seed=0)
    assert set(found) == {"vaegan/reconstructions", "vaegan/samples"}
    first, second = found["vaegan/reconstructions"]
    assert len(first) == 50 and first.mean() < second.mean()  # more blur, less gradient energy
    images = Blurrer(run.config, 0.7).reconstruct(HELD_OUT.report[:50])
    assert torch.equal(first, steadiness.MEASURES[steadiness.PRIMARY].function(images))


def test_a_script_gets_the_spread_in_squared_pixels(run):
    rows = steadiness.of_runs([run.directory], images=200)
    (row,) = (row for row in rows if row.what == "reconstructions")
    assert row.readings == pytest.approx((0.7, 0.6, 0.5), abs=0.03)
    assert row.spread == pytest.approx(np.std([0.49, 0.36, 0.25], ddof=1), abs=0.03)


def test_a_spread_is_signed_and_over_seeds_of_means():
    around = Steadiness("a", "samples", 0, (-0.1, 0.1))
    assert around.spread == pytest.approx(0.02 / np.sqrt(2))
    rows = [around, Steadiness("b", "samples", 1, (1.0, 1.0)), Steadiness("c", "reconstructions", 0, (5.0,))]
    assert steadiness.over_seeds(rows, "samples") == pytest.approx(1 / np.sqrt(2))
    assert np.isnan(rows[2].spread) and np.isnan(Steadiness("d", "samples", 0, (1.0, float("inf"))).spread)
