"""`python -m vaegan.sample` on small runs with fresh weights: what is written, and one line for every bad input."""

import io
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import vaegan
from vaegan import conditions, config_json, data, latent
from vaegan.config import Config
from vaegan.errors import UserError
from vaegan.model import networks_of, prior_codes
from vaegan.pictures import sheets
from vaegan.pictures.kinds import KINDS, VECTORS, Arguments
from vaegan.pictures.portfolio import DRAW, told_otherwise
from vaegan.pictures.scene import Scene
from vaegan.sample import main
from vaegan.storage import checkpoint
from vaegan.storage.writing import write_whole

NAMES = ("Eyeglasses", "Wearing_Hat")


def save_run(
    folder: Path, images: Path, latent_dim: int, names=("encoder", "decoder"), mode="vae", condition="none", **settings
) -> Path:
    """A checkpoint of fresh weights."""
    settings |= {"mode": mode, "dataset": f"npz:{images}", "latent_dim": latent_dim, "condition": condition}
    config = Config(width=0.0625, run_dir=folder, **settings)
    told = conditions.of_images(condition, data.load(config.dataset, "train"))
    built = networks_of(config, names, 3, len(told.names))
    networks = {name: network.state_dict() for name, network in built.items()}
    state = {"config": config_json.to_dict(config), "step": 0, "channels": 3, "networks": networks}
    state |= {"conditions": told.state(), "decoder_ema": networks["decoder"], "optimizers": {}, "random_state": {}}
    checkpoint.save(folder, state)
    return folder


@pytest.fixture(scope="module")
def runs(tmp_path_factory) -> dict[str, Path]:
    """Runs on 200 random images with two attributes, with three classes and without labels."""
    folder, rng = tmp_path_factory.mktemp("runs"), np.random.default_rng(0)
    images = rng.integers(0, 256, (200, 32, 32, 3), dtype=np.uint8)
    labels = {"attributes": rng.integers(0, 2, (200, 2)), "classes": rng.integers(0, 3, 200), "none": None}
    for name, values in labels.items():
        named = {} if values is None else {"labels": values}
        np.savez(
            folder / f"{name}.npz", images=images, **named | ({"label_names": NAMES} if name == "attributes" else {})
        )
    return {
        "faces": save_run(folder / "faces", folder / "attributes.npz", 4),
        "flat": save_run(folder / "flat", folder / "classes.npz", 2),
        "flat faces": save_run(folder / "flat-faces", folder / "attributes.npz", 2),
        "plain": save_run(folder / "plain", folder / "none.npz", 2),
        "told": save_run(folder / "told", folder / "attributes.npz", 4, condition="attributes"),
        "told flat": save_run(folder / "told-flat", folder / "classes.npz", 2, condition="classes"),
        "cppn": save_run(folder / "cppn", folder / "attributes.npz", 4, architecture="cppn"),
        "gan": save_run(folder / "gan", folder / "attributes.npz", 4, ("decoder",), "gan"),
    }


@pytest.fixture
def sample(runs, tmp_path, command_line):
    """Run the command; return the picture, or where it fails the line it says."""

    def run(name, *flags, code=0, out=tmp_path / "out.png"):
        printed = command_line(main, runs.get(name, name), "--out", out, *flags, code=code)
        if code:
            assert printed.err.startswith("error: ") and printed.err.count("\n") == 1 and not list(tmp_path.iterdir())
            return printed.err
        return Image.open(out)

    return run


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("samples", "faces"),
        ("samples", "gan"),
        ("reconstructions", "faces"),
        ("interpolation", "faces"),
        ("manifold", "flat"),
        ("scatter", "flat"),
        ("scatter", "flat faces"),
        ("scatter", "plain"),
        ("traversal", "faces"),
        ("attributes", "faces"),
        ("samples", "told"),
        ("reconstructions", "told"),
        ("interpolation", "told"),
        ("traversal", "told"),
        ("attributes", "told"),
        ("manifold", "told flat"),
        ("scatter", "told flat"),
    ],
)
def test_every_kind_draws(sample, kind, name):
    """As many as it usually does, or as there are: 20 are held out."""
    picture = sample(name, "--kind", kind)
    assert picture.format == "PNG" and min(picture.size) > 60
    assert np.asarray(picture.convert("L")).std() > 0


def test_every_kind_is_tested_drawn_and_named_in_the_help(command_line):
    said = command_line(main, "--help").out
    assert all(kind in said for kind in KINDS) and set(DRAW) == set(KINDS) and set(VECTORS) == set(latent.VECTORS)
    marks = test_every_kind_draws.pytestmark[0].args[1]
    assert {kind for kind, _ in marks} == set(KINDS)


def test_one_sample_is_the_image_itself_and_a_seed_draws_others(sample, runs):
    picture = np.asarray(sample("faces", "--n", 1, "--seed", 3))
    expected = vaegan.load(runs["faces"]).sample(1, seed=3)[0].permute(1, 2, 0).numpy()
    assert np.array_equal(picture[::2, ::2], expected) and picture.shape == (64, 64, 3)
    assert not np.array_equal(picture, np.asarray(sample("faces", "--n", 1, "--seed", 4)))


def test_codes_from_a_file_are_what_is_drawn(sample, runs, tmp_path_factory):
    file = tmp_path_factory.mktemp("codes") / "codes.npy"
    np.save(file, prior_codes(1, 4, 3)[0].numpy())
    assert np.array_equal(
        np.asarray(sample("faces", "--n", 1, "--seed", 3)), np.asarray(sample("faces", "--codes", file))
    )


def test_the_manifold_is_its_grid_of_images(sample, runs):
    picture = np.asarray(sample("flat", "--kind", "manifold", "--n", 3))
    corner = vaegan.load(runs["flat"]).decode(torch.tensor([[-3.0, 3.0]]))[0].permute(1, 2, 0).numpy()
    assert picture.shape == (96, 96, 3) and np.array_equal(picture[:32, :32], corner)


@pytest.mark.parametrize("words", [["--n", 999_999_999], ["--n", 2**31 - 1], ["--n", 2, "--size", 999_999_999]])
def test_pictures_that_no_memory_holds_are_refused_at_once(sample, words):
    assert re.search("images of .* pixels need more than .* GB", sample("cppn", *words, code=2))


def test_a_cppn_draws_at_the_size_that_is_asked_for(sample):
    assert sample("cppn", "--n", 1, "--size", 200).size == (200, 200)
    small, large = (sample("cppn", "--kind", "reconstructions", "--n", 2, "--size", size) for size in (32, 64))
    assert large.size[1] - small.size[1] == 64  # two rows, the original enlarged beside what is drawn


def test_a_conditional_run_is_told_the_opposite_and_keeps_its_codes(runs):
    model = vaegan.load(runs["told"])
    scene = Scene(model, Arguments(run=runs["told"], out=Path("x.png"), n=3))
    indices = torch.tensor([4, 0, 7])
    edited, _ = told_otherwise(scene, indices, [1, 0])
    labels = scene.held_out.labels[indices].clone()
    labels[:, 1] = 1 - labels[:, 1]
    assert torch.equal(edited[:3], model.decode(scene.encode(indices), labels))


@pytest.mark.parametrize(
    ("name", "flags", "code", "words"),
    [
        ("faces", ["--kind", "manifold"], 2, "shows 2-D codes, and .* has 4-D ones: train a run with --latent-dim 2"),
        ("faces", ["--kind", "scatter"], 2, "shows 2-D codes"),
        (
            "faces",
            ["--kind", "attributes", "--attributes", "Goatee"],
            2,
            "no attribute 'Goatee'; it has Eyeglasses, We",
        ),
        ("faces", ["--kind", "attributes", "--attributes", "Wearing_Hut"], 2, "did you mean 'Wearing_Hat'"),
        ("flat", ["--kind", "attributes"], 2, "classes.npz has no attributes"),
        ("faces", ["--size", "1024"], 2, "--size 1024 is not possible: .*32"),
        ("faces", ["--size", "0"], 2, "--size 0 is not possible"),
        ("faces", ["--n", "0"], 2, "--n 0 is not possible: use 1 or more"),
        ("faces", ["--kind", "traversal", "--n", "5"], 2, "--n 5 is not possible: this run's codes have 4 dimensions"),
        ("faces", ["--kind", "reconstructions", "--n", "99"], 2, "needs 99 held-out images: .* has 20"),
        ("faces", ["--kind", "sample"], 2, "unknown kind 'sample'; did you mean 'samples'"),
        ("faces", ["--seed", "-1"], 2, "--seed -1 is not possible"),
        ("gan", ["--kind", "reconstructions"], 2, "needs an encoder: a run of mode gan can only sample"),
        ("faces", ["--codes", "absent.npy"], 1, "absent.npy cannot be read as codes"),
        ("nowhere", [], 1, "nowhere has no checkpoint"),
    ],
)
def test_bad_input_is_one_line_and_writes_nothing(sample, name, flags, code, words):
    assert re.search(words, sample(name, *flags, code=code))


def test_a_code_of_the_wrong_length_is_a_usage_error(sample, tmp_path_factory):
    file = tmp_path_factory.mktemp("codes") / "long.npy"
    np.save(file, np.zeros((2, 5)))
    assert "codes of shape (2, 5) do not fit: this model takes (N, 4)" in sample("faces", "--codes", file, code=2)


def test_an_unwritable_out_is_found_before_anything_is_drawn(sample, tmp_path, tmp_path_factory):
    file = tmp_path_factory.mktemp("other") / "file"
    file.write_text("")
    assert "cannot be written (Not a directory)" in sample("faces", out=file / "x.png", code=1)
    assert "use a name that ends in .png" in sample("faces", out=tmp_path / "x.jpg", code=2)


def test_a_write_that_fails_leaves_what_was_there(tmp_path, monkeypatch):
    path = tmp_path / "x.png"
    write_whole(path, b"old")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    with pytest.raises(UserError, match="x.png cannot be written .No space left"):
        write_whole(path, b"new")
    assert path.read_bytes() == b"old" and list(tmp_path.iterdir()) == [path]


def test_a_sheet_keeps_every_pixel_and_has_room_for_its_labels():
    images = torch.randint(0, 256, (6, 3, 32, 32), dtype=torch.uint8)
    long = "a_rather_long_label"
    sheet = np.asarray(Image.open(io.BytesIO(sheets.sheet(images, 3, rows=[long, "b"], heads="xyz", title="t"))))
    grid = sheets.tiled(images, 3)
    height, width = grid.shape[:2]
    assert np.array_equal(sheet[-height:, -width:, :3], grid)
    assert sheet.shape[1] - width > sheets.text_width(long)
    assert (sheet[:, :2, :3] == 255).all()  # no letter is cut off
