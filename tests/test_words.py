"""Numbers and names for people: no negative zero, no probability of 0, columns that line up."""

import json
import math
import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from eval import words
from eval.evidence.findings import spelled
from eval.readings import comparison, table
from eval.uncertainty.estimates import Interval


def test_fixed_gives_no_negative_zero():
    assert [words.fixed(v, 2) for v in (-0.001, -1.0, None, 1.005)] == ["0.00", "−1.00", "–", "1.00"]


def test_probabilities_are_never_zero():
    found = [words.probability(p) for p in (0.0, 0.0004, 0.0123, 1.0, None)]
    assert found == ["< 0.001", "< 0.001", "0.012", "1.000", "–"]


def test_pixels_beyond_the_calibrated_range_are_said_in_words():
    """Wherever an interval is written: no reader should have to know what "inf" is."""
    assert [words.pixels(v) for v in (0.454, math.inf, -math.inf, math.nan)] == ["0.45", "beyond", "beyond", "unknown"]
    near = Interval(0.4, -math.inf, 0.5), Interval(4.9, 4.1, math.inf)
    inside = SimpleNamespace(pixels=lambda name, sigma: f"{sigma:.2f} px")
    for found, wanted in zip(near, ("[beyond, 0.50]", "[4.10, beyond]"), strict=True):
        assert str(found) == f"{found.value:.2f} {wanted}"
        assert spelled(found, lambda px: f"{px:.2f} px") == f"{found.value:.2f} px {wanted}"
        assert comparison.in_words(inside, "", SimpleNamespace(interval=found)) == f"{found.value:.2f} px {wanted}"
        assert table.without_unit(vars(found)) == f"{found.value:.2f} {wanted}"
    assert str(Interval(math.inf, math.inf, math.inf)) == "beyond [beyond, beyond]"


def test_numbers_that_are_none_become_null():
    found = words.finite({"a": [float("nan"), 1.0, (float("inf"), -0.0)], "b": "nan"})
    assert found == {"a": [None, 1.0, [None, 0.0]], "b": "nan"}
    json.dumps(found, allow_nan=False)


@pytest.mark.parametrize(
    ("name", "title", "slug"),
    [
        ("mnist", "MNIST", "mnist"),
        ("synthfaces", "synthfaces", "synthfaces"),
        ("npz:some/a.npz", "a", "npz-some-a.npz"),
    ],
)
def test_a_data_set_has_a_title_and_a_slug(name, title, slug):
    assert words.dataset_title(name) == title
    assert words.slug(name) == slug and "/" not in slug


def test_paths_are_shown_as_one_would_type_them(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert words.shown(tmp_path / "runs" / "a") == os.path.join("runs", "a")
    assert words.shown(tmp_path.parent / "b") == str(tmp_path.parent / "b") and words.shown(Path("c")) == "c"


@pytest.mark.parametrize(("names", "text"), [("A", "A"), ("AB", "A and B"), ("ABC", "A, B and C")])
def test_names_as_in_a_sentence(names, text):
    assert words.joined(list(names)) == text


def test_columns_line_up():
    head, rows = ("run", "px"), [("vae", "0.5"), ("vaegan-s0", "−10.25")]
    plain, markdown = words.table(head, rows).splitlines(), words.markdown_table(head, rows).splitlines()
    assert len({line.index(cell) for line, (_, cell) in zip(plain, (head, *rows), strict=True)}) == 1
    assert not any(line.endswith(" ") for line in plain)
    assert len({len(line) for line in markdown}) == 1 and set(markdown[1]) == {"|", "-"}
