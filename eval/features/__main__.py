"""python -m eval.features train DATASET: make a shipped feature network anew."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from vaegan.commandline.arguments import at_least, parse
from vaegan.errors import exits_cleanly

PROG = "python -m eval.features"


@dataclass(frozen=True)
class Arguments:
    """Train the feature network of a data set and ship it with its card."""

    command: Literal["train"]
    dataset: str  # synthfaces, mnist, fashion-mnist, cifar10, or any other with labels
    data_dir: Path = Path("data")  # where downloaded data sets lie
    out: Path | None = None  # the .safetensors file to write; default: the one that is shipped for the data set
    steps: int | None = None  # optimizer steps; default: the data set's own
    seed: int = 0  # of the weights, the batches and their augmentation
    note: str = ""  # what the card shall say about the data, when they are not the publisher's


@exits_cleanly
def main(args: Sequence[str] | None = None) -> None:
    """Train, grade on the held-out images, save, and say what came out."""
    asked = parse(Arguments, args, prog=PROG)
    at_least(asked, steps=1, seed=0)
    from eval.features import training

    print(training.make(asked.dataset, asked.out, asked.steps, asked.seed, asked.data_dir, asked.note))


if __name__ == "__main__":
    main()
