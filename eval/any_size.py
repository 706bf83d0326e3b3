"""python -m eval.any_size RUN: is a CPPN's large image the small one, drawn sharper?"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from vaegan.commandline.arguments import at_least, parse
from vaegan.errors import exits_cleanly
from vaegan.machine import devices
from vaegan.storage.writing import check_writable, write_json

PROG = "python -m eval.any_size"


@dataclass(frozen=True)
class Arguments:
    """Draw codes small and large; count equal classes, and measure how soft each way to a large image is."""

    run: Path
    """Run directory of a CPPN (--preset otoro)."""
    size: int | None = None
    """Pixels a side of the large images; default the reports' own."""
    n: int = 200
    """Codes of held-out images, and as many from the prior; one costs about a second at 1,024 pixels."""
    seed: int = 0
    """Decides the codes."""
    data_dir: Path | None = None
    """Where the data lie, when not where the run found them."""
    device: str = "auto"
    """Where networks compute: auto, cpu or cuda."""
    json: Path | None = None
    """Also write the figures here."""


@exits_cleanly
def main(args: Sequence[str] | None = None) -> None:
    """Draw, classify, measure, print."""
    asked = parse(Arguments, args, prog=PROG)
    at_least(asked, n=2, size=1, seed=0)
    devices.check(asked.device)
    check_writable(asked.json)
    from eval.evidence.large import SIZE
    from eval.experiments import any_size

    size = asked.size or SIZE
    classifier, by_kind = any_size.measured(asked.run, asked.n, size, asked.seed, asked.data_dir, asked.device)
    for kind, figures in by_kind.items():
        print(any_size.table(kind, figures, asked.n, size))
    protocol = {"classifier": classifier, **{k: str(v) for k, v in (asdict(asked) | {"size": size}).items()}}
    write_json(asked.json, {"protocol": protocol, **{kind: any_size.entry(own) for kind, own in by_kind.items()}})


if __name__ == "__main__":
    main()
