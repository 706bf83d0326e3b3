"""What a study would do, said without doing it: its runs with an estimate, or command lines for other machines."""

import shlex
import sys
from collections.abc import Sequence

from eval.evidence.square import SQUARE, apart
from eval.studies import estimate
from eval.studies.asked import Study
from eval.studies.plans import Plan
from eval.studies.progress import duration
from eval.words import shown
from vaegan.commandline.commands import spoken


def runs(study: Study, planned: Sequence[Plan]) -> str:
    """A line for each run, and what those that are missing will take."""
    lines = [f"[{i}/{len(planned)}] {run.title}: {state(run)}" for i, run in enumerate(planned, 1)]
    return "\n".join([*lines, "", total(study, [run for run in planned if not run.finished])])


def warning(study: Study, planned: Sequence[Plan]) -> str:
    """What a study of the four modes of the 2x2 will not say, before it has trained for hours; or nothing."""
    for dataset in study.dataset if set(SQUARE) <= set(study.modes) else ():
        if differing := apart(run.config for run in planned if run.config.dataset == dataset):
            return (
                f"{dataset}: no 2x2 of {', '.join(SQUARE)}, which would differ in more than their objective "
                f"({differing}): for one, give --norm, --width and --steps, one of each"
            )
    return ""


def state(run: Plan) -> str:
    """Where a run lies and what is left of it."""
    where = shown(run.directory)
    if run.finished:
        return f"finished at step {run.step:,}, {where}"
    begun = f"resume at step {run.step:,} of" if run.exists else "train"
    return f"{begun} {run.config.steps:,} updates, {where}"


def total(study: Study, missing: Sequence[Plan]) -> str:
    """Updates, time and disk of the runs that are missing."""
    if not missing:
        return "nothing to train"
    updates = sum(run.config.steps - run.step for run in missing)
    at_once = min(study.jobs, len(missing))
    took = duration(estimate.seconds(missing, at_once))
    beside = f", {at_once} runs at once" if at_once > 1 else ""
    disk = sum(estimate.size(run.config) for run in missing) / 1e6
    return (
        f"{len(missing)} runs to train, {updates:,} updates: about {took} on this machine{beside} "
        f"(a few updates of each kind timed; starting and comparing come on top) and {disk:,.0f} MB of checkpoints"
    )


def commands(planned: Sequence[Plan]) -> list[list[str]]:
    """Command lines of vaegan.train for the runs that are missing; those of a list need all lists before it."""
    missing = [run for run in planned if not run.finished]
    made = {run.directory.resolve() for run in missing}
    late = [run for run in missing if run.config.discriminator and run.config.discriminator.resolve() in made]
    early = [run for run in missing if run not in late]
    return [[shlex.join([*spoken("train").split(), *run.flags]) for run in part] for part in (early, late) if part]


def print_commands(planned: Sequence[Plan]) -> None:
    """Print a command line for each run that is missing on stdout, and what a scheduler must know on stderr."""
    parts = commands(planned)
    for line in (line for part in parts for line in part):
        print(line)
    if len(parts) > 1:
        print(f"the last {len(parts[1])} need the others' discriminators: run them after", file=sys.stderr)
    print("when all have run, the same command without --commands compares them", file=sys.stderr)
