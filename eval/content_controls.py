"""python -m eval.content_controls --dataset NAME: is blur found where content is matched, and content itself not?"""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from eval.sources.asked import HeldOutArguments
from vaegan.commandline.arguments import at_least, parse
from vaegan.errors import exits_cleanly
from vaegan.machine import devices

PROG = "python -m eval.content_controls"


@dataclass(frozen=True)
class Arguments(HeldOutArguments):
    """Blur held-out real images of all and of one kind by known sigmas; print plain, matched and paired readings."""

    images: int = 5000
    """Images of each half, at most half of the held-out ones."""
    device: str = "auto"
    """Where the feature network computes: auto, cpu or cuda."""


@exits_cleanly
def main(args: Sequence[str] | None = None) -> None:
    """Load, calibrate, read, print."""
    asked, begun = parse(Arguments, args, prog=PROG), time.monotonic()
    at_least(asked, images=2, seed=0)
    devices.check(asked.device)
    from eval.experiments import content_controls

    print(
        content_controls.report(asked.load(), asked.images, asked.seed, asked.device),
        f"({time.monotonic() - begun:.0f} s)",
    )


if __name__ == "__main__":
    main()
