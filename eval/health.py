"""python -m eval.health RUN [RUN ...]: is a run healthy?"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from vaegan.commandline.arguments import at_least, need_runs, parse
from vaegan.errors import exits_cleanly
from vaegan.machine import devices
from vaegan.storage.writing import check_writable, write_json

PROG = "python -m eval.health"


@dataclass(frozen=True)
class Arguments:
    """Print a line for each run: losses, diversity, repeated images, grain (reconstructions too), Dis, verdict."""

    runs: tuple[Path, ...]
    """Run directories."""
    samples: int = 512
    """Prior samples drawn, and held-out images they are compared with."""
    seed: int = 0
    """Seed of the samples."""
    data_dir: Path | None = None
    """Where the data lie, when not where the run found them."""
    device: str = "auto"
    """Where networks compute: auto, cpu or cuda."""
    json: Path | None = None
    """Also write the rows to this file."""


@exits_cleanly
def main(args: Sequence[str] | None = None) -> None:
    """Examine every run and print a line of each."""
    asked = parse(Arguments, args, prog=PROG)
    need_runs(asked.runs, PROG)
    at_least(asked, samples=2, seed=0)
    devices.check(asked.device)
    check_writable(asked.json)
    from eval.evidence import audit

    rows = [audit.examine_run(run, asked.samples, asked.seed, asked.data_dir, asked.device) for run in asked.runs]
    print(audit.table(rows))
    write_json(asked.json, rows)


if __name__ == "__main__":
    main()
