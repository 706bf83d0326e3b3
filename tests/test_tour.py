"""docs/tour.py as a reader runs it, at toy size."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]


def tour(tmp_path, *flags):
    coarse = np.random.default_rng(0).integers(0, 256, (80, 8, 8, 3), dtype=np.uint8)
    np.savez(tmp_path / "blobs.npz", images=coarse.repeat(4, axis=1).repeat(4, axis=2))
    return subprocess.run(
        [sys.executable, str(ROOT / "docs" / "tour.py"), "--dataset", f"npz:{tmp_path / 'blobs.npz'}", *flags],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )


@pytest.mark.slow
def test_the_tour_draws_six_pictures_and_says_what_each_shows(tmp_path):
    done = tour(tmp_path, "--steps", "2", "--memory-steps", "2", "--out", "figures", "--shown", "4")
    assert done.returncode == 0, done.stderr
    pictures = sorted((tmp_path / "figures").iterdir())
    assert [file.name for file in pictures] == [f"tour-{i}.png" for i in range(1, 7)]
    assert all(min(Image.open(file).size) > 60 for file in pictures)
    assert all(f"tour-{i}.png\n" in done.stdout for i in range(1, 7)) and "nan" not in done.stdout
    assert {path.name for path in (tmp_path / "runs" / "tour").iterdir()} == {"npz-ae-2", "npz-vae-2", "npz-vaegan-2"}


@pytest.mark.slow
def test_a_wrong_flag_is_one_line(tmp_path):
    done = tour(tmp_path, "--step", "2")
    assert done.returncode and "--step" in done.stderr and "Traceback" not in done.stderr
