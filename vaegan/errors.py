"""What a user did wrong, said in one line: the thing, its value, and the remedy."""

import difflib
import functools
import os
import sys
from collections.abc import Callable, Iterable


class UserError(Exception):
    """A failure that a user can cause and mend; the message is one line."""

    exit_code = 1


class UsageError(UserError):
    """A command that cannot mean anything: unknown names, impossible values."""

    exit_code = 2


def nearest(word: str, choices: Iterable[str]) -> str:
    """Return "; did you mean 'x'?" for the closest of `choices`, or "" when none is close."""
    close = difflib.get_close_matches(word, list(choices), n=1, cutoff=0.5)
    return f"; did you mean {close[0]!r}?" if close else ""


def exits_cleanly(main: Callable[..., None]) -> Callable[..., None]:
    """Wrap an entry point so that a UserError prints one line on stderr and sets the exit code, without a traceback."""

    @functools.wraps(main)
    def run(*args, **kwargs) -> None:
        try:
            main(*args, **kwargs)
        except UserError as error:
            # torchrun's processes all see the same command line: the first one speaks for them.
            if not isinstance(error, UsageError) or os.environ.get("RANK", "0") == "0":
                print(f"error: {error}", file=sys.stderr)
            raise SystemExit(error.exit_code) from None
        except KeyboardInterrupt:
            print("interrupted", file=sys.stderr)
            raise SystemExit(130) from None

    return run
