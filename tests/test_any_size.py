"""Large against small: a known blur is recovered, and the command refuses what has no larger size."""

import json

import pytest
import torch

from eval import any_size
from eval.blur.measures import gaussian_blur
from eval.evidence import large
from vaegan import config_json, data, model
from vaegan.config import Config
from vaegan.storage import checkpoint


def scene(size: int = 128) -> torch.Tensor:
    """A disc and a bar with crisp edges."""
    y, x = torch.meshgrid(*[torch.linspace(-1, 1, size)] * 2, indexing="ij")
    disc = (x.square() + y.square() < 0.3) | ((x - 0.6).abs() < 0.1)
    return (255 * disc).byte()[None, None].expand(2, 1, -1, -1).contiguous()


def soft(images: torch.Tensor, reference: torch.Tensor) -> list[float]:
    return large.softness(images, large.energies(reference)).tolist()


@pytest.mark.parametrize("sigma", (1.0, 3.0, 9.0))
def test_a_known_blur_is_recovered(sigma):
    assert soft(gaussian_blur(scene(), sigma), scene()) == pytest.approx([sigma] * 2, rel=0.05)


def test_the_reference_itself_is_not_soft_and_a_sharper_image_is_counted():
    assert soft(scene(), scene()) == [0, 0]
    found = large.way("", scene(), large.energies(gaussian_blur(scene(), 3.0)), None)
    assert found.sharper == 2 and found.softness["value"] == 0


def test_an_enlargement_is_softer_than_the_drawing_the_more_so_the_larger():
    small, smaller = (large.enlarged(scene()[..., ::step, ::step], 128, "bilinear") for step in (8, 16))
    assert 1 < soft(small, scene())[0] < soft(smaller, scene())[0]


def test_an_enlargement_leaves_pixels_where_they_are():
    image = torch.zeros(1, 1, 4, 4, dtype=torch.uint8)
    image[..., 1, 2] = 255
    y, x = (large.enlarged(image, 64, "bicubic")[0, 0].float() > 200).nonzero().float().mean(0).tolist()
    assert (y, x) == pytest.approx((1.5 * 16 - 0.5, 2.5 * 16 - 0.5), abs=0.1)


def test_drawn_data_have_a_truth_at_every_size_and_it_is_the_same_face():
    rows = torch.tensor([7, 2])
    truth = data.drawn("synthfaces", "test", rows, 128)
    small = data.drawn("synthfaces", "test", rows, 32)
    assert truth.shape == (2, 3, 128, 128)
    reduced = torch.nn.functional.interpolate(truth.float(), size=(32, 32), mode="area")
    assert (reduced - small).abs().mean() < 0.5 * (reduced.roll(1, -1) - small).abs().mean()
    assert torch.equal(small, data.load("synthfaces", "test", image_size=32).images[rows])
    assert data.drawn("mnist", "test", rows, 128) is None


def saved(tmp_path, dataset="mnist", channels=1, **settings):
    """A run of starting weights."""
    config = Config(dataset=dataset, mode="vae", image_size=32, width=0.0625, latent_dim=3, **settings)
    networks = model.networks_of(config, ("encoder", "decoder"), channels)
    state = {
        "config": config_json.to_dict(config),
        "step": 0,
        "channels": channels,
        "random_state": {},
        "optimizers": {},
    }
    weights = {name: network.state_dict() for name, network in networks.items()}
    checkpoint.save(tmp_path, {**state, "networks": weights, "decoder_ema": weights["decoder"]})
    (tmp_path / "config.json").write_text(json.dumps(state["config"]))
    return tmp_path


def run(*flags) -> None:
    any_size.main([str(flag) for flag in flags])


def test_the_command_measures_a_cppn(tmp_path, shared_data, monkeypatch, capsys):
    out = tmp_path / "any.json"
    flags = ["--n", 3, "--size", 64, "--data-dir", shared_data, "--json", out]
    run(saved(tmp_path / "run", architecture="cppn"), *flags)
    printed = capsys.readouterr().out
    assert "reconstructions: what the classifier sees at 64 px" in printed and "the decoder's own large" in printed
    ways = json.loads(out.read_text())["samples"]["ways"]
    assert [way["title"] for way in ways] == [
        "decoder at 64 px",
        "decoder at 32 px, bilinear",
        "decoder at 32 px, bicubic",
    ]
    assert ways[0]["softness"]["value"] == pytest.approx(0, abs=1e-3) and ways[0]["pixel_error"] is None


def test_drawn_faces_are_held_against_the_truth(tmp_path, monkeypatch, capsys):
    out = tmp_path / "any.json"
    faces = saved(tmp_path / "run", "synthfaces", 3, architecture="cppn")
    run(faces, "--n", 2, "--size", 64, "--json", out)
    ways = {way["title"]: way for way in json.loads(out.read_text())["reconstructions"]["ways"]}
    assert ways["the truth"]["pixel_error"]["value"] == 0
    assert ways["the truth"]["softness"]["value"] == pytest.approx(0, abs=1e-3)
    assert (
        0
        < ways["original at 32 px, bicubic"]["pixel_error"]["value"]
        < ways["decoder at 64 px"]["pixel_error"]["value"]
    )
    assert "softer than the truth at that size" in capsys.readouterr().out


def test_other_decoders_are_refused_in_one_line(tmp_path, monkeypatch, capsys):
    with pytest.raises(SystemExit) as stop:
        run(saved(tmp_path / "run"))
    assert stop.value.code == 2
    assert "has a convolutional decoder, which draws 32 px alone" in capsys.readouterr().err
