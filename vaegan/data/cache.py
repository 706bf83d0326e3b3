"""Arrays that are made once and then memory-mapped from the cache folder, whose files may be deleted at any time."""

import contextlib
import errno
import hashlib
import io
import math
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO

import numpy as np

from vaegan.errors import UserError
from vaegan.storage.reading import regular, text
from vaegan.storage.writing import replacing, write_file

if sys.platform != "win32":
    import fcntl

READ_BYTES = 2**22  # of a file at a time
YOUNG = 60  # seconds in which a file may not be locked yet, or lies where locks do not work


def cache_dir() -> Path:
    """Return the cache folder: $VAEGAN_CACHE, else ~/.cache/vaegan."""
    return Path(os.environ.get("VAEGAN_CACHE") or Path.home() / ".cache" / "vaegan")


def cache_key(kind: str, *parts: object) -> str:
    """Return `kind` and a hash of the repr of everything else that the cached array depends on."""
    return f"{kind}-{hashlib.sha256(repr(parts).encode()).hexdigest()[:24]}"


def cached_array(
    key: str, shape: tuple[int, ...], dtype: type[np.generic], make_rows: Callable[[], Iterable[np.ndarray]]
) -> np.ndarray:
    """Return the array `key`, made of the row blocks of `make_rows` when it is absent or damaged.

    The array is a copy-on-write map: pages are read when touched, and writing to it never reaches the file. Two
    processes may make it at once: each writes a file of its own, and the last one to be complete stays. A digest beside
    the file is compared at its first use and whenever the file was touched since, so that damage is found.
    Raises UserError when the cache folder cannot be written.
    """
    path = cache_dir() / f"{key}.npy"
    array = _opened(path, shape, dtype)
    if array is None:
        _write(path, shape, dtype, make_rows)
        array = _opened(path, shape, dtype)
    if array is None:
        raise UserError(f"the cache file {path} was damaged while it was written; delete it and run again")
    return array


def _opened(path: Path, shape: tuple[int, ...], dtype: type[np.generic]) -> np.ndarray | None:
    try:
        if not _is_whole(path):
            return None
        array = np.load(path, mmap_mode="c", allow_pickle=False)
    except (OSError, ValueError, EOFError):  # absent, not an array, or shorter than its header says
        return None
    return array if (array.shape, array.dtype) == (shape, np.dtype(dtype)) else None


def _record(path: Path) -> Path:
    """Return where an array's digest is kept, and the state of the file when it was last compared."""
    return path.with_suffix(".sha256")


def _is_whole(path: Path) -> bool:
    """Return whether a file has the digest it was written with; read through once for each state that it is found in.

    The state is the file's number, size and times, of which no program can set the last.
    """
    digest, _, compared = text(_record(path)).partition(" ")
    if compared == _state(path):
        return True
    if _digest(path) != digest:
        return False
    with contextlib.suppress(OSError):  # a cache that is only read is compared each time
        _write_record(path, digest, _state(path))
    return True


def _state(path: Path) -> str:
    s = path.stat()
    return f"{s.st_ino} {s.st_size} {s.st_mtime_ns} {s.st_ctime_ns}"


def _digest(path: Path) -> str:
    with open(regular(path), "rb") as file:
        whole = hashlib.sha256()
        while block := file.read(READ_BYTES):
            whole.update(block)
    return whole.hexdigest()


def _write_record(path: Path, digest: str, state: str = "") -> None:
    write_file(_record(path), f"{digest} {state}".encode())


def _write(
    path: Path, shape: tuple[int, ...], dtype: type[np.generic], make_rows: Callable[[], Iterable[np.ndarray]]
) -> None:
    # Plain writes rather than a writable map: on a full disk a write raises, a map kills the process (SIGBUS).
    header = {"descr": np.lib.format.dtype_to_descr(np.dtype(dtype)), "fortran_order": False, "shape": shape}
    need = math.prod(shape) * np.dtype(dtype).itemsize
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove_litter(path.parent)
        with replacing(path) as file:
            _lock(file)
            _check_room(path.parent, need)
            whole = hashlib.sha256()
            for block in _blocks(header, dtype, make_rows):
                file.write(block)
                whole.update(block)
            _write_record(path, whole.hexdigest())
    except OSError as error:
        raise cannot_cache(path, need, error) from None


def cannot_cache(path: Path, size: int, error: OSError) -> UserError:
    """The error that says why a file of `size` bytes cannot be written into the cache folder."""
    return UserError(
        f"cannot write {size / 1e6:,.0f} MB to the cache folder {path.parent} ({error.strerror or error}); "
        "free some space or set VAEGAN_CACHE to another folder"
    )


def _blocks(
    header: dict, dtype: type[np.generic], make_rows: Callable[[], Iterable[np.ndarray]]
) -> Iterator[bytes | memoryview]:
    """Yield an .npy file's bytes."""
    start = io.BytesIO()
    np.lib.format.write_array_header_1_0(start, header)
    yield start.getvalue()
    for rows in make_rows():
        yield np.ascontiguousarray(rows, dtype).data


def _check_room(folder: Path, need: int) -> None:
    """Raise OSError before hours of work for what the disk cannot hold."""
    if shutil.disk_usage(folder).free < need:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _lock(file: IO[bytes]) -> None:
    """Hold a file that is being written, so that others can tell it from one whose writer was killed."""
    if sys.platform != "win32":
        with contextlib.suppress(OSError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _remove_litter(folder: Path) -> None:
    """Remove what killed processes were writing."""
    if sys.platform == "win32":  # without locks nothing tells it from what is being written
        return
    for path in folder.glob("*.partial"):
        with contextlib.suppress(OSError), open(regular(path), "rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # fails while its writer lives
            if time.time() - path.stat().st_mtime > YOUNG:
                path.unlink()
