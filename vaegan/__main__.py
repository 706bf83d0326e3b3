"""`vaegan COMMAND ...`, also `python -m vaegan COMMAND ...`: one front door to every command of the project."""

import operator
import sys
from collections.abc import Sequence
from importlib import import_module

from vaegan.commandline.commands import COMMANDS, check_not_hidden, overview, present
from vaegan.errors import UsageError, exits_cleanly, nearest


@exits_cleanly
def main(args: Sequence[str] | None = None) -> None:
    """List the commands, or run the one that is named."""
    name, *rest = (sys.argv[1:] if args is None else args) or ["--help"]
    if name in ("--help", "-h", "help"):
        print(overview())
    elif name == "--version":
        from vaegan import __version__

        print(f"vaegan {__version__}")
    elif name == "--tyro-print-completion":
        print_completion(rest)
    elif name not in COMMANDS:
        raise UsageError(f"unknown command {name!r}{nearest(name, COMMANDS)}; vaegan alone lists them")
    else:
        check_not_hidden(COMMANDS[name])
        import_module(COMMANDS[name].module).main(rest)


def print_completion(rest: Sequence[str]) -> None:
    """Print a shell's completion script, made of the flags of all commands."""
    import tyro

    if rest not in (["bash"], ["zsh"], ["tcsh"]):
        raise UsageError("which shell? Use: vaegan --tyro-print-completion bash, zsh or tcsh")
    doors = {name: row for name, row in COMMANDS.items() if present(row)}
    flags = {name: operator.attrgetter(row.flags)(import_module(row.module)) for name, row in doors.items()}
    tyro.extras.subcommand_cli_from_dict(
        flags, prog="vaegan", args=["--tyro-print-completion", *rest], config=(tyro.conf.PositionalRequiredArgs,)
    )


if __name__ == "__main__":
    main()
