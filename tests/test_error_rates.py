"""The simulated error rates: known truths come out, through the whole way of a report; bad arguments are one line."""

import numpy as np
import pytest
import torch
from stand_in import dead_leaves

import vaegan.data
from eval import error_rates as door
from eval.blur.measures import MEASURES, PRIMARY, gaussian_blur
from eval.experiments import error_rates
from eval.experiments.error_rates import NODES, Design
from eval.uncertainty import simulation
from eval.uncertainty.families import equals, unequals
from vaegan.data import ImageSet


@pytest.fixture(scope="module")
def images() -> torch.Tensor:
    return dead_leaves(240)


@pytest.fixture
def few_images(monkeypatch, images):
    monkeypatch.setattr(vaegan.data, "load", lambda *_, **__: ImageSet("leaves", "test", images))


def run(*arguments: str) -> None:
    door.main(arguments)


def test_the_table_has_false_alarms_and_power_for_every_spread(monkeypatch, few_images, capsys):
    flags = ("--comparisons", "6", "--images", "120", "--difference", "0.5", "--seed-spreads", "0", "0.01")
    run(*flags)
    lines = capsys.readouterr().out.splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| ")][2:]
    assert [row[:2] for row in rows] == [
        [truth, spread] for spread in ("0", "0.01") for truth in ("none, supported or refuted", "0.5 px, found")
    ]
    # One of six would be 17 %.
    assert all(float(row[4].split()[0]) < 20 for row in rows[::2])
    assert all(row[2].startswith("100.0 %") for row in rows[1::2])


def test_a_difference_far_below_the_spread_of_the_seeds_is_not_found(few_images):
    design, held_out = Design(comparisons=8, images=120, seeds_per_side=3, blur=0.5, seed=0), vaegan.data.load()
    outcomes = error_rates.simulate(design, *error_rates.prepare(held_out, 0), spread=0.3, difference=0.1)
    assert np.mean(outcomes["reconstructions"] == "supported") < 0.3


def test_the_wrong_sign_is_refuted_never_supported(few_images):
    design, held_out = Design(comparisons=2, images=120, seeds_per_side=3, blur=0.9, seed=0), vaegan.data.load()
    outcomes = error_rates.simulate(design, *error_rates.prepare(held_out, 0), spread=0.0, difference=-0.6)
    assert set(outcomes["reconstructions"]) == set(outcomes["samples"]) == {"refuted"}


@pytest.mark.parametrize("sigma", [0.0, 0.25, 0.5, 1.17])
def test_measures_between_the_nodes_are_those_of_blurred_images(images, sigma):
    population, rows = error_rates.measured(images[:20]), np.arange(20)
    wanted = MEASURES[PRIMARY].function(gaussian_blur(images[:20], sigma)).numpy()
    assert population.under(sigma, rows) == pytest.approx(wanted, rel=0.01)
    assert population.under(-0.2, rows) == pytest.approx(population.values[:, 0])
    assert population.under(9.0, rows) == pytest.approx(population.values[:, len(NODES) - 1])


def test_rates_carry_their_exact_interval():
    assert error_rates.rate(np.zeros(400, dtype=bool)) == "0.0 % [0.0, 0.9]"  # 1 - 0.025^(1/400)
    assert error_rates.rate(np.arange(400) < 20) == "5.0 % [3.1, 7.6]"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--images", "1"), "--images 1 is not possible"),
        (("--comparisons", "0"), "--comparisons 0 is not possible"),
        (("--seeds-per-side", "0"), "--seeds-per-side 0 is not possible"),
        (("--difference", "nan"), "--difference nan is not possible"),
        (("--blur", "2"), "largest blur simulated"),
        (("--seed-spreads", "-1"), "--seed-spreads must be"),
        (("--sigma", "1"), "unknown argument '--sigma'"),
    ],
)
def test_bad_arguments_are_one_line(monkeypatch, few_images, capsys, arguments, message):
    with pytest.raises(SystemExit) as stop:
        run(*arguments)
    error = capsys.readouterr().err.strip()
    assert stop.value.code == 2
    assert message in error and "\n" not in error


def test_too_few_held_out_images_are_one_line(monkeypatch, capsys):
    three = ImageSet("three", "test", torch.zeros(3, 1, 32, 32, dtype=torch.uint8))
    monkeypatch.setattr(vaegan.data, "load", lambda *_, **__: three)
    with pytest.raises(SystemExit) as stop:
        run()
    assert stop.value.code == 1
    assert "has 3 held-out image(s)" in capsys.readouterr().err


def test_the_command_line_knows_the_largest_blur_that_is_simulated():
    assert door.LARGEST == NODES[-1]


def test_readings_of_unequal_spread_are_told_apart_when_they_differ_and_not_when_equal(capsys):
    run("--readings", "--comparisons", "6")
    readings, alarms, power, fresh = capsys.readouterr().out.split("\n\n")
    rows = [line.split("|")[1:-1] for line in readings.splitlines() if line.startswith(("| 3", "| 5"))]
    assert len(rows) == 16
    far = [row for row in rows if row[1].strip() == "1.1 and 0"]
    assert len(far) == 4 and all(row[4].strip().startswith("100.0 %") for row in far)
    equal = [float(row[4].split()[0]) for row in rows if "false alarms" in row[3]]
    assert np.mean(equal) < 20
    assert (alarms.count(" against "), power.count(" against ")) == (2 * len(equals()), 2 * len(unequals()))
    assert fresh.count(" against ") == 2 * len(equals()) and "one more pair" in fresh
    assert "5 against 3 | 0.017 against 0.100 |" in alarms and "| 100 / 100 / 100 %" in power


def test_a_spread_in_squares_is_what_one_standard_deviation_more_adds():
    assert simulation.squares(1.1, 0.03) == pytest.approx(1.13**2 - 1.1**2) and simulation.squares(0, 0.25) == 0.0625


@pytest.mark.parametrize(("difference", "shares"), [(0.0, ("50.0", "50.0", "100.0")), (0.5, ("50.0", "0.0", "50.0"))])
def test_a_false_alarm_has_either_sign_and_what_is_found_the_right_one(difference, shares):
    """Two comparisons, of which one kind of image is supported once and the other refuted once, not together."""
    words = {"reconstructions": ("supported", "inconclusive"), "samples": ("inconclusive", "refuted")}
    line = error_rates.row(0.0, difference, {what: np.array(said) for what, said in words.items()})
    assert tuple(cell.split()[0] for cell in line.split("|")[3:6]) == shares
