"""Files that a user names: written whole or not at all."""

import json
import os
import tempfile
from contextlib import suppress
from pathlib import Path

from vaegan.errors import UserError


def write_whole(path: Path, content: bytes) -> None:
    """Write `content` through a temporary file in the same folder, which is made when absent.

    Raises UserError when it cannot be written; what was there before then stays.
    """
    try:
        write_file(path, content)
    except OSError as error:
        raise UserError(f"{path} cannot be written ({error.strerror}): choose another --out") from None


def write_file(path: Path, content: bytes) -> None:
    """As `write_whole`, of a link to the file it points to. Raises OSError, also for what is not a regular file: a
    device or a pipe would be replaced."""
    target = Path(os.path.realpath(path))
    if target.exists() and not target.is_file():
        raise OSError(0, "it is not a regular file")
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, partial = tempfile.mkstemp(dir=target.parent, prefix=f".{path.name}.", suffix=".partial")
    try:
        with open(handle, "wb") as file:
            file.write(content)
        os.chmod(partial, 0o644)  # temporary files are private
        os.replace(partial, target)
    except BaseException:
        with suppress(OSError):
            os.unlink(partial)
        raise


def write_json(path: Path | None, value: object) -> None:
    """Write a JSON value, indented, as `write_whole` does; nothing where no file was asked for."""
    if path:
        write_whole(path, (json.dumps(value, indent=2) + "\n").encode())


def check_writable(*paths: Path | None) -> None:
    """Raise UserError now for a path that `write_whole` could not write, before an hour of work is lost on it; None is
    a file that nobody asked for."""
    for path in filter(None, paths):
        _check_writable(path)


def _check_writable(path: Path) -> None:
    folder = next((parent for parent in path.absolute().parents if parent.exists()), path.absolute().parent)
    if path.exists() and not path.is_file() or not folder.is_dir() or not os.access(folder, os.W_OK):
        reason = f"{folder} is not a folder that can be written to"
        if path.exists() and not path.is_file():
            reason = "it is a folder" if path.is_dir() else "it is not a regular file"
        raise UserError(f"{path} cannot be written ({reason}): choose another --out")
