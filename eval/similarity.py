"""python -m eval.similarity RUN [RUN ...]: do generated faces have the attributes that were asked for?"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from vaegan.commandline.arguments import at_least, need_runs, parse
from vaegan.errors import exits_cleanly
from vaegan.machine import devices
from vaegan.storage.writing import check_writable, write_json, write_whole

PROG = "python -m eval.similarity"


@dataclass(frozen=True)
class Arguments:
    """Measure how well conditional runs draw the attributes they are asked for."""

    runs: tuple[Path, ...]
    """Run directories of one data set and size, trained with --condition attributes."""
    queries: int = 2000
    """Held-out attribute vectors, an image of each run a vector."""
    predictor: Path | None = None
    """A .safetensors of `vaegan features train DATASET`; default: the one shipped for the data set."""
    seed: int = 0
    """Decides the queries, the codes and the resampling."""
    data_dir: Path | None = None
    """Where the data lie, when not where the runs found them."""
    device: str = "auto"
    """Where networks compute: auto, cpu or cuda."""
    json: Path | None = None
    """Also write rows and protocol here."""
    figure: Path | None = None
    """Also write a picture of the first queries here: a column a query, a row a mode."""


@exits_cleanly
def main(args: Sequence[str] | None = None) -> None:
    """Open, generate, read back, print."""
    asked = parse(Arguments, args, prog=PROG)
    check(asked)
    from eval.experiments import similarity

    value, picture = similarity.measure(
        asked.runs, asked.queries, asked.predictor, asked.seed, asked.data_dir, asked.device
    )
    print(similarity.table(value))
    write_json(asked.json, value)
    if asked.figure:
        write_whole(asked.figure, picture())


def check(asked: Arguments) -> None:
    """Raise UsageError or UserError for what cannot be measured or written."""
    need_runs(asked.runs, PROG)
    at_least(asked, queries=2, seed=0)
    devices.check(asked.device)
    check_writable(asked.json, asked.figure)


if __name__ == "__main__":
    main()
