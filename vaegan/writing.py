"""Files that a user names: written whole or not at all."""

import os
import tempfile
from contextlib import suppress
from pathlib import Path

from vaegan.errors import UserError


def write_whole(path: Path, content: bytes) -> None:
    """Write `content` through a temporary file in the same folder, which is made when absent.

    Raises UserError when it cannot be written; what was there before then stays.
    """
    partial = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
            partial = file.name
            file.write(content)
        os.chmod(partial, 0o644)  # temporary files are private
        os.replace(partial, path)
    except OSError as error:
        if partial:
            with suppress(OSError):
                os.unlink(partial)
        raise UserError(f"{path} cannot be written ({error.strerror}): choose another --out") from None


def check_writable(path: Path) -> None:
    """Raise UserError now for a path that `write_whole` could not write, before an hour of work is lost on it."""
    folder = next((parent for parent in path.absolute().parents if parent.exists()), path.absolute().parent)
    if path.is_dir() or not folder.is_dir() or not os.access(folder, os.W_OK):
        reason = "it is a folder" if path.is_dir() else f"{folder} is not a folder that can be written to"
        raise UserError(f"{path} cannot be written ({reason}): choose another --out")
