"""Which real image stands behind each: by name where there are names, else by number, and never by guess."""

import numpy as np
import pytest
import torch

from eval.images.streams import Stream
from eval.readings.looks import matched
from vaegan.errors import UsageError


def stream(title: str, *names: str, count: int | None = None) -> Stream:
    count = len(names) if count is None else count
    return Stream(title, count, (1, 32, 32), lambda rows: torch.zeros(len(rows), 1, 32, 32, dtype=torch.uint8), names)


def test_images_with_names_are_found_by_them_whatever_the_order():
    assert matched(stream("x", "c", "a"), stream("real", "a", "b", "c")).tolist() == [2, 0]


def test_images_without_names_are_found_by_number():
    for ours, theirs in ((stream("x", count=3), stream("real", count=3)), (stream("x", *"abc"), stream("r", count=3))):
        assert np.array_equal(matched(ours, theirs), [0, 1, 2])


@pytest.mark.parametrize(
    ("ours", "theirs", "words"),
    [
        (stream("x", count=3), stream("real", count=4), "x has 3 images and real 4; .* there must be as many"),
        (stream("x", "a", "a"), stream("real", "a"), r"1 file name\(s\) of x differ in their suffix only"),
        (stream("x", "a"), stream("real", "a", "a", "a"), r"2 file name\(s\) of real differ in their suffix only"),
        (stream("x", "a", "d"), stream("real", "a"), "1 of 2 images of x have no file of their name in real: d$"),
        (stream("x", *"abcdef"), stream("real", "g"), "6 of 6 images of x .*: a, b, c, d, e, ...$"),
        (stream("x", *"abcde"), stream("real", "g"), "5 of 5 images of x .*: a, b, c, d, e$"),
    ],
)
def test_what_cannot_be_paired_is_one_line(ours, theirs, words):
    with pytest.raises(UsageError, match=words):
        matched(ours, theirs)
