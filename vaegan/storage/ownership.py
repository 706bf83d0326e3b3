"""One job a run directory: a lock that the operating system takes back from the dead, and the litter they leave."""

import json
import os
import platform
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from vaegan.errors import UserError
from vaegan.storage.reading import text

LOCK = ".lock"
# What killed processes leave half-written in a run's directory; each was to be renamed to what it is a part of.
LITTER = ("*.partial", ".*.partial", "checkpoints/.*.pt.*")
STARTED = {LOCK, "samples", "train.log", "env.json"}  # what a run has before its config.json


@contextmanager
def owned(run_dir: Path) -> Iterator[None]:
    """Own an existing run directory until the block ends, and clear it of litter. Raises UserError when a process that
    is alive owns it."""
    file = acquire(run_dir / LOCK)
    try:
        for pattern in LITTER:
            for litter in run_dir.glob(pattern):
                with suppress(OSError):
                    litter.unlink()
        yield
    finally:
        with suppress(OSError):  # removed while it is still locked: who opened it meanwhile sees that it is gone
            os.unlink(run_dir / LOCK)
        os.close(file)


def acquire(path: Path) -> int:
    """Return the descriptor of a lock file that this process holds and has written its name into."""
    while True:
        file = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        if not locked(file):
            holder = described(path)
            os.close(file)
            raise UserError(f"{path.parent} is in use by {holder}: wait for it, or stop it")
        with suppress(FileNotFoundError):
            if os.fstat(file).st_ino == os.stat(path).st_ino:
                os.truncate(file, 0)
                os.write(file, json.dumps({"host": platform.node(), "pid": os.getpid()}).encode())
                return file
        os.close(file)  # its last owner removed it between our opening and locking it


if sys.platform == "win32":
    import msvcrt

    def locked(file: int) -> bool:
        """Lock a file, which ends with this process at the latest; False when another one holds it.

        A byte far behind the text, because what is locked on Windows cannot be read by others.
        """
        try:
            os.lseek(file, 2**20, os.SEEK_SET)
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
            os.lseek(file, 0, os.SEEK_SET)
        except OSError:
            return False
        return True
else:
    import fcntl

    def locked(file: int) -> bool:
        """Lock a file, which ends with this process at the latest; False when another one holds it."""
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:  # a file system without locks: nothing is known of others
            pass
        return True


def described(path: Path) -> str:
    """Return who holds a lock, as far as it says so."""
    try:
        holder = json.loads(text(path))
        return f"process {int(holder['pid'])} on {holder['host']!s:.60}"
    except (OSError, ValueError, KeyError, TypeError):
        return "another process"


def is_fresh(run_dir: Path) -> bool:
    """Whether a run may be started in a directory: it is absent, empty, or holds what a start leaves that was killed
    before it had written config.json."""
    if not run_dir.exists():
        return True
    if not run_dir.is_dir():
        return False
    litter = {path for pattern in LITTER for path in run_dir.glob(pattern)}
    rest = {path.name for path in run_dir.iterdir() if path not in litter}
    samples = run_dir / "samples"
    return rest <= STARTED and not (samples.is_dir() and any(samples.iterdir()))
