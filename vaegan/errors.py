"""What a user did wrong, said in one line: the thing, its value, and the remedy; and how every command ends."""

import contextlib
import difflib
import functools
import os
import signal
import sys
import threading
from collections.abc import Iterable, Iterator, Sequence
from types import FrameType
from typing import IO, NoReturn, Protocol


class UserError(Exception):
    """A failure that a user can cause and mend; the message is one line."""

    exit_code = 1


class UsageError(UserError):
    """A command that cannot mean anything: unknown names, impossible values."""

    exit_code = 2


def impossible(given: str, remedy: str) -> UsageError:
    """The error of what was given, such as "--n 0", and cannot be meant, with what to do instead."""
    return UsageError(f"{given} is not possible: {remedy}")


def unknown(kind: str, name: str, known: Iterable[str]) -> UsageError:
    """The error of a name that is none of the known ones, with the nearest and all of them."""
    known = list(known)
    return UsageError(f"unknown {kind} {name!r}{nearest(name, known)}; known are {', '.join(known)}")


class Stopped(BaseException):
    """SIGINT or SIGTERM arrived; like KeyboardInterrupt no `except Exception` holds it up."""

    def __init__(self, number: int):
        self.number = number


class Main(Protocol):
    """An entry point: `args` are the words after the command's name, None for those of this program."""

    def __call__(self, args: Sequence[str] | None = None) -> None: ...


NO_MEMORY = ("out of memory", "not enough memory", "can't allocate memory", "Storage size calculation overflowed")
STOPS = {signal.SIGINT: "interrupted", signal.SIGTERM: "terminated"}


def nearest(word: str, choices: Iterable[str]) -> str:
    """Return "; did you mean 'x'?" for the closest of `choices`, or "" when none is close."""
    close = difflib.get_close_matches(word, list(choices), n=1, cutoff=0.5)
    return f"; did you mean {close[0]!r}?" if close else ""


def one_line(text: str) -> str:
    """Return `text` with everything that is not printable, a line's end in a file's name above all, escaped."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def exits_cleanly(main: Main) -> Main:
    """Wrap an entry point: whatever ends it ends it with at most one line on stderr and the exit code of its cause.

    1 and 2 for a UserError; 130 and 143 for SIGINT and SIGTERM; 141, without a word, when the reader of stdout has left
    (`| head`), as a shell says of programs that SIGPIPE ends.
    """

    @functools.wraps(main)
    def run(args: Sequence[str] | None = None) -> None:
        program = args is None
        if program:
            open_streams()
        with stopping(program), quiet_threads():
            try:
                main(args)
                sys.stdout.flush()
            except UserError as error:
                # torchrun's processes all see the same command line: the first one speaks for them.
                if isinstance(error, UsageError) and os.environ.get("RANK", "0") != "0":
                    raise SystemExit(error.exit_code) from None
                leave(f"error: {error}", error.exit_code)
            except Stopped as stop:
                leave(STOPS[signal.Signals(stop.number)], 128 + stop.number)
            except KeyboardInterrupt:
                leave(STOPS[signal.SIGINT], 128 + signal.SIGINT)
            except (MemoryError, RuntimeError) as error:
                if not out_of_memory(error):
                    raise
                leave("error: out of memory: use fewer or smaller images, or smaller networks", 1)
            except BrokenPipeError:
                silence(sys.stdout)
                raise SystemExit(141) from None
            except OSError as error:
                silence(sys.stdout)
                where = error.filename or "the output"
                leave(f"error: {where} cannot be read or written ({error.strerror or error})", 1)

    return run


def out_of_memory(error: Exception) -> bool:
    """Whether an allocation failed: torch's own on the CPU and on a GPU are RuntimeErrors."""
    return isinstance(error, MemoryError) or any(words in str(error) for words in NO_MEMORY)


def leave(line: str, code: int) -> NoReturn:
    """Say why on stderr, where it can still be said, and exit."""
    with contextlib.suppress(OSError, ValueError):
        print(one_line(line), file=sys.stderr, flush=True)
    raise SystemExit(code) from None


def open_streams() -> None:
    """Make stdout and stderr ready for every text: a character that their encoding lacks becomes "?", and a stream that
    the caller closed swallows what is written to it."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w"))
        elif hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")


def silence(stream: IO[str]) -> None:
    """Turn a stream that cannot be written to into one that swallows the rest, else Python complains of it at exit."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


@contextlib.contextmanager
def stopping(program: bool) -> Iterator[None]:
    """Turn SIGINT and SIGTERM into Stopped; those that the caller ignores (nohup) stay ignored.

    A program's handlers are not given back: up to its very end a signal must not become a traceback.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    heeded = [number for number in STOPS if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, stop) for number in heeded}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, leave_at_once if program else handler)


@contextlib.contextmanager
def quiet_threads() -> Iterator[None]:
    """Let a thread that cannot write end without a traceback: TensorBoard's keeps the OSError, and raises it where the
    next point is written or the file is closed."""
    before = threading.excepthook
    threading.excepthook = lambda failed: None if issubclass(failed.exc_type, OSError) else before(failed)
    try:
        yield
    finally:
        threading.excepthook = before


def stop(number: int, frame: FrameType | None) -> None:
    """Handle the first signal: raise Stopped, but leave at once out of an import, where C code would swallow it."""
    for heeded in STOPS:
        if signal.getsignal(heeded) is stop:
            signal.signal(heeded, leave_at_once)
    if importing(frame):
        leave_at_once(number, frame)
    raise Stopped(number)


def importing(frame: FrameType | None) -> bool:
    """Whether a module is being imported."""
    while frame is not None and not frame.f_code.co_filename.startswith("<frozen importlib"):
        frame = frame.f_back
    return frame is not None


def leave_at_once(number: int, _: FrameType | None) -> NoReturn:
    """Exit without waiting for anything: nothing is being written, or a second signal shows that it takes too long."""
    with contextlib.suppress(OSError, ValueError, AttributeError, RuntimeError):
        print(STOPS[signal.Signals(number)], file=sys.stderr, flush=True)
    os._exit(128 + number)
