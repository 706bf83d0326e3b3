"""Command lines that nobody would type, all commands: `python tests/fuzz_commands.py [COUNT [SEED]]` prints the faults.

This process imports everything once; each command line runs in a forked child, with bounded memory and time. Work that
takes minutes is cut off where it begins, after all that the command line decides; what opens runs and data is real.
"""

import collections
import contextlib
import dataclasses
import gc
import importlib
import operator
import os
import random
import resource
import select
import signal
import sys
import tempfile
import time
import typing
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from forked import end_with

SECONDS = 10  # of a processor, which other work on the machine does not lengthen
PATIENCE = 120  # seconds by the clock after which a process waits for something that never comes
MEMORY = 6 * 2**30  # bytes of address space, most of which torch maps without using it
WORK = (  # where minutes of work begin
    ("vaegan.training.timing", "figures"),
    ("vaegan.training.loop", "train"),
    ("baselines.memories", "store"),
    ("baselines.curve", "measured_curve"),
    ("eval.studies.execution", "run"),
    ("eval.studies.estimate", "seconds"),
    ("eval.features.training", "train_network"),
    ("eval.features.rotations", "network_of"),
    ("eval.experiments.recovery", "calibrate"),
    ("eval.experiments.error_rates", "prepare"),
    ("eval.experiments.error_rates", "of_readings"),
    ("eval.experiments.error_rates", "of_families"),
    ("eval.experiments.error_rates", "of_fresh_pairs"),
    ("eval.experiments.blur_controls", "report"),
    ("eval.experiments.content_controls", "calibrate"),
    ("eval.experiments.distance_controls", "measured"),
    ("eval.experiments.health_controls", "network_for"),
    ("vaegan.data.readers.embedded", "read"),
)
NUMBERS = "-1 0 1 2 3 7 8 16 28 32 64 nan inf -inf 1e309 1e-320 -0.0 0.5 1e-3 1e3 1.0 0x10 1_000 100000000".split()
NUMBERS += ["2147483648", "9223372036854775808", "99999999999999999999999"]
WORDS = (
    "None none True ../.. / /dev/null /proc/self/mem nowhere -- - = %s {0} ~ * vae vaegan gan vae-disl vae-sigma mnist "
    "synthfaces folder: npz: folder:nowhere npz:nowhere.npz gpu cpu cuda larsen-code otoro jmetzen-2d inception auto "
    "x.safetensors x.json x.png x.pt convolutional cppn mlp kvfrans group batch bernoulli attributes classes scatter "
    "manifold cosine minimax rmsprop prior means partial calibrated train"
).split()
WORDS += ["", " ", "\u732b\u00e9", "a\nb", "\u202e", "\x1b[31m", "a" * 5000, "\udc80", "folder:\n"]
STRANGE = "--help -h --no-such --steps= --= --- -x --seed --json --dry-run --no-dry-run @file --resume".split()


class Reached(BaseException):
    """The command line was understood and work would begin."""


def reached(*_, **__):
    raise Reached


class Fuzz:
    """The commands, some small inputs in a folder, and a source of odd command lines."""

    def __init__(self, folder: Path, seed: int):
        from vaegan.__main__ import main
        from vaegan.commandline import commands

        self.folder, self.rng, self.main = folder, random.Random(seed), main
        self.flags = {
            name: operator.attrgetter(row.flags)(importlib.import_module(row.module))
            for name, row in commands.COMMANDS.items()
            if commands.present(row)
        }
        for module, _ in WORK:
            importlib.import_module(module)
        images = np.random.default_rng(0).integers(0, 256, (40, 32, 32), dtype=np.uint8)
        np.savez(folder / "few.npz", images=images, labels=np.arange(40) % 3)
        (folder / "file.txt").write_text("x")
        (folder / "empty").mkdir()
        gc.freeze()  # a child's collector would touch, and so copy, all that is shared

    def line(self) -> list[str]:
        """One command line."""
        rng = self.rng
        if rng.random() < 0.03:
            return rng.choices([*NUMBERS, *WORDS, *STRANGE], k=rng.randrange(3))
        name = rng.choice(["train", *self.flags])
        fields = dataclasses.fields(self.flags[name])
        by_place = [field for field in fields if field.default is dataclasses.MISSING]
        words = [self.value("Path") for _ in by_place if rng.random() < 0.9]
        words += (
            [word for field in rng.choices(fields, k=rng.randrange(5)) for word in self.given(field)] if fields else []
        )
        if any(field.name == "dataset" and field not in by_place for field in fields):
            words += ["--dataset", self.data()] if rng.random() < 0.8 else []
        if rng.random() < 0.1:
            words.insert(rng.randrange(len(words) + 1), rng.choice(STRANGE))
        if name == "train":
            words += ["--dry-run"] if rng.random() < 0.7 else ["--run-dir", str(self.folder / "run")]
        return [name, *words]

    def given(self, field: dataclasses.Field) -> list[str]:
        """A flag with a value, mostly of its type."""
        flag, rng = f"--{field.name.replace('_', '-')}", self.rng
        value = self.value(str(field.type)) if rng.random() < 0.8 else rng.choice([*NUMBERS, *WORDS])
        if choices := [c for c in typing.get_args(field.type) if isinstance(c, str)]:
            value = rng.choice([*choices, value])
        if field.type is bool:
            return [rng.choice((flag, flag.replace("--", "--no-", 1)))]
        shape = rng.random()
        if shape < 0.15:
            return [f"{flag}={value}"]
        return [flag] if shape < 0.2 else [flag, value] * rng.choice((1, 1, 1, 1, 2))

    def value(self, kind: str) -> str:
        """A value of a type by name."""
        if "int" in kind or "float" in kind:
            return self.rng.choice(NUMBERS)
        if "Path" in kind:
            here = ("few.npz", "file.txt", "empty", "new/x.png", "new.json", "new.safetensors", ".")
            return self.rng.choice([*(str(self.folder / name) for name in here), *WORDS])
        return self.rng.choice([*WORDS, self.data()])

    def data(self) -> str:
        return self.rng.choice(
            (f"npz:{self.folder}/few.npz",) * 3 + (f"folder:{self.folder}/empty", "synthfaces", "mnist")
        )

    def faults(self, count: int) -> Iterator[str]:
        """Run `count` command lines; yield what is wrong with those that end as none may."""
        self.codes: collections.Counter[int] = collections.Counter()
        for _ in range(count):
            words = self.line()
            code, error = self.run(words)
            self.codes[code] += 1
            if wrong := judged(code, error):
                yield f"{wrong}: {words!r}: {error[-600:]}"

    def run(self, words: list[str]) -> tuple[int, str]:
        """Run one command line in a child; return its exit code, negative for a signal, and what it says on stderr."""
        read, write = os.pipe()
        sys.stdout.flush()
        child = os.fork()
        if child == 0:
            os.close(read)
            end_with(lambda: self.inside(words, write))
        os.close(write)
        said, until = b"", time.monotonic() + PATIENCE
        while (left := until - time.monotonic()) > 0 and select.select([read], [], [], left)[0]:
            if not (part := os.read(read, 65536)):
                break
            said += part
        if time.monotonic() >= until:
            os.kill(child, signal.SIGKILL)
        os.close(read)
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), said.decode(errors="replace")

    def inside(self, words: list[str], write: int) -> None:
        """The child's work: streams to the parent, minutes of work cut off."""
        torch.set_num_threads(1)  # the pool of threads does not survive a fork: a parallel loop would wait for ever
        os.chdir(self.folder)
        null = os.open(os.devnull, os.O_RDWR)
        os.dup2(null, 0), os.dup2(null, 1), os.dup2(write, 2)
        sys.stdin, sys.stdout, sys.stderr = open(0), open(1, "w"), open(2, "w", errors="backslashreplace")
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
        for module, name in WORK:
            setattr(importlib.import_module(module), name, reached)
        with contextlib.suppress(Reached):
            self.main(words)


def judged(code: int, error: str) -> str:
    """Say what is wrong with an ending; "" when nothing is."""
    complaint = [line for line in error.split("\n") if "\r" not in line and line.strip()]  # bars of progress rewrite
    if "Traceback" in error:
        return "traceback"
    if code not in (0, 1, 2):
        return f"exit code {code}"
    if code and not (complaint and complaint[-1].startswith("error: ")):
        return "no message"
    return "several lines" if code and sum(not line.startswith("warning: ") for line in complaint) > 1 else ""


if __name__ == "__main__":
    given = [int(word) for word in sys.argv[1:]]
    (count, seed), faults = [*given, *(1000, 0)[len(given) :]], 0
    with tempfile.TemporaryDirectory() as made:
        fuzz = Fuzz(Path(made), seed)
        for fault in fuzz.faults(count):
            faults += 1
            print(f"{sum(fuzz.codes.values()):,}: {fault}\n", flush=True)
    print(f"{count:,} command lines, seed {seed}, exit codes {dict(fuzz.codes)}: {faults} faults")
    sys.exit(bool(faults))
