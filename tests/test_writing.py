"""What `--json` and `--out` write to, and what they never replace."""

import os
from pathlib import Path

import pytest

from vaegan.errors import UserError
from vaegan.storage.writing import check_writable, write_whole


def odd(folder: Path) -> dict[str, Path]:
    """Paths that no file can be written to, or replaced at."""
    os.mkfifo(folder / "pipe")
    (folder / "device").symlink_to("/dev/null")
    (folder / "folder").mkdir()
    (folder / "to-a-folder").symlink_to("folder")
    (folder / "file").write_bytes(b"")
    (folder / "loop").symlink_to("loop")
    names = ("pipe", "device", "folder", "to-a-folder", "file/x", "loop", "loop/x", "x" * 240, "x" * 300)
    return {name: folder / name for name in names} | {"proc": Path("/proc/x.json"), "empty": Path("")}


ODD = ("pipe", "device", "folder", "to-a-folder", "file/x", "loop", "loop/x", "x" * 240, "x" * 300, "proc", "empty")


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs /proc")
@pytest.mark.parametrize("name", ODD, ids=lambda name: name[:12])
def test_what_cannot_be_written_is_refused_before_the_work_and_stays(tmp_path, name):
    path, before = odd(tmp_path)[name], sorted(os.listdir(tmp_path))
    for function in (check_writable, lambda path: write_whole(path, b"x")):
        with pytest.raises(UserError, match="cannot be written"):
            function(path)
    assert sorted(os.listdir(tmp_path)) == before and (tmp_path / "pipe").is_fifo()
    assert all((tmp_path / link).is_symlink() for link in ("device", "loop"))


@pytest.mark.parametrize("name", ["x.json", "new/folder/x.json", "there.json", "dangling", "x" * 200])
def test_what_passes_the_check_can_be_written(tmp_path, name):
    (tmp_path / "there.json").write_bytes(b"before")
    (tmp_path / "dangling").symlink_to("nowhere/x")
    before = sorted(os.listdir(tmp_path))
    check_writable(tmp_path / name, None)
    assert sorted(os.listdir(tmp_path)) == before
    write_whole(tmp_path / name, b"x")
    assert (tmp_path / name).read_bytes() == b"x"


def test_a_link_to_a_file_stays_one(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "file")
    for content in (b"first", b"second"):
        write_whole(tmp_path / "link", content)
        assert (tmp_path / "link").is_symlink() and (tmp_path / "file").read_bytes() == content
    assert {path.name for path in tmp_path.iterdir()} == {"link", "file"}


def test_a_failure_leaves_what_was_there(tmp_path, monkeypatch):
    write_whole(tmp_path / "x.json", b"before")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(UserError, match="No space left on device"):
        write_whole(tmp_path / "x.json", b"after")
    assert [path.name for path in tmp_path.iterdir()] == ["x.json"] and (tmp_path / "x.json").read_bytes() == b"before"
