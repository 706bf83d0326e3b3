"""python -m baselines.rate_distortion: the post's number-line argument as a curve."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from vaegan.commandline.arguments import at_least, parse
from vaegan.config import Config
from vaegan.errors import UsageError, exits_cleanly
from vaegan.storage.writing import check_writable, write_json, write_whole

PROG = "python -m baselines.rate_distortion"
# jmetzen's network as a VAE of grey levels.
NETWORK = Config(mode="vae", architecture="mlp", likelihood="bernoulli", width=1.0, adam_beta1=0.9, device="cpu")
SHARED = ("dataset", "data_dir", "image_size", "latent_dim", "steps", "batch_size", "seed")


@dataclass(frozen=True)
class Arguments:
    """Train one small VAE a value of beta and draw what its codes say (KL, nats) against what is lost (pixel error)."""

    dataset: str = "synthfaces"
    """Data set, as for vaegan.train."""
    data_dir: Path = Path("data")
    """Where downloaded data sets lie."""
    betas: tuple[float, ...] = (0.01, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0)
    """Weights of the prior term, a network each."""
    image_size: int = 32
    """Pixels a side."""
    latent_dim: int = 20
    """Numbers in a code."""
    steps: int = 1000
    """Updates of each network."""
    batch_size: int = 100
    """Images an update."""
    seed: int = 0
    """Decides starting weights, order of images and noise."""
    out: Path = Path("rate-distortion")
    """Folder for rate-distortion.png and rate-distortion.json."""


@exits_cleanly
def main(args: Sequence[str] | None = None) -> None:
    """Train a network a beta, measure each on the same held-out images, draw the curve."""
    asked = parse(Arguments, args, prog=PROG)
    check(asked)
    figure, numbers = asked.out / "rate-distortion.png", asked.out / "rate-distortion.json"
    check_writable(figure, numbers)
    from baselines import curve

    config = replace(NETWORK, **{name: getattr(asked, name) for name in SHARED})
    points, png = curve.measured_curve(config, asked.betas)
    protocol = {name: str(value) for name, value in asdict(asked).items()}
    write_whole(figure, png)
    write_json(numbers, {"protocol": protocol, "points": points})
    print(f"wrote {figure} and {numbers}")


def check(asked: Arguments) -> None:
    """Raise UsageError for numbers that no curve can have."""
    if len(asked.betas) < 2 or not all(0 < beta < float("inf") for beta in asked.betas):
        raise UsageError(f"--betas {' '.join(map(str, asked.betas))} make no curve: use two or more positive numbers")
    at_least(asked, steps=1, latent_dim=1, batch_size=2, seed=0)


if __name__ == "__main__":
    main()
