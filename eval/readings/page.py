"""A comparison as one self-contained page: the images between real ones under known blur, the table, the notes."""

import base64
import io
import math
from dataclasses import dataclass
from pathlib import Path

import jinja2
from markupsafe import Markup
from torch import Tensor
from torchvision.transforms.functional import to_pil_image
from torchvision.utils import make_grid

from eval.blur.measures import MEASURES, PRIMARY, gaussian_blur
from eval.readings import table
from eval.readings.comparison import Comparison

RUNGS = (0.5, 1.0, 2.0, 4.0)  # px of blur of the real images that a reader compares with
MOST_SIDE = 256  # px of an image that are shown: reducing it would hide the blur, so the centre is cut out
STYLE = Path(__file__).parents[1] / "report" / "templates" / "report.css"


@dataclass(frozen=True)
class Row:
    """A row of the strip."""

    title: str
    sigma: float
    is_real: bool
    data: str  # a PNG as a data: URL
    width: int


def html(compared: Comparison) -> str:
    """The page; it loads nothing."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).with_name("templates")),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    return environment.get_template("blur.html.j2").render(
        style=Markup(STYLE.read_text(encoding="utf-8")),
        opening=table.opening(compared.protocol),
        answers=table.answers(compared.rows),
        strip=strip(compared),
        cropped=max(compared.protocol["size"]) > MOST_SIDE,
        tables=[table.blur_lines(compared.rows), table.audit_lines(compared.rows)],
        closing=table.closing(compared).splitlines(),
        primary=MEASURES[PRIMARY].title,
    )


def strip(compared: Comparison) -> list[Row]:
    """From sharp to blurred: real images under known blurs, and every source where its reading puts it."""
    real, *others = compared.strips
    rows = [_row(f"real, blurred {sigma:g} px", sigma, True, gaussian_blur(real, sigma)) for sigma in RUNGS]
    for images, row in zip(others, compared.rows[1:], strict=True):
        read = row["blur"][PRIMARY]
        rows.append(_row(f"{row['title']}: {read['text']}", read["value"], False, images))
    rows.sort(key=lambda row: math.inf if math.isnan(row.sigma) else row.sigma)
    return [_row("real", 0.0, True, real), *rows]


def _row(title: str, sigma: float, is_real: bool, images: Tensor) -> Row:
    top, left = (max(0, (side - MOST_SIDE) // 2) for side in images.shape[-2:])
    shown = images[:, :, top : top + MOST_SIDE, left : left + MOST_SIDE]
    picture = to_pil_image(make_grid(shown, nrow=len(shown), padding=2, pad_value=128))
    buffer = io.BytesIO()
    picture.save(buffer, "png", optimize=True)
    data = f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"
    zoom = max(1, 1000 // picture.width)
    return Row(title, sigma, is_real, data, zoom * picture.width)
