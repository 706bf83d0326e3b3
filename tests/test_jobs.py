"""Running a command: where its output goes, what is shown of it, who gets a signal."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from eval.studies import jobs, progress
from eval.studies.progress import Line, Log, duration

ROOT = Path(__file__).resolve().parents[1]


def call(log: Log, program: str, said=lambda: "working") -> int:
    return jobs.run([sys.executable, "-c", program], log, Line("job"), said)


def test_output_goes_to_the_log_beside_what_the_child_made(tmp_path, monkeypatch):
    monkeypatch.setattr(jobs, "POLL", 0.05)
    log = Log(tmp_path / "run" / "train.log", tmp_path)
    seen = []
    made = f"import os, sys, time; os.mkdir({str(tmp_path / 'run')!r}); print('one', flush=True); time.sleep(0.5); "
    code = call(log, made + "print('two', file=sys.stderr)", lambda: seen.append(log.path.name) or "working")
    assert code == 0 and log.lines() == ["one", "two"] and seen[-1] == "train.log"
    assert os.listdir(tmp_path) == ["run"] and os.listdir(tmp_path / "run") == ["train.log"]
    again = Log(tmp_path / "run" / "train.log", tmp_path)
    call(again, "print('three')")
    assert again.lines() == ["three"] and log.lines() == ["one", "two", "three"]


@pytest.mark.parametrize(
    ("program", "reason"),
    [
        ("print('error: no data\\nlater'); raise SystemExit(2)", "no data"),
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("raise SystemExit(3)", "exit code 3"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "killed by SIGKILL"),
    ],
)
def test_the_reason_of_a_failure_is_one_line(tmp_path, program, reason):
    log = Log(tmp_path / "never" / "train.log", tmp_path)
    assert log.reason(call(log, program)) == reason
    log.close()
    assert not list(tmp_path.iterdir())


def test_the_last_warning_is_found_between_states_of_a_progress_bar(tmp_path):
    log = Log(tmp_path / "log", tmp_path)
    call(log, "print('1 %\\rwarning: a\\r2 %\\rwarning: b\\n3 %')")
    assert log.warning() == "warning: b"


def test_a_log_file_gets_the_start_and_the_end_and_seldom_more(capsys, monkeypatch):
    line = Line("[1/2] x")
    for text in ("starting", "step 1", "step 2"):
        (line.start if text == "starting" else line.update)(text)
    monkeypatch.setattr(progress, "QUIET", 0)
    line.update("step 3")
    line.end("done")
    assert capsys.readouterr().out == "[1/2] x: starting\n[1/2] x: step 3\n[1/2] x: done\n"


def test_a_terminal_gets_one_line_that_is_rewritten_and_fits(capsys, monkeypatch):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("COLUMNS", "20")
    line = Line("[1/2] x")
    line.start("starting")
    line.update("a text that is longer than the terminal")
    line.end("done")
    out = capsys.readouterr().out
    assert out.count("\n") == 1 and out.endswith("\r\x1b[J[1/2] x: done\n")
    assert all(len(part.removeprefix("\x1b[J")) < 20 for part in out.split("\r"))


def test_several_lines_are_rewritten_together_and_those_that_end_stay_above(capsys, monkeypatch):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    screen = progress.Screen()
    first, second = Line("a", screen), Line("b", screen)
    first.start("1")
    second.start("1")
    capsys.readouterr()
    first.update("2")
    assert capsys.readouterr().out == "\r\x1b[1A\x1b[Ja: 2\nb: 1"
    first.end("done")
    assert capsys.readouterr().out == "\r\x1b[1A\x1b[Ja: done\nb: 1"
    second.end("done")
    assert capsys.readouterr().out == "\r\x1b[Jb: done\n"


def test_threads_are_shared_out(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "8")
    assert [jobs.threads_each(n) for n in (1, 2, 3, 20)] == [None, 4, 2, 1]
    monkeypatch.delenv("OMP_NUM_THREADS")
    assert jobs.threads_each(2) >= 1


def test_commands_run_side_by_side_each_with_its_threads(tmp_path):
    meet = "import os, time; open({0!r}, 'w').close()\nwhile not os.path.exists({1!r}): time.sleep(0.02)\n"
    meet += "print(os.environ['OMP_NUM_THREADS'])"  # neither can end before the other has begun
    places = [str(tmp_path / name) for name in "ab"]
    with jobs.Children() as children:
        for i, (own, other) in enumerate([places, places[::-1]]):
            log = Log(tmp_path / f"{i}.log", tmp_path)
            children.start([sys.executable, "-c", meet.format(own, other)], log, Line(str(i)), str, threads=3 + i)
        assert sorted(children.wait().code for _ in places) == [0, 0]
    assert [(tmp_path / f"{i}.log").read_text() for i in range(2)] == ["3\n", "4\n"]


def test_an_error_of_ours_ends_the_children(tmp_path):
    with pytest.raises(ZeroDivisionError), jobs.Children() as children:
        sleeper = [sys.executable, "-c", "import time; time.sleep(600)"]
        child = children.start(sleeper, Log(tmp_path / "log", tmp_path), Line("x"), str)
        1 / 0  # noqa: B018
    assert child.code == -signal.SIGTERM


@pytest.mark.parametrize(
    ("seconds", "words"), [(23.6, "24 s"), (292, "4 min 52 s"), (59.7, "1 min 0 s"), (3790, "1 h 3 min")]
)
def test_durations(seconds, words):
    assert duration(seconds) == words


PARENT = """
import sys
from pathlib import Path
from eval.studies import jobs, progress
log, line = progress.Log(Path("log"), Path()), progress.Line("x")
try:
    jobs.run([sys.executable, "-c", Path("child.py").read_text()], log, line, str)
except jobs.Interrupted as stop:
    sys.exit(128 + stop.number)
"""
CHILD = """
import signal, time
from pathlib import Path
caught = []
for s in (signal.SIGINT, signal.SIGTERM):
    signal.signal(s, lambda n, _: caught.append(signal.Signals(n).name))
Path("ready").touch()
while not caught:
    time.sleep(0.02)
time.sleep(0.5)  # saving; a second signal would show
Path("saved").write_text(" ".join(caught))
"""


@pytest.mark.parametrize(
    ("sent", "caught"), [("SIGINT", "SIGINT"), ("SIGTERM", "SIGTERM"), ("SIGHUP", "SIGTERM")]
)  # fmt: skip
def test_a_signal_reaches_the_child_once_and_it_may_finish(tmp_path, sent, caught):
    (tmp_path / "child.py").write_text(CHILD)
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT], cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)},
        start_new_session=True,
        preexec_fn=lambda: signal.signal(getattr(signal, sent), signal.SIG_DFL),  # shells and nohup may ignore it
    )  # fmt: skip
    deadline = time.monotonic() + 30
    while not (tmp_path / "ready").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    os.killpg(parent.pid, getattr(signal, sent))  # the whole foreground group, as a terminal does
    assert parent.wait(30) == 128 + getattr(signal, sent)
    assert (tmp_path / "saved").read_text() == caught
