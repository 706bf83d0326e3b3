"""vaegan.data.cache: an array is made once, found damaged if it is, and never left half-written."""

import multiprocessing
import os
from pathlib import Path

import numpy as np
import pytest

from vaegan.data import cache as caching
from vaegan.data.cache import cached_array
from vaegan.errors import UserError


def count_rows(key="k", value=1) -> np.ndarray:
    return cached_array(key, (4, 2), np.uint8, lambda: (np.full((2, 2), value) for _ in range(2)))


def test_an_array_is_made_once_and_writing_to_it_leaves_the_file_alone(cache):
    first = count_rows(value=1)
    first[:] = 9
    assert (count_rows(value=2) == 1).all()
    assert sorted(file.name for file in cache.iterdir()) == ["k.npy", "k.sha256"]


@pytest.mark.parametrize("kind", ["k.npy", "k.sha256"])
@pytest.mark.parametrize("damage", [lambda data: data[:-3], lambda data: b"garbage", lambda data: b"", None])
def test_a_damaged_cache_is_made_anew(cache, damage, kind):
    count_rows(value=1)
    file = cache / kind
    file.write_bytes(damage(file.read_bytes())) if damage else file.unlink()
    made = count_rows(value=2)
    assert (made == 2).all() or (kind == "k.sha256" and (made == 1).all())  # only the state may be lost unharmed


def test_every_flipped_bit_of_a_cached_array_is_found(cache):
    draw = np.random.default_rng(0)
    for _ in range(30):
        count_rows(value=1)
        file = cache / "k.npy"
        data = bytearray(file.read_bytes())
        bit = int(draw.integers(8 * len(data)))
        data[bit // 8] ^= 1 << bit % 8
        times = file.stat()
        file.write_bytes(data)
        os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))  # as if nothing had been
        assert (count_rows(value=2) == 2).all()
        file.unlink()


def test_an_array_is_read_through_once_for_each_state_of_its_file(cache, monkeypatch):
    compared = []
    digest = caching._digest
    monkeypatch.setattr(caching, "_digest", lambda path: compared.append(path) or digest(path))
    for _ in range(3):
        count_rows()
    assert len(compared) == 1
    (cache / "k.npy").touch()
    count_rows()
    assert len(compared) == 2


def test_what_a_killed_process_left_is_removed_and_what_is_being_written_stays(cache):
    pytest.importorskip("fcntl")
    cache.mkdir()
    for name in ("tmpdead.partial", "tmplive.partial"):
        (cache / name).write_bytes(b"x")
        os.utime(cache / name, (0, 0))
    with open(cache / "tmplive.partial", "rb") as live:
        caching._lock(live)
        count_rows()
    assert sorted(file.name for file in cache.glob("tmp*")) == ["tmplive.partial"]


def test_an_array_that_the_disk_cannot_hold_is_refused_before_it_is_made(cache):
    def never():
        raise AssertionError

    with pytest.raises(UserError, match="cannot write .* MB to the cache folder"):
        cached_array("k", (2**40, 2**10), np.uint8, never)
    assert not list(cache.iterdir())


def test_a_cache_of_another_shape_is_made_anew(cache):
    cached_array("k", (1, 2), np.uint8, lambda: [np.zeros((1, 2))])
    assert (count_rows(value=2) == 2).all()


def test_failing_half_way_leaves_nothing_behind(cache):
    def fails():
        yield np.zeros((2, 2))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cached_array("k", (4, 2), np.uint8, fails)
    assert list(cache.iterdir()) == []


def test_a_cache_that_cannot_be_written_is_one_line(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("VAEGAN_CACHE", str(tmp_path / "file"))
    with pytest.raises(UserError, match="cannot write 0 MB to the cache folder .*set VAEGAN_CACHE"):
        count_rows()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_is_one_line(cache, monkeypatch):
    never = str(cache / "never")
    monkeypatch.setattr("vaegan.storage.writing.temporary", lambda *_: (os.open("/dev/full", os.O_WRONLY), never))
    with pytest.raises(UserError, match="No space left on device"):
        count_rows()


def test_two_processes_at_once(cache):
    with multiprocessing.get_context("fork").Pool(2) as pool:
        results = pool.map(count_rows, ["k"] * 8)
    assert all((result == 1).all() for result in results)
    assert sorted(file.name for file in cache.iterdir()) == ["k.npy", "k.sha256"]
