"""python -m eval.blur_controls --dataset NAME: what eval.blur says of images whose blur and damage are known."""

from collections.abc import Sequence
from dataclasses import dataclass

from eval.sources.asked import HeldOutArguments
from vaegan.commandline.arguments import at_least, parse
from vaegan.errors import exits_cleanly

PROG = "python -m eval.blur_controls"


@dataclass(frozen=True)
class Arguments(HeldOutArguments):
    """Print what each measure reads of damaged real images, and how many images which precision takes."""

    images: int = 600
    """Held-out images that are damaged and read, drawn at random."""


@exits_cleanly
def main(args: Sequence[str] | None = None) -> None:
    """Load, damage, read, print."""
    asked = parse(Arguments, args, prog=PROG)
    at_least(asked, images=40, seed=0)
    from eval.experiments import blur_controls

    print(blur_controls.report(asked.load(), asked.images, asked.seed))


if __name__ == "__main__":
    main()
