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

from vaegan.commandline.arguments import at_least, need_runs, parse
from vaegan.errors import exits_cleanly
from vaegan.machine import devices

PROG = "python -m eval.compare"


@dataclass(frozen=True)
class Arguments:
    """Say by how many pixels of Gaussian blur runs differ, with the pictures and the protocol, in one report."""

    runs: tuple[Path, ...]
    """Run directories of one data set and size."""
    out: Path | None = None
    """Report directory; default report-<dataset> beside the runs, RUN/report for a single run."""
    samples: int = 10_000
    """Images of each source, at most half of the held-out images."""
    features: str = "auto"
    """Feature network: auto (the data set's own, else imagenet where it is installed), imagenet, inception,
    dinov2-vit-s-14, clip-vit-b-32, or a FILE of weights."""
    seed: int = 0
    """Decides the halves of the held-out images, the prior samples and the resampling."""
    data_dir: Path | None = None
    """Where the data lie, when not where the runs found them."""
    device: str = "auto"
    """Where networks compute: auto, cpu or cuda."""


@exits_cleanly
def main(args: Sequence[str] | None = None) -> None:
    """Open, measure, write."""
    asked = parse(Arguments, args, prog=PROG)
    check(asked)
    from eval.sources.runs import open_runs

    begun, runs = time.monotonic(), open_runs(asked.runs, device=asked.device)  # before what takes long to import
    from eval.evidence import claims, collection
    from eval.report import assembly, rendering
    from eval.words import shown

    runs = claims.claimed_first(runs)
    out = asked.out or default_out([run.directory for run in runs], runs[0].config.dataset)
    with rendering.staged(out) as folder:
        evidence = collection.collect(runs, asked.samples, asked.features, asked.seed, asked.data_dir)
        report, pictures = assembly.report_of(evidence, asked.runs, flags(asked))
        rendering.write(report, pictures, folder)
    print(f"wrote {shown(out)}/report.html, .md, .json and figures in {time.monotonic() - begun:.0f} s")
    print(report.headline)


def check(asked: Arguments) -> None:
    """Raise UsageError for arguments that cannot mean anything."""
    need_runs(asked.runs, PROG)
    at_least(asked, samples=2, seed=0)
    devices.check(asked.device)


def default_out(runs: Sequence[Path], dataset: str) -> Path:
    """RUN/report for one run directory, else report-<dataset> in the folder that holds them all."""
    from eval.words import slug

    if len(runs) == 1:
        return runs[0] / "report"
    return Path(os.path.commonpath([run.parent for run in runs])) / f"report-{slug(dataset)}"


def flags(asked: Arguments) -> list[str]:
    """The flags of this command that decide its numbers, where they are not the default."""
    names = ("samples", "features", "seed", "data_dir")
    given = {name: getattr(asked, name) for name in names}
    changed = {name: value for name, value in given.items() if value != getattr(Arguments, name)}
    return [word for name, value in changed.items() for word in (f"--{name.replace('_', '-')}", str(value))]


if __name__ == "__main__":
    main()
