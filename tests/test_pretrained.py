"""Weights without what training needs: they open wherever a run does, and say when they are damaged."""

import json

import pytest
import torch
from tiny_faces import save_faces, train_tiny

import vaegan
from eval.sources.runs import open_runs
from vaegan import pretrained
from vaegan.data import identity
from vaegan.errors import UserError
from vaegan.export import main
from vaegan.model import prior_codes
from vaegan.train import main as train


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    save_faces(folder)
    assert train_tiny(folder, "vaegan", "--mode", "vaegan", "--steps", "4", data="bare") == 0
    return folder / "vaegan"


@pytest.fixture(scope="module")
def folder(run, tmp_path_factory):
    out = tmp_path_factory.mktemp("exported") / "all"
    main([str(run), "--out", str(out), "--part", "all"])
    return out


@pytest.mark.parametrize("weights", ["raw", "ema"])
def test_it_draws_what_the_run_draws(run, folder, weights):
    ours, original = vaegan.load(folder, weights=weights), vaegan.load(run, weights=weights)
    images = ours.sample(5, seed=2)
    assert torch.equal(images, original.sample(5, seed=2))
    assert torch.equal(ours.reconstruct(images), original.reconstruct(images))
    assert (ours.step, ours.channels) == (original.step, original.channels)


def test_it_is_opened_as_a_run_to_be_measured(run, folder):
    one, other = open_runs([folder, run])
    assert one.config.seed == other.config.seed
    assert one.model.data["train"]["digest"] == other.model.data["train"]["digest"]


def test_where_it_was_trained_is_not_in_it(run, folder):
    assert str(run) not in (folder / "config.json").read_text() + (folder / "README.md").read_text()
    stored = pretrained.read(folder)["config"]
    assert stored["data_dir"] == "data" and stored["run_dir"] is None


def test_half_precision_is_half_the_size_and_says_what_it_costs(run, folder, tmp_path, command_line):
    said = command_line(main, run, "--out", tmp_path / "half", "--part", "all", "--half").out
    half, whole = (vaegan.load(path) for path in (tmp_path / "half", folder))
    z = prior_codes(50, whole.latent_dim, 0)
    difference = float((half.decode_mean(z) - whole.decode_mean(z)).abs().max())
    assert 0 < difference <= float(said.rsplit(" ", 1)[1]) * 1.5 < 0.05
    sizes = [(path / pretrained.WEIGHTS).stat().st_size for path in (tmp_path / "half", folder)]
    settings = len(json.dumps(pretrained.read(folder)["config"]))
    assert sizes[0] - settings < 0.55 * sizes[1]


def test_every_flipped_bit_is_noticed(folder, tmp_path):
    content = (folder / pretrained.WEIGHTS).read_bytes()
    places = torch.randint(len(content) * 8, (60,), generator=torch.Generator().manual_seed(0)).tolist()
    (tmp_path / "config.json").write_text((folder / "config.json").read_text())
    for place in [*places, 3, 70, 900]:
        damaged = bytearray(content)
        damaged[place // 8] ^= 1 << place % 8
        (tmp_path / pretrained.WEIGHTS).write_bytes(damaged)
        with pytest.raises(UserError, match="damaged") as caught:
            vaegan.load(tmp_path)
        assert "\n" not in str(caught.value)


def test_other_data_are_refused_though_not_told_apart(folder):
    known = pretrained.read(folder)["data"]["train"]
    assert identity.difference(known, known) == ""
    assert identity.difference(known, known | {"digest": "0" * 32, "rows": "AAAAAA=="}) == "pixels or labels differ"


@pytest.mark.parametrize("words", [("--part", "all", "--format", "onnx"), ("--part", "decoder", "--half")])
def test_what_cannot_be_exported_is_one_line(run, tmp_path, command_line, words):
    said = command_line(main, run, "--out", tmp_path / "out", *words, code=2).err
    assert said.count("\n") == 1 and "use --" in said
    assert not (tmp_path / "out").exists()


def test_no_training_goes_on_from_weights_alone(folder, command_line):
    """It would begin anew, from chance, in the folder whose weights it then hides."""
    before = sorted(folder.iterdir())
    said = command_line(train, "--resume", "--run-dir", folder, code=2).err
    assert f"start a run with --init {folder}" in said and sorted(folder.iterdir()) == before
