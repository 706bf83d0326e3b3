"""`python -m vaegan.sample RUN --out FILE.png`: pictures of what a trained run draws and of its latent space."""

from vaegan.commandline import parse
from vaegan.errors import UsageError, exits_cleanly, nearest
from vaegan.model import Model, load
from vaegan.pictures.portfolio import KINDS, Kind
from vaegan.pictures.scene import Arguments, Scene
from vaegan.writing import check_writable, write_whole

PROG = "python -m vaegan.sample"


@exits_cleanly
def main() -> None:
    """Entry point of `python -m vaegan.sample`."""
    asked = parse(Arguments, prog=PROG)
    kind = check(asked)
    model = load(asked.run)
    check_model(asked, kind, model)
    write_whole(asked.out, kind.draw(Scene(model, asked, kind.n if asked.n is None else asked.n)))
    print(f"wrote {asked.out}")


def check(asked: Arguments) -> Kind:
    """Return the row of --kind. Raises UsageError or UserError for what no model could draw."""
    if asked.kind not in KINDS:
        raise UsageError(f"unknown kind {asked.kind!r}{nearest(asked.kind, KINDS)}; known are {', '.join(KINDS)}")
    for name, value in (("n", asked.n), ("size", asked.size)):
        if value is not None and value < 1:
            raise UsageError(f"--{name} {value} is not possible: use 1 or more")
    if asked.seed < 0:
        raise UsageError(f"--seed {asked.seed} is not possible: use 0 or more")
    if asked.out.suffix.lower() != ".png":
        raise UsageError(f"--out {asked.out} is not possible: the picture is a PNG, so use a name that ends in .png")
    check_writable(asked.out)
    return KINDS[asked.kind]


def check_model(asked: Arguments, kind: Kind, model: Model) -> None:
    """Raise UsageError for a picture that needs another model."""
    if kind.encoder and not model.has_encoder:
        raise UsageError(f"--kind {asked.kind} needs an encoder: a run of mode {model.config.mode} can only sample")
    if kind.latent_dim not in (None, model.latent_dim):
        raise UsageError(
            f"--kind {asked.kind} shows {kind.latent_dim}-D codes, and {asked.run} has {model.latent_dim}-D ones: "
            f"train a run with --latent-dim {kind.latent_dim}, or look at this one with --kind traversal"
        )


if __name__ == "__main__":
    main()
