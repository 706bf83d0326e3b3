"""eval.features.choice: which network --features names, and that help names them all."""

import pytest
from stand_in import random_images

from eval import compare
from eval.distances import __main__ as distances
from eval.features.choice import NAMED, choose, for_dataset
from vaegan.commandline.explanation import documented
from vaegan.data import ImageSet
from vaegan.errors import UsageError


@pytest.mark.parametrize("name", ["celeba", "folder:/some/where", "npz:x.npz", "../mnist"])
def test_other_data_sets_have_none(name):
    assert for_dataset(name) is None


def test_auto_is_the_shipped_network_of_the_data_set():
    digits = ImageSet("mnist", "test", random_images(2))
    network, own = choose("auto", digits)
    assert own and network.card.data == "mnist" and not network.is_fid
    assert network.identity() == {
        "extractor": "vaegan-mnist-classes",
        "sha256": network.card.sha256,
        "resize": "32 px, bilinear, antialiased",
    }


def test_a_named_set_without_a_network_has_one_of_its_channels():
    network, own = choose("auto", ImageSet("celeba", "test", random_images(2, 3)))
    assert not own and network.card.data == "synthfaces"


@pytest.mark.parametrize(("spec", "words"), [("incepton", "did you mean 'inception'"), ("a.npz", "is none of auto")])
def test_a_choice_that_means_nothing_is_one_line(spec, words):
    with pytest.raises(UsageError, match=words):
        choose(spec, ImageSet("mnist", "test", random_images(2)))


@pytest.mark.parametrize("door", [compare, distances])
def test_help_names_every_network_that_features_takes(door):
    words = documented(door.Arguments)["features"]
    assert [name for name in ("auto", *NAMED) if name not in words] == []
