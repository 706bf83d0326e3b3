"""What docs/reliability.md reports, with small counts: each driver is a command that takes larger ones."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from damage import state, trainer

TESTS = Path(__file__).resolve().parent
DRIVERS = (
    ("damage.py", "--flips 20 --truncations 5 --crafted 20 --edits 20"),
    ("fuzz_commands.py", "300"),
    ("kill_storm.py", "--kills 7"),
    ("kill_study.py", "--kills 2"),
    ("full_disk.py", "--points 3"),
)


def may_mount() -> bool:
    """Whether this system lets us have a disk of our own."""
    try:
        return subprocess.run(["unshare", "--map-root-user", "--mount", "true"], capture_output=True).returncode == 0
    except OSError:
        return False


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize(("driver", "counts"), DRIVERS)
def test_a_driver_finds_no_fault(driver, counts):
    if driver == "full_disk.py" and not may_mount():
        pytest.skip("needs a mount namespace")
    environment = {**os.environ, "PYTHONPATH": str(TESTS.parent)}
    words = [sys.executable, TESTS / driver, *counts.split()]
    done = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=3600)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", ["networks", "optimizers", "optimizers/encoder", "optimizers/decoder/state"])
def test_nothing_unknown_is_loaded(path):
    """An addition that nobody reads is refused as well: it is not what this run saved."""
    whole = state()
    trainer().load_state(whole)
    part = whole
    for key in path.split("/"):
        part = part[key]
    part["extra"] = torch.zeros(2)
    with pytest.raises(ValueError, match="^its "):
        trainer().load_state(whole)
