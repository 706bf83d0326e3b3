"""Which ingredient removes the blur? The table {pixels, Dis_l} x {no adversary, adversary} in pixels of sigma_eq."""

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from eval.blur.measures import PRIMARY
from eval.evidence.claims import unsound
from eval.evidence.evidence import COMPARED, Evidence
from eval.evidence.findings import entry, spelled
from eval.evidence.replicates import readings, replicates
from eval.evidence.square import SQUARE, apart
from eval.sources.runs import OBJECTIVES, Run
from eval.uncertainty.estimates import MINIMAL_EFFECT, Estimate, Interval, combined, over_seeds

OUTSIDE = {"vae-sigma": "fair opponent: fitted noise scale"}
FEATURES, ADVERSARY, INTERACTION = "feature-space reconstruction", "adversary", "interaction"
# Contrasts: weights of SQUARE's sigma_eq, so that positive removes blur. The two main effects add up to the total.
EFFECTS = {FEATURES: (0.5, -0.5, 0.5, -0.5), ADVERSARY: (0.5, 0.5, -0.5, -0.5), INTERACTION: (-1, 1, 1, -1)}
TOTAL, PREFERENCE = (1, 0, 0, -1), (0, -1, 1, 0)  # VAE less VAE/GAN; the first main effect less the second
MEANINGS = {
    FEATURES: "blur removed by reconstructing Dis_l instead of pixels, mean over without and with the adversary",
    ADVERSARY: "blur removed by the adversary, mean over both reconstructions",
    INTERACTION: "blur both remove together beyond what each alone removes, added up",
}

Cells = Mapping[str, Mapping[int, Estimate]]  # mode -> training seed -> sigma_eq in px
Pixels = Callable[[float], str]  # px for people, as Calibration.pixels


def describe(evidence: Evidence, instrument_ok: bool, runs: Sequence[dict] = ()) -> dict:
    """{"decomposition": {"reconstructions": ..., "samples": ...}}, or {} where not all four modes were measured; `runs`
    are `findings.run_rows`: an unsound run is no cell to take an effect from."""
    if not set(SQUARE) <= {run.config.mode for run in evidence.runs}:
        return {}
    pixels = evidence.calibrations[PRIMARY].pixels
    reason = "; ".join(
        [*evidence.too_few, *filter(None, [_unlike(evidence.runs)]), *_unsound(evidence.runs, unsound(runs))]
    )
    by_kind = {what: _of(evidence, what, pixels, reason) for what in COMPARED}
    if not instrument_ok:
        by_kind = {what: {**d, "sentence": f"The instrument failed: {d['sentence']}"} for what, d in by_kind.items()}
    return {"decomposition": by_kind}


def _unlike(runs: Sequence[Run]) -> str:
    """Why cells cannot be compared, or nothing: two settings of a mode, one seed twice, networks or lengths apart."""
    for mode in SQUARE:
        own = [run for run in runs if run.config.mode == mode]
        if len(replicates(own)) > 1:
            return f"runs of {OBJECTIVES[mode].title} differ in more than their seed"
        if len({run.config.seed for run in own}) < len(own):
            return f"two runs of {OBJECTIVES[mode].title} have one seed"
    differing = apart(run.config for run in runs)
    return f"the four modes differ in more than their objective ({differing})" if differing else ""


def _unsound(runs: Sequence[Run], reasons: Mapping[str, Sequence[str]]) -> list[str]:
    return [reason for run in runs if run.config.mode in SQUARE for reason in reasons.get(run.label, ())]


def _of(evidence: Evidence, what: str, pixels: Pixels, reason: str) -> dict:
    modes = (*SQUARE, *OUTSIDE)
    own = {mode: [run for run in evidence.runs if run.config.mode == mode] for mode in modes}
    cells = {mode: readings(evidence, what, own[mode]) for mode in modes}
    if reason:
        return _undecided(reason, {mode: [*by_seed.values()] for mode, by_seed in cells.items()}, pixels)
    return decompose(cells, pixels)


def _undecided(reason: str, every: Mapping[str, Sequence[Estimate]], pixels: Pixels) -> dict:
    sentence = f"No effect is computed: {reason}; effects are taken between the four sound runs of a seed."
    return {**_cells({mode: over_seeds(e) for mode, e in every.items() if e}, pixels), "effects": [],
            "sentence": sentence}  # fmt: skip


def decompose(cells: Cells, pixels: Pixels) -> dict:
    """Cells, main effects and interaction in px with 95 % intervals, and what they say; positive effects remove blur.

    `cells` has all of SQUARE. An effect is computed inside every seed that all four have and then averaged over seeds:
    the four runs of a seed share its starting draws, its images and a discriminator, so only seeds are independent. As
    blurs do, effects add up in px^2; an effect of 0.8 px is as much blur as a Gaussian of 0.8 px puts on.
    """
    every = {mode: [*cells[mode].values()] for mode in (*SQUARE, *OUTSIDE) if cells.get(mode)}
    seeds = sorted(set.intersection(*(set(cells[mode]) for mode in SQUARE)))
    if not seeds:
        return _undecided("the four modes have no seed in common", every, pixels)
    left_out = sorted(set.union(*(set(cells[mode]) for mode in SQUARE)) - set(seeds))
    blocks = [[cells[mode][s] for mode in SQUARE] for s in seeds]
    square = {mode: over_seeds([cells[mode][s] for s in seeds]) for mode in SQUARE}
    outside = {mode: over_seeds(every[mode]) for mode in OUTSIDE if mode in every}
    effects = {name: effect(weights, blocks) for name, weights in EFFECTS.items()}
    total, preference = effect(TOTAL, blocks), effect(PREFERENCE, blocks)
    sentences = [
        _unknown(square, pixels) or _result(effects, total, preference),
        _beyond_real(square),
        *(f"Outside the square, {OUTSIDE[mode]}: {spelled(e.interval, pixels)}." for mode, e in outside.items()),
        _scope(seeds, left_out),
    ]
    return {
        **_cells(square | outside, pixels),
        "effects": [
            {"name": name, "meaning": MEANINGS[name], **entry(e.interval, removed)} for name, e in effects.items()
        ],
        "sentence": " ".join(filter(None, sentences)),
    }


def _cells(means: Mapping[str, Estimate], pixels: Pixels) -> dict[str, list[dict]]:
    return {
        "cells": [cell(mode, OBJECTIVES[mode].title, means[mode], pixels) for mode in SQUARE],
        "outside": [cell(mode, title, means[mode], pixels) for mode, title in OUTSIDE.items() if mode in means],
    }


def effect(weights: Sequence[float], blocks: Sequence[Sequence[Estimate]]) -> Estimate:
    """A contrast of the four cells inside each block (the runs of one seed), then over blocks."""
    return over_seeds([combined(weights, block) for block in blocks])


def cell(mode: str, title: str, mean: Estimate, pixels: Pixels) -> dict:
    """One cell of the table, or one beside it."""
    objective = OBJECTIVES[mode]
    return {
        "mode": mode,
        "title": title,
        "reconstruction": "Dis_l" if objective.reconstruction == "features" else "pixels",
        "adversary": objective.adversarial,
        "seeds": mean.seeds,
        **entry(mean.interval, pixels),
    }


def removed(px: float) -> str:
    """An effect for people; one that needs a cell beyond the calibrated range has no figure."""
    return f"{px:.2f} px" if math.isfinite(px) else "unknown: a cell is beyond the calibrated range"


def _unknown(square: Mapping[str, Estimate], pixels: Pixels) -> str:
    beyond = [f"{OBJECTIVES[mode].title} ({pixels(e.value)})" for mode, e in square.items() if not np.isfinite(e.value)]
    return (
        f"Which ingredient removes the blur is unknown: beyond the calibrated range are {'; '.join(beyond)}."
        if beyond
        else ""
    )


def _result(effects: Mapping[str, Estimate], total: Estimate, preference: Estimate) -> str:
    main = " and ".join(f"the {name} {_removes(effects[name].interval)}" for name in (FEATURES, ADVERSARY))
    return (
        f"From the VAE to the VAE/GAN {_of_blur(total.interval)}. {_prefers(preference.interval)}: {main} "
        "(means over the other's two settings, so that they add up in px²); "
        f"{_together(effects[INTERACTION].interval)}."
    )


def _by_sign(effect: Interval, positive: str, negative: str, neither: str) -> str:
    """One of three templates with the interval at "{}": above 0, below 0 (turned round), or not told from 0."""
    if effect.high < 0:
        return negative.format(spelled(Interval(-effect.value, -effect.high, -effect.low), removed))
    return (positive if effect.low > 0 else neither).format(spelled(effect, removed))


def _of_blur(effect: Interval) -> str:
    return _by_sign(effect, "{} of blur go", "{} of blur are added", "no change of blur can be told from none ({})")


def _prefers(effect: Interval) -> str:
    if effect.low > 0 and effect.value >= MINIMAL_EFFECT:
        return f"The {FEATURES} removes more than the {ADVERSARY}"
    if effect.high < 0 and effect.value <= -MINIMAL_EFFECT:
        return f"The {ADVERSARY} removes more than the {FEATURES}"
    return "Which of the two ingredients removes more is open"


def _removes(effect: Interval) -> str:
    return _by_sign(effect, "removes {}", "adds {}", "removes none that can be told from zero ({})")


def _together(effect: Interval) -> str:
    more, less = (f"together they remove {{}} {word} than each alone, added up" for word in ("more", "less"))
    return _by_sign(effect, more, less, "no interaction can be told from zero ({})")


def _beyond_real(square: Mapping[str, Estimate]) -> str:
    sharper = [OBJECTIVES[mode].title for mode, e in square.items() if e.interval.high < 0]
    return f"Sharper than real images, where grain counts as sharpness: {'; '.join(sharper)}." if sharper else ""


def _scope(seeds: Sequence[int], left_out: Sequence[int]) -> str:
    missing = f"; left out, because not all four modes have it: seed {', '.join(map(str, left_out))}" * bool(left_out)
    if len(seeds) == 1:
        return f"One seed ({seeds[0]}): the intervals are over images and say nothing about other seeds{missing}."
    return (
        f"Over {len(seeds)} seeds, treated as independent; an effect is taken between the four runs of a seed, which "
        f"share its draws and a discriminator{missing}."
    )
