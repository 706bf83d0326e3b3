"""The decoder or the prior? Decoded draws from the aggregated posterior say which of them blurs prior samples."""

from typing import Any

from eval.blur.measures import PRIMARY
from eval.evidence.evidence import Evidence
from eval.evidence.findings import entry, estimate
from eval.uncertainty.estimates import MINIMAL_EFFECT, Estimate, Interval, difference_interval

# (prior samples against posterior draws, posterior draws against real images): 1 blurrier, 0 no difference, -1 sharper
READINGS = {
    (1, 1): "the decoder blurs, and the prior has holes",
    (1, 0): "the prior has holes; what the decoder was trained on it draws as sharp as real images",
    (1, -1): "the prior has holes; what the decoder was trained on it draws sharper than real images",
    (0, 1): "the decoder blurs, wherever the codes come from",
    (0, 0): "neither: as sharp as real images, wherever the codes come from",
    (0, -1): "neither: sharper than real images, wherever the codes come from",
    (-1, 1): "the decoder blurs, and prior samples are sharper than posterior draws: look at what they show",
    (
        -1,
        0,
    ): "prior samples are sharper than posterior draws, which are as sharp as real images: look at what they show",
    (-1, -1): "sharper than real images, prior samples most: look at what they show",
}
UNKNOWN = "the instrument failed, so that this settles nothing"


def describe(evidence: Evidence, instrument_ok: bool) -> dict | None:
    """The part of report.json about prior and posterior, a row a run with an encoder; None where no run has one."""
    by_kind = {
        kind: {m.source.run: m for m in evidence.of(kind)} for kind in ("samples", "posterior", "reconstructions")
    }
    runs = [run for run in evidence.runs if run.label in by_kind["posterior"]]
    pixels = evidence.calibrations[PRIMARY].pixels
    unknown = ("" if instrument_ok else UNKNOWN) or "; ".join(evidence.too_few)
    rows: list[dict[str, Any]] = []
    for run in runs:
        prior, posterior, paired = (estimate(evidence, by_kind[kind][run.label], PRIMARY) for kind in by_kind)
        words = {"reading": unknown or reading(prior, posterior)}
        sides = {"prior": prior, "posterior": posterior, "reconstructions": paired}
        entries = {name: entry(side.interval, pixels) for name, side in sides.items()}
        rows.append({"run": run.label, "title": run.title} | entries | words)
    return {"rows": rows, "sentence": sentence(rows)} if rows else None


def reading(prior: Estimate, posterior: Estimate) -> str:
    """What two estimates of sigma_eq say, by READINGS."""
    return READINGS[sign(difference_interval(prior, posterior)), sign(posterior.interval)]


def sign(difference: Interval) -> int:
    """1 where a difference excludes 0 and is at least MINIMAL_EFFECT, -1 where it is so below 0, else 0: two that lie
    beyond the calibrated range cannot be told apart."""
    if difference.low <= 0 <= difference.high or not abs(difference.value) >= MINIMAL_EFFECT:
        return 0
    return 1 if difference.value > 0 else -1


def sentence(rows: list[dict]) -> str:
    """Every run's reading."""
    return " ".join(f"{row['title']}: {row['reading']}." for row in rows)
