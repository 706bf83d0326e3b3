"""What a trained run is without what training needs: its networks and settings, in a folder that opens as a run does.

`model.safetensors` holds the weights, in half or single precision, and as metadata the settings and a digest of all of
it; `config.json` repeats the settings for people. Four such folders ship with the project: `NAMES`.
"""

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from vaegan import config_json
from vaegan.config import EXECUTION, Config
from vaegan.errors import UserError
from vaegan.storage.reading import reason, regular
from vaegan.storage.writing import as_json, write_file

WEIGHTS = "model.safetensors"
SHIPPED = Path(__file__).parent / "weights"
NAMES = tuple(sorted(folder.parent.name for folder in SHIPPED.glob(f"*/{WEIGHTS}")))
AVERAGED = "decoder_ema"


def located(run: str | Path) -> Path:
    """Return the folder of a run: `run` itself, or what ships under that name where there is no such folder."""
    path = Path(run)
    return SHIPPED / path if str(run) in NAMES and not path.exists() else path


def is_pretrained(folder: Path) -> bool:
    """Whether a folder holds weights alone, and no checkpoint from which a run could go on."""
    return (folder / WEIGHTS).is_file() and not (folder / "checkpoints").exists()


def write(folder: Path, state: Mapping[str, Any], half: bool = False) -> None:
    """Write a checkpoint's state as such a folder; `half` rounds the weights to float16, to half the size.

    Raises OSError.
    """
    from safetensors.torch import save

    parts = state["networks"] | ({AVERAGED: state[AVERAGED]} if state.get(AVERAGED) else {})
    tensors = {f"{part}.{name}": rounded(t, half) for part, weights in parts.items() for name, t in weights.items()}
    told = state.get("conditions")
    if told:
        tensors["conditions.labels"] = told["labels"].contiguous()
    settings = json.dumps(
        {
            "config": config_json.to_dict(portable(config_json.from_dict(state["config"], "the checkpoint"))),
            "step": state["step"],
            "channels": state["channels"],
            "conditions": told["names"] if told else None,
            "data": summary(state.get("data")),
        }
    )
    folder.mkdir(parents=True, exist_ok=True)
    metadata = {"settings": settings, "digest": digest(settings, tensors)}
    write_file(folder / "config.json", as_json(json.loads(settings)["config"]))
    write_file(folder / WEIGHTS, save(tensors, metadata))  # last: with it the folder opens


def rounded(tensor: Tensor, half: bool) -> Tensor:
    return (tensor.half() if half and tensor.is_floating_point() else tensor).contiguous()


def portable(config: Config) -> Config:
    """Return a config without where and how it was trained."""
    own = {name: getattr(Config, name) for name in EXECUTION - {"preset"}}
    return dataclasses.replace(config, **own)


def summary(data: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Return what a run knows of its data without a line for every image: whether they are the same can be said, not
    what differs."""
    return {split: known | {"rows": "", "labels": ""} for split, known in data.items()} if data else None


def digest(settings: str, tensors: Mapping[str, Tensor]) -> str:
    """Return the SHA-256 of settings and of every tensor's name, type, shape and bytes."""
    whole = hashlib.sha256(settings.encode())
    for name, tensor in sorted(tensors.items()):
        whole.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        whole.update(tensor.contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return whole.hexdigest()


def read(folder: Path) -> dict[str, Any]:
    """Return a folder's state as `checkpoint.read` does, without optimizers, weights in float32.

    Raises UserError when it is missing, damaged or not ours.
    """
    source = folder / WEIGHTS
    try:
        return opened(source)
    except OSError as error:
        raise UserError(f"{source} cannot be read ({reason(error)}): restore it") from None
    except Exception as error:  # safetensors has an error class of its own, and a crafted header raises others
        raise UserError(f"{source} is damaged or no run's weights ({reason(error)}): restore it") from None


def opened(source: Path) -> dict[str, Any]:
    """Return the state in a file. Raises OSError, and ValueError and others for what is not as written."""
    from safetensors import safe_open

    with safe_open(regular(source), framework="pt") as file:
        metadata = file.metadata() or {}
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - it is no dict
    if metadata.get("digest") != digest(metadata.get("settings", ""), tensors):
        raise ValueError("its content does not have its digest")
    state = json.loads(metadata["settings"])
    labels = tensors.pop("conditions.labels", None)
    state["conditions"] = None if labels is None else {"names": state["conditions"], "labels": labels}
    networks: dict[str, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        part, _, weight = name.partition(".")
        networks.setdefault(part, {})[weight] = tensor.float() if tensor.is_floating_point() else tensor
    averaged = networks.pop(AVERAGED, networks["decoder"])  # some are written without
    return {**state, "networks": networks, AVERAGED: averaged}
