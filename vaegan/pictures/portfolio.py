"""Every kind of picture of a trained run: functions of a scene that return PNG bytes, named as in kinds.py."""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor

from vaegan import latent
from vaegan.errors import UserError, impossible
from vaegan.model import prior_codes
from vaegan.pictures import sheets
from vaegan.pictures.scene import Scene, wanted
from vaegan.storage.reading import contents, reason

STEPS = 10  # codes of an interpolation, both ends included
TRAVERSED = torch.linspace(-3, 3, 9)  # values that a traversed dimension takes, in standard deviations of the prior
COLUMNS = 16  # images in a row of a plain grid


def samples(scene: Scene) -> bytes:
    """Images of codes drawn from the prior, of which the first k do not depend on --n, or of the codes given."""
    given, seed = scene.asked.codes, scene.asked.seed
    z = read_codes(given) if given else prior_codes(scene.n, scene.model.latent_dim, seed)
    images = scene.decode(z, scene.model.prior_attributes(len(z), seed))
    columns = min(len(images), max(1, round(len(images) ** 0.5)), COLUMNS)
    return sheets.picture(sheets.tiled(images, columns, scene.zoom, gap=0 if len(images) == 1 else sheets.GAP))


def read_codes(file: Path) -> Tensor:
    """Read codes (N, D) from a .npy file; one code (D,) will do. Raises UserError when it cannot be read."""
    try:
        codes = np.load(io.BytesIO(contents(file)), allow_pickle=False)
        return torch.from_numpy(np.atleast_2d(codes).astype(np.float32))
    except (OSError, ValueError, EOFError, TypeError) as error:
        raise UserError(
            f"{file} cannot be read as codes ({reason(error)}): write it with numpy.save, (N, D) numbers"
        ) from None


def reconstructions(scene: Scene) -> bytes:
    """Held-out images, each above its reconstruction."""
    indices = scene.chosen(scene.n)
    images, decoded = scene.held_out.images[indices], scene.decode(scene.encode(indices), scene.told(indices))
    columns = min(len(images), COLUMNS)
    pairs = zip(scene.beside(images).split(columns), decoded.split(columns), strict=True)
    rows = [padded(part, columns) for pair in pairs for part in pair]
    titles = ["original", "reconstruction"] * (len(rows) // 2)
    return sheets.sheet(torch.cat(rows), columns, rows=titles, zoom=scene.zoom)


def padded(images: Tensor, count: int) -> Tensor:
    """Fill a row up with white images."""
    return torch.cat([images, images.new_full((count - len(images), *images.shape[1:]), 255)])


PATHS = {"linear": latent.linear, "spherical": latent.spherical}


def interpolation(scene: Scene) -> bytes:
    """Pairs of held-out images and, between them, the decoded straight line and the decoded arc."""
    indices = scene.chosen(2 * scene.n)
    mu, originals = scene.encode(indices), scene.beside(scene.held_out.images[indices])
    rows = []
    for i in range(0, len(mu), 2):
        told = scene.told(indices[i : i + 2].repeat_interleave(STEPS // 2))  # of the nearer end
        for path in PATHS.values():
            between = scene.decode(path(mu[i], mu[i + 1], STEPS), told)
            rows.append(torch.cat([originals[i : i + 1], between, originals[i + 1 : i + 2]]))
    heads = ["original", *(f"{t:.2f}" for t in torch.linspace(0, 1, STEPS).tolist()), "original"]
    return sheets.sheet(torch.cat(rows), STEPS + 2, rows=[*PATHS] * scene.n, heads=heads, zoom=scene.zoom)


def manifold(scene: Scene) -> bytes:
    """What a 2-D model draws for codes over [-3, 3]^2, the first number to the right, the second upwards."""
    one = scene.model.prior_attributes(1, scene.asked.seed)
    told = None if one is None else one[0]
    return sheets.picture(sheets.tiled(scene.decode(latent.manifold(scene.n), told), scene.n, scene.zoom or 1, gap=0))


def scatter(scene: Scene) -> bytes:
    """Where the encoder of a 2-D model puts held-out images, coloured by class or by one attribute."""
    indices = scene.chosen(scene.n)
    mu = scene.encode(indices)
    figure = Figure(figsize=(7, 6), dpi=sheets.DPI * 1.5, layout="constrained", facecolor="white")
    axes = figure.add_subplot()
    members = groups(scene, indices)
    colours = np.full(len(mu), "C0", dtype=object)
    for place, (name, rows) in enumerate(members.items()):
        colours[rows.numpy()] = f"C{place % 10}"
        axes.scatter([], [], s=5, color=f"C{place % 10}", label=name)
    axes.scatter(
        mu[:, 0], mu[:, 1], s=5, c=colours.tolist(), linewidths=0
    )  # in drawn order: no class lies on top of another
    axes.set(xlabel="z 1", ylabel="z 2", aspect="equal", title=f"{len(mu):,} held-out images of {scene.about}")
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5), markerscale=3, frameon=False)
    return sheets.png(figure)


def groups(scene: Scene, indices: Tensor) -> dict[str, Tensor]:
    """Return which of the images belong to which class, or have and lack an attribute; one group when unlabelled."""
    labels, names = scene.held_out.labels, scene.held_out.label_names
    if labels is None:
        return {"unlabelled": torch.ones(len(indices), dtype=torch.bool)}
    if labels.ndim == 1:
        return {name: labels[indices] == i for i, name in enumerate(names) if (labels[indices] == i).any()}
    (column,) = wanted(scene, scene.held_out)[:1]
    has = labels[indices, column].bool()
    return {names[column]: has, f"no {names[column]}": ~has}


def traversal(scene: Scene) -> bytes:
    """One code with one number changed at a time, the dimensions that the encoder uses most first."""
    if scene.n > scene.model.latent_dim:
        raise impossible(f"--n {scene.n}", f"this run's codes have {scene.model.latent_dim} dimensions")
    mu = scene.encode(torch.arange(min(len(scene.held_out.images), latent.VECTOR_IMAGES)))
    activity = latent.activity(mu)
    order = activity.argsort(descending=True)[: scene.n].tolist()
    shown = scene.chosen(1)
    codes = [latent.traversal(scene.encode(shown)[0], dimension, TRAVERSED) for dimension in order]
    images = scene.decode(torch.cat(codes), scene.told(shown.repeat(len(codes) * len(TRAVERSED))))
    rows = [f"z {dimension + 1}, variance {activity[dimension]:.2f}" for dimension in order]
    heads = [f"{value:g}" for value in TRAVERSED.tolist()]
    return sheets.sheet(images, len(heads), rows=rows, heads=heads, zoom=scene.zoom)


def attributes(scene: Scene) -> bytes:
    """Faces in columns, attributes in rows: added where a face lacks one (+), removed where it has it (-)."""
    chosen, indices = wanted(scene, scene.held_out), scene.chosen(scene.n)
    edit = told_otherwise if scene.model.is_conditional else moved
    edited, title = edit(scene, indices, chosen)
    unedited = scene.decode(scene.encode(indices), scene.told(indices))
    rows = torch.cat([scene.beside(scene.held_out.images[indices]), unedited, edited])
    has = scene.held_out.known_labels[indices][:, chosen].T
    marks = [""] * 2 * scene.n + ["−" if there else "+" for there in has.flatten().tolist()]
    names = ["original", "reconstruction", *(scene.held_out.label_names[i] for i in chosen)]
    return sheets.sheet(rows, scene.n, rows=names, marks=marks, title=title, zoom=scene.zoom)


def moved(scene: Scene, indices: Tensor, chosen: list[int]) -> tuple[Tensor, str]:
    """Return faces with each attribute's vector added to or subtracted from their codes, (len(chosen) * n, C, S, S)."""
    train, how, amount = scene.split("train"), scene.asked.vectors, scene.asked.amount
    vectors = latent.attribute_vectors(scene.model, train.images, train.known_labels, how)[chosen]
    signs = 1 - 2 * scene.held_out.known_labels[indices][:, chosen].T.float()  # (chosen, n)
    codes = scene.encode(indices) + amount * signs[..., None] * vectors[:, None]  # (chosen, n, D)
    return scene.decode(codes.flatten(0, 1)), f"+ adds, − removes {amount:g} x the attribute's vector ({how})"


def told_otherwise(scene: Scene, indices: Tensor, chosen: list[int]) -> tuple[Tensor, str]:
    """Return faces of a conditional model that is told the opposite of each attribute, (len(chosen) * n, C, S, S)."""
    told = scene.held_out.known_labels[indices].repeat(len(chosen), 1, 1)  # (chosen, n, A)
    for row, attribute in enumerate(chosen):
        told[row, :, attribute] = 1 - told[row, :, attribute]
    z = scene.encode(indices).repeat(len(chosen), 1)
    return scene.decode(z, told.flatten(0, 1)), "the decoder is told that the attribute is there (+) or not (−)"


DRAW: dict[str, Callable[[Scene], bytes]] = {
    drawn.__name__: drawn
    for drawn in (samples, reconstructions, interpolation, manifold, scatter, traversal, attributes)
}
