"""eval.features: shipped networks and their cards, what they accept, and how they are trained."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from stand_in import random_images

from eval.features import training as feature_training
from eval.features.__main__ import main
from eval.features.cards import table
from eval.features.choice import SHIPPED, FeatureNetwork, choose, for_dataset, load
from eval.features.network import ARCHITECTURES, packed
from eval.features.training import RECIPES, Recipe
from vaegan.data import ImageSet
from vaegan.data import load as load_images
from vaegan.errors import UsageError, UserError

TARGETS = {"mnist": 0.992, "synthfaces": 0.95, "fashion-mnist": 0.91, "cifar10": 0.85}  # on held-out images
shipped = sorted(file.stem for file in SHIPPED.glob("*.safetensors"))


def bright_or_dark(n=128, attributes=False) -> ImageSet:
    """Noise whose brightness (and, as an attribute, whose redness) says its label."""
    images, labels = random_images(n, 3) // 2, torch.arange(n) % 2
    images += 120 * labels.to(torch.uint8).view(-1, 1, 1, 1)
    if attributes:
        red = (torch.arange(n) // 2 % 2).to(torch.uint8)
        images[:, 0] //= 1 + 3 * red.view(-1, 1, 1)
        labels = torch.stack([labels.to(torch.uint8), red], dim=1)
    return ImageSet("noise", "train", images, labels, ("a", "b"))


@pytest.fixture(scope="module", autouse=True)
def small_batches():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(feature_training, "BATCH_SIZE", 16)
        yield


@pytest.fixture(scope="module")
def trained(small_batches) -> FeatureNetwork:
    return feature_training.train_network(bright_or_dark(), Recipe(steps=8), seed=0)


@pytest.fixture
def saved(trained, tmp_path) -> Path:
    feature_training.save(trained, tmp_path / "net.safetensors")
    return tmp_path / "net.safetensors"


# --- what is shipped


def test_the_embedded_set_and_mnist_have_a_network():
    assert {"mnist", "synthfaces"} <= set(shipped)


@pytest.mark.parametrize("name", shipped)
def test_shipped_networks_are_small_good_and_described(name):
    network = for_dataset(name)
    assert (SHIPPED / f"{name}.safetensors").stat().st_size < 1.5e6
    assert network.card.accuracy >= TARGETS[name] and network.card.data == name
    assert network.card.training.startswith(f"python -m eval.features train {name} --steps ")
    assert network.card.sha256[:8] in network.name and "32 px" in network.name
    assert not network.training and not any(p.requires_grad for p in network.parameters())


def test_the_digit_network_reads_mnist_as_its_card_says(shared_data):
    digits, network = load_images("mnist", "test", data_dir=shared_data), for_dataset("mnist")
    right = (network.predict(digits.images[:2000]) == digits.labels[:2000]).float().mean()
    assert right > 0.98
    assert digits.label_names == network.card.output_names


# --- what a network accepts and returns


def test_features_do_not_depend_on_the_batch_size(trained):
    images = random_images(7, 3)
    whole = trained.features(images)
    assert whole.shape == (7, trained.num_features) and whole.dtype == torch.float32 and not whole.requires_grad
    torch.testing.assert_close(trained.features(images, batch_size=3), whole, rtol=1e-5, atol=1e-6)


def test_28_pixels_are_padded_and_larger_images_reduced(trained):
    images = random_images(2, 3, size=28)
    images[..., [0, -1], :] = images[..., [0, -1]] = 0  # on a black ground, as digits are
    padded = torch.nn.functional.pad(images, (2, 2, 2, 2))
    assert torch.equal(trained.features(images), trained.features(padded))
    doubled = images.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)
    assert trained.features(doubled).shape == (2, trained.num_features)


def test_grey_images_are_repeated_to_colour(trained):
    grey = random_images(2, 1)
    assert torch.equal(trained.features(grey), trained.features(grey.repeat(1, 3, 1, 1)))


def test_colour_for_a_grey_network_is_one_line():
    with pytest.raises(UserError, match="takes 1 channel.*have 3"):
        for_dataset("mnist").features(random_images(2, 3))


@pytest.mark.parametrize("images", [torch.rand(2, 3, 32, 32), torch.zeros(3, 32, 32, dtype=torch.uint8)])
def test_only_uint8_batches_are_taken(trained, images):
    with pytest.raises(UserError, match="uint8 images"):
        trained.features(images)


# --- files


def test_save_and_load_give_the_same_network(trained, saved):
    loaded, images = load(saved), random_images(4, 3)
    assert torch.equal(loaded.features(images), trained.features(images))
    assert torch.equal(loaded.predict(images), trained.predict(images))


def test_a_truncated_or_changed_file_is_refused(saved):
    data = saved.read_bytes()
    for damaged in (data[:-100], data[:-1] + bytes([data[-1] ^ 1]), b""):
        saved.write_bytes(damaged)
        with pytest.raises(UserError, match="has sha256 .* but its card .* fetch both files anew"):
            load(saved)


def test_weights_of_another_network_are_refused(saved, tmp_path):
    card = json.loads(saved.with_suffix(".json").read_text())
    saved.with_suffix(".json").write_text(json.dumps({**card, "output_names": ["a", "b", "c"]}))
    with pytest.raises(UserError, match="are no weights of this feature network .*size mismatch"):
        load(saved)
    hashed = feature_training.save(load_other(tmp_path), tmp_path / "other.safetensors").sha256
    shutil.copy(tmp_path / "other.safetensors", saved)
    saved.with_suffix(".json").write_text(json.dumps({**card, "sha256": hashed}))
    with pytest.raises(UserError, match="are no weights of this feature network"):
        load(saved)


def load_other(tmp_path) -> torch.nn.Module:
    other = torch.nn.Linear(2, 2)
    other.card = for_dataset("mnist").card
    return other


def test_missing_files_are_named(saved):
    saved.with_suffix(".json").unlink()
    with pytest.raises(UserError, match="no card .*net.json"):
        load(saved)
    saved.unlink()  # with neither there, it is the path that was mistyped
    with pytest.raises(UserError, match="no feature network at .*net.safetensors"):
        load(saved)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"output_names": 3}', '{"output_names": [], "colour": 1}'])
def test_a_damaged_card_is_one_line(saved, content):
    saved.with_suffix(".json").write_text(content)
    with pytest.raises(UserError, match="is not the card of a feature network"):
        load(saved)


# --- training


@pytest.mark.parametrize("attributes", [False, True])
def test_training_learns_and_the_card_says_how_well(attributes):
    images = bright_or_dark(attributes=attributes)
    network = feature_training.train_network(images, Recipe(steps=40), seed=0)
    card = feature_training.graded(network, images)
    assert card.kind == ("attributes" if attributes else "classes")
    assert card.accuracy > 0.95 and card.chance == 0.5
    assert set(card.accuracies) == {"a", "b"}
    assert network.predict(images.images[:5]).shape == images.labels[:5].shape


def test_training_is_deterministic_and_leaves_the_random_state_alone(trained):
    torch.manual_seed(5)
    before = torch.get_rng_state()
    again = feature_training.train_network(bright_or_dark(), Recipe(steps=8), seed=0)
    assert torch.equal(torch.get_rng_state(), before)
    for a, b in zip(again.state_dict().values(), trained.state_dict().values(), strict=True):
        assert torch.equal(a, b)


def test_the_command_trains_grades_and_saves(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(feature_training, "load", lambda *args, **kwargs: bright_or_dark())
    main(["train", "noise", "--out", str(tmp_path / "n.safetensors"), "--steps", "8"])
    assert "right on held-out images (chance 50.00%)" in capsys.readouterr().out
    assert load(tmp_path / "n.safetensors").card.data == "noise"


@pytest.mark.parametrize(
    ("args", "complaint"),
    [(["train", "folder:x"], "Give --out FILE"), (["train"], "see --help"), (["tain", "mnist"], "see --help")],
)
def test_bad_commands_are_one_line(args, complaint, capsys):
    with pytest.raises(SystemExit) as stop:
        main(args)
    assert stop.value.code == UsageError.exit_code
    assert complaint in capsys.readouterr().err


@pytest.mark.parametrize("labels", [None, torch.tensor([0, -1, 1])])
def test_images_without_labels_train_nothing(labels):
    images = ImageSet("x", "train", random_images(3), labels, ("a", "b"))
    with pytest.raises(UserError, match="without a label"):
        feature_training.train_network(images, Recipe(steps=1), seed=0)


# --- architectures, recipes, choice


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_every_architecture_has_features_and_8x8_maps(architecture):
    card = replace(for_dataset("mnist").card, architecture=architecture)
    network, images = FeatureNetwork(card).eval(), random_images(3)
    assert network.features(images).shape == (3, 128) and (network.features(images) >= 0).all()
    assert network.maps(images).shape == (3, 96 * 8 * 8)
    assert 4 * sum(p.numel() for p in network.parameters()) < 1.5e6


def test_cards_from_before_architectures_are_plain_and_unknown_ones_are_one_line(saved):
    card = json.loads(saved.with_suffix(".json").read_text())
    old = {key: value for key, value in card.items() if key not in ("architecture", "training_seconds", "note")}
    saved.with_suffix(".json").write_text(json.dumps(old))
    assert load(saved).card.architecture == "plain"
    saved.with_suffix(".json").write_text(json.dumps({**card, "architecture": "of tomorrow"}))
    with pytest.raises(UserError, match="architecture 'of tomorrow' is not one of plain, residual.; fetch"):
        load(saved)


def test_flips_and_shifts_move_every_image_for_itself():
    x = torch.zeros(400, 1, 32, 32, dtype=torch.uint8)
    x[:, :, 10, 12] = 255
    moved, labels = feature_training.flipped_and_shifted((x, torch.arange(400)), torch.Generator().manual_seed(0))
    rows, columns = moved[:, 0].flatten(1).argmax(dim=1) // 32, moved[:, 0].flatten(1).argmax(dim=1) % 32
    assert (moved.flatten(1).sum(dim=1) == 255).all() and torch.equal(labels, torch.arange(400))
    assert set(rows.tolist()) == set(range(6, 15))
    assert set(columns.tolist()) == {*range(8, 17), *range(31 - 16, 31 - 7)}


def test_the_default_recipe_rolls_as_the_shipped_networks_of_mnist_and_faces_were_trained():
    assert RECIPES["mnist"] == Recipe(steps=2000) and RECIPES["synthfaces"] == Recipe(steps=1000)
    x, generator = random_images(), torch.Generator().manual_seed(3)
    by = torch.randint(-2, 3, (2, 2), generator=torch.Generator().manual_seed(3)).tolist()
    for shift in by:
        assert torch.equal(feature_training.rolled((x, None), generator)[0], x.roll(shift, dims=(2, 3)))


@pytest.mark.slow
@pytest.mark.parametrize(("name", "steps"), [("fashion-mnist", 40), ("cifar10", 20)])
def test_training_twice_on_real_data_gives_the_same_weights(name, steps, shared_data, monkeypatch):
    monkeypatch.setattr(feature_training, "BATCH_SIZE", 128)
    if not (shared_data / "cifar-10-batches-py").is_dir() and name == "cifar10":
        pytest.skip("CIFAR-10 is not there")
    images, recipe = load_images(name, "train", data_dir=shared_data), replace(RECIPES[name], steps=steps)
    one, other = (packed(feature_training.train_network(images, recipe, seed=0))[0].sha256 for _ in range(2))
    assert one == other


def test_a_file_is_chosen_by_its_path_and_knows_its_data(saved):
    faces = ImageSet("synthfaces", "test", random_images(2, 3))
    network, own = choose(str(saved), faces)
    assert not own and network.card.data == "noise"
    assert choose(str(SHIPPED / "synthfaces.safetensors"), lambda: faces)[1]


def test_the_documentation_shows_the_cards():
    assert table() in (Path(__file__).parents[1] / "docs" / "features.md").read_text()
