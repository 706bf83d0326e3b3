"""Folders and repositories of the Hub, without the network: what is saved is what is loaded, and what would be sent."""

import sys
from pathlib import Path

import pytest
import torch
from tiny_faces import save_faces, train_tiny

import vaegan
from vaegan.errors import UserError

pytest.importorskip("huggingface_hub")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    save_faces(folder)
    assert train_tiny(folder, "vaegan", "--mode", "vaegan", "--condition", "attributes", "--steps", "2") == 0
    return folder / "vaegan"


def same(a: vaegan.Model, b: vaegan.Model) -> bool:
    images = a.sample(5, seed=1)
    told = a.attributes(5)
    return torch.equal(images, b.sample(5, seed=1)) and torch.equal(
        a.reconstruct(images, told), b.reconstruct(images, told)
    )


def test_a_saved_folder_is_loaded_again_by_either_door(run, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    model = vaegan.HubModel.of(run)
    model.save_pretrained(tmp_path / "saved")
    assert sorted(p.name for p in (tmp_path / "saved").iterdir()) == ["README.md", "config.json", "model.safetensors"]
    again = vaegan.HubModel.from_pretrained(tmp_path / "saved")
    assert same(model, again) and same(model, vaegan.load(tmp_path / "saved")) and same(model, vaegan.load(run))
    assert again.config.mode == "vaegan" and again.conditions.names == model.conditions.names
    text = (tmp_path / "saved" / "README.md").read_text()
    assert text.startswith("---\nlibrary_name: vaegan\n") and "| `terms/" in text and str(run) not in text
    again.save_pretrained(tmp_path / "twice")
    assert same(model, vaegan.load(tmp_path / "twice"))


def test_what_is_pushed_is_such_a_folder(run, tmp_path, monkeypatch):
    from huggingface_hub import HfApi

    sent = {}

    class Repository:
        repo_id = "someone/faces"

    def upload(self, *, folder_path, repo_id, **_):
        sent[repo_id] = Path(folder_path).rename(tmp_path / "sent")
        Path(folder_path).mkdir()
        return "sent"

    monkeypatch.setattr(HfApi, "create_repo", lambda self, repo_id, **_: Repository)
    monkeypatch.setattr(HfApi, "upload_folder", upload)
    vaegan.HubModel.of(run).push_to_hub("someone/faces")
    assert same(vaegan.load(run), vaegan.HubModel.from_pretrained(sent["someone/faces"]))


def test_a_repository_is_fetched_by_name_and_no_more_of_it_than_opens(run, tmp_path, monkeypatch):
    from vaegan.sharing import hub

    vaegan.HubModel.of(run).save_pretrained(tmp_path / "far")
    asked = {}
    monkeypatch.setattr(hub, "snapshot_download", lambda name, **o: asked.update(o, name=name) or str(tmp_path / "far"))
    again = hub.HubModel._from_pretrained(model_id="someone/faces", revision="main", local_files_only=True)
    assert same(again, vaegan.load(run)) and asked["name"] == "someone/faces" and asked["local_files_only"]
    assert asked["allow_patterns"] == ["model.safetensors", "config.json"]


def test_without_the_package_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    monkeypatch.delitem(sys.modules, "vaegan.sharing.hub", raising=False)
    with pytest.raises(UserError, match=r"pip install 'vaegan\[hub\]'"):
        vaegan.HubModel.of("anything")
