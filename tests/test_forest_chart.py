"""Words of the forest plot: a long label is broken once, between words, and a number keeps its unit."""

import pytest

from eval.report.charts.forest import wrapped


@pytest.mark.parametrize("width", [8, 12, 24, 40])
@pytest.mark.parametrize(
    "text", ["VAE", "VAE/GAN, seed 0", "Real, blurred by 0.5 px", "linear VAE, variance × 2, 64 numbers"]
)
def test_a_label_is_broken_between_words_and_loses_none(text, width):
    lines = wrapped(text, width).split("\n")
    assert " ".join(lines).replace("\u00a0", " ") == text
    assert len(lines) == (1 if len(text) <= width else 2) and len(lines[0]) <= max(width, len(text.split(",")[0]))
    assert not any(line.startswith(("px", "\u00a0")) or line.endswith(("×", "\u00a0")) for line in lines)


def test_a_word_that_cannot_be_broken_stays_whole():
    assert wrapped("vaegan-pixel-larsen-code", 10) == "vaegan-pixel-larsen-code"
