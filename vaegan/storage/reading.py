"""Files that a user names, or that somebody may have put in place of ours."""

import os
import stat
from pathlib import Path


def contents(path: Path) -> bytes:
    """Return a file's bytes. Raises OSError, also for what is no regular file: a pipe would be waited for, and a device
    may have no end."""
    if not stat.S_ISREG(os.stat(path).st_mode):
        raise OSError(0, "it is a folder" if path.is_dir() else "not a regular file")
    return path.read_bytes()


def text(path: Path) -> str:
    """Return a file's text, as UTF-8. Raises OSError as `contents` does, ValueError for what is no text."""
    return contents(path).decode()
