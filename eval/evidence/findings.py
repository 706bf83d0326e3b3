"""From measured values to findings: every row of report.json, with its interval and its protocol."""

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict
from statistics import fmean
from typing import Any

from torch import Tensor

from eval.blur.audits import AUDITS
from eval.blur.measures import MEASURES, PRIMARY
from eval.blur.spectrum import band_frequencies
from eval.evidence import audit as health
from eval.evidence import grain, quality
from eval.evidence.evidence import COMPARED, Evidence
from eval.evidence.measuring import Measured
from eval.sources.runs import OBJECTIVES, Run
from eval.uncertainty.estimates import Estimate, Interval, mean_interval
from eval.uncertainty.verdicts import agrees
from eval.words import bracketed
from vaegan.storage import metrics

SMALLEST_ERROR, RELATIVE_ERROR = 0.03, 0.05  # px and share of a known blur by which the instrument may be off
DAMAGE_ERROR = 0.15  # px; the same, where noise, a checkerboard or less contrast came on top
IMPRECISE = 0.15  # of what is read, of 1 px at least: an interval that reaches further cannot be wrong, nor right
CURVE_POINTS = 400  # points a training curve keeps


def source_rows(evidence: Evidence) -> list[dict]:
    """One row a source: blur by every measure, audits relative to real images, quality of reconstructions."""
    return [
        {
            "id": m.source.id,
            "title": m.source.title,
            "kind": m.source.kind,
            "run": m.source.run,
            "count": m.source.count,
            "applied_sigma": m.source.applied_sigma,
            "blur": {name: blur(evidence, m, name) for name in MEASURES},
            "audits": audits(evidence, m),
            "quality": {name: mean(values, evidence.seed) for name, values in m.quality.items()} or None,
            "laplacian": laplacian(m),
            "flat": m.flat,
            "steadiness": steadiness(evidence, m),
        }
        for m in evidence.measured
    ]


def steadiness(evidence: Evidence, m: Measured) -> dict | None:
    """A source's readings under every snapshot of its run, and their standard deviation in px^2; None of one."""
    snapshots = evidence.of_snapshots(m)
    if not snapshots:
        return None
    images = len(evidence.snapshots[m.source.id][0])
    return {"readings": [e.value for e in snapshots], "spread": evidence.reading(m)[1], "images": images}


def estimate(evidence: Evidence, m: Measured, measure: str) -> Estimate:
    """Equivalent blur of a source in px (`Evidence.estimate`)."""
    return evidence.estimate(m, measure)


def blur(evidence: Evidence, m: Measured, measure: str) -> dict:
    """A source's row for one measure: the mean measure, and the equivalent blur with its interval and in words; by the
    primary measure over the snapshots of a run, by the others of its last weights."""
    reading = evidence.reading(m)[0] if measure == PRIMARY else estimate(evidence, m, measure)
    row = entry(reading.interval, evidence.calibrations[measure].pixels)
    if m.all_flat:
        row["text"] += " (all images are flat)"
    return {"measure": level(evidence, m, measure), **row}


def level(evidence: Evidence, m: Measured, measure: str) -> float:
    """The mean measure of a source, moved by what the snapshots of its run differ by where its reading is."""
    mean, before = float(m.values[measure].mean()), evidence.snapshots.get(m.source.id, ())
    if measure != PRIMARY or not before:
        return mean
    last = m.values[measure][: len(before[0])]
    return mean + fmean(float(values.mean() - last.mean()) for values in (*before, last))


def laplacian(m: Measured) -> dict:
    """Laplacian variance as the WAE paper's code reports it, the minimum, which falls with the count; and the median,
    which does not."""
    values = m.values["laplacian_variance"]
    return {"median": float(values.quantile(0.5)), "minimum": float(values.min()), "count": len(values)}


def entry(interval: Interval, pixels: Callable[[float], str]) -> dict:
    """An interval with its words: what report.json says wherever it says pixels."""
    return {**vars(interval), "text": spelled(interval, pixels), "where": where(interval.value)}


def where(value: float) -> str | None:
    """Where pixels lie in the calibrated range: below (sharper), inside or above (blurrier); None for unknown."""
    if math.isnan(value):
        return None
    return "inside" if math.isfinite(value) else "above" if value > 0 else "below"


def difference_entry(interval: Interval) -> dict:
    """The same of a difference in px, which is unknown where one of the two is beyond the calibrated range."""
    return entry(interval, lambda value: f"{value:.2f} px" if math.isfinite(value) else "unknown")


def spelled(interval: Interval, pixels: Callable[[float], str]) -> str:
    """Pixels with their interval for people; `pixels` says what lies beyond the calibrated range."""
    text = pixels(interval.value)
    if math.isfinite(interval.value):
        text += f" {bracketed(interval.low, interval.high)}"
    return text.replace("-", "−")


def mean(values: Tensor, seed: int) -> dict:
    """Mean of (N,) with its interval; not a number where a value is not finite (PSNR of two equal images)."""
    if not values.isfinite().all():
        return {"value": float(values.mean()), "low": math.nan, "high": math.nan}
    return vars(mean_interval(values, seed))


def audits(evidence: Evidence, m: Measured) -> dict[str, dict]:
    """A source's audits beside real images; of a run's also beside real images of its blur."""
    beside, real = grain.alarms(evidence, m), evidence.real.values
    return {name: audit(m.values[name], real[name]) | beside.get(name, {}) for name in AUDITS}


def audit(values: Tensor, real: Tensor) -> dict:
    """Mean of an audit over a source's images, and relative to real images (None where those have none of it)."""
    mean, reference = float(values.mean()), float(real.mean())
    relative = mean / reference if reference > 0 else None
    return {"mean": mean, "relative": relative, "alarm": None, "flagged": False}


def measure_rows(evidence: Evidence) -> list[dict]:
    """One row a measure: what it is called, and its calibration curve."""
    return [
        {
            "name": name,
            "title": measure.title[0].upper() + measure.title[1:],
            "unit": measure.unit,
            "primary": name == PRIMARY,
            **evidence.calibrations[name].to_dict(),
        }
        for name, measure in MEASURES.items()
    ]


def run_rows(evidence: Evidence) -> list[dict]:
    """One row a run: what it is, and whether it is healthy."""
    rows = []
    for run in evidence.runs:
        (samples,) = (m for m in evidence.of("samples") if m.source.run == run.label)
        behind = next((m.values for m in evidence.of("reconstructions") if m.source.run == run.label), None)
        judged = health.examine(look(samples), look(evidence.real), metrics.read(run.directory), behind)
        rows.append(
            {
                "label": run.label,
                "title": run.title,
                "mode": run.config.mode,
                "mode_title": OBJECTIVES[run.config.mode].title,
                "name": run.name,
                "seed": run.config.seed,
                "step": run.model.step,
                "finished": run.model.step >= run.config.steps,
                "health": {**asdict(judged), "verdict": judged.verdict},
            }
        )
    return rows


def look(m: Measured) -> health.Look:
    """What health is judged by, of a measured source."""
    return health.Look(m.values, *m.seen, m.excerpt.shape[1])


def instrument(evidence: Evidence) -> dict:
    """Whether real, known-blur and damaged images read what was put there, by the primary measure.

    A control is right when what was put there lies within the allowed error of its interval, and the interval is
    narrow: without the allowance one sound report in twenty would be called broken, without the second none.
    """
    checks: list[dict[str, Any]] = []
    for m in evidence.of("real", "blurred", "control"):
        applied, reading = m.source.applied_sigma or 0.0, estimate(evidence, m, PRIMARY)
        allowed = DAMAGE_ERROR if m.source.kind == "control" else max(SMALLEST_ERROR, RELATIVE_ERROR * applied)
        ok = agrees(reading, applied, allowed, 2 * IMPRECISE * max(1.0, applied) ** 2)
        row = {"title": m.source.title, "applied": applied, "read": blur(evidence, m, PRIMARY), "allowed": allowed}
        checks.append({**row, "error": reading.value - applied, "ok": ok})
    wrong = [f"{check['title']}: {check['read']['text']}" for check in checks if not check["ok"]]
    sentence = f"Wrong: {'; '.join(wrong)}." if wrong else f"All {len(checks)} come out where they belong."
    return {"ok": not wrong, "sentence": sentence, "checks": checks}


def spectrum(evidence: Evidence) -> dict:
    """Mean power by frequency of every run's images, divided by that of the report half."""
    reference = evidence.real.spectrum
    size = evidence.held_out.report.shape[-1]
    relative = {m.source.id: (m.spectrum / reference).tolist() for m in evidence.of(*COMPARED)}
    return {"frequency": band_frequencies(size, size).tolist(), "relative": relative}


def training(runs: Sequence[Run]) -> dict:
    """Every run's logged terms, probabilities and skipped updates, thinned to a few hundred points."""
    curves = {}
    for run in runs:
        rows = metrics.read(run.directory)
        rows = rows[:: max(1, len(rows) // CURVE_POINTS)]
        names = sorted({name for row in rows for name in row if name.startswith(("terms/", "dis/", "gate/"))})
        curves[run.label] = {"step": [r["step"] for r in rows], "series": {n: [r.get(n) for r in rows] for n in names}}
    return curves


def qualities() -> list[dict]:
    """How the price of sharpness is shown."""
    digits = {"pixel_error": 1, "psnr": 2, "ssim": 3}
    return [{"name": n, "title": quality.TITLES[n], "unit": quality.UNITS[n], "digits": d} for n, d in digits.items()]
