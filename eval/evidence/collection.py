"""Collecting the evidence: calibrate on one half of the held-out images, then stream every source once."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TypeVar

import torch
from torch import Tensor

from eval.blur.calibration import calibrate
from eval.blur.measures import MEASURES
from eval.distances import columns, reference, table
from eval.distances.table import Set
from eval.evidence import grain, measuring, steadiness
from eval.evidence.evidence import BASELINE, COMPARED, Evidence, Splits
from eval.evidence.measuring import Measured
from eval.features import choice
from eval.features.choice import Extractor
from eval.features.network import FeatureNetwork
from eval.sources import controls
from eval.sources import runs as streams
from eval.sources.held_out import drawn_set
from eval.sources.runs import HeldOut, Run, Source
from vaegan.data import ImageSet
from vaegan.errors import UserError
from vaegan.machine.progress import Bar

T = TypeVar("T")


def collect(runs: Sequence[Run], samples: int, features: str, seed: int, data_dir: Path | None = None) -> Evidence:
    """Measure every source of `runs` on at most `samples` held-out images a half; `features` as in --features.

    Raises UserError for data that are not those the runs were trained on.
    """
    images = timed("held-out images", lambda: streams.load_split(runs[0], "test", data_dir))
    held_out = streams.held_out(images, samples, seed)
    check_channels(runs, held_out)
    splits = Splits(timed("training images", lambda: streams.load_split(runs[0], "train", data_dir)), images)
    extractor, own = choice.choose(features, splits.train)
    network = extractor if isinstance(extractor, FeatureNetwork) else choice.network_for(splits.train)[0]
    extractor, network = extractor.to(runs[0].device), network.to(runs[0].device)
    calibrations = {
        name: timed(f"calibrate {measure.title}", partial(calibrate, measure, held_out.calibration))
        for name, measure in MEASURES.items()
    }
    audits = timed("calibrate audits", lambda: grain.calibrated(held_out.calibration))
    measured = measure_all(runs, held_out, splits.train, network, seed)
    calibrating = timed("features of held-out images", lambda: network.features(held_out.calibration))
    distances = distances_of(measured, splits, held_out, extractor, seed)
    before = timed("snapshots", lambda: snapshots_of(runs, held_out, seed))
    parts = runs, held_out, calibrations, measured, network, own, calibrating, distances, seed, splits
    return Evidence(*parts, snapshots=before, grain=audits)


def snapshots_of(runs: Sequence[Run], held_out: HeldOut, seed: int) -> dict[str, list[Tensor]]:
    """The primary measure of every run's images under its earlier snapshots, by source id."""
    return {id: values for run in runs for id, values in steadiness.of_run(run, held_out, seed).items()}


def measure_all(
    runs: Sequence[Run], held_out: HeldOut, train: ImageSet, network: FeatureNetwork, seed: int
) -> list[Measured]:
    """Every source measured; features only of those whose distances stand in the table."""
    seen = drawn_set(train, len(held_out.calibration), seed)
    compared = [*image_sources(runs, held_out, seed), *linear_sources(runs, held_out, train, seed)]
    others = [*extra_sources(runs, held_out, seen, seed), *control_sources(held_out, seed)]
    return [with_progress(s, network) for s in compared] + [with_progress(s, None) for s in others]


def check_channels(runs: Sequence[Run], held_out: HeldOut) -> None:
    """Raise UserError when the data on disk are not what a run was trained on."""
    for run in runs:
        if run.model.channels != held_out.report.shape[1]:
            raise UserError(
                f"{run.directory.name} was trained on images of {run.model.channels} channel(s), {held_out.dataset} "
                f"now has {held_out.report.shape[1]}; give the right --data-dir"
            )


def image_sources(runs: Sequence[Run], held_out: HeldOut, seed: int) -> list[Source]:
    """What the report is about: held-out images, each run's reconstructions of them, each run's prior samples."""
    able = [run for run in runs if run.model.has_encoder]
    count = len(held_out.report)
    return [
        streams.real(held_out.report),
        *(streams.reconstructions(run, held_out.report, held_out.report_labels) for run in able),
        *(streams.prior_samples(run, count, seed) for run in runs),
    ]


def linear_sources(runs: Sequence[Run], held_out: HeldOut, train: ImageSet, seed: int) -> list[Source]:
    """Linear VAEs at each latent size of the runs."""
    sizes = sorted({run.model.latent_dim for run in runs})
    pairs = [timed(f"linear VAEs, {d}", partial(streams.linear, train.images, held_out.report, d, seed)) for d in sizes]
    return [source for pair in pairs for source in pair]


def extra_sources(runs: Sequence[Run], held_out: HeldOut, seen: ImageSet, seed: int) -> list[Source]:
    """What tells the decoder's blur from the prior's and from that of averaging: no verdict rests on it."""
    able = [run for run in runs if run.model.has_encoder]
    x, y = first(seen.images, seen.labels, streams.POSTERIOR_COUNT)
    some = first(held_out.report, held_out.report_labels, streams.AVERAGE_COUNT)
    averages = [source for run in runs for source in streams.averaged(run, some[0], seed, some[1])]
    return [*(streams.posterior_samples(run, x, seed, y) for run in able), *averages]


def first(images: Tensor, labels: Tensor | None, count: int) -> tuple[Tensor, Tensor | None]:
    """The first images and, where there are any, their labels."""
    return images[:count], None if labels is None else labels[:count]


def control_sources(held_out: HeldOut, seed: int) -> list[Source]:
    """What the instrument must read right: known blurs, and damage that is not blur, on some of the held-out images."""
    some = held_out.report[: controls.CONTROL_COUNT]
    return [*(controls.known_blur(some, sigma) for sigma in controls.KNOWN_SIGMAS), *controls.damaged(some, seed)]


def distances_of(
    measured: Sequence[Measured], splits: Splits, held_out: HeldOut, extractor: Extractor, seed: int
) -> dict:
    """The table of distances of all reconstructions and prior samples, by an extractor that may be another network than
    the one that measured them."""
    if len(held_out.report) < columns.LEAST:
        return table.absent(len(held_out.report))
    halves = (held_out.calibration, held_out.report)
    protocol, floors = reference.prepared(splits.test, splits.train, halves, extractor, seed)
    same = isinstance(extractor, FeatureNetwork)
    sets = [
        Set(m.source.title, m.source.run, table.of_vectors(vectors_of(m, extractor, same)), m.source.id)
        for m in measured
        if m.source.kind in (*COMPARED, BASELINE)
    ]
    return timed("distances", lambda: table.table(table.rows([*floors, *sets], protocol)))


def vectors_of(m: Measured, extractor: Extractor, same: bool) -> Tensor:
    """The extractor's features of a source's images, (N, d): those measured, where it is the `same` network."""
    if same and m.features is not None:
        return m.features
    with reference.progress(f"{m.source.title}, {extractor.name}", m.source.count) as bar:
        parts = []
        for batch in m.source.batches():
            parts.append(extractor.features(batch))
            bar.update(len(batch))
    return torch.cat(parts)


def with_progress(source: Source, network: FeatureNetwork | None) -> Measured:
    """Measure a source behind a progress bar."""
    with Bar(total=source.count, desc=source.title, unit=" images", leave=True) as bar:
        return measuring.measure(source, network, bar.update)


def timed(title: str, work: Callable[[], T]) -> T:
    """Do one piece of work behind a line that says how long it took."""
    with Bar(total=1, desc=title, bar_format="{desc}: {elapsed}") as bar:
        result = work()
        bar.update()
        return result
