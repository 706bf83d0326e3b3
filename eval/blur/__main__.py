"""`python -m eval.blur GENERATED [GENERATED ...] --reference REAL`: by how many pixels anybody's images are blurred.

python -m eval.blur samples/ --reference photographs/
python -m eval.blur decoded/ --reference originals/ --paired --json blur.json --html blur.html
python -m eval.blur samples/ --reference photographs/ --target 0.3     # exit code 1 when blurrier: for a CI job
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from vaegan.commandline.arguments import at_least, parse, require
from vaegan.commandline.commands import program
from vaegan.errors import UsageError, exits_cleanly
from vaegan.machine import devices
from vaegan.storage.writing import check_writable

PROG = "python -m eval.blur"


@dataclass(frozen=True)
class Arguments:
    """Say by how many pixels of Gaussian blur images differ from real ones, with an interval, a floor and audits."""

    generated: tuple[str, ...]
    """Folders of images, npz:FILE, data sets by name, or run directories (their samples; with --paired their
    reconstructions)."""
    reference: str | None = None
    """Real images: a folder, npz:FILE or a data set by name. Half of them calibrates, the other half is the floor.
    Default: the data set of the first run."""
    paired: bool = False
    """Image by image: the reference's file of the same name is the original (a reconstruction's, a codec's), so
    that what is drawn cancels."""
    resize: str | None = None
    """Bring every image to this size first, WIDTHxHEIGHT or one number for squares. Resizing changes blur: prefer
    images of one size."""
    target: float | None = None
    """px. Exit with code 1 when any set's equivalent blur is above it or unknown, or no measurement (too few
    images)."""
    json: Path | None = None
    """Also write every number with its protocol to this file."""
    html: Path | None = None
    """Also write one self-contained page, with the images between real ones under known blur."""
    seed: int = 0
    """Decides the halves of the reference and the prior samples of runs."""
    data_dir: Path = Path("data")
    """Where downloaded data sets lie."""
    device: str = "auto"
    """Where the networks of runs draw: auto, cpu or cuda. The measures are computed in float64 on the CPU."""


@exits_cleanly
def main(args: Sequence[str] | None = None) -> None:
    """Open, compare, print, write; then the exit code."""
    asked = parse(Arguments, args, prog=PROG)
    check(asked)
    from eval.readings import command

    own = {key: value for key, value in vars(asked).items() if key not in ("json", "html")}
    command.run(command.Asked(**own), asked.json, asked.html)


def check(asked: Arguments) -> None:
    """Raise UsageError for arguments that cannot mean anything, UserError for files that could not be written."""
    if not asked.generated:
        raise UsageError(f"nothing to measure; use: {program(PROG)} GENERATED --reference REAL")
    at_least(asked, seed=0)
    devices.check(asked.device)
    finite = asked.target is None or math.isfinite(asked.target)
    require(finite, "target", asked.target, "use a finite number of pixels")
    check_writable(asked.json, asked.html)


if __name__ == "__main__":
    main()
