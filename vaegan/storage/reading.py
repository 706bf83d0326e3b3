"""Files that a user names, or that somebody may have put in place of ours."""

import errno
import os
import stat
from pathlib import Path


def regular(path: Path) -> Path:
    """Return the path of what can be read to its end. Raises OSError where there is nothing, where it may not be read
    (some libraries call such a file absent), and for what is no regular file: a pipe would be waited for, and a device
    may have no end."""
    if stat.S_ISREG(mode := os.stat(path).st_mode):
        with open(path, "rb"):
            return path
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, "it is a folder", str(path))
    raise OSError(errno.EINVAL, "not a regular file", str(path))


def contents(path: Path) -> bytes:
    """Return a file's bytes. Raises OSError as `regular` does."""
    return regular(path).read_bytes()


def text(path: Path, errors: str = "strict") -> str:
    """Return a file's text, as UTF-8. Raises OSError as `regular` does, ValueError for what is no text unless `errors`
    says how to replace it."""
    return contents(path).decode(errors=errors)


def reason(error: Exception) -> str:
    """Say why a file could not be read in one short line, without its name, which stands before it."""
    said = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return " ".join(said.split())[:100] or type(error).__name__
