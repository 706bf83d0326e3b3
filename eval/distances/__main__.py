"""`python -m eval.distances SOURCE [SOURCE ...]`: how far sets of images are from real ones, and by what protocol.

python -m eval.distances runs/mnist-vae-s0 runs/mnist-vaegan-s0 --json distances.json
python -m eval.distances folder:GENERATED --reference mnist --data-dir DATA
python -m eval.distances monday.json tuesday.json            # one table of what was measured before
torchrun --nproc-per-node 2 -m eval.distances RUN            # the same numbers
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from vaegan.commandline import at_least, parse
from vaegan.errors import UsageError, exits_cleanly
from vaegan.writing import check_writable

PROG = "python -m eval.distances"
LEAST = 6  # images of a set (columns.LEAST)


@dataclass(frozen=True)
class Arguments:
    """Measure the distances of runs' images, or of any images, to the held-out images of a data set."""

    sources: tuple[str, ...]
    """Run directories, folder:DIR or npz:FILE with generated images, .json files of earlier measurements."""
    reference: str | None = None
    """Data set whose held-out images are the reference; default that of the runs."""
    samples: int = 10_000
    """Images of each set, at most half of the held-out images."""
    features: str = "auto"
    """Extractor: auto (the data set's own), inception, or a FILE of weights."""
    seed: int = 0
    """Decides the halves of the held-out images, and the prior samples."""
    image_size: int | None = None
    """Pixels a side; default that of the runs or of the data set."""
    data_dir: Path | None = None
    """Where the data lie, when not where the runs found them."""
    json: Path | None = None
    """Also write every number with its whole protocol to this file."""


@exits_cleanly
def main(args: Sequence[str] | None = None) -> None:
    """Measure what is to be measured, read what was measured before, print one table."""
    asked = parse(Arguments, args, prog=PROG)
    check(asked)
    from eval.distances import command

    own = (asked.reference, asked.samples, asked.features, asked.seed, asked.image_size, asked.data_dir)
    command.run(asked.sources, command.Asked(*own), asked.json)


def check(asked: Arguments) -> None:
    """Raise UsageError for arguments that cannot mean anything."""
    if not asked.sources:
        raise UsageError(f"nothing to measure; use: {PROG} RUN [RUN ...]")
    at_least(asked, samples=LEAST, seed=0)
    if asked.json:
        check_writable(asked.json)


if __name__ == "__main__":
    main()
