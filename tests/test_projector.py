"""The embedding projector: TensorBoard's own plugin reads what the command writes."""

import io
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from tensorboard.backend.event_processing import data_provider, plugin_event_multiplexer
from tensorboard.plugins.base_plugin import TBContext
from tensorboard.plugins.projector.projector_plugin import ProjectorPlugin
from torch.utils.tensorboard import SummaryWriter
from werkzeug.test import Client

import vaegan
from vaegan import config_json
from vaegan.config import Config
from vaegan.model import networks_of
from vaegan.projector import main
from vaegan.storage import checkpoint

LABELS = {
    "attributes": {"labels": np.eye(40, 2, dtype=np.uint8), "label_names": ["Eyeglasses", "Wearing_Hat"]},
    "classes": {"labels": np.arange(40) % 2, "label_names": ["cat", "dog", "owl"]},
    "none": {},
}


@pytest.fixture
def make_run(tmp_path):
    """A run with fresh weights and an event file, on 40 images of which four are held out."""

    def make(labels: str, names=("encoder", "decoder")) -> Path:
        folder, images = tmp_path / "runs" / "r", np.random.default_rng(0).integers(0, 256, (40, 32, 32, 3), np.uint8)
        np.savez(tmp_path / "images.npz", images=images, **LABELS[labels])
        config = Config(dataset=f"npz:{tmp_path / 'images.npz'}", width=0.0625, latent_dim=3, run_dir=folder)
        networks = {name: network.state_dict() for name, network in networks_of(config, names, 3).items()}
        state = {"config": config_json.to_dict(config), "step": 0, "channels": 3, "networks": networks}
        checkpoint.save(folder, state | {"decoder_ema": networks["decoder"], "optimizers": {}, "random_state": {}})
        with SummaryWriter(str(folder)) as board:
            board.add_scalar("losses/encoder", 1.0, 1)
        return folder

    return make


@pytest.fixture
def project(command_line):
    return lambda *flags, code=0: command_line(main, *flags, code=code).err


def asked(logdir: Path, path: str, **query) -> bytes:
    """What TensorBoard's projector answers to its own page."""
    multiplexer = plugin_event_multiplexer.EventMultiplexer().AddRunsFromDirectory(str(logdir))
    multiplexer.Reload()
    provider = data_provider.MultiplexerDataProvider(multiplexer, str(logdir))
    plugin = ProjectorPlugin(TBContext(logdir=str(logdir), data_provider=provider))
    plugin._update_configs()
    answer = Client(plugin.get_plugin_apps()[path]).get("/", query_string=query)
    assert answer.status_code == 200, answer.data
    return answer.data


@pytest.mark.parametrize("labels", LABELS)
def test_tensorboard_shows_codes_labels_and_thumbnails_of_a_run(make_run, project, labels):
    run = make_run(labels)
    project(run)
    runs = run.parent
    (name,) = json.loads(asked(runs, "/runs"))
    (embedding,) = json.loads(asked(runs, "/info", run=name))["embeddings"]
    query = {"run": name, "name": embedding["tensorName"]}
    held_out = vaegan.data.load(f"npz:{run.parent.parent / 'images.npz'}", "test")  # all are shown by default
    order = torch.randperm(len(held_out.images), generator=torch.Generator().manual_seed(0))
    images = held_out.images[order]

    codes = np.frombuffer(asked(runs, "/tensor", **query, num_rows=100), np.float32).reshape(-1, 3)
    assert np.allclose(codes, vaegan.load(run).encode(images)[0], atol=1e-5)

    sprite = np.asarray(Image.open(io.BytesIO(asked(runs, "/sprite_image", **query))))
    assert embedding["sprite"]["singleImageDim"] == [32, 32] and sprite.shape == (64, 64, 3)
    second = sprite[:32, 32:].transpose(2, 0, 1).astype(int)
    assert abs(second - images[1].numpy()).max() <= 1  # the writer truncates instead of rounding

    lines = asked(runs, "/metadata", **query, num_rows=100).decode().splitlines()
    assert lines == {"attributes": rows_of_attributes, "classes": names_of_classes, "none": numbers}[labels](
        held_out, order
    )


def rows_of_attributes(images, order) -> list[str]:
    return ["\t".join(images.label_names), *("\t".join(map(str, row)) for row in images.labels[order].tolist())]


def names_of_classes(images, order) -> list[str]:
    return [images.label_names[i] for i in images.labels[order].tolist()]


def numbers(images, order) -> list[str]:
    return [f"image {i}" for i in order.tolist()]


def test_a_second_call_replaces_the_first_and_another_folder_is_refused(make_run, project, tmp_path):
    run, out = make_run("none"), tmp_path / "shown"
    project(run, "--n", 3, "--out", out)
    project(run, "--n", 2, "--out", out)
    assert len((out / "00000" / "codes" / "tensors.tsv").read_text().splitlines()) == 2
    assert json.loads(asked(out, "/runs")) == ["."]
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("years of work")
    assert "holds more than a projector's files" in project(run, "--n", 3, "--out", tmp_path / "mine", code=1)
    assert (tmp_path / "mine" / "thesis.tex").read_text() == "years of work"
    assert "cannot be written" in project(run, "--n", 3, "--out", tmp_path / "images.npz" / "x", code=1)
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


@pytest.mark.parametrize(("n", "words"), [(1, "use 2 or more"), (5, "at most 4 images")])
def test_a_number_of_images_that_cannot_be_shown(make_run, project, n, words):
    assert words in project(make_run("none"), "--n", n, code=2)


def test_a_gan_has_no_codes(make_run, project):
    assert "has no codes to show" in project(make_run("none", ("decoder",)), code=2)
