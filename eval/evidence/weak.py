"""Is the side that a claim calls blurrier a fair opponent? `certificate` judges a VAE's bound, this judges its images.

Where a VAE's images are blurrier than those of the linear VAE of its own likelihood, solved in closed form, that much
of its blur is not forced by the likelihood, though its bound may be the better one. A verdict against it says so.
"""

import math
from collections.abc import Sequence

from eval.blur.measures import PRIMARY
from eval.evidence import certificate
from eval.evidence.claims import FAILED
from eval.evidence.evidence import BASELINE, Evidence
from eval.evidence.findings import spelled
from eval.evidence.replicates import judged
from eval.sources.runs import Run
from eval.uncertainty.estimates import MINIMAL_EFFECT, Interval, difference_interval


def noted(evidence: Evidence, rows: Sequence[dict]) -> list[dict]:
    """Verdict rows with what is weak about their blurrier side, under "weak" and in the sentence."""
    return [_with_note(row, _said(evidence, row)) for row in rows]


def excess(evidence: Evidence, what: str, team: Sequence[Run]) -> Interval | None:
    """By how much a team's images of one kind are blurrier than those of the linear VAE of its likelihood and latent
    size, px; None where the report has no such linear VAE."""
    own = (team[0].model.latent_dim, certificate.scale(team[0].config))
    for m in evidence.of(BASELINE):
        if m.source.linear == own and m.source.paired == (what == "reconstructions"):
            return difference_interval(judged(evidence, what, team), evidence.reading(m)[0])
    return None


def _said(evidence: Evidence, row: dict) -> list[str]:
    team = [run for run in evidence.runs if run.label in row["runs"][0]]
    if not team or row["verdict"] == FAILED or evidence.too_few:  # then no figure is a measurement
        return []
    more = excess(evidence, row["what"], team)
    if more is None or not (more.value >= MINIMAL_EFFECT and more.low > 0):
        return []
    apart = f", by {spelled(more, evidence.calibrations[PRIMARY].pixels)}" if math.isfinite(more.value) else ""
    linear = "those of a linear VAE of the same likelihood, which needs no training"
    return [f"{row['blurrier']} {row['what']} are blurrier than {linear}{apart}"]


def _with_note(row: dict, said: Sequence[str]) -> dict:
    note = f" Note: {'; '.join(said)}." if said else ""
    return {**row, "weak": list(said), "sentence": row["sentence"] + note}
