"""eval.distances.moments: the textbook's mean and covariance, whatever the batches and their order."""

import pytest
import torch

from eval.distances.moments import BLOCKS, Accumulator, blocks_of, merged, moments, nothing
from vaegan.errors import UserError


def vectors(n=1000, d=6, seed=0, far=0.0) -> torch.Tensor:
    x = torch.randn(n, d, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return x @ torch.diag(torch.linspace(0.1, 3, d, dtype=torch.float64)) + far


def accumulated(x: torch.Tensor, starts: list[int]) -> list:
    accumulator = Accumulator(x.shape[1])
    for first, last in zip(starts, [*starts[1:], len(x)], strict=True):
        accumulator.update(x[first:last], first)
    return accumulator.blocks


def test_mean_and_covariance_are_the_textbooks():
    x = vectors()
    found = moments(x)
    torch.testing.assert_close(found.mean, x.mean(dim=0), rtol=1e-12, atol=1e-14)
    torch.testing.assert_close(found.covariance, torch.cov(x.T), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("far", [0.0, 1e4])
def test_batches_do_not_matter_even_far_from_zero(far):
    x = vectors(far=far)
    whole = moments(x)
    for starts in ([0], [0, 1, 2, 700], list(range(0, 1000, 37))):
        found = merged(accumulated(x, starts))
        assert found.count == 1000
        torch.testing.assert_close(found.mean, whole.mean, rtol=1e-13, atol=1e-13)
        torch.testing.assert_close(found.scatter, whole.scatter, rtol=1e-10, atol=1e-9)


def test_order_does_not_matter():
    x = vectors()
    found, turned = merged(blocks_of(x)), merged(blocks_of(x.flip(0)))
    torch.testing.assert_close(found.scatter, turned.scatter, rtol=1e-11, atol=1e-11)


def test_a_vectors_block_depends_on_its_number_alone():
    x = vectors(100)
    forwards = accumulated(x, [0, 3, 50, 51])
    backwards = Accumulator(x.shape[1])
    for first in (60, 20, 0):
        backwards.update(x[first : {60: 100, 20: 60, 0: 20}[first]], first)
    for i, (a, b) in enumerate(zip(forwards, backwards.blocks, strict=True)):
        assert a.count == b.count == len(range(i, 100, BLOCKS))
        torch.testing.assert_close(a.mean, x[i::BLOCKS].mean(dim=0))
        torch.testing.assert_close(a.scatter, b.scatter, rtol=1e-12, atol=1e-12)


def test_single_precision_is_accumulated_in_double():
    x = vectors(4000).float()
    torch.testing.assert_close(merged(blocks_of(x)).covariance, torch.cov(x.double().T), rtol=1e-11, atol=1e-12)


def test_nothing_changes_nothing():
    found = moments(vectors(50))
    for both in (found.merge(nothing(6)), nothing(6).merge(found)):
        assert both.count == 50 and torch.equal(both.mean, found.mean) and torch.equal(both.scatter, found.scatter)
    assert nothing(6).merge(nothing(6)).count == 0


def test_memory_does_not_grow_with_the_stream():
    accumulator = Accumulator(6)
    sizes = set()
    for i in range(5):
        accumulator.update(vectors(100, seed=i), 100 * i)
        sizes.add(sum(b.mean.nbytes + b.scatter.nbytes for b in accumulator.blocks))
    assert sizes == {8 * BLOCKS * (6 + 36)}


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_broken_features_are_one_line(bad):
    x = vectors(10)
    x[3, 2] = bad
    with pytest.raises(UserError, match="not finite"):
        moments(x)
