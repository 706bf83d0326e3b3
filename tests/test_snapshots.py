"""Snapshots: where they lie in training, what they hold, and what is said of one that is not there."""

import shutil

import pytest
import torch
from tiny_faces import save_faces, train_tiny

import vaegan
from vaegan.errors import UserError
from vaegan.storage import checkpoint, snapshots


@pytest.mark.parametrize("steps", [1, 3, 7, 50, 800, 3000, 62_500])
@pytest.mark.parametrize("count", [1, 2, 5, 12])
def test_they_are_spread_over_the_last_tenth_and_end_with_the_last_update(steps, count):
    taken = snapshots.schedule(steps, count)
    assert list(taken.values()) == list(range(1, len(taken) + 1)) and len(taken) == min(count, steps)
    assert list(taken) == sorted(taken) and max(taken) == steps
    gaps = {b - a for a, b in zip(list(taken), list(taken)[1:], strict=False)}
    assert not gaps or max(gaps) - min(gaps) <= 1
    assert min(taken) > steps - max(steps / 10, count)


def test_none_are_kept_when_none_are_asked_for():
    assert snapshots.schedule(100, 0) == {}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A run of 8 updates whose first snapshot is of update 6, and one of 6, at the same rate."""
    folder = tmp_path_factory.mktemp("snapshots")
    save_faces(folder)
    flags = ["--mode", "vae", "--device", "cpu", "--learning-rate-decay", 1, "--snapshots", 3]
    assert train_tiny(folder, "run", *flags, "--steps", 8) == 0
    assert train_tiny(folder, "short", *flags, "--steps", 6) == 0
    return folder


def test_a_snapshot_is_the_run_as_it_was_after_that_update(folder):
    models = [vaegan.load(folder / "run", snapshot=number) for number in (1, 2, 3)]
    assert [model.step for model in models] == [6, 7, 8]
    first, last = (vaegan.load(folder / name).sample(3) for name in ("short", "run"))
    assert torch.equal(models[0].sample(3), first) and torch.equal(models[2].sample(3), last)
    assert not torch.equal(first, last)


@pytest.mark.parametrize("number", [0, 4, -1])
def test_a_missing_one_names_those_that_exist(folder, number):
    with pytest.raises(UserError, match=f"has no snapshot {number}: it has 1, 2, 3$"):
        vaegan.load(folder / "run", snapshot=number)


def test_a_run_that_trains_on_has_those_of_its_new_end_alone(folder):
    shutil.copytree(folder / "run", folder / "longer")
    assert train_tiny(folder, "longer", "--resume", "--steps", 20, "--snapshots", 2) == 0
    assert [vaegan.load(folder / "longer", snapshot=number).step for number in (1, 2)] == [19, 20]
    assert snapshots.existing(folder / "longer") == [1, 2]


def test_a_snapshot_is_small_and_has_the_averaged_decoder(folder):
    sizes = [checkpoint.path(folder / "run", name).stat().st_size for name in (snapshots.name(1), checkpoint.LAST)]
    assert sizes[0] < 0.6 * sizes[1]
    raw, ema = (vaegan.load(folder / "run", weights=w, snapshot=1).networks["decoder"] for w in ("raw", "ema"))
    assert any(not torch.equal(a, b) for a, b in zip(raw.parameters(), ema.parameters(), strict=True))
