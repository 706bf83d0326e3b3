"""The memorisers store what they are given: the real command, small; and their measures in closed form."""

import json
from functools import partial

import numpy as np
import pytest
import torch
from PIL import Image

from baselines import memories, memorizer

TINY = ["--k", "3", "--steps", "2"]


@pytest.fixture
def command(command_line):
    return partial(command_line, memorizer.main)


@pytest.fixture
def pictures(tmp_path, monkeypatch):
    monkeypatch.setenv("VAEGAN_CACHE", str(tmp_path / "cache"))
    (tmp_path / "pictures").mkdir()
    for i in range(5):
        Image.fromarray(np.full((40, 40, 3), 40 * i, np.uint8)).save(tmp_path / "pictures" / f"{i}.png")
    return tmp_path / "pictures"


def test_the_command_stores_a_folders_images_and_leaves_a_figure_and_metrics(command, pictures, tmp_path):
    printed = command("--images", pictures, "--out", tmp_path / "out", *TINY)
    assert "memorizer.png" in printed.out
    report = json.loads((tmp_path / "out" / "memorizer.json").read_text())
    assert list(report["networks"]) == ["one", "one-hot", "free"]
    assert [row["stored"] for row in report["networks"].values()] == [1, 3, 3]
    with Image.open(tmp_path / "out" / "memorizer.png") as figure:
        assert figure.width > 600


@pytest.mark.parametrize(
    "flags,code,message",
    [
        (["--k", "1"], 2, "--k 1 is not possible: use 2 or more"),
        (["--size", "40"], 2, "--size 40 is not possible: use 32, 64, 128"),
        (["--images", "nowhere"], 1, "nowhere"),
        (["--k", "9", "--images", "PICTURES"], 2, " images to store"),
    ],
)
def test_bad_input_is_one_line_and_writes_nothing(command, pictures, tmp_path, flags, code, message):
    flags = [str(pictures) if flag == "PICTURES" else flag for flag in flags]
    printed = command(*flags, "--out", tmp_path / "bad", code=code)
    assert message in printed.err and len(printed.err.strip().splitlines()) == 1
    assert not (tmp_path / "bad").exists()


def test_codes_move_only_where_they_are_learned():
    images = torch.randint(0, 256, (2, 1, 32, 32), dtype=torch.uint8)
    _, one_hot, free = (memories.memorize(rung, images, code_dim=4, steps=3, seed=0) for rung in memories.RUNGS)
    assert torch.equal(one_hot.codes, torch.eye(2))
    start = memories.RUNGS[2].codes(2, 4, torch.Generator().manual_seed(0))
    assert free.codes.shape == (2, 4) and not torch.equal(free.codes, start)


def test_one_image_is_learned():
    image = torch.zeros(1, 1, 32, 32, dtype=torch.uint8)
    image[..., 8:24, 8:24] = 200
    memory = memories.memorize(memories.RUNGS[0], image, code_dim=8, steps=60, seed=0)
    assert memories.rms(memory.draw(memory.codes)[0], image[0]) < 15


def test_distances_are_those_of_the_nearest():
    grey = [torch.full((1, 2, 2), v, dtype=torch.uint8) for v in (0, 100, 200)]
    found = memories.measure(torch.stack(grey), torch.stack(grey[:2]), torch.stack(grey[:2]), torch.stack([grey[2]]))
    assert found["recalled_rms"] == 0 and found["unseen_to_nearest_stored_rms"] == 100
    assert found["unseen_to_nearest_mixture_rms"] == 150
    assert found["between_images_rms"] == pytest.approx(400 / 3)
