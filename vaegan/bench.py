"""python -m vaegan.bench: what an update costs, as ratios of medians interleaved in one run (a composition root)."""

import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import baselines.objectives
from vaegan import config as configuration
from vaegan import run
from vaegan.commandline.arguments import at_least, parse, require
from vaegan.config import Config
from vaegan.errors import exits_cleanly
from vaegan.machine import devices
from vaegan.objective import OBJECTIVES
from vaegan.storage.writing import check_writable, write_json

PROG = "python -m vaegan.bench"
MODES = {**baselines.objectives.OBJECTIVES, **OBJECTIVES}
SHARED = ("device", "image_size", "width", "batch_size")
LINE = "{group:>21} {name:<25} {milliseconds:9.1f} ms {images_per_second:7.0f} images/s"
LINE += " {peak_mb:6.0f} MB   ratio {ratio:.2f}"


@dataclass(frozen=True)
class Arguments:
    """Time updates of every mode and of other projects, what the gate and bfloat16 save, and the renderer of faces."""

    device: str = "auto"
    """auto, cpu or cuda."""
    image_size: int = 32
    """Pixels a side."""
    width: float = 0.25
    """Width of the networks."""
    widths: tuple[float, ...] = (0.25, 0.5)
    """Widths at which other ways to update a VAE/GAN are timed."""
    threads: tuple[int, ...] = (1, 2)
    """Threads with which they are timed; everything else has the threads of this process."""
    batch_size: int = 64
    """Images an update."""
    rounds: int = 7
    """Timings of each case; cases take turns, so that a drift of the machine's speed hits all alike."""
    compile: bool = False
    """Also time an update of networks under torch.compile, which takes a minute or two to compile."""
    json: Path | None = None
    """Also write the figures here."""


@exits_cleanly
def main(args: Sequence[str] | None = None) -> None:
    """Time all cases in turns and print medians and ratios."""
    asked = parse(Arguments, args, prog=PROG)
    config = replace(Config(), **{name: value for name, value in asdict(asked).items() if name in SHARED})
    configuration.check(config)
    at_least(asked, rounds=1)
    os.environ.setdefault("KINETO_LOG_LEVEL", "99")  # before torch is imported: its profiler tells stderr of each start
    for width in asked.widths:
        configuration.check(replace(config, width=width))
    for n in asked.threads:
        require(n >= 1, "threads", n, "use 1 or more")
    devices.check(asked.device)
    config = replace(config, precision=devices.precision(config.precision, config.device))  # what a run would take
    check_writable(asked.json)
    from baselines import updates
    from vaegan.training import timing

    ways = timing.Ways(updates.WAYS, asked.widths, asked.threads, asked.compile)
    figures = timing.figures(config, MODES, asked.rounds, ways)
    for figure in figures:
        print(LINE.format(**figure))
    protocol = {k: str(v) for k, v in asdict(asked).items()}
    write_json(asked.json, {"figures": figures, "protocol": protocol, "environment": run.environment(config)})


if __name__ == "__main__":
    main()
