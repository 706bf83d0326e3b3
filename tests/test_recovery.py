"""The recovery command: a real run on few images prints its table, and bad arguments are one line."""

import pytest
import torch

import vaegan.data
from eval import recovery
from eval.blur.measures import PRIMARY
from eval.experiments.recovery import APPLIED
from vaegan.data import ImageSet


@pytest.fixture
def few_images(monkeypatch):
    """Eighty images of random rectangles stand in for every data set."""
    generator = torch.Generator().manual_seed(0)
    images = torch.nn.functional.interpolate(torch.rand(80, 1, 8, 8, generator=generator), size=32, mode="nearest")
    held_out = ImageSet("squares", "test", images.mul(255).round().byte())
    monkeypatch.setattr(vaegan.data, "load", lambda *_, **__: held_out)


def run(*arguments: str) -> None:
    recovery.main(arguments)


def test_the_table_has_every_condition_and_undamaged_blur_is_recovered(monkeypatch, few_images, capsys):
    run("--dataset", "squares")
    lines = capsys.readouterr().out.splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| ")]
    assert len(rows) == 1 + len(APPLIED) * 4
    assert rows[0][4] == f"{PRIMARY}, paired"
    assert [row[2] for row in rows[1:7]] == ["yes"] * 6
    assert "6 of 6 within 5 % or 0.03 px" in lines[-1]


@pytest.mark.parametrize(
    ("arguments", "message", "code"),
    [
        (("--images", "1"), "--images 1 is not possible", 2),
        (("--sigma", "1"), "unknown argument '--sigma'", 2),
    ],
)
def test_bad_arguments_are_one_line(monkeypatch, few_images, capsys, arguments, message, code):
    with pytest.raises(SystemExit) as stop:
        run(*arguments)
    error = capsys.readouterr().err.strip()
    assert stop.value.code == code
    assert message in error and "\n" not in error


def test_too_few_held_out_images_are_one_line(monkeypatch, capsys):
    three = ImageSet("three", "test", torch.zeros(3, 1, 32, 32, dtype=torch.uint8))
    monkeypatch.setattr(vaegan.data, "load", lambda *_, **__: three)
    with pytest.raises(SystemExit) as stop:
        run()
    assert stop.value.code == 1
    assert "has 3 held-out image(s)" in capsys.readouterr().err
