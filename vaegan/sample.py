"""`python -m vaegan.sample RUN --out FILE.png`: pictures of what a trained run draws and of its latent space."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from vaegan.commandline.arguments import at_least, parse
from vaegan.errors import UsageError, exits_cleanly, impossible, unknown
from vaegan.machine import devices
from vaegan.pictures.kinds import KINDS, Arguments, Kind
from vaegan.storage.writing import check_writable, write_whole

if TYPE_CHECKING:
    from vaegan.model import Model

PROG = "python -m vaegan.sample"


@exits_cleanly
def main(args: Sequence[str] | None = None) -> None:
    """Entry point of `python -m vaegan.sample`."""
    said = {
        "kind": f"{', '.join(KINDS)}.",
        "n": "How many: " + ", ".join(f"{kind.n or 'all'} {kind.things}" for kind in KINDS.values()) + ".",
    }
    asked = parse(Arguments, args, prog=PROG, said=said)
    kind, out = check(asked)
    from vaegan.model import load
    from vaegan.pictures.portfolio import DRAW
    from vaegan.pictures.scene import Scene

    model = load(asked.run, device=asked.device)
    check_model(asked, kind, model)
    write_whole(out, DRAW[asked.kind](Scene(model, asked)))
    print(f"wrote {out}")


def check(asked: Arguments) -> tuple[Kind, Path]:
    """Return the row of --kind and --out. Raises UsageError or UserError for what no model could draw."""
    if asked.kind not in KINDS:
        raise unknown("kind", asked.kind, KINDS)
    at_least(asked, n=1, size=1, seed=0)
    devices.check(asked.device)
    if asked.out is None:
        raise UsageError("where to? Give --out FILE.png")
    if asked.out.suffix.lower() != ".png":
        raise impossible(f"--out {asked.out}", "the picture is a PNG, so use a name that ends in .png")
    check_writable(asked.out)
    return KINDS[asked.kind], asked.out


def check_model(asked: Arguments, kind: Kind, model: "Model") -> None:
    """Raise UsageError for a picture that needs another model."""
    from vaegan.machine import memory

    if kind.encoder and not model.has_encoder:
        raise UsageError(f"--kind {asked.kind} needs an encoder: a run of mode {model.config.mode} can only sample")
    if kind.latent_dim not in (None, model.latent_dim):
        raise UsageError(
            f"--kind {asked.kind} shows {kind.latent_dim}-D codes, and {asked.run} has {model.latent_dim}-D ones: "
            f"train a run with --latent-dim {kind.latent_dim}, or look at this one with --kind traversal"
        )
    memory.check_images(asked.n or 1, model.channels, asked.size or model.config.side)


if __name__ == "__main__":
    main()
