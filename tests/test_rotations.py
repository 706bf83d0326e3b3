"""eval.features.rotations: networks of data that have none, and the cache they are kept in."""

import multiprocessing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Generator

from eval.features import choice as features
from eval.features import rotations
from eval.features import training as feature_training
from vaegan.data import ImageSet
from vaegan.errors import UserError


def upright(count=200, channels=3, seed=0, name="folder:/home/me/faces") -> ImageSet:
    """Noise that is lit from above."""
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randint(0, 100, (count, channels, 32, 32), generator=generator)
    light = torch.linspace(150, 0, 32).view(-1, 1)
    return ImageSet(name, "train", (noise + light).to(torch.uint8))


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch) -> Path:
    monkeypatch.setattr(rotations, "cache_dir", lambda: tmp_path / "cache")
    monkeypatch.setattr(rotations, "STEPS", 2)
    monkeypatch.setattr(feature_training, "BATCH_SIZE", 16)
    return tmp_path / "cache"


@pytest.fixture
def no_training(monkeypatch):
    """Training fails from here on."""
    return lambda: monkeypatch.setattr(rotations, "_trained", lambda *args: pytest.fail("trained again"))


def weights(network) -> list[torch.Tensor]:
    return list(network.state_dict().values())


def equal(network, other) -> bool:
    return all(torch.equal(a, b) for a, b in zip(weights(network), weights(other), strict=True))


def test_rotations_are_learned_and_the_card_says_how_well(monkeypatch):
    monkeypatch.setattr(rotations, "STEPS", 24)
    network = rotations.network_of(upright())
    card = network.card
    assert card.name == "rotations of folder:faces" and card.data == "folder:/home/me/faces"
    assert card.accuracy > 0.9 and card.chance == 0.25 and set(card.accuracies) == set(rotations.TURNS)
    assert "24 steps" in card.training and "20 training images that were left out" in card.note
    assert not network.training and not any(p.requires_grad for p in network.parameters())
    assert network.name.startswith(f"rotations of folder:faces ({card.sha256[:8]}; 32 px")


def test_images_are_turned_as_their_label_says():
    x = upright(64).images
    turned, turns = rotations.turned((x, torch.zeros(64)), Generator().manual_seed(0))
    assert set(turns.tolist()) == {0, 1, 2, 3}
    for image, original, turn in zip(turned, x, turns.tolist(), strict=True):
        assert torch.equal(image, original.rot90(turn, dims=(1, 2)))


def test_a_network_is_trained_once_whatever_its_data_is_called(no_training):
    trained = rotations.network_of(upright())
    no_training()
    again = rotations.network_of(upright(name="npz:moved.npz"))
    assert equal(again, trained) and again.card.sha256 == trained.card.sha256
    assert again.card == replace(trained.card, name="rotations of npz:moved.npz", data="npz:moved.npz")


def test_other_pixels_have_another_network(cache):
    one, other = rotations.network_of(upright()), rotations.network_of(upright(seed=1))
    assert one.card.sha256 != other.card.sha256 and len(list(cache.iterdir())) == 2


@pytest.mark.parametrize(
    "damage", [lambda b: b[:-100], lambda b: b"", lambda b: b"{}", lambda b: b[:-9] + bytes([b[-9] ^ 1]) + b[-8:]]
)
def test_a_damaged_cache_file_is_made_anew_with_one_line(cache, capsys, damage):
    trained = rotations.network_of(upright())
    (file,) = cache.iterdir()
    sound = file.read_bytes()
    file.write_bytes(damage(sound))
    capsys.readouterr()
    assert equal(rotations.network_of(upright()), trained)
    assert f"the cache file {file} is damaged" in capsys.readouterr().err
    assert file.read_bytes() == sound and list(cache.iterdir()) == [file]


def test_of_two_processes_at_once_both_use_what_was_written_first(cache, monkeypatch):
    real = rotations._trained

    def slow(x, name):
        """While this process trains, another one finishes with other weights."""
        monkeypatch.setattr(rotations, "_trained", real)
        first = rotations.network_of(upright())
        with torch.no_grad():
            first.head.bias += 1
        (file,) = cache.iterdir()
        rotations._written(first, file)
        return real(x, name)

    monkeypatch.setattr(rotations, "_trained", slow)
    network = rotations.network_of(upright())
    assert equal(rotations.network_of(upright()), network) and network.head.bias.mean() > 0.5
    assert len(list(cache.iterdir())) == 1


def test_images_that_look_alike_either_way_up_are_warned_of(capsys):
    noise = torch.randint(0, 256, (200, 1, 32, 32), generator=Generator().manual_seed(0), dtype=torch.uint8)
    rotations.network_of(ImageSet("npz:noise.npz", "train", noise))
    assert "warning: rotations of npz:noise.npz: only " in capsys.readouterr().err


def test_too_few_images_and_no_place_for_the_cache_are_one_line(tmp_path, monkeypatch):
    with pytest.raises(UserError, match="has 1 training image"):
        rotations.network_of(upright(1))
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(rotations, "cache_dir", lambda: tmp_path / "file")
    with pytest.raises(UserError, match="cannot write 1 MB to the cache folder .* set VAEGAN_CACHE"):
        rotations.network_of(upright(20))


def test_the_training_split_is_what_is_learned_whichever_split_is_given(tmp_path, no_training):
    images = upright().images
    np.savez(tmp_path / "a.npz", images=images.permute(0, 2, 3, 1).numpy())
    train, test = (features.data.load(f"npz:{tmp_path / 'a.npz'}", split) for split in ("train", "test"))
    network, own = features.choose("auto", test)
    no_training()
    assert own and network.card.name == "rotations of npz:a.npz" and equal(features.network_for(train)[0], network)
    assert equal(features.network_for(lambda: test)[0], network)


def _sha256(folder: Path) -> str:
    torch.set_num_threads(1)
    rotations.cache_dir, rotations.STEPS = lambda: folder, 4
    return rotations.network_of(upright()).card.sha256


@pytest.mark.slow
def test_two_real_processes_agree(tmp_path):
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        assert len(set(pool.map(_sha256, [tmp_path / "shared"] * 2))) == 1
    assert len(list((tmp_path / "shared").iterdir())) == 1
