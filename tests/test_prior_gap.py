"""The decoder or the prior: every pair of readings has its words, and overlapping intervals are no difference."""

from types import SimpleNamespace

import numpy as np
import pytest

from eval.blur.measures import PRIMARY
from eval.evidence.prior_gap import READINGS, UNKNOWN, describe, reading
from eval.uncertainty.estimates import RESAMPLES, Estimate


def at(value: float, spread: float = 0.02) -> Estimate:
    return Estimate(value, value + spread * np.linspace(-1, 1, RESAMPLES))


@pytest.mark.parametrize(
    ("prior", "posterior", "words"),
    [
        (at(0.8), at(0.5), "the decoder blurs, and the prior has holes"),
        (at(0.8), at(0.0), "the prior has holes"),
        (at(0.5), at(0.5), "the decoder blurs, wherever"),
        (at(0.52), at(0.5), "the decoder blurs, wherever"),  # apart by less than anybody could see
        (at(0.7, 0.3), at(0.5), "the decoder blurs, wherever"),  # no difference that can be told from chance
        (at(0.0), at(0.0), "neither: as sharp"),
        (at(-0.5), at(-0.5), "neither: sharper"),
        (at(0.2), at(0.5), "prior samples are sharper"),
        (at(np.inf), at(np.inf), "the decoder blurs, wherever"),
        (at(np.inf), at(0.0), "the prior has holes"),
    ],
)
def test_the_reading_follows_from_the_two_estimates(prior, posterior, words):
    assert words in reading(prior, posterior)


def test_too_few_images_have_no_reading():
    run = SimpleNamespace(label="vae", title="VAE")
    measured = SimpleNamespace(
        runs=[run],
        of=lambda kind: [SimpleNamespace(source=SimpleNamespace(run="vae"))],
        calibrations={PRIMARY: SimpleNamespace(pixels=str)},
        estimate=lambda m, measure: at(0.5),
        too_few=["29 images a source are no measurement, give 30 or more"],
    )
    found = describe(measured, True)
    assert found["sentence"] == "VAE: 29 images a source are no measurement, give 30 or more."
    assert found["rows"][0]["prior"]["value"] == 0.5 and describe(measured, False)["rows"][0]["reading"] == UNKNOWN
    measured.too_few = []
    assert "the decoder blurs" in describe(measured, True)["sentence"]


def test_every_combination_has_words():
    assert set(READINGS) == {(a, b) for a in (-1, 0, 1) for b in (-1, 0, 1)}
