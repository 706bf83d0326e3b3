"""Shared fixtures: where the real data sets lie, an empty cache; and how many threads a test has."""

import os
from pathlib import Path

import pytest
import torch

from eval.blur import instrument
from eval.features import imagenet, rotations

if "PYTEST_XDIST_WORKER" in os.environ:  # a worker a core; two threads each would wait for one another
    os.environ.setdefault("VAEGAN_TEST_THREADS", "1")
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # of the processes that tests start
torch.set_num_threads(int(os.environ.get("VAEGAN_TEST_THREADS", "2")))


@pytest.fixture(scope="session", autouse=True)
def quick_rotations(tmp_path_factory):
    """Networks of data sets that have none are trained for moments and kept apart from the user's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rotations, "STEPS", 16)
        patch.setattr(imagenet, "available", lambda: False)  # an image costs 50 times as much: asked for by name only
        folder = tmp_path_factory.mktemp("rotations")
        patch.setattr(rotations, "cache_dir", lambda: folder)
        yield


@pytest.fixture(scope="module")
def short_ladder():
    """Fewer blurred images to calibrate on, which is most of a reading's cost."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(instrument, "LADDER_PIXELS", 48 * 32 * 32)
        yield


@pytest.fixture
def cache(tmp_path, monkeypatch) -> Path:
    """An empty cache folder for one test, which does not exist yet."""
    monkeypatch.setenv("VAEGAN_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def command_line(capsys):
    """Run a command's `main` in this process, which saves its start; returns what it printed."""

    def run(main, *words, code=0):
        capsys.readouterr()
        try:
            main([str(word) for word in words])
            left = 0
        except SystemExit as stop:
            left = stop.code
        printed = capsys.readouterr()
        assert left == code, printed.err
        return printed

    return run


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder with MNIST and FashionMNIST in torchvision's layout; skips the test when it is not there."""
    root = Path(__file__).resolve().parents[2] / "shared" / "data"
    if not (root / "MNIST" / "raw").is_dir():
        pytest.skip(f"real data sets not found under {root}")
    return root
