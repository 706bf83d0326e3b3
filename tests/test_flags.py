"""When an audit raises an alarm, and when an alarm is certain enough to be a flag."""

import numpy as np
import pytest
import torch
from scenes import halves

from eval.blur.audits import AUDITS
from eval.blur.calibration import AUDIT_FACTOR, AUDIT_SLACK, SIGMAS, Calibration, alarm, calibrate, flagged
from eval.blur.damages import DAMAGES, add_noise
from eval.blur.measures import gaussian_blur

held_out = pytest.fixture(scope="module")(halves)


@pytest.fixture(scope="module")
def audits(held_out) -> dict[str, Calibration]:
    return {name: calibrate(audit, held_out[0]) for name, audit in AUDITS.items()}


def test_audits_are_silent_on_blur_and_loud_on_noise_and_checkerboards(held_out, audits):
    def flagged(images: torch.Tensor, sigma: float) -> bool:
        return any(alarm(audit, audit.measure.function(images), sigma) > 1 for audit in audits.values())

    for sigma in (0.0, 0.5, 2.0):
        blurred = gaussian_blur(held_out[1], sigma)
        raised = {name: flagged(damage(blurred, 0), sigma) for name, damage in DAMAGES.items()}
        assert not flagged(blurred, sigma)
        assert raised == {"noise 0.05": True, "checkerboard 0.05": True, "contrast 0.7": False}


def test_damage_is_a_pure_function_of_images_and_seed(held_out):
    assert torch.equal(add_noise(held_out[0], 3), add_noise(held_out[0], 3))
    assert not torch.equal(add_noise(held_out[0], 3), add_noise(held_out[0], 4))


def test_twice_what_real_images_have_is_an_alarm_and_a_little_more_is_none(audits):
    audit = audits["nyquist_power"]
    loud = audit.values + 3e-3  # far above the slack
    noisy = Calibration(audit.measure, loud, audit.ladder * (loud.mean() / audit.ladder[:, SIGMAS.index(0.0)].mean()))
    assert alarm(noisy, 2 * loud, 0.0) > 1 > alarm(noisy, 1.3 * loud, 0.0)


def test_a_flag_takes_more_than_one_image_that_has_much_of_it(audits):
    audit = audits["nyquist_power"]
    one = audit.values[:10].copy()
    one[0] += 30 * (audit.values.mean() + 1e-3)
    assert alarm(audit, one, 0.0) > 1 and not flagged(audit, one, 0.0, 0.0)
    assert flagged(audit, 3 * audit.values + 1e-3, 0.0, 0.0) and not flagged(audit, audit.values, 0.0, 0.0)


def test_a_flag_takes_a_reference_that_is_known(audits):
    """A little more than is allowed says nothing while the mean of the real images is itself uncertain."""
    audit = audits["nyquist_power"]
    level = np.full_like(audit.values, audit.values.mean())
    known = Calibration(audit.measure, level, audit.ladder)
    slack = AUDIT_SLACK["nyquist_power"]
    barely = np.full(10, 1.001 * (AUDIT_FACTOR * audit.value_at(0.0) + slack))
    assert alarm(audit, barely, 0.0) > 1 and not flagged(audit, barely, 0.0, 0.0) and flagged(known, barely, 0.0, 0.0)


def test_a_flag_takes_a_blur_that_is_known(audits):
    """Real images under a blur have less power near Nyquist: unblurred ones that were read as blurred by chance, with
    an interval that says so, are not flagged for it; those whose blur is certain are."""
    audit = audits["nyquist_power"]
    assert flagged(audit, audit.values, 0.8, 0.7) and not flagged(audit, audit.values, 0.8, 0.0)
    assert flagged(audit, 3 * audit.values + 1e-3, 0.1, 0.0)


def test_an_audit_is_judged_at_the_blur_of_the_source(audits):
    """What real images have near Nyquist, images blurred by 2 px must not: there it is grain."""
    audit = audits["nyquist_power"]
    real = np.full(10, audit.value_at(0.0))
    assert alarm(audit, real, 0.0) < 1 < alarm(audit, real, 2.0)
