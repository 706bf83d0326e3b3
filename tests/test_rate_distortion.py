"""The price of a nat: the real command, tiny, and the two ends of the curve."""

import json
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
from PIL import Image

from baselines import curve, rate_distortion
from vaegan.data import ImageSet


@pytest.fixture
def command(command_line, tmp_path):
    np.savez(tmp_path / "grey.npz", images=np.random.default_rng(0).integers(0, 256, (40, 32, 32), dtype=np.uint8))

    base = ["--dataset", f"npz:{tmp_path / 'grey.npz'}", "--out", tmp_path / "out", "--steps", 2, "--batch-size", 4]
    return partial(command_line, rate_distortion.main, *base)


def test_the_command_leaves_a_figure_and_a_point_a_beta(command, tmp_path):
    command("--betas", "4", "0.1")
    report = json.loads((tmp_path / "out" / "rate-distortion.json").read_text())
    assert [point["beta"] for point in report["points"]] == [0.1, 4]
    assert all(point["kl"] >= 0 and 0 < point["rms"] < 255 for point in report["points"])
    with Image.open(tmp_path / "out" / "rate-distortion.png") as figure:
        assert figure.width > 600


@pytest.mark.parametrize("flags,message", [(["--betas", "1"], "make no curve"), (["--betas", "1", "-1"], "positive")])
def test_bad_input_is_one_line(command, flags, message):
    printed = command(*flags, code=2)
    assert message in printed.err and len(printed.err.strip().splitlines()) == 1


def test_a_dear_nat_is_not_bought():
    bars = torch.zeros(64, 1, 32, 32, dtype=torch.uint8)
    for i in range(64):
        bars[i, :, :, i % 32] = 255
    config = replace(rate_distortion.NETWORK, steps=40, batch_size=32, latent_dim=4)
    cheap, dear = (
        curve.measured(curve.trained(replace(config, beta=beta), ImageSet("bars", "train", bars)), bars)
        for beta in (0.001, 1000.0)
    )
    assert dear["kl"] < 0.2 < cheap["kl"]
