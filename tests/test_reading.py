"""Files that are not what their names say: each reader ends in one line, and waits for none."""

import os
import signal
from pathlib import Path

import pytest

from eval.report import stored
from eval.studies.asked import of_plan
from vaegan import config
from vaegan.errors import UserError
from vaegan.pictures.portfolio import read_codes
from vaegan.storage import checkpoint, metrics

READERS = {
    "config.json": lambda file: config.read(file.parent),
    "metrics.jsonl": lambda file: metrics.read(file.parent),
    "checkpoints/last.pt": lambda file: checkpoint.read(file.parents[1]),
    "report.json": lambda file: stored.read(file.parent),
    "plan.toml": of_plan,
    "codes.npy": read_codes,
}
DEEP = "[" * 100_000
STRANGE = {
    "a pipe": os.mkfifo,
    "a folder": Path.mkdir,
    "a device without an end": lambda file: file.symlink_to("/dev/zero"),
    "a link to itself": lambda file: file.symlink_to(file.name),
    "bytes that are no text": lambda file: file.write_bytes(b"\xff\xfe\n\n"),
    "brackets without end": lambda file: file.write_text(f"x = {DEEP}\n{DEEP}\n"),
}


@pytest.fixture
def impatient():
    """Waiting for what never comes is a failure."""

    def late(*_):
        raise TimeoutError("it waits")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(20)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes")
@pytest.mark.parametrize("strange", STRANGE)
@pytest.mark.parametrize("name", READERS)
def test_what_is_no_such_file_is_one_line(tmp_path, impatient, name, strange):
    file = tmp_path / name
    file.parent.mkdir(exist_ok=True)
    STRANGE[strange](file)
    if (name, strange) == ("metrics.jsonl", "a link to itself"):
        pytest.skip("as good as absent: a run without metrics")
    with pytest.raises(UserError) as error:
        READERS[name](file)
    assert str(tmp_path) in str(error.value) and "\n" not in str(error.value)


ROWS = '{"step": 1, "a": 0.5}\n{"step": 2, "a": NaN}\n{"step": 2, "b": 7}\n'


@pytest.mark.parametrize(
    ("edited", "bad"),
    [
        ("\n" + ROWS, 1),
        (ROWS.replace("0.5", "1" + "0" * 400), 1),
        (ROWS.replace("0.5", "true"), 1),
        (ROWS.replace('"step": 1', '"step": 1.0'), 1),
        (ROWS.replace('"step": 1', '"step": -1'), 1),
        (ROWS.replace("NaN", '"x"'), 2),
        ('{"step": 3}\n' + ROWS, 2),
        (ROWS + '{"step": 1}\n', 4),
    ],
)
def test_edited_metrics_name_the_line(tmp_path, edited, bad):
    (tmp_path / "metrics.jsonl").write_text(ROWS)
    assert [row["step"] for row in metrics.read(tmp_path)] == [1, 2, 2]
    (tmp_path / "metrics.jsonl").write_text(edited)
    with pytest.raises(UserError, match=f"damaged in line {bad}:"):
        metrics.read(tmp_path)
