"""Does the instrument find the blur that was put there on purpose?

Held-out real images are split at random; one half calibrates, the other is blurred by known sigmas, damaged in ways
that are not blur, and read. "Paired" knows the original behind every image, as for reconstructions; "unpaired" does
not, as for samples.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from torch import Tensor

from eval.blur.audits import AUDITS
from eval.blur.calibration import Calibration, alarm, calibrate
from eval.blur.damages import DAMAGES, lower_contrast
from eval.blur.measures import MEASURES, PRIMARY, gaussian_blur
from eval.experiments import splits
from eval.sources.held_out import drawn, halves
from eval.words import markdown_table, pixels
from vaegan.data import ImageSet
from vaegan.machine.progress import Bar

APPLIED = (0.3, 0.4, 0.5, 0.8, 1.2, 2.0)  # px
DAMAGED_SHARE = 0.15


@dataclass(frozen=True)
class Row:
    """One condition: what was applied, what was read, and which audits raised their flag."""

    applied: float
    damage: str
    paired: dict[str, float]
    unpaired: str
    flags: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether the primary measure's paired reading is as close as the instrument promises."""
        if self.damage:
            return abs(self.paired[PRIMARY] - self.applied) <= DAMAGED_SHARE * self.applied
        return splits.within(self.paired[PRIMARY], self.applied)


def report(held_out: ImageSet, most: int, trials: int, seed: int) -> str:
    """Calibrate on one half of held-out images, at most `most` each, read the other; return table and summary, with
    `trials` the line of as many random splits."""
    calibration, read = (held_out.images[rows] for rows in halves(held_out, most, seed))
    measures = {name: calibrate(measure, calibration) for name, measure in Bar(MEASURES.items(), "calibrate")}
    audits = {name: calibrate(audit, calibration) for name, audit in Bar(AUDITS.items(), "calibrate audits")}
    rows = list(recover(read, measures, audits, seed))
    height, width = read.shape[2:]
    head = f"{held_out.name}, {width}x{height}, {len(calibration)} images calibrate, {len(read)} are read"
    split = [str(splits.tried(drawn(held_out.images, 2 * most, seed), trials, seed))] if trials else []
    return "\n".join([head, table(rows), *split, summary(rows)])


def recover(
    images: Tensor, measures: dict[str, Calibration], audits: dict[str, Calibration], seed: int
) -> Iterator[Row]:
    """Read `images` under every blur, undamaged first, then with each damage on top."""
    conditions: list[tuple[str, Callable]] = [("", lambda images, seed: images), *DAMAGES.items()]
    originals = {name: row.measure.function(images) for name, row in measures.items()}
    for damage, apply in Bar(conditions, "read"):
        for sigma in APPLIED:
            source = apply(gaussian_blur(images, sigma), seed)
            values = {name: row.measure.function(source) for name, row in measures.items()}
            paired = {name: row.sigma_eq(values[name], originals[name]) for name, row in measures.items()}
            yield Row(
                sigma,
                damage,
                paired,
                str(measures[PRIMARY].estimate(values[PRIMARY]).interval),
                tuple(n for n, row in audits.items() if alarm(row, row.measure.function(source), paired[PRIMARY]) > 1),
            )


def table(rows: list[Row]) -> str:
    """The rows in Markdown."""
    names = list(MEASURES)
    heads = ["applied, px", "damage", "ok", f"{PRIMARY}, unpaired [95 %]", *(f"{n}, paired" for n in names), "flags"]
    lines = []
    for row in rows:
        readings = [pixels(row.paired[name], 3) for name in names]
        first = [f"{row.applied:g}", row.damage or "none", "yes" if row.ok else "NO", row.unpaired]
        lines.append([*first, *readings, ", ".join(row.flags) or "-"])
    return markdown_table(heads, lines)


def summary(rows: list[Row]) -> str:
    """How many readings are as close as promised, and how many noisy or checkered ones an audit flagged."""
    clean, damaged = [row for row in rows if not row.damage], [row for row in rows if row.damage]
    grain = [row for row in damaged if DAMAGES[row.damage] is not lower_contrast]
    false_flags = sum(bool(row.flags) for row in rows if row not in grain)
    return (
        f"{PRIMARY}, paired: {sum(row.ok for row in clean)} of {len(clean)} within 5 % or 0.03 px, "
        f"{sum(row.ok for row in damaged)} of {len(damaged)} damaged ones within 15 %; "
        f"audits flag {sum(bool(row.flags) for row in grain)} of {len(grain)} with noise or checkerboard, "
        f"and {false_flags} of the {len(rows) - len(grain)} others"
    )
