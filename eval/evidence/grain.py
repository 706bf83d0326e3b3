"""Grain for its blur: has a source more of it than real images blurred as much as it reads? `eval.blur` asks the same.

An image that reads 1 px has lost its finest detail; as much power near Nyquist as a sharp one has is then grain, which
health (`eval.evidence.audit`), against unblurred images, lets pass. Grain reads as sharpness, so that a verdict in
favour of the sharper side says so.
"""

import math
from collections.abc import Mapping, Sequence

from torch import Tensor

from eval.blur import instrument
from eval.blur.audits import AUDITS
from eval.blur.calibration import Calibration, alarm, flagged
from eval.evidence.audit import GRAINS, JUDGED_AUDITS
from eval.evidence.evidence import COMPARED, Evidence
from eval.evidence.measuring import Measured

COUNT = 1000  # real images that the audits are calibrated on, and images of a source that are judged
WORDS = {grain.audit: grain.words.split(":")[0].removesuffix(" on flat parts") for grain in GRAINS.values()}


def calibrated(images: Tensor) -> dict[str, Calibration]:
    """The judged audits of real uint8 (N, C, S, S), as they are and under every blur of the ladder."""
    some, rows = images[:COUNT], {name: AUDITS[name] for name in JUDGED_AUDITS}
    ladder = some[: instrument.ladder_count(len(some), *some.shape[-2:])]
    return instrument.calibrated([instrument.measured(some, rows)], [ladder], rows).folds[0]


def alarms(evidence: Evidence, m: Measured) -> dict[str, dict]:
    """By judged audit of a run's images how far they are beyond what real images of their blur may have (1: just
    allowed), and whether that is more than chance; {} of other sources."""
    if m.source.kind not in COMPARED or not evidence.grain:
        return {}
    interval = evidence.reading(m)[0].interval
    sigma, low = (0.0 if math.isnan(at) else at for at in (interval.value, interval.low))
    found = {}
    for name, audit in evidence.grain.items():
        values = m.values[name][:COUNT].numpy()
        found[name] = {"alarm": alarm(audit, values, sigma), "flagged": flagged(audit, values, sigma, low)}
    return found


def noted(rows: Sequence[dict], sources: Sequence[dict]) -> list[dict]:
    """Verdict rows with what is flagged on their sharper side, under "grain" and in the sentence; `sources` are
    `findings.source_rows`."""
    return [_with_note(row, flags(_of_team(row["runs"][1], row["what"], sources))) for row in rows]


def _of_team(labels: Sequence[str], what: str, sources: Sequence[dict]) -> list[dict]:
    return [s["audits"] for s in sources if s["run"] in labels and s["kind"] == what]


def flags(runs: Sequence[Mapping[str, Mapping]]) -> list[str]:
    """Flagged audits of a team's runs in words: "colour grain in 2 of 3 runs (up to 1.9 times what their blur
    allows)"."""
    raised = {name: [own[name]["alarm"] for own in runs if own.get(name, {}).get("flagged")] for name in WORDS}
    return [
        f"{WORDS[name]} in {len(times)} of {len(runs)} run{'s' * (len(runs) > 1)} "
        f"(up to {max(times):.1f} times what their blur allows)"
        for name, times in raised.items()
        if times
    ]


def _with_note(row: dict, said: Sequence[str]) -> dict:
    note = f" Note: {row['sharper']} {row['what']} have {' and '.join(said)}." if said else ""
    return {**row, "grain": list(said), "sentence": row["sentence"] + note}
