"""A run's health: each way to be ill is found, and a sound run is not called ill."""

import json

import pytest
import torch
from stand_in import Blurrer, dead_leaves, save_npz, save_run

import vaegan
from eval import health
from eval.blur.damages import add_colour_noise, add_speckle
from eval.evidence import audit
from eval.sources.held_out import drawn
from vaegan.config import Config
from vaegan.storage import metrics

DIS = {"dis/real": 0.6, "dis/prior": 0.4, "dis/reconstruction": 0.5}


def judged(samples=None, metrics=(), features=None):
    """Health of samples against 256 leaves, with the pixels themselves as features."""
    real = dead_leaves(256, seed=1)
    samples = dead_leaves(256, seed=2) if samples is None else samples
    pixels = samples.flatten(1).float()
    vectors = pixels if features is None else features
    looks = audit.Look(audit.audited(samples), pixels, vectors, 1), looked(real)
    return audit.examine(*looks, metrics)


def looked(images):
    """The pixels themselves as maps and as features."""
    pixels = images.flatten(1).float()
    return audit.Look(audit.audited(images), pixels, pixels, images.shape[1])


def test_images_as_good_as_real_are_healthy():
    found = judged(metrics=[{"step": 1, "losses/encoder": 1.0, **DIS}])
    assert found.verdict == "healthy" and not found.reasons
    assert found.diversity == pytest.approx(1, abs=0.05) and found.nyquist == pytest.approx(1, abs=0.1)
    assert found.gap == pytest.approx(0.15)


def test_constant_samples_are_ill():
    assert any("too alike" in reason for reason in judged(dead_leaves(1, seed=2).repeat(256, 1, 1, 1)).reasons)


def test_a_few_repeated_faces_are_ill_though_diverse():
    found = judged(dead_leaves(16, seed=2).repeat(16, 1, 1, 1))
    assert found.diversity > audit.MIN_DIVERSITY
    assert any("repeated" in reason for reason in found.reasons)


def test_grain_is_ill():
    noise = 40 * torch.randn(256, 1, 32, 32, generator=torch.Generator().manual_seed(0))
    assert any(
        "Nyquist" in reason for reason in judged((dead_leaves(256, seed=2) + noise).clamp(0, 255).byte()).reasons
    )


def test_colour_grain_and_speckle_are_ill_where_grey_values_hide_them():
    real, samples = (dead_leaves(128, channels=3, seed=seed) for seed in (1, 2))
    damages = {"as it is": lambda images: images, "noise": add_colour_noise, "speckle": add_speckle}
    found = {name: audit.examine(looked(damage(samples)), looked(real), []) for name, damage in damages.items()}
    assert found["as it is"].verdict == "healthy" and found["as it is"].nyquist == pytest.approx(1, abs=0.2)
    assert any("colour grain" in reason for reason in found["noise"].reasons) and found["noise"].nyquist < 1.2
    assert any("coloured speckle" in reason for reason in found["speckle"].reasons)


def test_a_coloured_halo_unseen_on_real_images_without_colour_is_no_grain_and_noise_is():
    grey = dead_leaves(128, channels=1, seed=1).expand(-1, 3, -1, -1).contiguous()
    off_by_one = grey.clone()
    off_by_one[:, 0, ::3] = (grey[:, 0, ::3].int() + 1).clamp(max=255).byte()
    assert audit.examine(looked(off_by_one), looked(grey), []).verdict == "healthy"
    assert "colour grain" in audit.examine(looked(add_colour_noise(grey)), looked(grey), []).reasons[0]


def test_grain_of_reconstructions_alone_is_ill():
    real, samples = (dead_leaves(128, channels=3, seed=seed) for seed in (1, 2))
    behind = {
        name: audit.audited(damage(real))
        for name, damage in (("as they are", torch.clone), ("noisy", add_colour_noise))
    }
    found = {name: audit.examine(looked(samples), looked(real), [], own).reasons for name, own in behind.items()}
    assert found["as they are"] == () and "reconstructions: colour grain" in found["noisy"][0]


def test_grey_images_have_no_colour_to_judge():
    found = judged()
    assert found.colour_nyquist is None and found.colour_speckle is None and found.speckle == pytest.approx(1, abs=0.3)


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([{"step": 1, "losses/encoder": float("nan")}], "not finite"),
        ([{"step": 1, "terms/prior": None}], "not finite"),
        ([{"step": 1, "dis/real": 0.5, "dis/prior": 0.5}], "blind"),
        ([{"step": 1, "dis/real": 0.999, "dis/prior": 0.001}], "certain"),
    ],
)
def test_the_log_can_condemn_a_run(rows, words):
    assert any(words in reason for reason in judged(metrics=rows).reasons)


def test_features_that_are_not_numbers_are_ill():
    assert judged(features=torch.full((256, 4), float("nan"))).verdict == "unhealthy"


def test_real_images_are_drawn_from_the_whole_file():
    sorted_by_class = torch.arange(100)
    chosen = drawn(sorted_by_class, 20, seed=0)
    assert len(set(chosen.tolist())) == 20 and chosen.max() > 60
    assert torch.equal(chosen, drawn(sorted_by_class, 20, seed=0))
    assert len(drawn(sorted_by_class, 1000, seed=0)) == 100


def test_only_the_end_of_training_judges_the_discriminator():
    rows = [{"step": i, "dis/real": 0.5 if i < 90 else 0.7, "dis/prior": 0.5 if i < 90 else 0.3} for i in range(100)]
    assert audit.discriminator_state(rows) == pytest.approx((0.7, 0.3))
    assert audit.discriminator_state([{"step": 1}]) == (None, None)


def test_a_torn_log_is_read(tmp_path):
    (tmp_path / "metrics.jsonl").write_text('{"step": 1, "a": 1}\n{"step": 2, "a": 3}\n{"step": 3, "a"')
    assert metrics.read(tmp_path) == [{"step": 1, "a": 1}, {"step": 2, "a": 3}]
    assert metrics.read(tmp_path / "nowhere") == []


def test_the_command_prints_a_row_a_run_and_writes_json(tmp_path, monkeypatch, capsys):
    dataset = save_npz(tmp_path / "leaves.npz", dead_leaves(700))
    config = Config(mode="vaegan", dataset=dataset, image_size=32)
    run = save_run(tmp_path / "run", config, [{"step": 100, "losses/encoder": 1.0, **DIS}])
    monkeypatch.setattr(vaegan, "load", lambda d, weights="raw", device="cpu": Blurrer(config, 0.0, step=100))
    health.main([str(run), "--json", str(tmp_path / "rows.json"), "--samples", "64"])
    assert "healthy" in capsys.readouterr().out
    (row,) = json.loads((tmp_path / "rows.json").read_text())
    assert row["images"] == 64 and row["step"] == 100 and row["features"]


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [(["/nowhere"], 1, "no such run"), ([], 2, "no run given"), (["/nowhere", "--samples", "0"], 2, "--samples 0")],
)
def test_bad_input_is_one_line(arguments, code, words, capsys):
    with pytest.raises(SystemExit) as stop:
        health.main(arguments)
    complaint = capsys.readouterr().err
    assert stop.value.code == code and words in complaint and complaint.count("\n") == 1
