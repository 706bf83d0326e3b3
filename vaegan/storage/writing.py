"""Files and folders: written whole or not at all."""

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from vaegan.errors import UserError


def write_whole(path: Path, content: bytes) -> None:
    """Write `content` through a temporary file in the same folder, which is made when absent.

    Raises UserError when it cannot be written; what was there before then stays.
    """
    try:
        write_file(path, content)
    except OSError as error:
        raise cannot_write(path, error) from None


def cannot_write(path: Path, error: OSError) -> UserError:
    """The error that says why a path cannot be written to."""
    return UserError(f"{path} cannot be written ({error.strerror or error}): choose another file")


def write_file(path: Path, content: bytes) -> None:
    """As `write_whole`, but what it raises is OSError."""
    with replacing(path) as file:
        file.write(content)


@contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """Yield a new file that takes the place of `path` when the block ends well and vanishes when it does not.

    Of a link, of the file it points to. It is on the disk before it has the name, so that no failing machine leaves an
    empty one. Raises OSError, also for what is not a regular file: a device or a pipe would be replaced.
    """
    target = destination(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, partial = temporary(target.parent, path.name)
    try:
        with open(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.chmod(partial, 0o666 & ~_umask())
        os.replace(partial, target)
    except BaseException:
        with suppress(OSError):
            os.unlink(partial)
        raise


@contextmanager
def replacing_folder(path: Path) -> Iterator[Path]:
    """Yield a new folder that takes the place of `path`, files and all, when the block ends well and vanishes when it
    does not. Raises OSError; what was there before then stays."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}.", suffix=".partial"))
    try:
        yield partial
        os.chmod(partial, 0o777 & ~_umask())
        _swap(partial, path)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _swap(new: Path, path: Path) -> None:
    if not path.exists():
        new.rename(path)
        return
    old = new.with_name(f"{new.name}-old")
    path.rename(old)
    try:
        new.rename(path)
    except OSError:
        old.rename(path)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _umask() -> int:
    """What nobody else may do with a new file; temporary ones are private whatever it says."""
    mask = os.umask(0)
    os.umask(mask)
    return mask


def destination(path: Path) -> Path:
    """Return the regular or absent file that a path leads to. Raises OSError where it leads to anything else."""
    target = Path(os.path.realpath(path))
    if target.is_dir():
        raise OSError(0, "it is a folder")
    if target.is_symlink():  # what resolving leaves of one
        raise OSError(0, "it is a link that leads to itself")
    if target.exists() and not target.is_file():
        raise OSError(0, "it is not a regular file")
    return target


def temporary(folder: Path, name: str) -> tuple[int, str]:
    """Open a new file in a folder, to become `name`: its descriptor and its path."""
    return tempfile.mkstemp(dir=folder, prefix=f".{name}.", suffix=".partial")


def write_json(path: Path | None, value: object) -> None:
    """Write a JSON value, indented, as `write_whole` does; nothing where no file was asked for."""
    if path:
        write_whole(path, as_json(value))


def as_json(value: object) -> bytes:
    """A JSON value, indented, as the text of a file."""
    return (json.dumps(value, indent=2) + "\n").encode()


def check_writable(*paths: Path | None) -> None:
    """Raise UserError now for a path that `write_whole` could not write, before an hour of work is lost on it; None is
    a file that nobody asked for.

    It opens a file as writing will: permissions do not tell of a file system that takes no files, or no long names.
    """
    for path in filter(None, paths):
        try:
            parents = destination(path).parents
            handle, made = temporary(next(parent for parent in parents if os.path.lexists(parent)), path.name)
            os.close(handle)
            os.unlink(made)
        except OSError as error:
            raise cannot_write(path, error) from None
