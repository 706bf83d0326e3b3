"""Measuring one source: what is no stream of images of one size is one line, and what cannot be measured is marked."""

import pytest
import torch
from stand_in import dead_leaves

from eval.evidence.measuring import measure
from eval.sources.runs import Source
from vaegan.errors import UserError


def source(*batches: torch.Tensor, count: int | None = None) -> Source:
    return Source(
        "given", "Given images", "samples", sum(map(len, batches)) if count is None else count, lambda: batches
    )


@pytest.mark.parametrize(
    ("batches", "words"),
    [
        ([], "no images"),
        ([dead_leaves(0)], "no images"),
        ([dead_leaves(2), dead_leaves(2, size=40)], "two sizes"),
        ([dead_leaves(2), dead_leaves(2, channels=3)], "two sizes"),
        ([torch.full((2, 1, 32, 32), float("nan"))], "must be uint8"),
        ([torch.full((2, 1, 32, 32), 1.7)], "must be uint8"),
        ([dead_leaves(2).int() + 300], "must be uint8"),
        ([dead_leaves(2, size=20)], "at least 28 pixels"),
        ([[dead_leaves(1), dead_leaves(1)]], "one uint8 tensor"),
    ],
)
def test_what_cannot_be_measured_is_one_line_that_names_the_source(batches, words):
    with pytest.raises(UserError, match=words) as error:
        measure(source(*batches))
    assert str(error.value).startswith("Given images: ") and "\n" not in str(error.value)


def test_a_source_that_breaks_its_promise_is_one_line():
    with pytest.raises(UserError, match="3 images came where 4 were promised"):
        measure(source(dead_leaves(3), count=4))


def test_one_image_is_measured_but_an_interval_needs_two():
    found = measure(source(dead_leaves(1)))
    assert all(len(values) == 1 and values.isfinite().all() for values in found.values.values())


def test_flat_images_are_counted_and_have_defined_values():
    black = torch.zeros(3, 1, 32, 32, dtype=torch.uint8)
    found = measure(source(black, dead_leaves(2)))
    assert found.flat == 3 and not found.all_flat
    assert all(values.isfinite().all() for values in found.values.values())
    assert measure(source(black)).all_flat
