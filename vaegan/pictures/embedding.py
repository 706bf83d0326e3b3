"""Held-out codes, labels and thumbnails for TensorBoard's embedding projector.

TensorBoard looks for `projector_config.pbtxt` among the assets of every run, and in its logdir itself.
"""

from pathlib import Path

import torch
from tensorboard.plugins.projector import metadata
from torch import Tensor
from torch.utils.tensorboard import SummaryWriter

from vaegan import data
from vaegan.data import ImageSet
from vaegan.errors import UsageError, UserError, impossible, one_line
from vaegan.model import load
from vaegan.storage.writing import replacing_folder

CONFIG = metadata.PROJECTOR_FILENAME
ASSETS = Path(metadata.PLUGINS_DIR) / metadata.PLUGIN_ASSETS_NAME  # of a run: shown by `tensorboard --logdir runs`
STEP = "00000"  # the folder that `add_embedding` writes into
N = 2000  # held-out images shown, where there are as many
SPRITE = 8192  # px a side that TensorBoard shows at most (a browser's texture)


def show(
    run: Path, out: Path | None, n: int | None, seed: int, data_dir: Path | None, device: str = "cpu"
) -> tuple[Path, int]:
    """Write the codes of `n` held-out images of a run, and return the folder and their number. Raises UsageError and
    UserError."""
    model = load(run, device=device)
    if not model.has_encoder:
        raise UsageError(f"{run} has no codes to show: a run of mode {model.config.mode} has no encoder")
    config = model.config
    where = data_dir or config.data_dir
    images = data.load(config.dataset, "test", image_size=config.image_size, data_dir=where, trained_on=model.data)
    out = out or run / ASSETS
    n = min(N, most(images)) if n is None else n
    check(n, images, out)
    chosen = torch.randperm(len(images.images), generator=torch.Generator().manual_seed(seed))[:n]
    codes, _ = model.encode(images.images[chosen], model.attributes_of(images, chosen))
    write(out, codes, images.images[chosen], *labelled(images, chosen))
    return out, n


def check(n: int, images: ImageSet, out: Path) -> None:
    """Raise UsageError for a number of images that cannot be shown, UserError for a folder that is not ours."""
    if n > (there := most(images)):
        raise impossible(f"--n {n}", f"at most {there:,} images of {images.image_size} px can be shown")
    if out.exists() and not (out.is_dir() and {path.name for path in out.iterdir()} <= {CONFIG, STEP}):
        raise UserError(f"{out} exists and holds more than a projector's files: choose another --out")


def most(images: ImageSet) -> int:
    """Return how many images TensorBoard can show."""
    return min(len(images.images), (SPRITE // images.image_size) ** 2)


def labelled(images: ImageSet, chosen: Tensor) -> tuple[list, list[str] | None]:
    """Return a label, or a row of attributes, for each image, and the columns' names where there are several.

    TensorBoard wants a header exactly when there is more than one column.
    """
    if images.labels is None:
        return [f"image {i}" for i in chosen.tolist()], None
    labels = images.labels[chosen]
    if labels.ndim == 1:
        names = [one_line(name) or " " for name in images.label_names]  # a tab would make a column
        return [names[label] if label >= 0 else "unlabelled" for label in labels.tolist()], None
    if len(images.label_names) == 1:
        return labels[:, 0].tolist(), None
    return labels.tolist(), [one_line(name) or " " for name in images.label_names]


def write(out: Path, codes: Tensor, images: Tensor, labels: list, names: list[str] | None) -> None:
    """Write tensors.tsv, metadata.tsv, sprite.png and projector_config.pbtxt into a folder that appears whole.

    codes: (N, D); images: uint8 (N, C, S, S). Raises UserError when it cannot be written.
    """
    try:
        with replacing_folder(out) as partial:
            with SummaryWriter(str(partial)) as board:
                thumbnails = images.expand(-1, 3, -1, -1).float() / 255
                board.add_embedding(codes, labels, thumbnails, tag="codes", metadata_header=names)
            for events in partial.glob("events.out.*"):
                events.unlink()  # it holds nothing, and would make the folder a run of its own
    except OSError as error:
        raise UserError(f"{out} cannot be written ({error.strerror}): choose another --out") from None
