"""Damage to checkpoints and caches, and checkpoints and configs made to do damage: everything must be refused in one
line, or, in a cache, made anew.

python tests/damage.py [--flips 300] [--truncations 60] [--crafted 200] [--edits 300]
"""

import argparse
import copy
import json
import os
import random
import resource
import tempfile
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

import vaegan
from vaegan import config as configuration
from vaegan import config_json
from vaegan.config import Config
from vaegan.data.cache import cached_array
from vaegan.errors import UserError
from vaegan.model import networks_of
from vaegan.storage import checkpoint
from vaegan.train import MODES
from vaegan.training.trainer import Trainer

SETTINGS = Config(
    mode="vaegan",
    dataset="synthfaces",
    width=0.0625,
    latent_dim=4,
    batch_size=4,
    steps=3,
    device="cpu",
    precision="fp32",
)


def trainer() -> Trainer:
    objective = MODES[SETTINGS.mode]
    return Trainer(SETTINGS, objective, networks_of(SETTINGS, objective.needs, 1), torch.device("cpu"))


def state() -> dict[str, Any]:
    """The state of a run after one update, optimizers included."""
    made = trainer()
    made.update(0, torch.rand(4, 1, 32, 32) * 2 - 1)
    parts = {"config": config_json.to_dict(SETTINGS), "step": 1, "channels": 1, "conditions": None}
    return parts | {"random_state": {"seed": 0, "step": 1}, **made.state()}


def save(run_dir: Path, content: dict[str, Any] | bytes) -> None:
    file = checkpoint.path(run_dir)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(
        content if isinstance(content, bytes) else checkpoint.sealed({"format": checkpoint.FORMAT, **content})
    )


def refused(run_dir: Path) -> bool:
    """Whether loading, and resuming where loading works, say in one line that they will not."""
    try:
        vaegan.load(run_dir)
        trainer().load_state(checkpoint.read(run_dir))
    except (UserError, ValueError) as error:  # train.resume makes a UserError of the trainer's ValueError
        assert str(error) and "\n" not in str(error), error
        return True
    return False


Damage = Iterator[tuple[str, bytes]]  # what was done, and what is left


def flips(whole: bytes, count: int, draw: random.Random) -> Damage:
    """Flip one bit of a file, `count` times."""
    for _ in range(count):
        content, bit = bytearray(whole), draw.randrange(8 * len(whole))
        content[bit // 8] ^= 1 << bit % 8
        yield f"bit {bit}", bytes(content)


def truncations(whole: bytes, count: int, draw: random.Random) -> Damage:
    """Cut a file off, `count` times."""
    for _ in range(count):
        length = draw.randrange(len(whole))
        yield f"cut to {length} bytes", whole[:length]


def missed_in_checkpoint(run_dir: Path, damage: Damage) -> Iterator[str]:
    """Yield the damage of which loading says nothing."""
    for name, content in damage:
        save(run_dir, content)
        if not refused(run_dir):
            yield name


def missed_in_cache(folder: Path, images: np.ndarray, damage: Callable[[bytes], Damage]) -> Iterator[str]:
    """Yield the damage to a cached array after which other images are read than were written."""
    os.environ["VAEGAN_CACHE"] = str(folder)

    def read() -> np.ndarray:
        return cached_array("images", images.shape, np.uint8, lambda: [images])

    read()
    file = folder / "images.npy"
    for name, content in damage(file.read_bytes()):
        file.write_bytes(content)
        if not np.array_equal(read(), images):
            yield name


BAD: list[Any] = [None, -1, 10**12, 0.5, "x", [], {}, float("nan"), True, torch.zeros(3), b"x", {"a": 1}]
TENSORS: list[Callable[[torch.Tensor], Any]] = [
    lambda t: t[..., None],
    lambda t: t.flatten()[:0],
    lambda t: torch.cat([t.flatten(), t.flatten()]),
    lambda t: t.double() if t.dtype != torch.float64 else t.float(),
    lambda t: t.to(torch.complex64),
    lambda t: t.to(torch.int8),
    lambda t: torch.full_like(t, float("nan"), dtype=torch.float32),
    lambda t: torch.full_like(t, float("inf"), dtype=torch.float32),
    lambda t: torch.sparse_coo_tensor(size=t.shape),
    lambda t: t.tolist(),
    lambda t: None,
    lambda t: torch.zeros(1).expand(2**20, 2**10),
]


def places(value: Any, path: tuple = ()) -> list[tuple]:
    """The path of everything in a nested dict or list."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path] * bool(path) + [found for key, part in items for found in places(part, (*path, key))]


def crafted(whole: dict[str, Any], draw: random.Random) -> tuple[dict[str, Any], tuple]:
    """Change, remove or add one thing anywhere in a state; param_groups are not read, and so may hold anything."""
    changed = copy.deepcopy(whole)
    ignored = ("param_groups", "random_state")
    path = draw.choice([p for p in places(changed) if not any(key in p for key in ignored)])
    parent: Any = changed
    for key in path[:-1]:
        parent = parent[key]
    old = parent[path[-1]]
    kind = draw.choice(["change", "remove", "add"])
    if kind == "remove":
        del parent[path[-1]]
    elif kind == "add" and isinstance(old, dict) and path != ("conditions",):
        old["extra"] = torch.zeros(2)
    elif isinstance(old, torch.Tensor):
        parent[path[-1]] = draw.choice(TENSORS)(old)
    else:
        parent[path[-1]] = draw.choice([bad for bad in BAD if type(bad) is not type(old)])
    return changed, path


# Edits that leave another valid checkpoint: settings that only say where and how it ran, in a file with its own digest.
def harmless(path: tuple) -> bool:
    return path[0] == "config" and len(path) > 1 or path == ("conditions",)


def harmful_checkpoints(run_dir: Path, whole: dict[str, Any], count: int, draw: random.Random) -> Iterator[str]:
    """Yield what was changed in crafted checkpoints that are neither refused nor another valid one."""
    for _ in range(count):
        changed, path = crafted(whole, draw)
        save(run_dir, changed)
        if not refused(run_dir) and not harmless(path):
            yield "/".join(map(str, path))


def harmful_edits(run_dir: Path, whole: dict[str, Any], count: int, draw: random.Random) -> Iterator[str]:
    """Yield the edits of config.json that load, though more was edited than the way it ran."""
    save(run_dir, whole)
    for _ in range(count):
        values = dict(whole["config"])
        name = draw.choice(list(values))
        plain = [bad for bad in BAD if not isinstance(bad, torch.Tensor | bytes)]
        before, values[name] = values[name], draw.choice([*plain, 10**400, "\n", "../..", 1e308])
        text = json.dumps(values)
        if draw.random() < 0.2:
            text = text[: draw.randrange(len(text))]
        (run_dir / "config.json").write_text(text)
        if not (refused(run_dir) or name in configuration.EXECUTION or values[name] == before):
            yield f"{name}: {text[:200]}"
    (run_dir / "config.json").unlink()


def main(args: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name, count in (("flips", 300), ("truncations", 60), ("crafted", 200), ("edits", 300), ("seed", 0)):
        parser.add_argument(f"--{name}", type=int, default=count)
    asked = parser.parse_args(args)
    warnings.filterwarnings("ignore", message="(?i).*sparse")  # what PyTorch says of crafted tensors
    resource.setrlimit(resource.RLIMIT_AS, (16 * 2**30, resource.RLIM_INFINITY))  # what allocates as a file says shows
    images = np.random.default_rng(0).integers(0, 256, (50, 3, 32, 32), dtype=np.uint8)
    with tempfile.TemporaryDirectory() as folder:
        run_dir, cache, whole, draw = Path(folder) / "run", Path(folder) / "cache", state(), random.Random(asked.seed)
        save(run_dir, whole)
        assert not refused(run_dir), "the whole checkpoint must load"
        content = checkpoint.path(run_dir).read_bytes()
        missed = {
            f"{asked.flips} bit flips in a checkpoint, unseen": missed_in_checkpoint(
                run_dir, flips(content, asked.flips, draw)
            ),
            f"{asked.truncations} truncations of a checkpoint, unseen": missed_in_checkpoint(
                run_dir, truncations(content, asked.truncations, draw)
            ),
            f"{asked.flips} bit flips in a cache, unseen": missed_in_cache(
                cache, images, lambda file: flips(file, asked.flips, draw)
            ),
            f"{asked.truncations} truncations of a cache, unseen": missed_in_cache(
                cache, images, lambda file: truncations(file, asked.truncations, draw)
            ),
            f"{asked.crafted} crafted checkpoints, loaded": harmful_checkpoints(run_dir, whole, asked.crafted, draw),
            f"{asked.edits} edits of config.json, loaded": harmful_edits(run_dir, whole, asked.edits, draw),
        }
        failures = 0
        for title, names in missed.items():
            found = list(names)
            failures += len(found)
            print(f"{title}: {len(found)}", *found, sep="\n  ")
    raise SystemExit(failures > 0)


if __name__ == "__main__":
    main()
