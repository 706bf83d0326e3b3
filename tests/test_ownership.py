"""One job a run directory, with real processes: who owns it, who died owning it, and what the dead leave."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from vaegan.errors import UserError
from vaegan.storage.ownership import LOCK, is_fresh, owned

ROOT = Path(__file__).resolve().parents[1]
OWNER = """
import sys, time
from pathlib import Path
from vaegan.storage.ownership import owned
with owned(Path(sys.argv[1])):
    print("owned", flush=True)
    time.sleep(60)
"""


def test_a_second_owner_is_refused_and_a_dead_one_is_not_waited_for(tmp_path):
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    first = subprocess.Popen([sys.executable, "-c", OWNER, tmp_path], stdout=subprocess.PIPE, env=environment)
    assert first.stdout.readline() == b"owned\n"
    with pytest.raises(UserError, match=f"is in use by process {first.pid} on "), owned(tmp_path):
        pass
    assert (tmp_path / LOCK).exists()
    first.send_signal(signal.SIGKILL)
    first.wait()
    assert (tmp_path / LOCK).exists()  # stale
    with owned(tmp_path):
        assert f'"pid": {os.getpid()}' in (tmp_path / LOCK).read_text()
    assert not (tmp_path / LOCK).exists()


def test_it_is_released_after_a_failure(tmp_path):
    with pytest.raises(ZeroDivisionError), owned(tmp_path):
        1 / 0  # noqa: B018
    with owned(tmp_path):
        pass


def test_litter_is_removed_and_nothing_else(tmp_path):
    (tmp_path / "checkpoints").mkdir()
    litter = ["config.partial", ".config.json.x1.partial", "checkpoints/.last.pt.77", "checkpoints/.snapshot-2.pt.77"]
    kept = ["config.json", "metrics.jsonl", "checkpoints/last.pt", "checkpoints/snapshot-2.pt", "notes.txt", ".hidden"]
    for name in litter + kept:
        (tmp_path / name).touch()
    with owned(tmp_path):
        pass
    assert sorted(str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*") if p.is_file()) == sorted(kept)


@pytest.mark.parametrize(
    ("names", "fresh"),
    [
        ((), True),
        ((LOCK, "samples/", "env.json", ".config.json.x1.partial", "train.log"), True),  # killed before config.json
        (("config.json",), False),
        (("samples/x.png",), False),
        (("thesis.tex",), False),
    ],
)
def test_where_a_run_may_be_started(tmp_path, names, fresh):
    assert is_fresh(tmp_path / "absent")
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).mkdir() if name.endswith("/") else (tmp_path / name).touch()
    assert is_fresh(tmp_path) == fresh
