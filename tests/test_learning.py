"""Learning curves: each reading is that of the model as it is, reading changes nothing, half and last are compared."""

import json
import math

import pytest
import torch
from stand_in import Blurrer, dead_leaves, save_npz, save_run
from tiny_faces import TINY, call

import vaegan
from eval.evidence import learning
from eval.evidence.learning import LearningCurve
from eval.sources.runs import open_runs
from vaegan import train
from vaegan.config import Config
from vaegan.errors import UserError

HAS = {"measure/elbo", "measure/frechet"}  # whatever a VAE of eight updates draws
READ = {f"measure/{name}" for name in ("sigma_eq_reconstructions", "sigma_eq_samples", "elbo", "frechet")}


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> str:
    return save_npz(tmp_path_factory.mktemp("data") / "leaves.npz", dead_leaves(3000))


def test_a_known_blur_is_read_and_what_a_mode_has_not_is_left_out(data):
    config = Config(mode="vaegan", dataset=data, image_size=32)
    found = LearningCurve(config)(Blurrer(config, 0.8))
    assert found["measure/sigma_eq_reconstructions"] == pytest.approx(0.8, abs=0.05)
    assert found["measure/sigma_eq_samples"] == pytest.approx(0.8, abs=0.2) and found["measure/frechet"] > 0
    assert set(found) == READ - {"measure/elbo"}  # its likelihood is of Dis_l
    black = Blurrer(config, 0.8)
    black.sample = lambda n, seed=0: torch.zeros(n, 1, 32, 32, dtype=torch.uint8)
    assert "measure/sigma_eq_samples" not in LearningCurve(config)(black)


def test_images_without_edges_are_one_line_before_a_run_begins(tmp_path):
    flat = torch.full((60, 1, 32, 32), 100, dtype=torch.uint8)
    with pytest.raises(UserError, match="does not follow blur"):
        LearningCurve(Config(dataset=save_npz(tmp_path / "flat.npz", flat), image_size=32))


@pytest.fixture(scope="module")
def folder(tmp_path_factory, data):
    """The same VAE with readings, without, and with them but interrupted."""
    folder = tmp_path_factory.mktemp("runs")
    flags = [*TINY, "--mode", "vae", "--dataset", data, "--device", "cpu", "--log-every", 4, "--images-every", 4]
    for name, own in (("read", ["--measure-every", 4]), ("plain", [])):
        assert call(train.main, *flags, *own, "--steps", 8, "--run-dir", folder / name) == 0
    assert call(train.main, *flags, "--measure-every", 4, "--steps", 4, "--run-dir", folder / "resumed") == 0
    assert call(train.main, "--resume", "--steps", 8, "--run-dir", folder / "resumed") == 0
    return folder


def lines(folder, name) -> list[dict]:
    return [json.loads(line) for line in (folder / name / "metrics.jsonl").read_text().splitlines()]


def test_a_run_that_is_read_ends_as_one_that_is_not(folder):
    read, *others = (vaegan.load(folder / name).networks for name in ("read", "plain", "resumed"))
    for networks in others:
        for name, network in read.items():
            weights, other = network.state_dict(), networks[name].state_dict()
            assert all(torch.equal(weights[key], other[key]) for key in weights)


def test_readings_stand_in_the_lines_of_their_updates_also_after_a_resume(folder):
    read, plain, resumed = (lines(folder, name) for name in ("read", "plain", "resumed"))
    assert [row["step"] for row in read if HAS <= set(row)] == [4, 8] and not any(READ & set(row) for row in plain)
    timed = {"images_per_second"}
    assert [{k: v for k, v in row.items() if k not in timed} for row in read] == [
        {k: v for k, v in row.items() if k not in timed} for row in resumed
    ]


def test_the_last_reading_is_that_of_the_saved_weights(folder):
    model = vaegan.load(folder / "read")
    again, last = LearningCurve(model.config)(model), lines(folder, "read")[-1]
    assert set(again) >= HAS and again == pytest.approx({name: last[name] for name in READ & set(last)}, rel=1e-4)


def test_a_report_has_the_curve_of_runs_that_were_read(folder):
    found = learning.curves(open_runs([folder / "read", folder / "plain"]))
    (curve,) = found.values()
    assert curve["step"] == [4, 8] and curve["seconds"][0] < curve["seconds"][1]
    assert curve["series"]["elbo"] == [row["measure/elbo"] for row in lines(folder, "read") if HAS <= set(row)]
    assert set(curve["moved"]) == {"reconstructions", "samples"}


def test_seconds_are_those_of_training_whatever_lay_between(tmp_path):
    rows = [{"step": 10, "images_per_second": 64.0}, {"step": 30, "images_per_second": 128.0, "measure/elbo": -1.0}]
    save_run(tmp_path / "run", Config(), rows)
    assert learning.curve(rows, 64)["seconds"] == pytest.approx([10 + 10])


@pytest.mark.parametrize(
    ("steps", "values", "moved"),
    [([5, 10], [1.0, 0.9], -0.1), ([4, 5, 10], [3.0, 1.0, 0.9], -0.1), ([10], [1.0], None), ([6, 10], [1, 2], None),
     ([5, 10], [1.0, None], None), ([4, 5, 10], [1.0, None, 0.5], -0.5), ([5, 10], [], None)],
)  # fmt: skip
def test_a_doubling_is_from_half_of_the_updates_to_the_last(steps, values, moved):
    found = learning.doubling(steps, values)
    assert found is None if moved is None else math.isclose(found, moved)
