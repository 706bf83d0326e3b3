"""Checkpoints are whole or absent, hold nothing that runs, and say in one line what is wrong with them."""

import os
import pickle
import re

import pytest
import torch

import vaegan
from vaegan import config_json
from vaegan.config import Config
from vaegan.errors import UserError
from vaegan.model import networks_of, prior_codes
from vaegan.storage import checkpoint

TINY = Config(mode="vae", width=0.0625, latent_dim=4, steps=3)


def state(step=3):
    networks = networks_of(TINY, ("encoder", "decoder"), channels=1)
    weights = {name: network.state_dict() for name, network in networks.items()}
    return {
        "config": config_json.to_dict(TINY),
        "step": step,
        "channels": 1,
        "networks": weights,
        "decoder_ema": weights["decoder"],
        "optimizers": {},
        "random_state": {"seed": 0, "step": step},
    }


@pytest.fixture
def saved(tmp_path):
    checkpoint.save(tmp_path, state())
    return tmp_path


def test_opens_with_weights_only_and_rebuilds_alone(saved):
    torch.load(checkpoint.path(saved), weights_only=True)
    model = vaegan.load(saved)
    images = model.sample(5, seed=1)
    assert images.dtype == torch.uint8 and images.shape == (5, 1, 32, 32) and model.step == 3
    assert torch.equal(images[:2], model.sample(2, seed=1)) and not torch.equal(images, model.sample(5, seed=2))
    mu, logvar = model.encode(images)
    assert mu.shape == logvar.shape == (5, 4)
    assert torch.equal(model.reconstruct(images), model.decode(mu))


@pytest.mark.parametrize("latent_dim", [3, 5, 64])
def test_prior_codes_do_not_depend_on_their_number(latent_dim):
    assert torch.equal(prior_codes(3, latent_dim, 7), prior_codes(100, latent_dim, 7)[:3])


@pytest.mark.parametrize("keep", [0, 10, 0.5, 0.99])
def test_truncated(saved, keep):
    path = checkpoint.path(saved)
    content = path.read_bytes()
    path.write_bytes(content[: int(keep * len(content)) if keep < 1 else keep])
    fails_in_one_line(saved, "is damaged or not a checkpoint")


def test_hostile(saved):
    class Hostile:
        def __reduce__(self):
            return os.system, ("touch " + str(saved / "owned"),)

    with open(checkpoint.path(saved), "wb") as file:
        pickle.dump(Hostile(), file)
    fails_in_one_line(saved, "is damaged or not a checkpoint")
    torch.save({"format": 1, "config": Hostile()}, checkpoint.path(saved))
    fails_in_one_line(saved, "is damaged or not a checkpoint")
    assert not (saved / "owned").exists()


def test_not_ours(saved):
    torch.save({"weights": torch.zeros(3)}, checkpoint.path(saved))
    fails_in_one_line(saved, "is damaged or not a checkpoint (its content does not have its checksum)")
    checkpoint.path(saved).write_bytes(checkpoint.sealed({"weights": torch.zeros(3)}))
    fails_in_one_line(saved, "is not a checkpoint of this version")


def test_does_not_fit_its_config(saved):
    other = state()
    other["config"]["width"] = 0.5
    checkpoint.save(saved, other)
    fails_in_one_line(saved, "does not fit its own config")


def test_missing(tmp_path):
    fails_in_one_line(tmp_path, "has no checkpoint")


def test_wrong_shapes_name_what_fits(saved):
    model = vaegan.load(saved)
    with pytest.raises(UserError, match=re.escape("this model takes (N, 4)")):
        model.decode(torch.zeros(2, 5))
    with pytest.raises(UserError, match="do not fit"):
        model.encode(torch.zeros(2, 3, 32, 32, dtype=torch.uint8))


def fails_in_one_line(run_dir, message):
    with pytest.raises(UserError) as error:
        vaegan.load(run_dir)
    assert message in str(error.value) and "\n" not in str(error.value)


def test_a_disk_that_fills_leaves_the_previous_checkpoint(saved, monkeypatch):
    before = checkpoint.path(saved).read_bytes()

    def full(file):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UserError, match="No space left on device.*the previous checkpoint is intact"):
        checkpoint.save(saved, state(step=4))
    assert checkpoint.path(saved).read_bytes() == before
    assert [p.name for p in checkpoint.path(saved).parent.iterdir()] == ["last.pt"]


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_full_disk_is_reported(saved, monkeypatch):
    real_open = open
    monkeypatch.setattr(
        "builtins.open", lambda name, mode="r", **k: real_open("/dev/full" if mode == "wb" else name, mode, **k)
    )
    with pytest.raises(UserError, match="could not be saved at step 4"):
        checkpoint.save(saved, state(step=4))
