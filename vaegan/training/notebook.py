"""Training from a notebook: `vaegan.fit(settings, images)`, the data a tensor or a Dataset in memory."""

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sized
from importlib import import_module
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset, IterableDataset

from vaegan import run as running
from vaegan.commandline.arguments import as_words
from vaegan.config import Config
from vaegan.data.readers import npz
from vaegan.errors import UsageError, UserError, nearest, unknown
from vaegan.model import Model, load
from vaegan.objective import OBJECTIVES, Objective
from vaegan.storage.writing import replacing
from vaegan.training import launch

MADE_HERE = ("dataset", "data_dir")  # settings that the images decide


def fit(settings: Config | Mapping[str, Any], images: Tensor | Dataset) -> Model:
    """Train a run on images and return its model.

    `settings` are flags of vaegan.train by name, `{"mode": "vae", "steps": 500}`, with its defaults for the others, or
    a whole `Config`. `images` are uint8, or float in [0, 1], (N, C, H, W) or (N, H, W), or a Dataset of single such
    images, alone or each with its class. They are kept beside the run, as `RUN_DIR-images.npz`, where everything that
    opens the run finds them; about a tenth is held out, never trained on, for comparing. The run's own folder is
    `run_dir`, by default runs/images-MODE-sSEED.

    Raises UsageError, before anything is written, for settings that no run can have, images that are none or not of
    one shape, and a folder that holds a run already; KeyboardInterrupt when it is interrupted, its work saved.
    """
    config = _config(settings)
    running.refuse_existing(config)
    row, data = objective(config.mode), arrays(images)
    file = config.directory.with_name(f"{config.directory.name}-images.npz")
    try:
        keep(file, data, config.resume)
        launch.start(running.placed(dataclasses.replace(config, dataset=f"npz:{file}")), row, [])
    except SystemExit as stop:
        raise KeyboardInterrupt(f"{config.directory} is saved; fit with resume=True continues it") from stop
    finally:
        if not (config.directory / "config.json").exists():  # it never began
            file.unlink(missing_ok=True)
    return load(config.directory)


def keep(file: Path, data: dict[str, np.ndarray], resume: bool) -> None:
    """Write the images beside the run, whole or not at all. Raises UsageError where they are others than those of the
    run that goes on, UserError where they cannot be read or written."""
    if resume and file.exists():
        if not np.array_equal(npz.all_images(file).permute(0, 2, 3, 1), data["images"]):
            raise UsageError(f"these are not the images of {file}, with which the run was begun")
        return
    save: Callable[..., None] = np.savez  # its stub reads every name as one of its own options
    try:
        with replacing(file) as out:
            save(out, **data)
    except OSError as error:
        raise UserError(f"{file} cannot be written ({error.strerror or error}): choose another run_dir") from None


def _config(settings: Config | Mapping[str, Any]) -> Config:
    """The resolved config of settings. Raises UsageError for names and values that no run has."""
    given = dataclasses.asdict(settings) if isinstance(settings, Config) else dict(settings)
    given = {name: value for name, value in given.items() if value is not None}
    known = [name for name in Config.__dataclass_fields__ if name not in MADE_HERE]
    for name in given if not isinstance(settings, Config) else ():
        if name not in known:
            raise UsageError(f"unknown setting {name!r}{nearest(name, known)}; see vaegan train --help")
    words = as_words({name: value for name, value in given.items() if name in known})
    mode = given.get("mode", Config.mode)
    where = given.get("run_dir", Path("runs") / f"images-{mode}-s{given.get('seed', Config.seed)}")
    config, _ = running.resolve([*words, "--run-dir", str(where)])
    return config


def objective(mode: str) -> Objective:
    """The row of a mode, those of `baselines` by name as commands are: this package imports none of it. Raises
    UsageError with the nearest."""
    rows = OBJECTIVES | import_module("baselines.objectives").OBJECTIVES
    if mode not in rows:
        raise unknown("mode", mode, sorted(rows))
    return rows[mode]


def arrays(images: Tensor | Dataset) -> dict[str, np.ndarray]:
    """Return `images` as uint8 (N, H, W, C), and their classes as `labels` (N,) where all have one. Raises UsageError,
    naming the first image that is none or not of the shape of those before it."""
    if isinstance(images, Tensor):
        return {"images": pixels_of(images, "the images")}
    parts: list[np.ndarray] = []
    labels: list[int | None] = []
    for i, item in enumerate(items(images)):
        image, label = parted(item)
        try:
            tensor = image if isinstance(image, Tensor) else torch.as_tensor(np.array(image))
        except (TypeError, ValueError):
            raise UsageError(f"image {i} is a {type(image).__name__}: give tensors, arrays or PIL images") from None
        parts.append(pixels_of(tensor[None], f"image {i}")[0])
        labels.append(label)
        if parts[i].shape != parts[0].shape:
            raise UsageError(f"image {i} has shape {parts[i].shape}, those before it {parts[0].shape}: give all one")
    if not parts:
        raise UsageError("the Dataset is empty: give at least two images")
    known = all(label is not None for label in labels)
    return {"images": np.stack(parts)} | ({"labels": np.array(labels)} if known else {})


def items(images: Dataset) -> Iterable[Any]:
    """Every item of a Dataset, in order."""
    if isinstance(images, IterableDataset):
        return images
    try:
        count = len(cast(Sized, images))  # torch declares no __len__, and map-style data sets have one
    except TypeError:
        raise UsageError(f"{type(images).__name__} has no length: give a tensor, a Dataset or a list") from None
    return (images[i] for i in range(count))


def parted(item: Any) -> tuple[Any, int | None]:
    """An item of a Dataset as its image and, where a whole number stands beside it, its class."""
    image, *rest = item if isinstance(item, (tuple, list)) and len(item) else (item,)
    whole = rest and (isinstance(rest[0], (int, np.integer)) or isinstance(rest[0], Tensor) and rest[0].ndim == 0)
    return image, int(rest[0]) if whole else None


def pixels_of(images: Tensor, what: str) -> np.ndarray:
    """Return (N, C, H, W), (N, H, W, C) or (N, H, W), uint8 or float in [0, 1], as uint8 (N, H, W, C)."""
    images = images.detach().cpu()
    if images.ndim == 3:
        images = images[:, None]
    if images.ndim == 4 and images.shape[1] not in (1, 3) and images.shape[-1] in (1, 3):
        images = images.permute(0, 3, 1, 2)
    if images.ndim != 4 or images.shape[1] not in (1, 3) or 0 in images.shape:
        raise UsageError(f"{what} has shape {tuple(images.shape)}: give (N, C, H, W) with C 1 or 3, or (N, H, W)")
    if images.is_floating_point():
        if not (0 <= images.amin() and images.amax() <= 1):
            raise UsageError(f"{what} has floats beyond [0, 1]: scale them, or give uint8")
        images = (255 * images).round().byte()
    if images.dtype != torch.uint8:
        raise UsageError(f"{what} has type {images.dtype}: give uint8, or float in [0, 1]")
    return images.permute(0, 2, 3, 1).contiguous().numpy()
