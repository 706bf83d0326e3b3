"""python -m baselines.memorizer: networks that store images, one step before an autoencoder."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from vaegan.commandline.arguments import at_least, parse, require
from vaegan.data import SIZES
from vaegan.errors import exits_cleanly
from vaegan.storage.writing import check_writable, write_json, write_whole

PROG = "python -m baselines.memorizer"


@dataclass(frozen=True)
class Arguments:
    """Store images in a decoder: one, K behind one-hot codes, K behind learned codes; then feed it unseen codes."""

    images: Path | None = None
    """Folder of image files; default: the embedded drawn faces."""
    out: Path = Path("memorizer")
    """Folder for memorizer.png and memorizer.json."""
    k: int = 8
    """Images to store."""
    size: int = 32
    """Pixels a side."""
    code_dim: int = 8
    """Numbers in a learned code."""
    steps: int = 400
    """Updates of each network."""
    seed: int = 0
    """Decides starting weights and unseen codes."""


@exits_cleanly
def main(args: Sequence[str] | None = None) -> None:
    """Train every rung, measure it, draw one figure."""
    asked = parse(Arguments, args, prog=PROG)
    at_least(asked, k=2, code_dim=1, steps=1, seed=0)
    require(asked.size in SIZES, "size", asked.size, f"use {', '.join(map(str, SIZES))}")
    figure, metrics = asked.out / "memorizer.png", asked.out / "memorizer.json"
    check_writable(figure, metrics)
    from baselines import memories

    images = memories.load(asked.images, asked.k, asked.size)
    findings, png = memories.store(images, asked.code_dim, asked.steps, asked.seed)
    write_whole(figure, png)
    protocol = {k: str(v) for k, v in asdict(asked).items()}
    write_json(metrics, {"protocol": protocol, "networks": findings})
    print(f"wrote {figure} and {metrics}")


if __name__ == "__main__":
    main()
