"""Blur against nats: more nats, less blur, and each point is the linear VAE of its rate."""

import pytest
from stand_in import dead_leaves

from baselines import ppca
from eval.blur.calibration import calibrate
from eval.blur.measures import MEASURES, PRIMARY
from eval.evidence import rate_blur


def test_more_nats_are_less_blur_and_points_are_those_of_their_rate():
    training, held_out = dead_leaves(600, 32, seed=1), dead_leaves(200, 32, seed=2)
    calibration = calibrate(MEASURES[PRIMARY], dead_leaves(200, 32, seed=3))
    points = rate_blur.curve(training, held_out, calibration, 48, rates=(60.0, 10.0, 25.0))
    assert [p.rate for p in points] == pytest.approx([10, 25, 60])
    assert points[0].reconstructions > points[1].reconstructions > points[2].reconstructions > 0.5
    assert points[0].variance > points[1].variance > points[2].variance
    model = ppca.of_rate(ppca.fit(training, 48), 25.0)
    function = calibration.measure.function
    assert points[1].reconstructions == calibration.sigma_eq(function(model.reconstruct(held_out)), function(held_out))
    assert points[1].samples == calibration.sigma_eq(function(model.sample(200)))


def test_only_what_has_a_code_has_a_rate():
    rows = [
        {"run": "a", "code": {"kl": {"value": 12.5}}},
        {"run": "b", "code": None},
        {"run": "c", "code": {"kl": {"value": 0.0}}},
    ]
    assert rate_blur.rates(rows) == {"a": 12.5}
