"""Anybody's images against real ones: one pass over each stream, then every number of the table."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from torch import Tensor

from eval.blur import damages
from eval.blur.audits import AUDITS
from eval.blur.calibration import AUDIT_SLACK
from eval.blur.instrument import ALL_ROWS, CONTRAST, Instrument
from eval.blur.measures import MEASURES, PRIMARY, gaussian_blur
from eval.images.streams import Stream
from eval.readings.looks import Advance, Look, check, check_look, look, matched
from eval.readings.reference import Real, measured
from eval.uncertainty.estimates import Estimate
from eval.uncertainty.verdicts import too_few
from eval.words import bracketed

CLEAN_SHARE, CLEAN_PIXELS, DAMAGED_PIXELS = 0.05, 0.03, 0.15  # what a control may be off by
NEXT_TO_NONE = 0.02  # of what nobody sees of an audit: a multiple of less says nothing
FLOOR = "half of the reference (floor)"
STRIP = 10  # images of each source for the eye
# title, px of blur put there, what is done on top of it
CONTROLS: tuple[tuple[str, float, Callable[[Tensor], Tensor] | None], ...] = (
    ("blurred 1 px", 1.0, None),
    (f"blurred 1 px + noise {damages.NOISE_SD:g}", 1.0, damages.add_noise),
    (f"checkerboard {damages.CHECKERBOARD_AMPLITUDE:g}", 0.0, damages.add_checkerboard),
    (f"contrast x {damages.CONTRAST:g}", 0.0, damages.lower_contrast),
)


@dataclass(frozen=True)
class Comparison:
    """Everything that was measured: JSON values, and for the eye uint8 (n, C, H, W) real images, then each source's."""

    protocol: dict
    rows: list[dict]
    controls: list[dict]
    notes: list[str]
    strips: list[Tensor] = field(repr=False)


def compare(
    generated: Sequence[Stream],
    reference: Stream,
    paired: bool = False,
    seed: int = 0,
    advance: Advance = lambda n: None,
) -> Comparison:
    """Read the blur of every stream against the reference's images; `advance` hears how many images are done.

    Raises UsageError, in one line, for images that cannot be compared or say nothing.
    """
    check(generated, reference)
    pairs = [matched(stream, reference) if paired else None for stream in generated]
    real = measured(reference, seed, advance)
    looks = [look(stream, advance=advance) for stream in generated]
    for own in looks:
        check_look(own, real.look)
    floor = row(real.look.part(slice(real.half, None), FLOOR), real, Instrument(real.instrument.folds[:1]))
    rows = [row(own, real, real.instrument, pair) for own, pair in zip(looks, pairs, strict=True)]
    tried = controls(real)
    said = [note for at, own in zip(rows, looks, strict=True) for note in notes(at, own, real)]
    return Comparison(
        protocol(real, paired, seed), [floor, *rows], tried, said + doubts(tried), strips(generated, real, pairs)
    )


# ---------------------------------------------------------------------------------------------- rows


def row(own: Look, real: Real, by: Instrument, pair: np.ndarray | None = None) -> dict:
    """A source's row: blur by every measure, audits, contrast and flat images beside real ones, all JSON values;
    `pair` are the rows of the reference behind its images, "withheld" reasons for which no verdict may be read off."""
    behind = dict.fromkeys(MEASURES) if pair is None else {name: real.values_of(pair, name) for name in MEASURES}
    blur = {name: reading(by, name, own.values[name], behind[name]) for name in MEASURES}
    sigma, low = (blur[PRIMARY][at] for at in ("value", "low"))
    return {
        "title": own.title,
        "images": own.count,
        "paired": pair is not None,
        "withheld": [*too_few(own.count, f"of {own.title}"), *too_few(real.stream.count, f"of {real.stream.title}")],
        "blur": blur,
        "smallest": by.smallest(PRIMARY, own.values[PRIMARY], behind[PRIMARY]),
        "audits": {name: audit(name, own, real, sigma, low) for name in AUDITS},
        "contrast": relative(CONTRAST.name, own, real),
        "flat": int(own.flat.sum()),
    }


def reading(by: Instrument, name: str, values: np.ndarray, originals: np.ndarray | None) -> dict:
    """Equivalent blur with its interval and in words; infinite beyond the calibrated range."""
    estimate = by.read(name, values, originals)
    return {**vars(estimate.interval), "text": in_words(by, name, estimate), "mean": mean(values)}


def in_words(by: Instrument, name: str, estimate: Estimate) -> str:
    """A reading for people: "0.45 px [0.43, 0.47]"."""
    interval = estimate.interval
    ends = f" {bracketed(interval.low, interval.high)}" if math.isfinite(interval.value) else ""
    return by.pixels(name, interval.value) + ends


def audit(name: str, own: Look, real: Real, sigma: float, low: float) -> dict:
    """An audit beside real images, how far it is beyond what images of that blur may have (1: just allowed), and
    whether that is more than chance."""
    values, (sigma, low) = np.sort(own.values[name]), (0.0 if math.isnan(at) else at for at in (sigma, low))
    alarm, flagged = real.instrument.alarm(name, values, sigma), real.instrument.flagged(name, values, sigma, low)
    return {"relative": relative(name, own, real), "alarm": alarm, "flagged": flagged}


def relative(name: str, own: Look, real: Real) -> float | None:
    """Mean of a row over a source's images, over that of all real ones; None where those have next to none of it."""
    reference = mean(real.look.values[name])
    return mean(own.values[name]) / reference if reference > NEXT_TO_NONE * AUDIT_SLACK.get(name, 0.0) else None


def mean(values: np.ndarray) -> float:
    """The mean of (N,), the same to the last digit whatever the order."""
    return math.fsum(values) / len(values)


def controls(real: Real) -> list[dict]:
    """Real images of the floor's half, blurred or damaged on purpose: what the primary measure reads, and should."""
    images = real.stream.images(real.order[real.half :][: real.ladder_count])
    originals = MEASURES[PRIMARY].function(images).numpy()
    by = Instrument(real.instrument.folds[:1])  # of the other half: on its own ladder a control could not fail
    rows = []
    for title, applied, damage in CONTROLS:
        blurred = gaussian_blur(images, applied) if applied else images
        values = MEASURES[PRIMARY].function(damage(blurred) if damage else blurred).numpy()
        read = reading(by, PRIMARY, values, originals)
        allowed = DAMAGED_PIXELS if damage else max(CLEAN_PIXELS, CLEAN_SHARE * applied)
        ok = abs(read["value"] - applied) <= allowed
        rows.append({"title": title, "applied": applied, "allowed": allowed, "read": read, "ok": bool(ok)})
    return rows


def protocol(real: Real, paired: bool, seed: int) -> dict:
    """What every number was measured by."""
    crossed = len(real.instrument.folds) > 1
    return {
        "reference": real.stream.title,
        "reference_images": real.stream.count,
        "calibrating": real.stream.count if crossed else real.half,
        "cross_fitted": crossed,
        "ladder_images": len(real.instrument.folds[0][PRIMARY].ladder),
        "size": list(real.stream.size),
        "colour": real.look.coloured,
        "note": real.stream.note,
        "paired": paired,
        "seed": seed,
        "primary": PRIMARY,
    }


def notes(at: dict, own: Look, real: Real) -> list[str]:
    """What a reader must know beside a source's numbers."""
    said, shared = [], int(np.isin(own.digests, real.look.digests).sum())
    if shared:
        said.append(f"{own.title}: {shared:,} of {own.count:,} images are in {real.stream.title} too")
    if at["paired"] and own.count < real.stream.count:
        said.append(f"{own.title}: paired with {own.count:,} of {real.stream.count:,} reference images")
    return said + _flagged(at) + _sharper(at)


def doubts(tried: Sequence[dict]) -> list[str]:
    """Which controls did not come out."""
    wrong = [control for control in tried if not control["ok"]]
    return [f"control not recovered: {at['title']} reads {at['read']['text']}; mistrust this table" for at in wrong]


def _flagged(at: dict) -> list[str]:
    names = [ALL_ROWS[name].title for name, audit in at["audits"].items() if audit["flagged"]]
    return [f"{at['title']}: more than real images of that blur have of {', '.join(names)}"] if names else []


def _sharper(at: dict) -> list[str]:
    read = at["blur"][PRIMARY]
    if not read["high"] < 0 or at["withheld"]:
        return []
    return [
        f"{at['title']} is sharper than the reference ({read['text']}): does it have grain, or edges that real images "
        "do not have, or is the reference itself blurred (enlarged, compressed, out of focus)?"
    ]


# ---------------------------------------------------------------------------------------------- for the eye


def strips(generated: Sequence[Stream], real: Real, pairs: Sequence[np.ndarray | None]) -> list[Tensor]:
    """The first images of real ones and of every source; with pairs, the real ones are the first source's originals."""
    behind = real.order[real.half :] if pairs[0] is None else pairs[0]
    return [
        real.stream.images(behind[:STRIP]),
        *(stream.images(range(min(STRIP, stream.count))) for stream in generated),
    ]
