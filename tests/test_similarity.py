"""Attribute similarity: closed forms, a predictor that cannot err, the command on a tiny run, and misuse."""

import json
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from PIL import Image
from tiny_faces import NAMES, call, faces, save_faces, train_tiny

from eval import similarity
from eval.experiments import similarity as experiment
from eval.experiments.similarity import scores
from eval.features.network import Card, FeatureNetwork, save


@pytest.mark.parametrize(
    "p,want", [((1, 0, 1), (1, 0, 1)), ((0, 1, 0), (-1, 1, 0)), ((1, 0, 0), (1 / 3, 1 / 3, 2 / 3))]
)
def test_scores_of_certain_readings(p, want):
    found = scores(torch.tensor([[1, 0, 1]]), torch.tensor([p]).double())
    assert [found[name].item() for name in ("cosine", "error", "right")] == pytest.approx(want)


def test_an_undecided_reading_is_like_nothing():
    found = scores(torch.tensor([[1, 0, 1]]), torch.full((1, 3), 0.5).double())
    assert found["cosine"].item() == 0 and found["error"].item() == 0.25


def test_the_cosine_does_not_depend_on_how_sure_a_uniform_reading_is():
    query = torch.tensor([[1, 0, 1]])
    sure, unsure = (scores(query, 0.5 + scale * (query.double() - 0.5))["cosine"] for scale in (1.0, 0.2))
    assert sure.item() == pytest.approx(unsure.item()) == pytest.approx(1)


@pytest.fixture
def reader(monkeypatch):
    """A predictor that reads the attributes of `faces` from their grey value, and is never in doubt."""

    def read(network, images):
        number = images[:, 0, 0, 0].long()
        return torch.stack([number >> bit & 1 for bit in range(3)], dim=1).double()

    monkeypatch.setattr(experiment, "probabilities", read)


def permutation(count, seed):
    return torch.randperm(count, generator=torch.Generator().manual_seed(seed))


def rows_of(images, **modes):
    runs = {mode: [SimpleNamespace(label=f"{mode}-{i}") for i in range(len(drawn))] for mode, drawn in modes.items()}
    drawn = {f"{mode}-{i}": part for mode, parts in modes.items() for i, part in enumerate(parts)}
    return {row.title: row for row in experiment.measured(images, runs, drawn, None, seed=0)}


def test_real_images_are_on_top_and_a_deaf_model_is_at_the_floor(reader):
    images = faces(64)
    half = images.images.clone()
    half[:32] = half[:32][permutation(32, 2)]
    deaf = [images.images[permutation(64, seed)] for seed in range(2)]
    rows = rows_of(images, vae=[half], gan=deaf)
    value = {title: row.estimates["cosine"].value for title, row in rows.items()}
    assert value["real images"] == pytest.approx(1) and 0.9 > value["VAE"] > value["GAN"]
    assert value["GAN"] == pytest.approx(0, abs=0.2) and value["real images of other queries"] == pytest.approx(
        0, abs=0.2
    )
    entry = rows["VAE"].entry(rows["real images"])
    assert entry["minus_real"]["cosine"]["high"] < 0 and entry["runs"] == 1 and rows["GAN"].runs == 2
    assert all(share == 1 for share in rows["real images"].by_attribute)
    assert "minus_real" not in rows["real images"].entry(rows["real images"])
    assert rows["GAN"].entry(rows["real images"])["cosine"]["low"] < value["GAN"] < 1


def test_a_model_above_real_images_is_pointed_out(monkeypatch):
    monkeypatch.setattr(experiment, "probabilities", lambda network, images: images)
    images = faces(64)
    truth = images.labels.double()
    blurred = 0.5 + 0.4 * (truth - 0.5) * (torch.arange(3) < 2) + 0.1 * (torch.arange(3) == 2)
    queries = replace(images, images=blurred)
    rows = experiment.measured(queries, {"vae": [SimpleNamespace(label="v")]}, {"v": truth}, None, 0)
    assert experiment.warnings(rows) == ["VAE scores above real images: it draws attributes more clearly than they are"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two tiny runs, told attributes and told nothing, and a predictor with random weights."""
    folder = tmp_path_factory.mktemp("runs")
    save_faces(folder)
    assert train_tiny(folder, "told", "--mode", "vae", "--condition", "attributes", "--steps", 1) == 0
    assert train_tiny(folder, "plain", "--mode", "gan", "--steps", 1) == 0
    for file, names in (("reads", NAMES), ("other", ("a", "b", "c"))):
        card = Card(file, "faces", "attributes", 1, names, 0.9, 0.5, {}, "", 0)
        save(FeatureNetwork(card), folder / f"{file}.safetensors")
    return folder


def test_the_command_writes_rows_protocol_and_picture(folder, capsys):
    flags = ["--predictor", folder / "reads.safetensors", "--json", folder / "found.json", "--figure", folder / "f.png"]
    assert call(similarity.main, folder / "told", *flags) == 0
    printed = capsys.readouterr().out
    value = json.loads((folder / "found.json").read_text())
    assert [row["kind"] for row in value["rows"]] == ["real", "model", "floor"]
    assert all(row["cosine"]["low"] <= row["cosine"]["value"] <= row["cosine"]["high"] for row in value["rows"])
    assert value["attributes"] == list(NAMES) and len(value["rows"][1]["right_by"]) == 3
    for words in ("real images of other queries", "attribute vectors of 6 held-out images", "Brier"):
        assert words in printed
    assert Image.open(folder / "f.png").size[0] > 300


@pytest.mark.parametrize(
    "words,message",
    [
        ([], "no run given"),
        (["plain"], "plain is unconditional: attribute similarity needs runs trained with --condition attributes"),
        (["told"], "no predictor is shipped for npz:"),
        (["told", "--predictor", "other.safetensors"], r"other reads a, b, c, not the attributes of npz:"),
        (["told", "--queries", 1], "--queries 1 is not possible"),
    ],
)
def test_misuse_is_one_line(folder, capsys, words, message):
    words = [folder / w if isinstance(w, str) and not w.startswith("--") else w for w in words]
    assert call(similarity.main, *words) == 2
    printed = capsys.readouterr().err
    assert message in printed and len(printed.strip().splitlines()) == 1
