"""python -m vaegan.train: train one run (a composition root; nothing imports it)."""

from collections.abc import Sequence

import baselines.objectives
from vaegan import run
from vaegan.errors import UsageError, exits_cleanly, nearest
from vaegan.objective import OBJECTIVES, Objective

MODES = {**OBJECTIVES, **baselines.objectives.OBJECTIVES}


@exits_cleanly
def main(args: Sequence[str] | None = None) -> None:
    """Understand the command line; only then import what trains, which takes seconds."""
    config, notes = run.resolve(args)
    objective = find_objective(config.mode)
    from vaegan import training

    training.start(config, objective, notes)


def find_objective(mode: str) -> Objective:
    """Return the row of a mode. Raises UsageError with the nearest one."""
    if mode not in MODES:
        raise UsageError(f"unknown mode {mode!r}{nearest(mode, MODES)}; known are {', '.join(sorted(MODES))}")
    return MODES[mode]


if __name__ == "__main__":
    main()
