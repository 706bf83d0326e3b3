# ruff: noqa: E402
"""python eval/study.py: train what is missing of data sets x modes x seeds, compare each data set's runs, sum up
(a composition root; nothing imports it)."""

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

if not __package__:  # run as a script: sys.path[0] is eval/, from where neither package can be imported
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from eval.studies import plans
from eval.studies.asked import Flags, ask
from eval.studies.grid import OBJECTIVES
from vaegan.commandline.arguments import words
from vaegan.commandline.commands import program
from vaegan.data import DATASETS
from vaegan.errors import exits_cleanly
from vaegan.presets import PRESETS

__all__ = ["Flags", "main"]
PROG = "python -m eval.study"


@exits_cleanly
def main(args: Sequence[str] | None = None) -> None:
    """Plan; then say what would run, or train, compare and sum up."""
    said = {
        "dataset": f"Data sets, as in `vaegan train`: {', '.join(DATASETS)}, folder:DIR or npz:FILE.",
        "modes": f"Modes to train: {', '.join(OBJECTIVES)}; vae vae-disl vaegan-pixel vaegan, with one "
        "--norm, --width and --steps, tell which ingredient removes blur.",
        "preset": f"Named set of defaults of `vaegan train`: {', '.join(PRESETS)}.",
    }
    study = ask(words(args), PROG, said)
    planned = plans.plan(study)
    from eval.studies import execution, preview

    if said_before := preview.warning(study, planned):
        print(said_before, file=sys.stderr)
    if study.commands:
        preview.print_commands(planned)
    elif study.dry_run:
        print(preview.runs(study, planned))
    else:
        execution.run(study, planned, shlex.join([*(program(PROG) or PROG).split(), *words(args)]))


if __name__ == "__main__":
    main()
