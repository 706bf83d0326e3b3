"""Damage to checkpoints, and checkpoints and configs made to do damage: everything must be refused in one line.

python tests/damage.py [--flips 300] [--truncations 60] [--crafted 200] [--edits 300]
"""

import argparse
import copy
import json
import random
import resource
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

import vaegan
from vaegan import checkpoint
from vaegan import config as configuration
from vaegan.config import Config
from vaegan.errors import UserError
from vaegan.model import networks_of
from vaegan.train import MODES
from vaegan.trainer import Trainer

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
    parts = {"config": configuration.to_dict(SETTINGS), "step": 1, "channels": 1, "conditions": None}
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


def flips(run_dir: Path, whole: bytes, count: int, draw: random.Random) -> int:
    """Return how many of `count` single-bit flips are seen."""
    seen = 0
    for _ in range(count):
        content, bit = bytearray(whole), draw.randrange(8 * len(whole))
        content[bit // 8] ^= 1 << bit % 8
        save(run_dir, bytes(content))
        seen += refused(run_dir)
    return seen


def truncations(run_dir: Path, whole: bytes, count: int, draw: random.Random) -> int:
    """Return how many of `count` truncations are seen."""
    seen = 0
    for _ in range(count):
        save(run_dir, whole[: draw.randrange(len(whole))])
        seen += refused(run_dir)
    return seen


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


def crafts(run_dir: Path, whole: dict[str, Any], count: int, draw: random.Random) -> int:
    """Return how many of `count` crafted checkpoints are refused; those that are another valid one count as well."""
    good = 0
    for _ in range(count):
        changed, path = crafted(whole, draw)
        save(run_dir, changed)
        good += refused(run_dir) or harmless(path)
    return good


def edits(run_dir: Path, whole: dict[str, Any], count: int, draw: random.Random) -> int:
    """Return how many of `count` edits of config.json end in one line or, where only the way it ran is edited, load."""
    save(run_dir, whole)
    good = 0
    for _ in range(count):
        values = dict(whole["config"])
        name = draw.choice(list(values))
        plain = [bad for bad in BAD if not isinstance(bad, torch.Tensor | bytes)]
        before, values[name] = values[name], draw.choice([*plain, 10**400, "\n", "../..", 1e308])
        text = json.dumps(values)
        if draw.random() < 0.2:
            text = text[: draw.randrange(len(text))]
        (run_dir / "config.json").write_text(text)
        good += refused(run_dir) or name in configuration.EXECUTION or values[name] == before
    (run_dir / "config.json").unlink()
    return good


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name, count in (("flips", 300), ("truncations", 60), ("crafted", 200), ("edits", 300), ("seed", 0)):
        parser.add_argument(f"--{name}", type=int, default=count)
    asked = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_AS, (16 * 2**30,) * 2)  # what allocates as a file says shows
    with tempfile.TemporaryDirectory() as folder:
        run_dir, whole, draw = Path(folder), state(), random.Random(asked.seed)
        save(run_dir, whole)
        assert not refused(run_dir), "the whole checkpoint must load"
        content = checkpoint.path(run_dir).read_bytes()
        print(f"bit flips seen: {flips(run_dir, content, asked.flips, draw)} of {asked.flips}")
        print(f"truncations seen: {truncations(run_dir, content, asked.truncations, draw)} of {asked.truncations}")
        print(f"crafted checkpoints without harm: {crafts(run_dir, whole, asked.crafted, draw)} of {asked.crafted}")
        print(f"config edits without harm: {edits(run_dir, whole, asked.edits, draw)} of {asked.edits}")


if __name__ == "__main__":
    main()
