# ruff: noqa: E402
"""python eval/compare.py RUN [RUN ...]: measure trained runs beside real images and write the report
(a composition root; nothing imports it)."""

import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

if not __package__:  # run as a script: sys.path[0] is eval/, from where neither package can be imported
    sys.path[0] = str(Path(__file__).resolve().parents[1])

import torch
import tyro
from torch import Tensor
from tqdm import tqdm

from eval import diagnostics
from eval.blur.calibration import calibrate
from eval.blur.measures import MEASURES
from eval.distances import reference as distance_reference
from eval.distances import table as distance_table
from eval.evidence import claims, content, decomposition, findings, large, measuring, pictures, prior_gap
from eval.evidence.findings import Evidence
from eval.evidence.measuring import Measured
from eval.features import choice as features
from eval.features.choice import Extractor, FeatureNetwork
from eval.report import protocol
from eval.report import rendering as report
from eval.sources import runs as sources
from eval.sources.held_out import drawn_set
from eval.sources.runs import HeldOut, Run, Source
from vaegan.commandline import parse
from vaegan.data import ImageSet
from vaegan.errors import UsageError, UserError, exits_cleanly


@dataclass(frozen=True)
class Arguments:
    """Say by how many pixels of Gaussian blur runs differ, with the pictures and the protocol, in one report."""

    runs: tyro.conf.Positional[tuple[Path, ...]] = ()
    """Run directories of one data set and size."""
    out: Path | None = None
    """Report directory; default report-<dataset> beside the runs, RUN/report for a single run."""
    samples: int = 10_000
    """Images of each source, at most half of the held-out images."""
    features: str = "auto"
    """Feature network: auto (the one shipped for the data set) or a .safetensors FILE."""
    seed: int = 0
    """Decides the halves of the held-out images, the prior samples and the resampling."""
    data_dir: Path | None = None
    """Where the data lie, when not where the runs found them."""


@exits_cleanly
def main() -> None:
    """Open, measure, write."""
    arguments = parse(Arguments, prog="python eval/compare.py")
    check(arguments)
    begun = time.monotonic()
    runs = claims.claimed_first(sources.open_runs(arguments.runs))
    out = arguments.out or default_out(runs)
    with report.staged(out) as folder:
        value, png = compare(runs, arguments)
        report.write(value, png, folder)
    print(f"wrote {protocol.shown(out)}/report.html, .md, .json and figures in {time.monotonic() - begun:.0f} s")
    print(value["headline"])


def check(arguments: Arguments) -> None:
    """Raise UsageError for arguments that cannot mean anything."""
    if not arguments.runs:
        raise UsageError("no run given; use: python eval/compare.py RUN [RUN ...]")
    if arguments.samples < 2:
        raise UsageError(f"--samples {arguments.samples} is not possible: use 2 or more")
    if not 0 <= arguments.seed < 2**31:
        raise UsageError(f"--seed {arguments.seed} is not possible: use 0 or more, below 2^31")


def default_out(runs: Sequence[Run]) -> Path:
    """RUN/report for one run, else report-<dataset> in the folder that holds them all."""
    if len(runs) == 1:
        return runs[0].directory / "report"
    parent = Path(os.path.commonpath([run.directory.parent for run in runs]))
    return parent / report.directory_name(runs[0].config.dataset)


def compare(runs: Sequence[Run], arguments: Arguments) -> tuple[dict, dict[str, bytes]]:
    """Measure every source once; return report.json's value and the pictures beside it."""
    evidence = collect(runs, arguments)
    rows = findings.source_rows(evidence)
    instrument = findings.instrument(evidence)
    trained, summed = findings.run_rows(evidence), claims.summed(evidence, rows)
    verdicts = claims.with_audits(claims.verdicts(evidence, instrument["ok"]), trained)
    titles = {run.label: run.title for run in runs}
    details = {row["name"]: row["blur"][findings.PRIMARY]["text"] for row in rows}
    drawn_large, large_pictures = staged("large images", lambda: large.of_report(runs, evidence.held_out))
    groups = {
        "faces": pictures.same_faces(evidence.held_out.report, evidence.of("reconstructions"), titles, details),
        "ladder": pictures.ladder(evidence.held_out.report),
        "samples": pictures.sample_grids(evidence.of("samples"), titles, details),
    }
    value = {
        "schema_version": report.SCHEMA_VERSION,
        "headline": claims.headline(protocol.dataset_title(runs[0].config.dataset), summed, verdicts),
        "verdicts": verdicts,
        **decomposition.describe(evidence, instrument["ok"], trained),
        "pooled": claims.pooled(evidence),
        "hypotheses": claims.hypotheses(evidence),
        "instrument": instrument,
        "sources": rows,
        "content": staged("samples against real images like them", lambda: content.describe(evidence)),
        "prior_gap": prior_gap.describe(evidence, instrument["ok"]),
        "measures": findings.measure_rows(evidence),
        "runs": trained,
        "diagnostics": staged("bounds", lambda: diagnostics.of_report(runs, arguments.data_dir, arguments.seed)),
        "distances": evidence.distances,
        "large": drawn_large,
        "spectrum": findings.spectrum(evidence),
        "training": findings.training(runs),
        **protocol.describe(evidence, arguments.runs, flags(arguments)),
        "ladder_caption": claims.ladder_caption(summed),
        "pictures": {group: [picture.entry() for picture in row] for group, row in groups.items()},
    }
    every = [*groups.values(), large_pictures]
    return value, {name: png for row in every for name, png in pictures.files(row).items()}


def flags(arguments: Arguments) -> list[str]:
    """The flags of this command that decide its numbers, where they are not the default."""
    names = ("samples", "features", "seed", "data_dir")
    given = {name: getattr(arguments, name) for name in names}
    changed = {name: value for name, value in given.items() if value != getattr(Arguments, name)}
    return [word for name, value in changed.items() for word in (f"--{name.replace('_', '-')}", str(value))]


def collect(runs: Sequence[Run], arguments: Arguments) -> Evidence:
    """Calibrate on one half of the held-out images, then stream every source once."""
    images = staged("held-out images", lambda: sources.load_split(runs[0], "test", arguments.data_dir))
    held_out = sources.held_out(images, arguments.samples, arguments.seed)
    check_channels(runs, held_out)
    train = staged("training images", lambda: sources.load_split(runs[0], "train", arguments.data_dir))
    extractor, own = features.choose(arguments.features, train)
    network = extractor if isinstance(extractor, FeatureNetwork) else features.network_for(train)[0]
    calibrations = {
        name: staged(f"calibrate {measure.title}", lambda measure=measure: calibrate(measure, held_out.calibration))
        for name, measure in MEASURES.items()
    }
    seen = drawn_set(train, len(held_out.calibration), arguments.seed)
    measured = [with_progress(source, network) for source in image_sources(runs, held_out, arguments.seed)]
    measured += [with_progress(source, network) for source in linear_sources(runs, held_out, train, arguments.seed)]
    measured += [with_progress(source, None) for source in extra_sources(runs, held_out, seen, arguments.seed)]
    measured += [with_progress(source, None) for source in control_sources(held_out, arguments.seed)]
    reference = staged("features of held-out images", lambda: network.features(held_out.calibration))
    distances = distances_of(measured, (images, train), held_out, extractor, arguments.seed)
    return Evidence(runs, held_out, calibrations, measured, network, own, reference, distances, arguments.seed)


def distances_of(
    measured: Sequence[Measured],
    splits: tuple[ImageSet, ImageSet],
    held_out: HeldOut,
    extractor: Extractor,
    seed: int,
) -> dict:
    """The table of distances of all reconstructions and prior samples, by an extractor that may be another network than
    the one that measured them."""
    if len(held_out.report) < distance_table.LEAST:
        return distance_table.absent(len(held_out.report))
    protocol, floors = distance_reference.prepared(*splits, (held_out.calibration, held_out.report), extractor, seed)
    same = isinstance(extractor, FeatureNetwork)
    sets = [
        distance_table.Set(
            m.source.title,
            m.source.run,
            distance_table.of_vectors(m.features if same else refined(m.source, extractor)),
        )
        for m in measured
        if m.source.kind in (*findings.COMPARED, findings.BASELINE)
    ]
    return staged("distances", lambda: distance_table.table(distance_table.rows([*floors, *sets], protocol)))


def refined(source: Source, extractor: Extractor) -> Tensor:
    """The extractor's features of a source's images, (N, d)."""
    with distance_reference.progress(f"{source.title}, {extractor.name}", source.count) as bar:
        parts = []
        for batch in source.batches():
            parts.append(extractor.features(batch))
            bar.update(len(batch))
    return torch.cat(parts)


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
        sources.real(held_out.report),
        *(sources.reconstructions(run, held_out.report, held_out.report_labels) for run in able),
        *(sources.prior_samples(run, count, seed) for run in runs),
    ]


def linear_sources(runs: Sequence[Run], held_out: HeldOut, train: ImageSet, seed: int) -> list[Source]:
    """PCA at each latent size of the runs."""
    sizes = sorted({run.model.latent_dim for run in runs})
    found = [staged(f"PCA, {d}", lambda d=d: sources.linear(train.images, held_out.report, d, seed)) for d in sizes]
    return [source for pair in found for source in pair]


def extra_sources(runs: Sequence[Run], held_out: HeldOut, seen: ImageSet, seed: int) -> list[Source]:
    """What tells the decoder's blur from the prior's and from that of averaging: no verdict rests on it."""
    able = [run for run in runs if run.model.has_encoder]
    x, y = first(seen.images, seen.labels, sources.POSTERIOR_COUNT)
    some = first(held_out.report, held_out.report_labels, sources.AVERAGE_COUNT)
    averages = [source for run in runs for source in sources.averaged(run, some[0], seed, some[1])]
    return [*(sources.posterior_samples(run, x, seed, y) for run in able), *averages]


def first(images: Tensor, labels: Tensor | None, count: int) -> tuple[Tensor, Tensor | None]:
    """The first images and, where there are any, their labels."""
    return images[:count], None if labels is None else labels[:count]


def control_sources(held_out: HeldOut, seed: int) -> list[Source]:
    """What the instrument must read right: known blurs, and damage that is not blur, on some of the held-out images."""
    some = held_out.report[: sources.CONTROL_COUNT]
    return [*(sources.known_blur(some, sigma) for sigma in sources.KNOWN_SIGMAS), *sources.controls(some, seed)]


def with_progress(source: Source, network: FeatureNetwork | None) -> Measured:
    """Measure a source behind a progress bar."""
    with tqdm(total=source.count, desc=source.title, unit=" images", leave=True, dynamic_ncols=True) as bar:
        return measuring.measure(source, network, bar.update)


def staged(title: str, work: Callable):
    """Do one piece of work behind a line that says how long it took."""
    with tqdm(total=1, desc=title, bar_format="{desc}: {elapsed}", dynamic_ncols=True) as bar:
        result = work()
        bar.update()
        return result


if __name__ == "__main__":
    main()
