"""Learning curves: what a run reads while it trains, by update and by second."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch

from eval.blur.calibration import calibrate
from eval.blur.measures import MEASURES, PRIMARY
from eval.distances.frechet import frechet
from eval.distances.moments import moments
from eval.evidence import bounds
from eval.evidence.evidence import COMPARED
from eval.features import choice
from eval.sources import held_out, runs
from eval.sources.runs import OBJECTIVES, Run
from vaegan import data
from vaegan.config import Config
from vaegan.generator import told
from vaegan.machine import devices
from vaegan.model import Model
from vaegan.storage import metrics

IMAGES = 500  # of each kind at a time: 0.7 s of one core at 32 pixels
PREFIX = "measure/"  # of the scalars' names in metrics.jsonl
FLAT = 0.03  # px; a curve that a doubling of the updates moves by less is flat


class LearningCurve:
    """Reads a model in training on held-out images: equivalent blur of reconstructions and of prior samples in px, the
    ELBO in nats and the Frechet distance of the samples, each by its name in metrics.jsonl.

    Every reading is of the same images and codes. Raises UserError for data on which nothing can be read.
    """

    def __init__(self, config: Config):
        load = partial(data.load, config.dataset, image_size=config.image_size, data_dir=config.data_dir)
        self.held, training = load("test"), load("train")
        self.halves = runs.held_out(self.held, IMAGES, seed=0)
        self.ruler = calibrate(MEASURES[PRIMARY], self.halves.calibration)
        assert self.ruler.limits, "images without edges have none: that is said before a run begins"
        self.originals = self.ruler.measure.function(self.halves.report)
        self.fitted = held_out.drawn_set(training, IMAGES, seed=0)
        self.network = choice.network_for(training)[0].to(devices.own(config.device))
        both = torch.cat([self.halves.calibration, self.halves.report])
        self.reference = moments(self.network.features(both))

    def __call__(self, model: Model) -> dict[str, float]:
        """Return scalars by name; what a mode does not have, or lies beyond the calibrated range, is left out."""
        function, x = self.ruler.measure.function, self.halves.report
        samples = model.sample(len(x))
        scalars = {"sigma_eq_samples": self.ruler.sigma_eq(function(samples)), "elbo": self.elbo(model)}
        scalars["frechet"] = frechet(moments(self.network.features(samples)), self.reference)
        if model.has_encoder:
            images = model.reconstruct(x, *told(model, self.halves.report_labels))
            scalars["sigma_eq_reconstructions"] = self.ruler.sigma_eq(function(images), self.originals)
        return {PREFIX + name: value for name, value in scalars.items() if math.isfinite(value)}

    def elbo(self, model: Model) -> float:
        """Mean over the images, nats with the likelihood's constants; NaN where a mode has none."""
        run = Run("run", "run", Path(), model)
        likelihood, _, _ = bounds.likelihood_of(run, self.fitted, seed=0)
        if likelihood is None or not OBJECTIVES[model.config.mode].prior:
            return math.nan
        images = replace(self.held, images=self.halves.report, labels=self.halves.report_labels)
        mu, logvar = model.encode(images.images, *told(model, images.labels))
        return float(bounds.weights(run, likelihood, images, mu, logvar, 1, seed=0).mean())


def curves(opened: Sequence[Run]) -> dict[str, dict[str, Any]]:
    """By label, what runs read while they trained: `eval.report.sections.Learning`; runs that read nothing are left
    out."""
    logged = {run.label: (metrics.read(run.directory), run.config.batch_size) for run in opened}
    return {label: curve(*read) for label, read in logged.items() if any(map(is_reading, read[0]))}


def is_reading(row: Mapping[str, float]) -> bool:
    """Whether a line of metrics.jsonl has something that was read."""
    return any(name.startswith(PREFIX) for name in row)


def curve(rows: Sequence[Mapping[str, float]], batch_size: int) -> dict[str, Any]:
    """One run's readings, from its lines of metrics.jsonl and its images an update."""
    read = [(row, seconds) for row, seconds in zip(rows, elapsed(rows, batch_size), strict=True) if is_reading(row)]
    names = sorted({name for row, _ in read for name in row if name.startswith(PREFIX)})
    series = {name.removeprefix(PREFIX): [row.get(name) for row, _ in read] for name in names}
    steps = [int(row["step"]) for row, _ in read]
    moved = {what: doubling(steps, series.get(f"sigma_eq_{what}", [])) for what in COMPARED}
    return {"step": steps, "seconds": [seconds for _, seconds in read], "series": series, "moved": moved}


def elapsed(rows: Sequence[Mapping[str, float]], batch_size: int) -> Iterator[float]:
    """Seconds of training until each line, by the speed that each line has: interruptions and readings take none."""
    seconds, step = 0.0, 0.0
    for row in rows:
        speed = row.get("images_per_second", 0.0)
        seconds += (row["step"] - step) * batch_size / speed if speed else 0.0
        step = row["step"]
        yield seconds


def doubling(steps: Sequence[int], values: Sequence[float | None]) -> float | None:
    """How far a reading in px moved from half of the updates to the last; None where one of the two is missing."""
    known = [(step, value) for step, value in zip(steps, values, strict=False) if value is not None]
    half = [value for step, value in known if 2 * step <= steps[-1]]
    return known[-1][1] - half[-1] if half and known[-1][0] == steps[-1] else None
