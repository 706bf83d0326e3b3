"""What `--json` and `--out` write to, and what they never replace."""

import os

import pytest

from vaegan.errors import UserError
from vaegan.storage.writing import check_writable, write_whole


def test_a_pipe_a_device_and_a_folder_stay(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("/dev/null")
    (tmp_path / "folder").mkdir()
    for name in ("pipe", "link", "folder"):
        for function in (check_writable, lambda path: write_whole(path, b"x")):
            with pytest.raises(UserError, match="it is (not a regular file|a folder)"):
                function(tmp_path / name)
    assert (tmp_path / "pipe").is_fifo() and (tmp_path / "link").is_symlink() and (tmp_path / "folder").is_dir()


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
