"""`python -m eval.distances SOURCE [SOURCE ...]`: how far sets of images are from real ones, and by what protocol.

python -m eval.distances runs/mnist-vae-s0 runs/mnist-vaegan-s0 --json distances.json
python -m eval.distances GENERATED --reference REAL                 # two folders: every file of both
python -m eval.distances GENERATED --reference mnist --data-dir DATA
python -m eval.distances monday.json tuesday.json            # one table of what was measured before
torchrun --nproc-per-node 2 -m eval.distances RUN            # the same numbers
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from vaegan.commandline.arguments import at_least, parse
from vaegan.commandline.commands import program
from vaegan.errors import UsageError, exits_cleanly
from vaegan.machine import devices
from vaegan.storage.writing import check_writable

PROG = "python -m eval.distances"
LEAST = 6  # images of a set (columns.LEAST)


@dataclass(frozen=True)
class Arguments:
    """Measure the distances of anybody's images, or of runs', to real ones: every file of both."""

    sources: tuple[str, ...]
    """Run directories, folders or npz:FILE with generated images, .json files of earlier measurements."""
    reference: str | None = None
    """Real images: a data set, whose held-out images they are; a folder, of which train/ and test/ are used as such
    when both are there; npz:FILE. Default the data set of the runs."""
    samples: int | None = None
    """Images of each set. Default every file; of runs 10,000, at most half of the held-out images."""
    features: str = "auto"
    """Extractor: auto (the data set's own, else imagenet where it is installed), imagenet, inception, dinov2-vit-s-14,
    clip-vit-b-32, or a FILE of weights."""
    device: str = "auto"
    """Where the extractor computes: auto, cpu or cuda."""
    resize: str | None = None
    """Bring the images of folders to this size first, WIDTHxHEIGHT or one number; default their own."""
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

    own = {key: value for key, value in vars(asked).items() if key not in ("sources", "json")}
    command.run(asked.sources, command.Asked(**own), asked.json)


def check(asked: Arguments) -> None:
    """Raise UsageError for arguments that cannot mean anything."""
    if not asked.sources:
        raise UsageError(f"nothing to measure; use: {program(PROG)} RUN [RUN ...]")
    at_least(asked, samples=LEAST, seed=0)
    devices.check(asked.device)
    check_writable(asked.json)


if __name__ == "__main__":
    main()
