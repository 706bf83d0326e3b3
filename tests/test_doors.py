"""Every door: understood before anything heavy is imported, left with one line whatever ends it."""

import importlib
import os
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from fuzz_commands import Fuzz

from vaegan import errors
from vaegan.__main__ import main
from vaegan.commandline import commands
from vaegan.config import TOPICS, Config

ROOT = Path(__file__).resolve().parents[1]
HEAVY = ("torch", "torchvision", "torchmetrics", "tensorboard", "matplotlib", "scipy", "numpy")
EVERY_DOOR = f"""
import contextlib, importlib, io, sys
from vaegan.commandline import commands
for name, row in commands.COMMANDS.items():
    if not commands.present(row):
        continue
    for words, code in ((["--help"], 0), (["--no-such-flag"], 2)):
        try:
            with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
                importlib.import_module(row.module).main(words)
            left = None
        except SystemExit as stop:
            left = stop.code or 0
        found = [module for module in {HEAVY} if module in sys.modules]
        if found or left != code:
            sys.exit(f"{{name}} {{words}}: exit {{left}}, imported {{found}}")
"""
INTERRUPTED = """
import importlib.abc, os, sys
class Sender(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == "numpy":
            os.kill(os.getpid(), {number})
sys.meta_path.insert(0, Sender())
sys.argv = ["vaegan", "sample", "nowhere", "--out", "x.png"]
import vaegan.__main__
vaegan.__main__.main()
"""
SPEAKING = "import vaegan.errors as e; e.exits_cleanly(lambda args: print({text}))()"


def python(*words, **options) -> subprocess.CompletedProcess:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)} | options.pop("env", {})
    return subprocess.run([sys.executable, *words], capture_output="stdout" not in options, text=True, env=environment,
                          **{"stderr": subprocess.PIPE} | options if "stdout" in options else options)  # fmt: skip


def test_help_and_usage_errors_of_every_door_import_nothing_heavy():
    done = python("-c", EVERY_DOOR)
    assert done.returncode == 0, done.stderr


def test_a_dry_run_does_without_the_compiler_torchvision_and_tensorboard(tmp_path):
    np.savez(tmp_path / "x.npz", images=np.zeros((20, 32, 32), np.uint8))
    program = f"""
import sys, vaegan.train
vaegan.train.main(["--dry-run", "--mode", "vae", "--dataset", "npz:{tmp_path}/x.npz", "--device", "cpu"])
unwanted = {{"torch._dynamo", "torchvision", "torchmetrics", "tensorboard", "matplotlib"}} & set(sys.modules)
sys.exit(", ".join(unwanted) or None)
"""
    done = python("-c", program)
    assert done.returncode == 0 and "parameters" in done.stdout, done.stderr


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_during_an_import_is_one_line(number, code):
    # Where the suite itself runs in the background, SIGINT arrives ignored, and a program heeds that.
    done = python(
        "-c", INTERRUPTED.format(number=int(number)), preexec_fn=lambda: signal.signal(number, signal.SIG_DFL)
    )
    assert done.returncode == code and done.stderr.count("\n") == 1 and done.stderr.split()[0] in errors.STOPS.values()


@pytest.fixture
def heeded():
    """Signals are not ignored, as they are where the suite runs in the background."""
    before = {number: signal.signal(number, signal.default_int_handler) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_during_work_unwinds_it_and_callers_get_their_handlers_back(number, code, capsys, heeded):
    unwound, before = [], signal.getsignal(number)

    @errors.exits_cleanly
    def door(args=None):
        try:
            os.kill(os.getpid(), number)
            raise AssertionError("the signal is handled before the next line")
        finally:
            unwound.append(True)

    with pytest.raises(SystemExit) as stop:
        door([])
    assert stop.value.code == code and unwound and capsys.readouterr().err.count("\n") == 1
    assert signal.getsignal(number) is before


def test_text_that_stdout_cannot_hold_is_printed_all_the_same():
    done = python("-c", SPEAKING.format(text="'\u2192 ok'"), env={"PYTHONIOENCODING": "cp1252"})
    assert done.returncode == 0 and done.stdout.strip() == "? ok"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_stdout_is_one_line_and_a_reader_that_left_none():
    with open("/dev/full", "w") as full:
        done = python("-m", "vaegan", stdout=full)
    assert done.returncode == 1 and "No space left" in done.stderr and done.stderr.count("\n") == 1
    read, write = os.pipe()
    os.close(read)
    done = python("-m", "vaegan", stdout=write)
    os.close(write)
    assert done.returncode == 141 and done.stderr == ""


def test_messages_are_one_line_whatever_a_file_is_called(capsys):
    @errors.exits_cleanly
    def door(args=None):
        raise errors.UsageError("no such file: a\nb\x1b[31m\udc80")

    with pytest.raises(SystemExit):
        door([])
    assert capsys.readouterr().err == "error: no such file: a\\nb\\x1b[31m\\udc80\n"


def test_the_front_door_lists_runs_and_names_the_nearest(capsys, command_line):
    assert all(name in command_line(main).out for name, row in commands.COMMANDS.items() if commands.present(row))
    assert command_line(main, "--version").out.startswith("vaegan ")
    assert "did you mean 'train'?" in command_line(main, "trian", code=2).err
    assert "did you mean '--steps'?" in command_line(main, "train", "--stepz", "1", code=2).err


@pytest.mark.parametrize("name", ["train", "study", "export"])
def test_help_calls_a_command_what_was_typed(monkeypatch, command_line, name):
    for program, words in (("bin/vaegan", f"vaegan {name}"), ("x/vaegan/__main__.py", f"python -m vaegan {name}")):
        monkeypatch.setattr(sys, "argv", [program, name, "--help"])
        assert command_line(main, name, "--help").out.startswith(f"usage: {words} ")
    monkeypatch.setattr(sys, "argv", ["x/vaegan/train.py", "--help"])
    door = importlib.import_module(commands.COMMANDS[name].module)
    assert command_line(door.main, "--help").out.startswith("usage: python ")


@pytest.mark.parametrize(
    "name", "compare health blur distances diagnose similarity any-size pca export projector sample features".split()
)
def test_a_hint_names_commands_by_the_door_one_came_through(monkeypatch, command_line, name):
    monkeypatch.setattr(sys, "argv", ["bin/vaegan", name])
    said = command_line(main, name, code=2).err
    assert f"vaegan {name}" in said and "python" not in said
    monkeypatch.setattr(sys, "argv", ["x/eval/door.py"])
    door = commands.COMMANDS[name].module
    said = command_line(importlib.import_module(door).main, code=2).err
    assert f"python -m {door.removesuffix('.__main__')}" in said


@pytest.mark.parametrize("encoding", ["ascii", "utf-8"])
def test_a_wrong_value_is_named_whatever_the_terminal_can_draw(encoding):
    done = python("-m", "vaegan", "train", "--beta", "x", env={"PYTHONIOENCODING": encoding})
    assert (done.returncode, done.stderr.count("\n")) == (2, 1) and "--beta: could not convert" in done.stderr


def test_a_folder_that_hides_a_package_is_named(tmp_path):
    (tmp_path / "eval").mkdir()
    (tmp_path / "eval" / "__init__.py").touch()
    done = python("-m", "vaegan", "health", "x", cwd=tmp_path)
    assert done.returncode == 1 and f"{tmp_path / 'eval'} hides the package 'eval'" in done.stderr
    assert done.stderr.count("\n") == 1


def test_help_shows_every_flag_with_the_defaults_that_hold_for_the_mode(command_line):
    said = command_line(main, "train", "--mode", "gan", "--preset", "cpu", "--help").out
    flags = [f"--{name.replace('_', '-')}" for name in Config.__dataclass_fields__]
    assert not [flag for flag in flags if not re.search(rf"{flag}[ ,=]", said)]
    assert sorted(name for names in TOPICS.values() for name in names) == sorted(Config.__dataclass_fields__)
    text = " ".join(said.replace("│", " ").split())
    assert (
        "Step size of encoder and decoder. (default: 0.0002)" in text
        and "batch is the paper's. (default: group)" in text
    )


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_no_command_line_ends_in_a_traceback(tmp_path):
    assert not list(Fuzz(tmp_path, seed=0).faults(count=60))


def test_only_a_thread_that_cannot_write_ends_without_a_traceback(monkeypatch):
    """TensorBoard's writes in one, and raises what it met where the next point is written."""
    told = []
    monkeypatch.setattr(threading, "excepthook", lambda failed: told.append(failed.exc_type))

    def fail(error: Exception) -> None:
        raise error

    @errors.exits_cleanly
    def run(args=None):
        for error in (OSError(28, "No space left on device"), ValueError("a fault of ours")):
            thread = threading.Thread(target=fail, args=[error])
            thread.start()
            thread.join()

    run([])
    assert told == [ValueError]


def test_a_log_is_not_filled_by_bars():
    counts = "import time; from vaegan.machine import progress; progress.LOG_EVERY = 0.3; begun = time.monotonic()\n"
    counts += "for _ in progress.Bar(range(50), 'rows'): time.sleep(0.02)\n"
    counts += "print(time.monotonic() - begun)"  # about a second, more on a busy machine
    ran = python("-c", counts)
    lines = ran.stderr.split("\n")
    assert "\r" not in ran.stderr and 2 <= len(lines) <= float(ran.stdout) / 0.3 + 3
    assert lines[-2].startswith("rows: 100%") and lines[-1] == ""
    assert python("-c", counts.replace("0.3", "60")).stderr == ""  # what is over soon says nothing
