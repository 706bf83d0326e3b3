"""Verdicts over seeds: hypotheses, correction, effect sizes, pooled blur, and what is said where something is amiss."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from stand_in import Blurrer, dead_leaves

from eval.blur.calibration import calibrate
from eval.blur.measures import MEASURES, PRIMARY
from eval.evidence import claims, findings, plain_words, rate_matched
from eval.evidence.findings import Evidence, estimate
from eval.evidence.measuring import Measured
from eval.evidence.replicates import of_team, readings, replicates, teams
from eval.sources.runs import OBJECTIVES, HeldOut, Run, prior_samples, real, reconstructions
from eval.uncertainty.estimates import FEWEST, over_seeds
from eval.uncertainty.verdicts import cliffs_delta, paired_effect
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


def run(mode: str, seed: int, sigma: float, model=Blurrer, name: str = "", **settings) -> Run:
    opened = model(Config(mode=mode, seed=seed, **settings), sigma)
    return Run(f"{mode}-s{seed}{name}", f"{OBJECTIVES[mode].title} s{seed}", Path(), opened)


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
        for other in ("VAE/GAN", OBJECTIVES["vaegan-pixel"].title)
    ]
    rows = claims.verdicts(seeds, instrument_ok=True)
    assert [row["verdict"] for row in rows] == ["supported", "inconclusive"] * 2
    assert all("over 3 seeds" in row["scope"] for row in rows)
    assert rows[0]["p"] < 1e-3 and rows[1]["difference"]["value"] == pytest.approx(-0.03, abs=0.01)
    assert 0.8 < rows[0]["fresh"]["low"] < rows[0]["difference"]["value"] < rows[0]["fresh"]["high"] < 1
    assert f"; one more pair of runs on these images: [{rows[0]['fresh']['low']:.2f}, " in rows[0]["sentence"]
    assert rows[0]["p_holm"] == pytest.approx(4 * rows[0]["p"]) or rows[2]["p"] < rows[0]["p"]


def test_a_vae_that_fits_its_noise_scale_is_claimed_blurrier_than_the_vaegan_too(evidence):
    runs = [run("vae", 0, 1.2), run("vaegan", 0, 0.3), run("vae-sigma", 0, 0.8), run("vae-disl", 0, 0.5)]
    measured = evidence(*runs)
    pairs = [("VAE", "VAE/GAN"), ("VAE", "sigma-VAE"), ("VAE", "VAE_Dis_l"), ("sigma-VAE", "VAE/GAN")]
    declared = claims.hypotheses(measured)["declared"]
    assert declared == [
        f"{what}: {a} is blurrier than {b}" for what in ("reconstructions", "samples") for a, b in pairs
    ]
    linear = rate_matched.declared(measured, dict.fromkeys(r.source.run for r in measured.of("samples")))
    names = ("VAE/GAN", "sigma-VAE", "VAE_Dis_l")  # the VAE/GAN stands in two claims, and is held against it once
    assert [(h.what, h.name) for h in linear] == [(what, n) for what in ("reconstructions", "samples") for n in names]
    rows = claims.verdicts(measured, instrument_ok=True)
    assert [(row["blurrier"], row["sharper"]) for row in rows[:4]] == pairs
    words = plain_words.outcome([row for row in rows if row["what"] == "samples"])
    assert "the claim that the VAE is blurrier is supported against VAE/GAN, sigma-VAE and VAE_Dis_l" in words
    assert words.endswith(
        "the claim that the sigma-VAE is blurrier than the VAE/GAN is supported, for this pair of runs"
    )


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
    squares = np.mean([found.value**2 for found in single])  # blur adds in squares
    assert rows[0]["value"] == pytest.approx(np.sqrt(squares), abs=1e-9)
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


def test_one_run_alone_declares_nothing(evidence):
    found = evidence(run("vae", 0, 1.2))
    assert claims.hypotheses(found)["declared"] == claims.verdicts(found, True) == []
    assert [row["seeds"] for row in claims.pooled(found)] == [1, 1]


def test_measured_values_that_are_not_numbers_are_one_clear_line(evidence):
    found = evidence(run("vae", 5, 1.2), run("vaegan", 5, 0.3))
    found.of("samples")[0].values[PRIMARY][3] = math.nan
    with pytest.raises(UserError, match="1 of 100 measured values are not finite"):
        claims.verdicts(found, True)


def health(run: Run, *reasons: str, **more) -> dict:
    return {"label": run.label, "title": run.title, "health": {"reasons": reasons}, **more}


@pytest.mark.parametrize("what", ["health", "certificate"])
def test_an_unsound_run_withholds_what_was_decided_and_nothing_else(seeds, what):
    rows = claims.verdicts(seeds, True)
    ill = seeds.runs[4]  # a VAE/GAN
    reason = {"reasons": ("grain",)} if what == "health" else {}
    runs = [health(r) for r in seeds.runs if r is not ill]
    runs.append(health(ill, *reason.get("reasons", ()), **({} if reason else {"withheld": [f"{ill.title}: grain"]})))
    found = claims.with_audits(rows, runs)
    assert [row["verdict"] for row in found] == ["withheld", "inconclusive"] * 2
    assert [row["rule"] for row in found] == [row["rule"] for row in rows] == ["supported", "inconclusive"] * 2
    assert found[0]["withheld"] == [f"{ill.title}: grain"] and not found[1]["withheld"]
    assert found[0]["sentence"].endswith(f" Withheld: {ill.title}: grain.")
    headline = plain_words.headline("leaves", plain_words.summed(seeds, []), found)
    assert "is withheld against VAE/GAN; inconclusive against" in headline and "supported" not in headline
    assert headline.endswith("over 3 seeds (each verdict says why).")
    assert claims.with_audits(rows, [health(r) for r in seeds.runs]) == rows


def test_fewer_images_than_a_mean_needs_are_no_measurement(evidence, held_out):
    found = evidence(*three("vae", 1.2), *three("vaegan", 0.3))
    few = replace(found, held_out=replace(held_out, report=held_out.report[: FEWEST - 1]))
    enough = replace(found, held_out=replace(held_out, report=held_out.report[:FEWEST]))
    assert {row["verdict"] for row in claims.verdicts(few, True)} == {"withheld"}
    assert "29 images a source are no measurement" in claims.verdicts(few, True)[0]["sentence"]
    assert {row["verdict"] for row in claims.verdicts(enough, True)} == {"supported"}
    assert not enough.too_few
    headline = plain_words.headline("leaves", plain_words.summed(few, []), claims.verdicts(few, True), few.too_few)
    assert headline.endswith(": 29 images a source are no measurement, give 30 or more.")
    assert "as real images" not in headline and "blurrier" not in headline


def test_a_document_is_one_family():
    def report(*p: float) -> list[dict]:
        return [{"p": value, "p_holm": value, "verdict": "supported", "rule": "supported"} for value in p]

    (first, second) = claims.family([report(0.03), report(0.001, 0.02)])
    assert [row["p_holm"] for row in (*first, *second)] == pytest.approx([0.04, 0.003, 0.04])
    assert {row["verdict"] for row in (*first, *second)} == {"supported"}
    (first, second, third) = claims.family([report(0.03), report(0.001, 0.02), report(0.9)])
    assert [row["verdict"] for row in (*first, *second, *third)] == ["inconclusive", "supported", *["inconclusive"] * 2]


def test_runs_that_differ_in_more_than_the_seed_are_no_replicates(evidence):
    one, eight = [run("vae", s, 1.2) for s in (0, 1)], [run("vae", s, 1.4, name="-8", beta=8.0) for s in (0, 1)]
    found = teams([*one, *eight, run("vaegan", 0, 0.3)])
    assert list(found) == ["VAE, beta 1.0", "VAE, beta 8.0", "VAE/GAN"]
    assert found["VAE, beta 1.0"] == one and found["VAE, beta 8.0"] == eight
    rows = claims.pooled(evidence(*one, *eight))
    assert [(row["title"], row["seeds"]) for row in rows] == [("VAE, beta 1.0", 2), ("VAE, beta 8.0", 2)] * 2
    assert rows[1]["value"] == pytest.approx(1.4, abs=0.1)


def test_where_and_how_a_run_executes_does_not_set_it_apart():
    same = [run("vae", 0, 1.2, run_dir=Path("a"), save_every=7), run("vae", 1, 1.2, run_dir=Path("b"), device="cuda")]
    assert [len(team) for team in replicates(same).values()] == [2]
    metric = [run("vae-disl", s, 1.2, discriminator=Path(f"runs/faces-vaegan-s{s}")) for s in (0, 1)]
    assert [len(team) for team in replicates(metric).values()] == [2]
    assert len(replicates([*same, run("vae", 2, 1.2, width=0.5)])) == 2
    unfinished = Run("vae-s3", "", Path(), Blurrer(Config(mode="vae", seed=3), 1.2, step=4))
    assert list(replicates([*same, unfinished])) == [f"VAE, update {Config().steps}", "VAE, update 4"]


def test_one_seed_twice_is_one_replicate(evidence):
    alone, twice = run("vae", 0, 1.2), run("vae", 0, 1.3, name="-again")
    found = evidence(alone, twice, run("vae", 1, 1.1), run("vaegan", 0, 0.3))
    row = claims.pooled(found)[0]
    squares = [estimate(found, m, PRIMARY).value ** 2 for m in of_team(found, "reconstructions", found.runs[:3])]
    assert row["seeds"] == 2 and row["runs"] == ["vae-s0", "vae-s0-again", "vae-s1"]
    assert row["value"] ** 2 == pytest.approx((np.mean(squares[:2]) + squares[2]) / 2)
    assert "seed 0 more than once counts as one" in claims.verdicts(found, True)[0]["sentence"]


def test_snapshots_of_a_run_are_one_reading_whose_spread_is_shown(evidence):
    runs = three("vae", 1.2)
    found = evidence(*runs)
    before = evidence(*(run("vae", s, 1.3 + 0.01 * (s - 1)) for s in range(3)))
    earlier = {m.source.id: [m.values[PRIMARY][: IMAGES // 2]] for m in before.of("reconstructions")}
    both = replace(found, estimates={}, readings={}, snapshots=earlier)
    row = claims.pooled(both)[0]
    assert (row["seeds"], row["snapshots"]) == (3, 2)
    assert row["snapshot_spread"] == pytest.approx(0.25 / np.sqrt(2), abs=0.03)  # px^2: 1.3^2 - 1.2^2
    assert row["seed_spread"] == pytest.approx(2 * 1.25 * 0.01, abs=0.01)
    assert row["value"] == pytest.approx(np.sqrt((1.2**2 + 1.3**2) / 2), abs=0.05)
    alone = over_seeds([*readings(found, "reconstructions", runs).values()]).interval
    assert row["high"] - row["low"] == pytest.approx(alone.high - alone.low, rel=0.5)  # three replicates, not six
    first, then = (some.of("reconstructions")[0] for some in (both, before))
    seen, steady = findings.blur(both, first, PRIMARY), findings.steadiness(both, first)
    assert seen["value"] == pytest.approx(np.sqrt((1.19**2 + 1.29**2) / 2), abs=0.05)
    assert seen["measure"] == pytest.approx(
        float(first.values[PRIMARY].mean() + then.values[PRIMARY].mean()) / 2, rel=0.02
    )
    assert len(steady["readings"]) == 2 and steady["images"] == IMAGES // 2
    assert findings.steadiness(found, first) is None
    single = claims.pooled(found)[0]
    assert single["snapshot_spread"] is None and single["snapshots"] == 1
