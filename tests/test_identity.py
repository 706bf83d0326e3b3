"""A run knows its data: what changed since is said in one line and refused, what only moved is found again."""

import json
import os
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from tiny_faces import TINY, call

import vaegan
from eval.sources import runs
from vaegan import data, train
from vaegan.data import identity, load
from vaegan.errors import UserError
from vaegan.storage import checkpoint

pytestmark = pytest.mark.usefixtures("cache")


def save(folder: Path, count=40, grey=False) -> Path:
    """`count` distinct images of two classes."""
    shutil.rmtree(folder, ignore_errors=True)
    for i in range(count):
        file = folder / "ab"[i % 2] / f"{i:03d}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L" if grey else "RGB", (32, 32), 5 * i if grey else (5 * i, 90, 0)).save(file)
    return folder


def one(folder: Path) -> Path:
    """The file of an image that is trained on."""
    red = int(load(f"folder:{folder}", "train").images[0, 0, 0, 0])
    return next(folder.rglob(f"{red // 5:03d}.png"))


def added(folder: Path) -> None:
    Image.new("RGB", (32, 32), (1, 2, 3)).save(folder / "a" / "000a.png")


def changed(folder: Path) -> None:
    Image.new("RGB", (32, 32), (1, 2, 3)).save(one(folder))


def relabelled(folder: Path) -> None:
    file = one(folder)
    file.rename(folder / ("b" if file.parent.name == "a" else "a") / file.name)


def renamed(folder: Path) -> None:
    (folder / "a").rename(folder / "c")


CHANGES = {
    "1 added": added,
    "1 removed": lambda folder: one(folder).unlink(),
    "1 of .* changed": changed,
    "1 relabelled": relabelled,
    "turned grey": lambda folder: save(folder, grey=True),
    "order differs": lambda folder: one(folder).rename(one(folder).with_name("zzz.png")),
    "relabelled, label names differ": renamed,
}


@pytest.mark.parametrize("words", CHANGES)
def test_what_changed_is_said(tmp_path, words):
    folder = save(tmp_path / "d")
    known = data.identities(load(f"folder:{folder}", "train"))
    assert json.loads(json.dumps(known)) == known
    load(f"folder:{folder}", "train", trained_on=known), load(f"folder:{folder}", "test", trained_on=known)
    CHANGES[words](folder)
    refused = []
    for split in ("train", "test"):
        try:
            load(f"folder:{folder}", split, trained_on=known)
        except UserError as error:
            refused.append(str(error))
    assert refused and any(re.search(words, line) for line in refused), refused
    assert all("\n" not in line and "--data-dir" in line for line in refused)


@pytest.mark.parametrize("layout", ["folder", "npz", "lfw"])
def test_a_copy_elsewhere_is_the_same(tmp_path, layout):
    folder = save(tmp_path / "here" / "d")
    np.savez(
        tmp_path / "here" / "d.npz", images=np.random.default_rng(0).integers(0, 256, (40, 32, 32), dtype=np.uint8)
    )
    for i in range(12):
        person = tmp_path / "here" / "lfw-py" / "lfw" / f"P{i}"
        person.mkdir(parents=True)
        Image.new("RGB", (250, 250), (20 * i, 0, 0)).save(person / f"P{i}_0001.jpg")
    name = {"folder": f"folder:{folder}", "npz": f"npz:{tmp_path / 'here' / 'd.npz'}", "lfw": "lfw"}[layout]
    known = data.identities(load(name, "train", image_size=32, data_dir=tmp_path / "here"), tmp_path / "here")
    (tmp_path / "here").rename(tmp_path / "there")
    for split in ("train", "test"):
        load(name, split, image_size=32, data_dir=tmp_path / "there", trained_on=known)
    with pytest.raises(UserError):
        load(name, "train", image_size=32, data_dir=tmp_path / "nowhere")
    if layout == "folder":
        renamed = (tmp_path / "there" / "d").rename(tmp_path / "renamed")
        load(name, "train", image_size=32, data_dir=renamed, trained_on=known)
        with pytest.raises(UserError, match="no such folder"):  # of other images nobody would notice
            load(name, "train", image_size=32, data_dir=renamed)


@pytest.mark.parametrize("damage", [[], {"train": 3}, {"train": {"version": 1}}, "rows", "labels"])
def test_damaged_knowledge_is_one_line(tmp_path, damage):
    folder = save(tmp_path / "d")
    known = data.identities(load(f"folder:{folder}", "train"))
    if isinstance(damage, str):
        known["train"] |= {damage: "no base64 !", "digest": ""}
        damage = known
    if damage:
        with pytest.raises(UserError, match="damaged"):
            load(f"folder:{folder}", "train", trained_on=damage)
    else:
        load(f"folder:{folder}", "train", trained_on=None)


def test_an_identity_is_computed_once_and_kept(tmp_path, monkeypatch):
    folder, computed = save(tmp_path / "d"), []
    digests = identity.digests
    monkeypatch.setattr(identity, "digests", lambda rows: computed.append(len(rows)) or digests(rows))
    first, second = (load(f"folder:{folder}", "train").identity for _ in range(2))
    assert first == second and computed == [first["count"]]


def test_labels_alone_decide_too():
    images = torch.randint(0, 256, (9, 1, 32, 32), dtype=torch.uint8)
    sets = [data.ImageSet("x", "train", images, labels, ("a", "b")) for labels in (None, torch.arange(9) % 2)]
    bare, labelled = (identity.identified(one).identity for one in sets)
    assert "labels were added" in identity.difference(bare, labelled)
    assert "labels were removed" in identity.difference(labelled, bare)


@pytest.fixture
def run(tmp_path, monkeypatch) -> Path:
    """A run on a relative path, of one step."""
    save(tmp_path / "d")
    monkeypatch.chdir(tmp_path)
    flags = ["--mode", "vae", "--dataset", "folder:d", "--run-dir", "run", *TINY, "--steps", "1", "--device", "cpu"]
    assert call(train.main, *flags) == 0
    return tmp_path / "run"


def again(run: Path, *flags) -> int:
    return call(train.main, "--resume", "--run-dir", run, "--steps", 2, *flags)


def test_a_run_is_resumed_and_measured_on_its_own_data_from_anywhere(run, tmp_path, monkeypatch, capsys):
    assert json.loads((run / "config.json").read_text())["dataset"] == f"folder:{tmp_path / 'd'}"
    assert set(checkpoint.read(run)["data"]) == {"train", "test"}
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    added(tmp_path / "d")
    assert again(run) == 1
    line = capsys.readouterr().err.strip().splitlines()[-1]
    assert "not what the run was trained with" in line and "1 added" in line
    assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == before
    with pytest.raises(UserError, match="1 added"):
        for split in ("train", "test"):
            runs.load_split(runs.open_runs([run])[0], split)
    (tmp_path / "d" / "a" / "000a.png").unlink()
    os.rename(tmp_path / "d", tmp_path / "elsewhere" / "d")
    assert again(run) == 1
    assert len(runs.load_split(runs.open_runs([run])[0], "test", tmp_path / "elsewhere").images)
    assert again(run, "--data-dir", tmp_path / "elsewhere") == 0
    assert again(run, "--steps", 3, "--dataset", f"folder:{tmp_path / 'elsewhere' / 'd'}") == 0
    assert vaegan.load(run).step == 3


def test_a_checkpoint_from_before_is_accepted(run, tmp_path):
    state = checkpoint.read(run)
    del state["data"]
    checkpoint.save(run, state)
    added(tmp_path / "d")
    assert again(run) == 0


@pytest.mark.parametrize("count", [2, 3, 10])
def test_small_sets_train_draw_and_say_what_cannot_be_measured(tmp_path, count):
    save(tmp_path / "d", count)
    flags = ["--dataset", f"folder:{tmp_path / 'd'}", *TINY, "--steps", "2", "--device", "cpu", "--mode", "vae"]
    assert call(train.main, *flags, "--run-dir", tmp_path / "run") == 0
    assert list((tmp_path / "run" / "samples").glob("*.png"))
