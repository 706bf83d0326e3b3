"""How steady a run is: what it reads under each snapshot of its last tenth, and what seeds of one kind read apart.

A run's reading is the mean over its snapshots. The earlier ones are read on the first COUNT images only: what they
differ by from the last weights, image for image, moves the last weights' reading of all images (double sampling).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

import vaegan
from eval.blur.calibration import calibrate
from eval.blur.measures import MEASURES, PRIMARY
from eval.sources import runs as streams
from eval.sources.runs import HeldOut, Run, Source
from vaegan.storage import snapshots

COUNT = 1000  # images of each snapshot: decoding them costs a second, and differences image for image vary little


def earlier(run: Run) -> Iterator[Run]:
    """The run at each snapshot before the weights that it was opened with, one at a time."""
    for number in snapshots.existing(run.directory):
        model = vaegan.load(run.directory, snapshot=number, device=run.device)
        if model.step < run.model.step:
            yield replace(run, model=model)


def of_run(run: Run, held_out: HeldOut, seed: int) -> dict[str, list[Tensor]]:
    """The primary measure (COUNT,) of a run's images under each earlier snapshot, by source id: those of the reported
    half's first images, and as many prior samples from the same codes."""
    by_source: dict[str, list[Tensor]] = {}
    for then in earlier(run):
        for source in sources(then, held_out, seed):
            by_source.setdefault(source.id, []).append(measured(source))
    return by_source


def sources(run: Run, held_out: HeldOut, seed: int) -> list[Source]:
    """The first COUNT of the images that a verdict is about."""
    x, y = held_out.report[:COUNT], held_out.report_labels
    own = [streams.prior_samples(run, len(x), seed)]
    if run.model.has_encoder:
        own.insert(0, streams.reconstructions(run, x, None if y is None else y[:COUNT]))
    return own


def measured(source: Source) -> Tensor:
    """The primary measure of a source's images, (N,)."""
    return torch.cat([MEASURES[PRIMARY].function(batch) for batch in source.batches()])


@dataclass(frozen=True)
class Steadiness:
    """What one run reads under its snapshots, the last weights last: px, infinite beyond the calibrated range."""

    run: str
    what: str
    seed: int
    readings: tuple[float, ...]

    @property
    def squares(self) -> np.ndarray:
        """The same in signed px^2, in which blurs add up."""
        return np.sign(self.readings) * np.square(self.readings)

    @property
    def spread(self) -> float:
        """Their standard deviation, px^2; NaN of one."""
        return deviation(self.squares)


def of_runs(
    directories: Sequence[Path], images: int = COUNT, seed: int = 0, data_dir: Path | None = None
) -> list[Steadiness]:
    """Read the snapshots of runs of one data set on `images` held-out images, calibrated on as many others: for scripts
    that look for a steady recipe. Errors as eval/compare.py's."""
    opened = streams.open_runs(directories)
    held_out = streams.held_out(streams.load_split(opened[0], "test", data_dir), min(images, COUNT), seed)
    ruler = calibrate(MEASURES[PRIMARY], held_out.calibration)
    originals = ruler.measure.function(held_out.report)
    rows = []
    for run in opened:
        before = of_run(run, held_out, seed)
        for source in sources(run, held_out, seed):
            values = [*before.get(source.id, []), measured(source)]
            readings = tuple(ruler.sigma_eq(v, originals if source.paired else None) for v in values)
            rows.append(Steadiness(run.label, source.kind, run.config.seed, readings))
    return rows


def over_seeds(rows: Sequence[Steadiness], what: str) -> float:
    """Standard deviation over runs of what each reads on average, px^2; NaN of one."""
    return deviation([float(row.squares.mean()) for row in rows if row.what == what])


def deviation(squares: Sequence[float] | np.ndarray) -> float:
    """Sample standard deviation; NaN of fewer than two, and of what is not finite."""
    with np.errstate(invalid="ignore"):
        return float(np.std(squares, ddof=1)) if len(squares) > 1 else float("nan")
