"""Every preset trains for real, its checkpoint opens anywhere, and the program says which flags overrule it."""

import numpy as np
import pytest
import torch

import vaegan
from vaegan import checkpoint, metrics
from vaegan.presets import PRESETS
from vaegan.train import main

TINY = ["--width", "0.0625", "--batch-size", "4", "--validation-images", "3", "--device", "cpu"]


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    """Smooth random grey images of MNIST's size."""
    path = tmp_path_factory.mktemp("data") / "digits.npz"
    coarse = np.random.default_rng(0).integers(0, 256, (40, 4, 4, 1), dtype=np.uint8)
    np.savez(path, images=coarse.repeat(7, axis=1).repeat(7, axis=2))
    return f"npz:{path}"


@pytest.fixture
def train(digits, command_line):
    """The real command in this process; returns what it printed."""

    def run(run_dir, *flags, code=0):
        return command_line(main, "--dataset", digits, "--run-dir", run_dir, *TINY, *flags, code=code)

    return run


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_trains_and_opens_again(preset, train, tmp_path):
    printed = train(tmp_path / "run", "--preset", preset, "--steps", 2)
    assert f"--steps 2 overrides preset {preset}'s {PRESETS[preset].get('steps')}" in printed.out or preset == "cpu"
    assert "33 images" in printed.out  # 40 less every tenth and the three for validation
    assert torch.load(checkpoint.path(tmp_path / "run"), weights_only=True)["step"] == 2
    model = vaegan.load(tmp_path / "run")
    size = PRESETS[preset].get("image_size") or 32
    assert model.sample(3).shape == (3, 1, size, size)
    assert model.reconstruct(model.sample(3)).shape == (3, 1, size, size)


def test_a_cppn_draws_at_any_size_and_others_say_that_they_cannot(train, tmp_path):
    train(tmp_path / "cppn", "--preset", "otoro", "--steps", 1)
    train(tmp_path / "mlp", "--preset", "jmetzen-2d", "--steps", 1)
    cppn, mlp = vaegan.load(tmp_path / "cppn"), vaegan.load(tmp_path / "mlp")
    z = torch.randn(2, 32)
    assert cppn.decode(z, size=100).shape == (2, 1, 100, 100)
    assert torch.equal(cppn.decode(z, size=26), cppn.decode(z))
    assert mlp.decode(z[:, :2], size=28).shape == (2, 1, 28, 28)
    with pytest.raises(
        vaegan.errors.UserError, match="--size 100 is not possible: a mlp decoder draws 28 x 28"
    ) as error:
        mlp.decode(z[:, :2], size=100)
    assert error.value.exit_code == 2 and "\n" not in str(error.value)


def test_a_line_of_metrics_is_the_mean_of_an_epoch(train, tmp_path):
    train(tmp_path / "two", "--preset", "jmetzen-2d", "--steps", 6, "--log-every", 3)
    train(tmp_path / "one", "--preset", "jmetzen-2d", "--steps", 6, "--log-every", 1)
    every = [line["losses/encoder"] for line in metrics.read(tmp_path / "one")]
    epochs = [line["losses/encoder"] for line in metrics.read(tmp_path / "two")]
    assert epochs == pytest.approx([sum(every[:3]) / 3, sum(every[3:]) / 3], rel=1e-5)


def test_a_resumed_schedule_ends_as_one_that_was_not_interrupted(train, tmp_path):
    train(tmp_path / "parts", "--preset", "otoro", "--steps", 1)
    train(tmp_path / "parts", "--preset", "otoro", "--resume", "--steps", 2)
    train(tmp_path / "whole", "--preset", "otoro", "--steps", 2)
    parts, whole = (checkpoint.read(tmp_path / name)["networks"] for name in ("parts", "whole"))
    assert all(torch.equal(parts[n][k], v) for n, state in whole.items() for k, v in state.items())


def test_a_cross_entropy_that_diverges_stops_with_a_remedy(train, tmp_path):
    printed = train(tmp_path / "nan", "--preset", "jmetzen-2d", "--learning-rate", "1e30", "--steps", 20, code=1)
    assert "is not finite" in printed.err and "lower --learning-rate" in printed.err


@pytest.mark.parametrize(
    "flags,message",
    [
        (["--mode", "vae", "--schedule", "otoro"], "--schedule otoro has no use in mode vae"),
        (["--mode", "gan", "--schedule", "otoro"], "use --mode vaegan-pixel or vaegan"),
        (["--schedule", "oturo"], "--schedule oturo is not possible: known are together, otoro"),
        (["--validation-images", "36"], "--validation-images 36 leaves none of 36"),
        (["--preset", "jmetzen-2d", "--architecture", "convolutional"], "--image-size 28 is not possible"),
    ],
)
def test_bad_input_is_one_line_and_writes_nothing(train, tmp_path, flags, message):
    printed = train(tmp_path / "bad", *flags, code=2)
    assert message in printed.err and len(printed.err.strip().splitlines()) == 1
    assert not (tmp_path / "bad").exists()
