"""Every preset trains for real, its checkpoint opens anywhere, and the program says which flags overrule it."""

import dataclasses
import shlex

import numpy as np
import pytest
import torch
from torch import nn

import vaegan
from eval.report.protocol import train_command
from vaegan import model, run
from vaegan.config import Config
from vaegan.machine import devices
from vaegan.objective import OBJECTIVES
from vaegan.presets import PRESETS
from vaegan.run import resolve
from vaegan.storage import checkpoint, metrics
from vaegan.train import main
from vaegan.training.trainer import Trainer, optimizer

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


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        (["--mode", "vae-sigma"], ("batch", 0.5, 1e-3, 6000)),  # what the mode needs, over what suits a small processor
        (["--mode", "vae-sigma", "--preset", "cpu"], ("batch", 0.5, 1e-3, 6000)),
        (["--mode", "vae-sigma", "--norm", "group", "--width", "0.25", "--steps", "9"], ("group", 0.25, 1e-3, 9)),
        (["--mode", "vae-sigma", "--preset", "gpu"], ("batch", 1.0, 1e-3, 20_000)),  # an experiment, its width with it
        *((["--mode", mode], ("batch", 0.5, 1e-3, 6000)) for mode in ("ae", "vae")),
        (["--mode", "vaegan", "--preset", "cpu"], ("group", 0.25, 1e-3, 3000)),
    ],
)
def test_flags_win_over_modes_and_modes_over_the_preset_of_a_small_processor(flags, expected):
    config, notes = resolve(["--device", "cpu", *flags])
    assert (config.norm, config.width, config.learning_rate, config.steps) == expected
    assert notes == devices.notes(config.precision, "cpu")  # nothing overrides a preset without being asked to


@pytest.mark.parametrize("given", [[], ["--norm", "batch"], ["--width", "0.5", "--learning-rate", "3e-4"]])
@pytest.mark.parametrize("preset", ["cpu", "gpu", "larsen-code", "otoro"])
@pytest.mark.parametrize("mode", ["vae", "vae-sigma", "vaegan"])
def test_the_command_in_a_report_makes_the_same_run_whatever_the_machine_would_choose(mode, preset, given, monkeypatch):
    config, _ = resolve(["--mode", mode, "--preset", preset, "--device", "cpu", *given])
    words = shlex.split(train_command(config))
    assert words[:3] == ["python", "-m", "vaegan.train"]
    monkeypatch.setattr(run, "preset_of", lambda asked: asked.preset or "gpu")  # as on another machine
    again, _ = resolve([*words[3:], "--device", "cpu"])
    assert again == config


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
    assert "not finite" in printed.err and "lower --learning-rate" in printed.err


@pytest.mark.parametrize(
    "flags,message",
    [
        (["--mode", "vae", "--schedule", "otoro"], "--schedule otoro has no use in mode vae"),
        (["--mode", "gan", "--schedule", "otoro"], "use --mode vaegan-pixel or vaegan"),
        (["--schedule", "oturo"], "--schedule oturo is not possible: known are together, otoro"),
        (["--feature-precision", "-1"], "--feature-precision -1.0 is not possible: use a positive number"),
        (["--feature-precision", "0"], "--feature-precision 0.0 is not possible"),
        (["--feature-precision", "nan"], "--feature-precision nan is not possible"),
        (["--gamma", "inf"], "--gamma inf is not possible: use a finite number, 0 or more"),
        (["--learning-rate-schedule", "cosin"], "cosin is not possible: known are arithmetic, cosine"),
        (["--validation-images", "36"], "--validation-images 36 leaves none of 36"),
        (["--preset", "jmetzen-2d", "--architecture", "convolutional"], "--image-size 28 is not possible"),
    ],
)
def test_bad_input_is_one_line_and_writes_nothing(train, tmp_path, flags, message):
    printed = train(tmp_path / "bad", *flags, code=2)
    assert message in printed.err and len(printed.err.strip().splitlines()) == 1
    assert not (tmp_path / "bad").exists()


@pytest.mark.parametrize("preset", ["larsen-code", "larsen-code-32", "larsen-paper"])
def test_weights_decay_as_released(preset):
    """2 * 1e-5 * W beside a gradient that is summed over 64 images, and only on convolutions and dense layers."""
    config = dataclasses.replace(Config(), **PRESETS[preset])
    assert config.weight_decay * config.batch_size == pytest.approx(2e-5)
    networks = model.networks_of(dataclasses.replace(config, width=0.0625), ("encoder", "decoder", "discriminator"), 3)
    for name, network in networks.items():
        layers = [m for m in network.modules() if isinstance(m, nn.Linear | nn.Conv2d | nn.ConvTranspose2d)]
        heads = [network.mu, network.logvar] if name == "encoder" else []
        want = {id(m.weight) for m in layers if m not in heads}
        decayed, spared = optimizer(config, name, network).param_groups
        assert {id(p) for p in decayed["params"]} == want and decayed["weight_decay"] == config.weight_decay
        assert spared["weight_decay"] == 0
        assert len(decayed["params"]) + len(spared["params"]) == len(list(network.parameters()))


@pytest.mark.parametrize(
    "preset,size,gamma,features", [("larsen-code", 64, 1e-6, 16384), ("larsen-code-32", 32, 1e-5, 12288)]
)
def test_gamma_and_dis_l_are_those_of_the_script_for_the_size(preset, size, gamma, features):
    config = dataclasses.replace(Config(), **PRESETS[preset])
    assert (config.image_size, config.gamma) == (size, gamma)
    networks = model.networks_of(config, OBJECTIVES["vaegan"].needs, 3)
    trainer = Trainer(config, OBJECTIVES["vaegan"], networks, torch.device("cpu"))
    assert networks["discriminator"].feature_count == features
    assert trainer.settings.feature_precision == 1 and trainer.settings.gamma == gamma
