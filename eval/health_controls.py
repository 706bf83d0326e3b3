"""python -m eval.health_controls --dataset NAME: what does the health audit say of images whose health is known?"""

from collections.abc import Sequence
from dataclasses import dataclass

from eval.sources.asked import HeldOutArguments
from vaegan.commandline.arguments import at_least, parse
from vaegan.errors import exits_cleanly
from vaegan.machine import devices

PROG = "python -m eval.health_controls"


@dataclass(frozen=True)
class Arguments(HeldOutArguments):
    """Print the audit's figures for real images damaged or repeated on purpose."""

    images: int = 512
    """Images of each condition, and real ones they are compared with; at most half of the held-out ones."""
    device: str = "auto"
    """Where the feature network computes: auto, cpu or cuda."""


@exits_cleanly
def main(args: Sequence[str] | None = None) -> None:
    """Load, look, print."""
    asked = parse(Arguments, args, prog=PROG)
    at_least(asked, images=64, seed=0)
    devices.check(asked.device)
    from eval.experiments import health_controls

    for line in health_controls.report(asked.load(), asked.images, asked.seed, asked.device):
        print(line, flush=True)


if __name__ == "__main__":
    main()
