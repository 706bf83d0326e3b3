"""Files that are not what their names say: each reader ends in one line, and waits for none."""

import errno
import json
import os
import random
import signal
from functools import partial
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
from PIL import Image

from eval.distances import command, extraction
from eval.features import inception, network, rotations
from eval.report import stored
from eval.studies.asked import of_plan
from vaegan import config_json, pretrained
from vaegan.__main__ import main
from vaegan.data import cache
from vaegan.data.readers import celeba, lfw, npz
from vaegan.errors import UserError
from vaegan.pictures.portfolio import read_codes
from vaegan.storage import checkpoint, metrics, reading


def beside_weights(card: Path) -> object:
    card.with_suffix(".safetensors").touch()
    return network.load(card.with_suffix(".safetensors"))


def of_inception(file: Path) -> object:
    with mock.patch.object(inception, "_architecture"):
        return inception.load(file)


def of_celeba(file: Path) -> object:
    (file.parent / "img_align_celeba").mkdir()
    for name in ("list_attr_celeba.txt", "list_eval_partition.txt"):
        if name != file.name:
            (file.parent / name).write_text("1.jpg 0\n")
    return celeba.read(file.parents[1], "train", 32)


def of_lfw(file: Path) -> object:
    (file.parent / "lfw" / "A_B").mkdir(parents=True)
    Image.new("RGB", (250, 250)).save(file.parent / "lfw" / "A_B" / "A_B_0001.jpg")
    if file.name == lfw.PEOPLE["test"]:
        (file.parent / lfw.PEOPLE["train"]).write_text("1\nA_B\t1\n")
    return lfw.read(file.parents[1], "test", 32)


READERS = {
    "config.json": lambda file: config_json.read(file.parent),
    "metrics.jsonl": lambda file: metrics.read(file.parent),
    "checkpoints/last.pt": lambda file: checkpoint.read(file.parents[1]),
    "report.json": lambda file: stored.read(file.parent),
    "plan.toml": of_plan,
    "codes.npy": read_codes,
    "model.safetensors": lambda file: pretrained.read(file.parent),
    "images.npz": lambda file: npz.read(file, "train", 32),
    "network.safetensors": network.load,
    "network.json": beside_weights,
    "inception.pth": of_inception,
    "distances.json": command.read,
    "celeba/list_eval_partition.txt": of_celeba,
    "celeba/list_attr_celeba.txt": of_celeba,
    "lfw-py/lfw_attributes.txt": of_lfw,
    "lfw-py/peopleDevTest.txt": of_lfw,
}
AS_GOOD_AS_ABSENT = {  # what is neither there nor wrong
    ("metrics.jsonl", "a link to itself"),
    ("metrics.jsonl", "nothing in it"),
    ("plan.toml", "nothing in it"),
    ("lfw-py/lfw_attributes.txt", "a link to itself"),
    ("lfw-py/peopleDevTest.txt", "a link to itself"),
}
DEEP = "[" * 100_000
STRANGE = {
    "a pipe": os.mkfifo,
    "a folder": Path.mkdir,
    "a device without an end": lambda file: file.symlink_to("/dev/zero"),
    "a link to itself": lambda file: file.symlink_to(file.name),
    "nothing in it": Path.touch,
    "bytes by chance": lambda file: file.write_bytes(random.Random(0).randbytes(5000)),
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
    if (name, strange) in AS_GOOD_AS_ABSENT:
        return
    with pytest.raises(UserError) as error:
        READERS[name](file)
    assert str(tmp_path) in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize("name", READERS)
def test_a_file_that_may_not_be_read_is_called_so(tmp_path, monkeypatch, name):
    def refuse(path, *rest):
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    file = tmp_path / name
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(b"x")
    monkeypatch.setattr(reading, "open", refuse, raising=False)  # the rights of who runs the tests may be all
    with pytest.raises(UserError, match="Permission denied"):
        READERS[name](file)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes")
@pytest.mark.parametrize("strange", [name for name in STRANGE if name != "a folder"])
def test_what_lies_in_a_caches_place_is_replaced_if_it_is_a_file_and_never_waited_for(
    tmp_path, monkeypatch, impatient, strange
):
    monkeypatch.setenv("VAEGAN_CACHE", str(tmp_path))
    for suffix in (".npy", ".sha256"):
        STRANGE[strange](tmp_path / f"x{suffix}")
    STRANGE[strange](tmp_path / "tmpx.partial")
    rows = np.arange(6, dtype=np.uint8).reshape(2, 3)
    made = partial(cache.cached_array, "x", (2, 3), np.uint8, lambda: [rows])
    if (tmp_path / "x.npy").is_file():
        assert (made() == rows).all()
    else:
        with pytest.raises(UserError, match="cannot write"):
            made()
    STRANGE[strange](tmp_path / "y.safetensors")
    assert extraction._read(tmp_path / "y.safetensors", (2, 3), lambda said: None) is None
    assert rotations._opened(tmp_path / "y.safetensors", quiet=True) is None


@pytest.mark.parametrize("other", [None, "x", -1, 0, 10**30, [], {}, True])
def test_an_edited_card_opens_or_is_refused(tmp_path, other):
    shipped = network.SHIPPED / "mnist.safetensors"
    file = tmp_path / "x.safetensors"
    file.write_bytes(shipped.read_bytes())
    card = json.loads(shipped.with_suffix(".json").read_text())
    for name in card:
        file.with_suffix(".json").write_text(json.dumps({**card, name: other}))
        try:
            assert network.load(file).name
        except UserError as error:
            assert "\n" not in str(error)


COMMANDS = {  # {0} is the strange file, {1} a good one and {2} what would be written
    "train --dry-run --dataset npz:{0}": "x.npz",
    "study --dry-run --plan {0}": "x.toml",
    "blur npz:{0} --reference npz:{0}": "x.npz",
    "distances npz:{0} --reference npz:{0}": "x.npz",
    "distances {0}": "x.json",
    "distances npz:{1} --reference npz:{1} --features {0}": "x.safetensors",
    "distances --features {0} npz:{1} --reference npz:{1}": "x.pth",
    "sample synthfaces-vaegan --out {2} --codes {0}": "x.npy",
    "sample {0} --out {2}": "x",
    "compare {0} --out {2}": "x",
}


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes")
@pytest.mark.parametrize(
    "strange", ["a pipe", "a folder", "a device without an end", "nothing in it", "bytes by chance"]
)
@pytest.mark.parametrize("line", COMMANDS)
def test_a_command_given_such_a_file_ends_in_one_line(tmp_path, impatient, capsys, line, strange):
    file, good, out = (tmp_path / name for name in (COMMANDS[line], "good.npz", "out.png"))
    STRANGE[strange](file)
    np.savez(good, images=np.random.default_rng(0).integers(0, 256, (40, 32, 32), dtype=np.uint8))
    if (file.name, strange) == ("x.toml", "nothing in it"):
        return
    with pytest.raises(SystemExit) as stop:
        main(line.format(file, good, out).split())
    said = [words for words in capsys.readouterr().err.split("\n") if words]
    assert stop.value.code in (1, 2) and len(said) == 1 and said[0].startswith("error: ")
    assert str(tmp_path / "x") in said[0] or "/dev/zero" in said[0]  # where a link leads
    assert not out.exists()


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
