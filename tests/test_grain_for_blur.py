"""Grain for its blur: found where health, against unblurred images, sees none; and not in blur alone."""

from types import SimpleNamespace

import pytest
import torch
from stand_in import dead_leaves

from eval.blur.calibration import calibrate
from eval.blur.measures import MEASURES, PRIMARY, gaussian_blur
from eval.evidence import audit, claims, grain, plain_words
from eval.evidence.evidence import Evidence
from eval.evidence.measuring import Measured, measure
from eval.sources.runs import Source

REAL = dead_leaves(400, 32, seed=1, channels=3)
OTHERS = dead_leaves(300, 32, seed=2, channels=3)


def noisy(images, sd: float):
    """Images with independent grey noise: what a Gaussian blur would have taken away."""
    noise = sd * torch.randn(len(images), 1, 32, 32, generator=torch.Generator().manual_seed(0))
    return (images + noise).round().clamp(0, 255).byte()


def evidence(images) -> tuple[Evidence, Measured]:
    """Evidence of nothing but these images as a run's samples, and what they measured."""
    measured = measure(Source("a/samples", "A samples", "samples", len(images), lambda: [images], run="a"))
    made = SimpleNamespace(of=lambda *kinds: [], snapshots={}, estimates={}, readings={})
    whole = Evidence(
        runs=(), held_out=made, calibrations={PRIMARY: calibrate(MEASURES[PRIMARY], REAL)}, measured=[measured],
        network=made, network_is_own=True, reference=REAL, distances={}, seed=0, grain=grain.calibrated(REAL),
    )  # fmt: skip
    return whole, measured


def flagged(images) -> set[str]:
    return {name for name, row in grain.alarms(*evidence(images)).items() if row["flagged"]}


def looked(images):
    return audit.grain_ratios(audit.audited(images), audit.Look(audit.audited(REAL), REAL, REAL, 3))


@pytest.mark.parametrize("sigma", [0.0, 0.5, 1.0, 2.0])
def test_blur_alone_is_no_grain(sigma):
    assert flagged(gaussian_blur(OTHERS, sigma) if sigma else OTHERS) == set()


def test_what_a_blur_would_have_taken_away_is_grain_though_sharp_images_have_as_much():
    grainy = noisy(gaussian_blur(OTHERS, 1.0), 6.0)
    assert looked(grainy)["nyquist"] <= audit.MOST_GRAIN  # health lets it pass
    assert "nyquist_power" in flagged(grainy)


def test_colour_grain_is_found_under_a_blur():
    blurred = gaussian_blur(OTHERS, 1.0)
    generator = torch.Generator().manual_seed(0)
    noise = (
        8 * torch.randn(len(blurred), 1, 32, 32, generator=generator) * torch.tensor([1.0, -0.51, 0.0])[:, None, None]
    )
    assert "colour_nyquist_power" in flagged((blurred + noise).round().clamp(0, 255).byte())


def test_other_sources_are_not_judged():
    whole, measured = evidence(OTHERS)
    real = Measured(**{**vars(measured), "source": Source("real", "Held-out", "real", 300, lambda: [OTHERS])})
    assert grain.alarms(whole, real) == {}


ROW = {"what": "samples", "runs": [["b"], ["a"]], "verdict": "supported", "sentence": "B 1 px, A 0 px.",
       "withheld": [], "claim": "the claim", "scope": "over 3 seeds", "blurrier": "B", "sharper": "A"}  # fmt: skip


def sources(kind: str, run: str, flag: bool = True) -> list[dict]:
    audits = {"nyquist_power": {"alarm": 1.94, "flagged": flag}, "noise_estimate": {}}
    return [{"run": run, "kind": kind, "title": f"{run} {kind}", "audits": audits}]


def test_a_verdict_for_a_grainy_side_is_not_said_without_it():
    (row,) = grain.noted([ROW], sources("samples", "a"))
    assert claims.said(row) == "supported (with grain)"
    assert row["sentence"].endswith(
        "Note: A samples have grain or checkerboard in 1 of 1 run (up to 1.9 times what their blur allows)."
    )
    assert "is supported (with grain), over 3 seeds" in plain_words.outcome([row])


@pytest.mark.parametrize("own", [("reconstructions", "a"), ("samples", "b"), ("samples", "a", False)])
def test_grain_elsewhere_says_nothing_of_it(own):
    (row,) = grain.noted([ROW], sources(*own))
    assert claims.said(row) == "supported" and row["sentence"] == ROW["sentence"]
