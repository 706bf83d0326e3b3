"""The 2x2 table: closed forms of its effects, what pairing inside a seed gives, coverage, cells without a number."""

import math
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from eval.evidence import decomposition
from eval.evidence.decomposition import ADVERSARY, FEATURES, INTERACTION, SQUARE, decompose
from eval.sources.runs import Run
from eval.uncertainty.estimates import RESAMPLES, Estimate
from eval.uncertainty.spread import Scale
from vaegan.config import Config

ROWS = [("pixels", False), ("Dis_l", False), ("pixels", True), ("Dis_l", True)]


def pixels(px: float) -> str:
    return f"{px:.2f} px" if math.isfinite(px) else "beyond 5 px"


def estimate(value: float, spread: float = 0.01, rng=None) -> Estimate:
    rng = rng or np.random.default_rng(0)
    return Estimate(value, value + spread * rng.standard_normal(RESAMPLES))


def table(*values: float, seeds: int = 1) -> dict:
    """The four cells, each of independent replicates."""
    rng = np.random.default_rng(1)
    return {mode: {s: estimate(v, rng=rng) for s in range(seeds)} for mode, v in zip(SQUARE, values, strict=True)}


def values(found: dict) -> dict[str, float]:
    return {row["name"]: row["value"] for row in found["effects"]}


@pytest.mark.parametrize(
    ("cells", "features", "adversary", "interaction"),
    [
        ((1.0, 0.4, 0.7, 0.1), 0.6, 0.3, 0),  # additive
        ((1.0, 1.0, 1.0, 1.0), 0, 0, 0),
        ((1.0, 1.0, 1.0, 0.2), 0.4, 0.4, 0.8),  # only both together
        ((1.0, 0.2, 0.2, 0.2), 0.4, 0.4, -0.8),  # either is enough
        ((0.5, 0.9, 0.5, 0.9), -0.4, 0, 0),  # adds blur
        ((0.5, -0.3, 0.5, -0.3), 0.8, 0, 0),  # beyond real images nothing is clipped
    ],
)
def test_effects_in_closed_form(cells, features, adversary, interaction):
    found = decompose(table(*cells), pixels)
    assert values(found) == pytest.approx({FEATURES: features, ADVERSARY: adversary, INTERACTION: interaction})
    assert values(found)[FEATURES] + values(found)[ADVERSARY] == pytest.approx(cells[0] - cells[3])
    for row in found["effects"]:
        assert row["low"] <= row["value"] <= row["high"]


def test_independent_replicates_combine_as_variances_do():
    found = {row["name"]: row for row in decompose(table(1, 0.4, 0.7, 0.1), pixels)["effects"]}
    width = {name: (row["high"] - row["low"]) / (2 * 1.96) for name, row in found.items()}
    assert width[FEATURES] == pytest.approx(0.01, rel=0.1)  # sqrt(4 x 0.25) x 0.01
    assert width[INTERACTION] == pytest.approx(0.02, rel=0.1)


def test_cells_say_which_they_are():
    found = decompose(table(1, 0.4, 0.7, 0.1, seeds=2), pixels)
    assert [(row["reconstruction"], row["adversary"]) for row in found["cells"]] == ROWS
    assert [row["mode"] for row in found["cells"]] == list(SQUARE)
    assert {row["seeds"] for row in found["cells"]} == {2} and not found["outside"]
    assert found["cells"][0]["text"].startswith("1.00 px [")


def test_what_a_seed_does_to_all_four_cells_cancels():
    """Runs of one seed share it: a seed that blurs everything by 0.3 px makes cells uncertain, effects not."""
    rng = np.random.default_rng(0)
    cells = {mode: {} for mode in SQUARE}
    for seed, shift in enumerate((-0.3, 0.0, 0.3)):
        for mode, value in zip(SQUARE, (1.0, 0.4, 0.7, 0.1), strict=True):
            cells[mode][seed] = estimate(value + shift, 0.01, rng)
    found = decompose(cells, pixels)
    assert found["cells"][0]["high"] - found["cells"][0]["low"] > 0.5
    effect = found["effects"][0]
    assert effect["value"] == pytest.approx(0.6, abs=0.01) and effect["high"] - effect["low"] < 0.06


def test_intervals_cover_the_true_effects_when_seeds_differ():
    rng = np.random.default_rng(3)
    truth, trials, covered = dict(zip(SQUARE, (1.0, 0.5, 0.8, 0.1), strict=True)), 60, np.zeros(3)
    for _ in range(trials):
        cells = {m: {s: estimate(rng.normal(v, 0.03) + rng.normal(0, 0.01), 0.01, rng) for s in range(4)}
                 for m, v in truth.items()}  # fmt: skip
        rows = decompose(cells, pixels)["effects"]
        covered += [row["low"] <= true <= row["high"] for row, true in zip(rows, (0.6, 0.3, 0.2), strict=True)]
    assert (covered / trials >= 0.85).all(), covered / trials


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        ((1.0, 0.4, 0.9, 0.3), f"The {FEATURES} removes more than the {ADVERSARY}: the {FEATURES} removes 0.60 px ["),
        ((1.0, 0.9, 0.4, 0.3), f"The {ADVERSARY} removes more than the {FEATURES}"),
        ((1.0, 0.7, 0.7, 0.4), "removes more is open"),
        ((1.0, 1.0, 1.0, 0.2), "together they remove 0.80 px ["),
        ((1.0, 0.2, 0.2, 0.2), "less than each alone"),
        ((0.5, 0.9, 0.5, 0.9), f"the {FEATURES} adds 0.40 px ["),
        ((0.5, 0.5, 0.5, 0.5), "no change of blur can be told from none"),
        ((0.5, -0.3, 0.5, -0.3), "grain counts as sharpness: VAE_Dis_l; VAE/GAN."),
    ],
)
def test_the_sentence_says_what_the_figures_say(cells, words):
    sentence = decompose(table(*cells), pixels)["sentence"]
    assert words in sentence and "say nothing about other seeds" in sentence


def test_an_infinite_cell_gives_no_figure():
    cells = table(1, 0.4, 0.7, 0.1)
    cells["vae"][0] = Estimate(math.inf, np.full(RESAMPLES, math.inf))
    found = decompose(cells, pixels)
    assert found["cells"][0]["text"] == "beyond 5 px"
    assert all(row["text"].startswith("unknown: ") for row in found["effects"])
    assert "unknown" in found["sentence"] and "VAE (beyond 5 px)" in found["sentence"]
    cells["vaegan"][0] = cells["vae"][0]  # inf - inf
    assert math.isnan(values(decompose(cells, pixels))[FEATURES])


def test_one_infinite_seed_is_not_averaged_away():
    cells = table(1, 0.4, 0.7, 0.1, seeds=3)
    cells["vaegan"][1] = Estimate(-math.inf, np.full(RESAMPLES, -math.inf))
    found = decompose(cells, pixels)
    assert found["cells"][3]["value"] == -math.inf
    assert not any(math.isfinite(row["value"]) for row in found["effects"])


def test_only_seeds_that_all_four_have_are_used():
    cells = table(1, 0.4, 0.7, 0.1, seeds=3)
    del cells["vae-disl"][1]
    found = decompose(cells, pixels)
    assert {row["seeds"] for row in found["cells"]} == {2}
    assert "Over 2 seeds" in found["sentence"] and "not all four modes have it: seed 1" in found["sentence"]
    cells["vae-disl"] = {7: estimate(0.4)}
    found = decompose(cells, pixels)
    assert found["effects"] == [] and "no seed in common" in found["sentence"]
    assert [row["seeds"] for row in found["cells"]] == [3, 1, 3, 3]


def test_the_fitted_noise_scale_stands_outside_the_square():
    cells = table(1, 0.4, 0.7, 0.1)
    alone = decompose(cells, pixels)
    found = decompose(cells | {"vae-sigma": {0: estimate(0.6), 5: estimate(0.8)}}, pixels)
    (row,) = found["outside"]
    assert row["title"] == "fair opponent: fitted noise scale" and row["seeds"] == 2
    assert row["value"] == pytest.approx(0.7) and found["effects"] == alone["effects"]
    assert "fitted noise scale: 0.70 px [" in found["sentence"]


def evidence(*modes_and_seeds: tuple[str, int]) -> SimpleNamespace:
    """What describe() asks of Evidence, where seed s of mode i measures i + s / 10 px."""
    runs = [
        Run(f"{mode}-{i}", mode, Path(), SimpleNamespace(config=Config(mode=mode, seed=seed), step=1))
        for i, (mode, seed) in enumerate(modes_and_seeds)
    ]
    measured = [SimpleNamespace(source=SimpleNamespace(run=run.label)) for run in runs]
    by_label = {run.label: (*SQUARE, "vae-sigma").index(run.config.mode) + run.config.seed / 10 for run in runs}
    calibrations = {decomposition.PRIMARY: SimpleNamespace(pixels=pixels)}
    return SimpleNamespace(
        runs=runs,
        of=lambda what: measured,
        calibrations=calibrations,
        seed=0,
        too_few=[],
        reading=lambda m: (estimate(by_label[m.source.run]), 0.0),
    )


def test_runs_find_their_cells():
    runs = [(mode, seed) for seed in (0, 1) for mode in reversed(SQUARE)]
    found = decomposition.describe(evidence(*runs), True)["decomposition"]
    assert list(found) == ["reconstructions", "samples"]
    assert [row["value"] for row in found["samples"]["cells"]] == pytest.approx([0.05, 1.05, 2.05, 3.05])
    failed = decomposition.describe(evidence(*runs), False)["decomposition"]
    assert failed["samples"]["sentence"].startswith("The instrument failed")


def test_three_modes_are_no_table_and_two_runs_of_one_seed_no_block():
    assert decomposition.describe(evidence(*[(mode, 0) for mode in SQUARE[:3]]), True) == {}
    twice = [(mode, 0) for mode in (*SQUARE, "vae")]
    found = decomposition.describe(evidence(*twice), True)["decomposition"]["samples"]
    assert found["effects"] == [] and "two runs of VAE have one seed" in found["sentence"]
    assert [row["seeds"] for row in found["cells"]] == [1, 1, 1, 1]


@pytest.mark.parametrize("ill", ["health", "withheld"])
def test_a_cell_with_an_unsound_run_gives_no_effect(ill):
    measured = evidence(*[(mode, 0) for mode in (*SQUARE, "vae-sigma")])
    measured.reading = lambda m: (estimate(0.5), 0.0)

    def rows(label: str) -> list[dict]:
        bad = (
            {"health": ["grain"], "withheld": []}
            if ill == "health"
            else {"health": [], "withheld": ["vaegan-3: grain"]}
        )
        found = {run.label: bad if run.label.startswith(label) else {"health": []} for run in measured.runs}
        return [{"label": k, "title": k, **v, "health": {"reasons": v["health"]}} for k, v in found.items()]

    found = decomposition.describe(measured, True, rows("vaegan-3"))["decomposition"]["samples"]
    assert found["effects"] == [] and "vaegan-3: grain" in found["sentence"]
    outside = decomposition.describe(measured, True, rows("vae-sigma"))["decomposition"]["samples"]
    assert len(outside["effects"]) == 3


def test_too_few_images_give_no_effect():
    measured = evidence(*[(mode, 0) for mode in SQUARE])
    measured.too_few = ["29 images a source are no measurement, give 30 or more"]
    found = decomposition.describe(measured, True)["decomposition"]["samples"]
    assert found["effects"] == [] and "No effect is computed: 29 images a source are no" in found["sentence"]


def test_cells_of_two_settings_give_no_effect():
    measured = evidence(*[(mode, 0) for mode in SQUARE], ("vae", 1))
    odd = measured.runs[-1].model
    odd.config = Config(mode="vae", seed=1, beta=8.0)
    measured.reading = lambda m: (estimate(0.5), 0.0)
    found = decomposition.describe(measured, True)["decomposition"]["samples"]
    assert found["effects"] == [] and "runs of VAE differ in more than their seed" in found["sentence"]


@pytest.mark.parametrize(("name", "value"), [("width", 0.5), ("norm", "group"), ("steps", 6000), ("latent_dim", 8)])
def test_cells_of_two_networks_or_lengths_give_no_effect(name, value):
    measured = evidence(*[(mode, 0) for mode in (*SQUARE, "vae-sigma")])
    measured.reading = lambda m: (estimate(0.5), 0.0)
    for run, counts in ((measured.runs[4], False), (measured.runs[0], True)):  # the sigma-VAE is outside the square
        run.model.config = Config(mode=run.config.mode, **{name: value})
        found = decomposition.describe(measured, True)["decomposition"]["samples"]
        named = f"{name.replace('_', ' ')} {value} and {getattr(Config(), name)}"
        assert (found["effects"] == [] and named in found["sentence"]) == counts


def test_effects_of_blur_add_up_in_squares():
    """An adversary that takes the blur of a Gaussian of 0.8 px away does so whatever else blurs."""
    blur = Scale(2, -1.0, 5.0)
    squares = dict(zip(SQUARE, (1.0, 0.36, 0.64, 0.0), strict=True))  # px^2: 0.64 by features, 0.36 by the adversary
    zeros = np.zeros(RESAMPLES)
    cells = {mode: {0: Estimate(math.sqrt(v), math.sqrt(v) + zeros, scale=blur)} for mode, v in squares.items()}
    found = values(decompose(cells, pixels))
    assert found == pytest.approx({FEATURES: 0.8, ADVERSARY: 0.6, INTERACTION: 0.0}, abs=1e-6)
