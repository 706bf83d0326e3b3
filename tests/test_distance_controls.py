"""Controls of the distances: real images damaged on purpose, and how many images it takes to notice."""

import pytest
import torch
from stand_in import dead_leaves
from toy_extractor import Tiles

from eval.experiments import distance_controls, resolution
from eval.features.choice import for_dataset
from vaegan.data import ImageSet, load
from vaegan.errors import UserError


def test_controls_of_labelled_images_make_sense():
    images = dead_leaves(1200, seed=3)
    labels = (images.float().mean(dim=(1, 2, 3)) / 256 * 20).long().clamp(4, 15) - 4  # by brightness
    test, train = ImageSet("leaves", "test", images, labels), ImageSet("leaves", "train", dead_leaves(600, seed=4))
    table = distance_controls.measured(test, train, Tiles(side=8), most=300, seed=0)
    rows = {row["title"]: row for row in table["rows"]}
    assert {row["series"] for row in rows.values()} == {"floor", "blur", "noise", "missing", ""}
    assert rows["blurred 2 px"]["frechet"] > rows["blurred 1 px"]["frechet"] > rows["blurred 0.5 px"]["frechet"]
    assert rows["100 training images repeated"]["copies"] == 1 and rows["100 training images repeated"]["flags"]
    assert rows["5 kinds missing"]["frechet"] > rows["1 kind missing"]["frechet"]


class Edges(Tiles):
    """Mean absolute differences of neighbours in every tile: blur lowers them, noise raises them."""

    def features(self, images, batch_size=500):
        return 8 * super().features(images.float().diff(dim=3).abs())


def test_how_often_damage_is_noticed_grows_with_the_number_of_images_and_by_chance_it_hardly_is():
    images = dead_leaves(600, seed=3)
    labels = (images.float().mean(dim=(1, 2, 3)) > 128).long() - (torch.arange(600) % 9 == 0).long()  # some -1
    real, steps = resolution.prepared(ImageSet("leaves", "test", images, labels), Edges(), 300, seed=0)
    assert set(steps) >= {"real", "blurred 2 px", "noise 0.2", "1 kind missing"} and len(steps["1 kind missing"]) < 300
    shares = [resolution.noticed(real, steps["blurred 1 px"], count, seed=0) for count in (10, 50, 250)]
    assert shares == sorted(shares) and shares[0] < 0.5 and shares[-1] == 1
    assert resolution.noticed(real, steps["real"], 100, seed=0) <= 0.05


def test_what_makes_no_sense_is_named():
    def row(title, series, value, flags=()):
        return {"title": title, "series": series, "frechet": value, "flags": list(flags)}

    sound = [row("floor", "floor", 1), row("a", "blur", 2), row("b", "blur", 3), row("100 x", "", 9, ["repeats"])]
    assert distance_controls.nonsense(sound) == []
    broken = [row("floor", "floor", 2.5), row("a", "blur", 3), row("b", "blur", 2), row("100 x", "", 9)]
    assert distance_controls.nonsense(broken) == [
        "b is nearer than a",
        "b is nearer than the floor",
        "100 x is not noticed",
    ]


def test_the_rarest_kinds_are_missing():
    labels = torch.tensor([0] * 5 + [1] * 2 + [2] * 3)
    found = ImageSet("x", "test", dead_leaves(10), labels)
    gone = distance_controls.missing(found, torch.arange(10), 1)
    assert gone.tolist() == [False] * 5 + [True] * 2 + [False] * 3
    attributes = ImageSet("x", "test", dead_leaves(3), torch.tensor([[1, 1], [0, 1], [0, 0]], dtype=torch.uint8))
    assert distance_controls.missing(attributes, torch.arange(3), 1).tolist() == [True, False, False]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["synthfaces", "mnist", "fashion-mnist", "cifar10"])
def test_every_shipped_network_makes_sense(name, shared_data):
    network = for_dataset(name)
    if network is None:
        pytest.skip(f"no network is shipped for {name}")
    try:
        train, test = (load(name, split, image_size=32, data_dir=shared_data) for split in ("train", "test"))
    except UserError as error:
        pytest.skip(str(error))
    table = distance_controls.measured(test, train, network, most=5000, seed=0)
    assert distance_controls.nonsense(table["rows"]) == []
