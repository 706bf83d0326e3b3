"""Draw a folder of pictures on white paper, outlined in black: data whose flat parts show every speck.

    python tests/draw_pictures.py DIR --count 5000

No trial of the recipe saw them; docs/choices.md says what it makes of them.
"""

import argparse
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

SIDE, ENLARGED = 32, 8  # drawn eight times as large, so that edges are smooth
COLOURS = ("crimson", "gold", "seagreen", "royalblue", "darkorange", "orchid", "saddlebrown", "turquoise")


def picture(rng: np.random.Generator) -> Image.Image:
    """A house, a tree or a flower, with a sun or without, RGB of 32x32."""
    side = SIDE * ENLARGED
    image = Image.new("RGB", (side, side), "white")
    draw = ImageDraw.Draw(image)
    if rng.random() < 0.5:
        x, y, r = rng.uniform(0.1, 0.9), rng.uniform(0.1, 0.2), rng.uniform(0.06, 0.1)
        draw.ellipse(corners(x, y, r, r), fill="gold", outline="black", width=ENLARGED)
    (house, tree, flower)[rng.integers(3)](draw, rng)
    return image.resize((SIDE, SIDE), Image.Resampling.BOX)


def house(draw: ImageDraw.ImageDraw, rng: np.random.Generator) -> None:
    x, y, w, h = rng.uniform(0.35, 0.65), rng.uniform(0.65, 0.75), rng.uniform(0.2, 0.3), rng.uniform(0.15, 0.2)
    wall, roof, door = rng.choice(COLOURS, 3, replace=False)
    style = {"outline": "black", "width": ENLARGED}
    draw.rectangle(corners(x, y, w, h), fill=str(wall), **style)
    draw.polygon(scaled([(x - w - 0.05, y - h), (x + w + 0.05, y - h), (x, y - h - 0.25)]), fill=str(roof), **style)
    draw.rectangle(corners(x + rng.uniform(-0.1, 0.1), y + h / 2, 0.05, h / 2), fill=str(door), **style)


def tree(draw: ImageDraw.ImageDraw, rng: np.random.Generator) -> None:
    x, y, r = rng.uniform(0.3, 0.7), rng.uniform(0.4, 0.5), rng.uniform(0.15, 0.25)
    style = {"outline": "black", "width": ENLARGED}
    draw.rectangle(corners(x, y + 0.3, 0.05, 0.2), fill="saddlebrown", **style)
    draw.ellipse(corners(x, y, r, r * rng.uniform(0.8, 1.4)), fill=str(rng.choice(COLOURS)), **style)


def flower(draw: ImageDraw.ImageDraw, rng: np.random.Generator) -> None:
    x, y, petals = rng.uniform(0.35, 0.65), rng.uniform(0.35, 0.45), int(rng.integers(5, 9))
    colour, heart = rng.choice(COLOURS, 2, replace=False)
    draw.line(scaled([(x, y), (x + rng.uniform(-0.1, 0.1), 0.95)]), fill="seagreen", width=2 * ENLARGED)
    for angle in rng.uniform(0, 6) + 2 * np.pi * np.arange(petals) / petals:
        place = corners(x + 0.16 * np.cos(angle), y + 0.16 * np.sin(angle), 0.08, 0.08)
        draw.ellipse(place, fill=str(colour), outline="black", width=ENLARGED)
    draw.ellipse(corners(x, y, 0.1, 0.1), fill=str(heart), outline="black", width=ENLARGED)


def corners(x: float, y: float, w: float, h: float) -> list[tuple[float, float]]:
    """The corners of what is w and h around a centre, shares of the paper."""
    return scaled([(x - w, y - h), (x + w, y + h)])


def scaled(places: list[tuple[float, float]]) -> list[tuple[float, float]]:
    return [(SIDE * ENLARGED * x, SIDE * ENLARGED * y) for x, y in places]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--count", type=int, default=5000)
    args = parser.parse_args()
    args.directory.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for i in range(args.count):
        picture(rng).save(args.directory / f"{i:05d}.png")


if __name__ == "__main__":
    main()
