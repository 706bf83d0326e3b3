# ruff: noqa: E402
"""python eval/compare.py RUN [RUN ...]: measure trained runs beside real images and write the report
(a composition root; nothing imports it)."""

import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

if not __package__:  # run as a script: sys.path[0] is eval/, from where neither package can be imported
    sys.path[0] = str(Path(__file__).resolve().parents[1])

import tyro

from eval.evidence import claims, collection
from eval.report import assembly, rendering
from eval.sources import runs as sources
from eval.sources.runs import Run
from eval.words import shown, slug
from vaegan.commandline import parse
from vaegan.config import require
from vaegan.errors import UsageError, exits_cleanly


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
def main(args: Sequence[str] | None = None) -> None:
    """Open, measure, write."""
    arguments = parse(Arguments, args, prog="python eval/compare.py")
    check(arguments)
    begun = time.monotonic()
    runs = claims.claimed_first(sources.open_runs(arguments.runs))
    out = arguments.out or default_out(runs)
    with rendering.staged(out) as folder:
        evidence = collection.collect(runs, arguments.samples, arguments.features, arguments.seed, arguments.data_dir)
        report, pictures = assembly.report_of(evidence, arguments.runs, flags(arguments))
        rendering.write(report, pictures, folder)
    print(f"wrote {shown(out)}/report.html, .md, .json and figures in {time.monotonic() - begun:.0f} s")
    print(report.headline)


def check(arguments: Arguments) -> None:
    """Raise UsageError for arguments that cannot mean anything."""
    if not arguments.runs:
        raise UsageError("no run given; use: python eval/compare.py RUN [RUN ...]")
    require(arguments.samples >= 2, "samples", arguments.samples, "use 2 or more")
    require(0 <= arguments.seed < 2**31, "seed", arguments.seed, "use 0 or more, below 2^31")


def default_out(runs: Sequence[Run]) -> Path:
    """RUN/report for one run, else report-<dataset> in the folder that holds them all."""
    if len(runs) == 1:
        return runs[0].directory / "report"
    parent = Path(os.path.commonpath([run.directory.parent for run in runs]))
    return parent / f"report-{slug(runs[0].config.dataset)}"


def flags(arguments: Arguments) -> list[str]:
    """The flags of this command that decide its numbers, where they are not the default."""
    names = ("samples", "features", "seed", "data_dir")
    given = {name: getattr(arguments, name) for name in names}
    changed = {name: value for name, value in given.items() if value != getattr(Arguments, name)}
    return [word for name, value in changed.items() for word in (f"--{name.replace('_', '-')}", str(value))]


if __name__ == "__main__":
    main()
