"""python -m vaegan.train: train one run (a composition root; nothing imports it)."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import baselines.objectives
from vaegan import run
from vaegan.config import Config
from vaegan.data import DATASETS, PREFIXES
from vaegan.errors import exits_cleanly, unknown
from vaegan.networks.architectures import ARCHITECTURES
from vaegan.objective import OBJECTIVES, Objective
from vaegan.schedules import SCHEDULES

if TYPE_CHECKING:
    from vaegan.training.reporter import Measure

MODES = {**OBJECTIVES, **baselines.objectives.OBJECTIVES}


@exits_cleanly
def main(args: Sequence[str] | None = None) -> None:
    """Understand the command line; only then import what trains, which takes seconds."""
    config, notes = run.resolve(args, choices())
    objective = find_objective(config.mode)
    from vaegan.training import launch

    launch.start(config, objective, notes, measured)


def measured(config: Config) -> "Measure":
    """Return what reads a learning curve; imported only for a run that asks for one."""
    from eval.evidence.learning import LearningCurve

    return LearningCurve(config)


def choices() -> dict[str, str]:
    """Return the help of the flags that name a row of a table."""
    modes = ", ".join(f"{mode} ({row.title})" for mode, row in MODES.items())
    return {
        "mode": f"Objective: {modes}.",
        "dataset": f"{', '.join(DATASETS)}, {' or '.join(row.title.split(',')[0] for row in PREFIXES.values())}.",
        "architecture": f"{'; '.join(f'{name}: {row.title}' for name, row in ARCHITECTURES.items())}.",
        "schedule": f"When which network steps (vaegan/schedules.py): {', '.join(SCHEDULES)}.",
    }


def find_objective(mode: str) -> Objective:
    """Return the row of a mode. Raises UsageError with the nearest one."""
    if mode not in MODES:
        raise unknown("mode", mode, sorted(MODES))
    return MODES[mode]


if __name__ == "__main__":
    main()
