"""Verdicts over seeds: hypotheses, correction, effect sizes, pooled blur, and what is said where something is amiss."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from stand_in import Blurrer, dead_leaves

from eval.blur.calibration import calibrate
from eval.blur.measures import MEASURES, PRIMARY
from eval.evidence import claims
from eval.evidence.findings import Evidence, estimate
from eval.evidence.measuring import Measured
from eval.sources.runs import HeldOut, Run, prior_samples, real, reconstructions
from eval.uncertainty.effects import cliffs_delta, paired_effect
from eval.uncertainty.estimates import SMALLEST_P
from vaegan.config import Config
from vaegan.errors import UserError

IMAGES = 100
MEASURE = MEASURES[PRIMARY]


@pytest.fixture(scope="module")
def held_out() -> HeldOut:
    images = dead_leaves(2 * IMAGES)
    return HeldOut("leaves", len(images), "", images[:IMAGES], images[IMAGES:])


@pytest.fixture(scope="module")
def calibration(held_out):
    return calibrate(MEASURE, held_out.calibration)


class Black(Blurrer):
    """A collapsed decoder: all its images are black."""

    def reconstruct(self, images):
        return torch.zeros_like(images)

    def decode(self, z):
        return torch.zeros(len(z), 1, 32, 32, dtype=torch.uint8)


def run(mode: str, seed: int, sigma: float, model=Blurrer) -> Run:
    opened = model(Config(mode=mode, seed=seed), sigma)
    return Run(f"{mode}-s{seed}", f"{claims.OBJECTIVES[mode].title} s{seed}", Path(), opened)


@pytest.fixture(scope="module")
def evidence(held_out, calibration):
    """A function from runs to what was measured of them, by the primary measure alone."""
    done = {}

    def measured(source) -> Measured:
        values = torch.cat([MEASURE.function(batch) for batch in source.batches()])
        return Measured(source, {PRIMARY: values}, None, {}, None, None)

    def make(*runs: Run) -> Evidence:
        for opened in runs:
            key = (opened.label, opened.model.sigma, type(opened.model))
            made = (reconstructions(opened, held_out.report), prior_samples(opened, IMAGES, opened.config.seed))
            done[key] = done.get(key) or [measured(source) for source in made]
        rows = [m for r in runs for m in done[r.label, r.model.sigma, type(r.model)]]
        rows = [measured(real(held_out.report)), *rows]
        return Evidence(runs, held_out, {PRIMARY: calibration}, rows, None, True, None, None, 0)

    return make


def three(mode: str, sigma: float, seeds=(0, 1, 2)) -> list[Run]:
    return [run(mode, seed, sigma + 0.01 * (seed - 1)) for seed in seeds]


@pytest.fixture(scope="module")
def seeds(evidence) -> Evidence:
    return evidence(*three("vae", 1.2), *three("vaegan", 0.3), *three("vaegan-pixel", 1.2, seeds=(3, 4, 5)))


def test_every_kind_of_image_and_every_other_mode_is_a_hypothesis(seeds):
    declared = claims.hypotheses(seeds)["declared"]
    assert declared == [
        f"{what}: VAE is blurrier than {other}"
        for what in ("reconstructions", "samples")
        for other in ("VAE/GAN", claims.OBJECTIVES["vaegan-pixel"].title)
    ]
    rows = claims.verdicts(seeds, instrument_ok=True)
    assert [row["verdict"] for row in rows] == ["supported", "inconclusive"] * 2
    assert all("over 3 seeds" in row["scope"] for row in rows)
    assert rows[0]["p"] == SMALLEST_P and rows[0]["p_holm"] == pytest.approx(4 * SMALLEST_P)
    assert rows[1]["p_holm"] > 0.05


def test_a_broken_instrument_has_no_verdict(seeds):
    assert {row["verdict"] for row in claims.verdicts(seeds, instrument_ok=False)} == {claims.FAILED}


def test_effects_are_paired_for_reconstructions_only_and_positive_for_the_blurrier(seeds):
    rows = {row["title"]: row["effect"] for row in claims.verdicts(seeds, True)}
    assert rows["Reconstructions: VAE against VAE/GAN"]["name"] == "Cohen's d_z over pairs"
    assert rows["Samples: VAE against VAE/GAN"]["name"] == "Cliff's delta"

    def values(what, mode):
        return [m.values[PRIMARY].numpy() for m in seeds.of(what) if m.source.run.startswith(f"{mode}-s")]

    for what, size in (("reconstructions", paired_effect), ("samples", cliffs_delta)):
        # Gradient energy is lower where images are blurrier.
        wanted = np.mean([size(b, a) for a in values(what, "vae") for b in values(what, "vaegan")])
        found = rows[f"{what.capitalize()}: VAE against VAE/GAN"]["value"]
        assert found == pytest.approx(wanted) and found > 0.3


def test_each_mode_is_pooled_over_its_seeds(seeds):
    rows = claims.pooled(seeds)
    assert [(row["what"], row["mode"], row["seeds"]) for row in rows] == [
        (what, mode, 3) for what in ("reconstructions", "samples") for mode in ("vae", "vaegan", "vaegan-pixel")
    ]
    single = [estimate(seeds, m, PRIMARY) for m in seeds.of("reconstructions")][:3]
    assert rows[0]["value"] == pytest.approx(np.mean([found.value for found in single]))
    assert rows[0]["value"] == pytest.approx(1.2, abs=0.05) and rows[0]["low"] < rows[0]["value"] < rows[0]["high"]
    assert rows[0]["title"] == "VAE" and rows[0]["text"].startswith(f"{rows[0]['value']:.2f} px [")


def test_a_missing_seed_is_named(evidence):
    rows = claims.verdicts(evidence(*three("vae", 1.2), *three("vaegan", 0.3, seeds=(0, 2))), True)
    assert rows[0]["scope"] == "over 3 against 2 seeds"
    assert rows[0]["sentence"].endswith("Not the same seeds: VAE 0, 1, 2; VAE/GAN 0, 2 (1 missing).")
    assert (
        "Not the same" not in claims.verdicts(evidence(*three("vae", 1.2), *three("vaegan", 0.3)), True)[0]["sentence"]
    )


def test_one_run_against_three_speaks_for_these_runs_only(evidence):
    (row, _) = claims.verdicts(evidence(run("vae", 0, 1.2), *three("vaegan", 0.3)), True)
    assert row["scope"] == "for these runs only, 1 against 3 seeds"
    assert "VAE 0 (1, 2 missing)" in row["sentence"]


def test_blank_images_are_called_blank_and_settle_nothing(evidence):
    found = evidence(run("vae", 0, 0, Black), run("vaegan", 0, 0.3))
    for row in claims.verdicts(found, True):
        assert row["verdict"] == "inconclusive" and row["p"] == row["p_holm"] == 1
        assert "VAE beyond 5 px" in row["sentence"]
        assert f"VAE s0 {row['what']}: blank images, of which no blur can be told" in row["sentence"]
    assert claims.pooled(found)[0]["text"] == "beyond 5 px"


def test_one_run_beyond_the_range_is_not_a_mean(evidence):
    team = [run("vae", 0, 1.2), run("vae", 1, 1.2), run("vae", 2, 9.0)]
    row = claims.pooled(evidence(*team))[0]
    assert math.isinf(row["value"]) and row["text"] == "beyond 5 px (in 1 of 3 runs)"


def test_more_hypotheses_than_the_resamples_can_tell_apart_are_said(evidence, monkeypatch):
    found = evidence(*three("vae", 1.2))
    few = claims.hypotheses(found)
    assert len(few["declared"]) == 4 and few["sentence"].endswith("can show is 0.002, corrected 0.008.")
    monkeypatch.setattr(claims, "SMALLEST_P", 0.013)
    assert "none of so many can be supported" in claims.hypotheses(found)["sentence"]


def test_one_run_alone_declares_nothing(evidence):
    found = evidence(run("vae", 0, 1.2))
    assert claims.hypotheses(found)["declared"] == claims.verdicts(found, True) == []
    assert [row["seeds"] for row in claims.pooled(found)] == [1, 1]


def test_measured_values_that_are_not_numbers_are_one_clear_line(evidence):
    found = evidence(run("vae", 5, 1.2), run("vaegan", 5, 0.3))
    found.of("samples")[0].values[PRIMARY][3] = math.nan
    with pytest.raises(UserError, match="1 of 100 measured values are not finite"):
        claims.verdicts(found, True)


def test_a_sharp_side_that_fails_the_audits_is_named():
    rows = [{"blurrier": "VAE", "sharper": "VAE/GAN", "sentence": "Sharper."}]
    runs = [
        {"mode": mode, "title": f"{mode}-s{seed}", "health": {"reasons": reasons}}
        for mode, seed, reasons in (("vae", 0, ()), ("vaegan", 0, ()), ("vaegan", 1, ("grain",)))
    ]
    (row,) = claims.with_audits(rows, runs)
    assert row["sentence"] == "Sharper. The audits fail 1 of 2 runs of the VAE/GAN: read its sharpness with them."
    assert claims.with_audits(rows, runs[:2]) == rows
