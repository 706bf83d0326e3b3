"""python -m vaegan.export RUN --out DIR: a run's networks in a format that other programs read, with their card."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from vaegan.commandline.arguments import parse
from vaegan.errors import UsageError, exits_cleanly, impossible, unknown

PROG = "python -m vaegan.export"
FORMATS = ("safetensors", "torch-export", "onnx")  # the rows of vaegan/sharing/formats.py
PARTS = ("decoder", "encoder", "discriminator")
ALL = "all"


@dataclass(frozen=True)
class Arguments:
    """Export one network of a run, or all of what draws its images; read back and compared before anything is kept."""

    run: Path
    """Directory of the run."""
    out: Path | None = None
    """Must be given: folder that gets the file and its card, README.md; it must be new or empty."""
    format: str = "safetensors"
    """safetensors, torch-export or onnx."""
    part: str = "decoder"
    """decoder, encoder, discriminator, or all: encoder and decoder in a folder that opens wherever a run does."""
    half: bool = False
    """Round the weights of --part all to half precision, to half the size."""


@exits_cleanly
def main(args: Sequence[str] | None = None) -> None:
    """Entry point of `python -m vaegan.export`."""
    asked = parse(Arguments, args, prog=PROG)
    out = check(asked)
    from vaegan.sharing import exporting

    if asked.part == ALL:
        difference = exporting.export_all(asked.run, out, asked.half)
    else:
        difference = exporting.export(asked.run, out, asked.format, asked.part)
    print(f"wrote {out}: {asked.part} as {asked.format}, equal to the original to {difference:.1e}")


def check(asked: Arguments) -> Path:
    """Return --out. Raises UsageError for what cannot be, before a network is loaded."""
    for name, value, known in (("format", asked.format, FORMATS), ("part", asked.part, (*PARTS, ALL))):
        if value not in known:
            raise unknown(name, value, known)
    if asked.part == ALL and asked.format != "safetensors":
        raise impossible(f"--part all as {asked.format}", "use --format safetensors, or name one part")
    if asked.half and asked.part != ALL:
        raise impossible(f"--half with --part {asked.part}", "use --part all")
    if asked.out is None:
        raise UsageError("where to? Give --out DIR")
    if asked.out.exists() and (not asked.out.is_dir() or any(asked.out.iterdir())):
        raise UsageError(f"--out {asked.out} exists already: choose a new folder")
    return asked.out


if __name__ == "__main__":
    main()
