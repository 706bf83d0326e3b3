"""Large against small: a known blur is recovered, and the command refuses what has no larger size."""

import sys

import pytest
import torch

from eval import any_size
from eval.blurriness import gaussian_blur
from vaegan import checkpoint, model
from vaegan import config as configuration
from vaegan.config import Config


def scene(size: int = 128) -> torch.Tensor:
    """A disc and a bar with crisp edges."""
    y, x = torch.meshgrid(*[torch.linspace(-1, 1, size)] * 2, indexing="ij")
    disc = (x.square() + y.square() < 0.3) | ((x - 0.6).abs() < 0.1)
    return (255 * disc).byte()[None, None].expand(2, 1, -1, -1).contiguous()


def test_a_known_blur_is_recovered_and_a_sharper_image_reads_zero():
    assert any_size.sigma_of(gaussian_blur(scene(), 3.0), scene()) == pytest.approx(3.0, abs=0.1)
    assert any_size.sigma_of(scene(), gaussian_blur(scene(), 3.0)) == 0


def test_an_enlargement_is_softer_than_the_drawing_the_more_so_the_larger():
    small = any_size.enlarged(scene()[..., ::8, ::8], 128, "bilinear")
    smaller = any_size.enlarged(scene()[..., ::16, ::16], 128, "bilinear")
    assert 1 < any_size.sigma_of(small, scene()) < any_size.sigma_of(smaller, scene())


def saved(tmp_path, **settings):
    """A run of starting weights."""
    config = Config(dataset="mnist", mode="vae", image_size=32, width=0.0625, latent_dim=3, **settings)
    networks = model.networks_of(config, ("encoder", "decoder"), 1)
    state = {"config": configuration.to_dict(config), "step": 0, "channels": 1, "random_state": {}, "optimizers": {}}
    weights = {name: network.state_dict() for name, network in networks.items()}
    checkpoint.save(tmp_path, {**state, "networks": weights, "decoder_ema": weights["decoder"]})
    return tmp_path


def run(monkeypatch, *flags) -> None:
    monkeypatch.setattr(sys, "argv", ["any_size", *map(str, flags)])
    any_size.main()


def test_the_command_measures_a_cppn(tmp_path, shared_data, monkeypatch, capsys):
    out = tmp_path / "any.json"
    flags = ["--n", 3, "--size", 64, "--data-dir", shared_data, "--json", out]
    run(monkeypatch, saved(tmp_path / "run", architecture="cppn"), *flags)
    assert "reconstructions: the class at 64 px" in capsys.readouterr().out and out.exists()


def test_other_decoders_are_refused_in_one_line(tmp_path, monkeypatch, capsys):
    with pytest.raises(SystemExit) as stop:
        run(monkeypatch, saved(tmp_path / "run"))
    assert stop.value.code == 2
    assert "has a convolutional decoder, which draws 32 px alone" in capsys.readouterr().err
