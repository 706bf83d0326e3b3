"""Arrays that are made once and then memory-mapped from the cache folder, whose files may be deleted at any time."""

import hashlib
import os
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

from vaegan.errors import UserError


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
    processes may make it at once: each writes a file of its own, and the last one to be complete stays.
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
        array = np.load(path, mmap_mode="c", allow_pickle=False)
    except (OSError, ValueError, EOFError):  # absent, not an array, or shorter than its header says
        return None
    return array if (array.shape, array.dtype) == (shape, np.dtype(dtype)) else None


def _write(
    path: Path, shape: tuple[int, ...], dtype: type[np.generic], make_rows: Callable[[], Iterable[np.ndarray]]
) -> None:
    # Plain writes rather than a writable map: on a full disk a write raises, a map kills the process (SIGBUS).
    header = {"descr": np.lib.format.dtype_to_descr(np.dtype(dtype)), "fortran_order": False, "shape": shape}
    partial = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".partial", delete=False) as file:
            partial = Path(file.name)
            np.lib.format.write_array_header_1_0(file, header)
            for rows in make_rows():
                file.write(np.ascontiguousarray(rows, dtype).data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
    except OSError as error:
        need = int(np.prod(shape)) * np.dtype(dtype).itemsize / 1e6
        raise UserError(
            f"cannot write {need:.0f} MB to the cache folder {path.parent} ({error.strerror or error}); "
            "free some space or set VAEGAN_CACHE to another folder"
        ) from None
    finally:
        if partial:
            partial.unlink(missing_ok=True)
