"""python -m baselines.linear_vae: what is the linear VAE worth, which needs no training?"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from vaegan.commandline.arguments import parse
from vaegan.errors import exits_cleanly, impossible

PROG = "python -m baselines.linear_vae"


@dataclass(frozen=True)
class Arguments:
    """Print what linear VAEs of one latent size are worth on held-out images: no training, exact log likelihood."""

    dataset: str = "synthfaces"
    """As for vaegan.train."""
    data_dir: Path = Path("data")
    """Where downloaded data sets lie."""
    image_size: int = 32
    """Pixels a side."""
    latent_dim: int = 64
    """Numbers in a code, of which those that pay are used."""
    rates: tuple[float, ...] = ()
    """Also at these rates, nats."""


@exits_cleanly
def main(args: Sequence[str] | None = None) -> None:
    """Load, decompose, print a table."""
    asked = parse(Arguments, args, prog=PROG)
    for rate in asked.rates:
        if not 0 < rate < math.inf:
            raise impossible(f"--rates {rate:g}", "use positive numbers of nats")
    from baselines import ppca
    from vaegan import data

    load = partial(data.load, asked.dataset, image_size=asked.image_size, data_dir=asked.data_dir)
    for line in ppca.report(load("train"), load("test"), asked.latent_dim, asked.rates):
        print(line, flush=True)


if __name__ == "__main__":
    main()
