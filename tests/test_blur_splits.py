"""How often eval.blur's intervals hold the blur that is there, and pairs come close to it, over 100 random splits."""

import pytest
import torch
from real_images import held_out
from stand_in import dead_leaves

from eval.blur.measures import MEASURES, PRIMARY
from eval.experiments import splits


def assert_splits_hold(found: splits.Splits) -> None:
    """At least 90 of 100 intervals hold the blur that is there, no blur included, and as many readings of pairs are as
    close as promised; audits flag no more than one."""
    print(found)
    assert min(found.held.values()) >= 90 and min(found.close.values()) >= 90 and found.flagged <= 1, found


def test_intervals_hold_the_blur_that_is_there():
    found = splits.tried(dead_leaves(300, size=32, seed=9), rows={PRIMARY: MEASURES[PRIMARY]})
    assert min(found.held.values()) >= 90 and min(found.close.values()) >= 90, found


@pytest.mark.slow
@pytest.mark.parametrize("name", ["mnist", "cifar10", "lfw"])
def test_intervals_hold_the_blur_of_real_images(shared_data, name):
    assert_splits_hold(splits.tried(held_out(shared_data, name, 600)))


@pytest.mark.slow
@pytest.mark.parametrize("size", [(256, 256), (192, 256), (512, 512)])
def test_intervals_hold_the_blur_of_large_drawings(size):
    from vaegan.data.synthfaces import renderer

    drawn = [renderer.render(5, torch.arange(start, start + 8), max(size)) for start in range(0, 96, 8)]
    assert_splits_hold(splits.tried(torch.cat(drawn)[..., : size[0], : size[1]]))
