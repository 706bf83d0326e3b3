"""The linear VAE in closed form: probabilistic PCA (Tipping & Bishop 1999), to which a VAE with one linear encoder and
one linear decoder converges (Lucas et al., arXiv 1911.02469).

p(x|z) = N(mean + W z, s^2 I), z ~ N(0, I). A direction whose eigenvalue lambda exceeds s^2 is kept, reconstructed
shrunk by 1 - s^2 / lambda, at 0.5 log(lambda / s^2) nats; any other says nothing.
"""

import functools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from baselines import principal
from baselines.principal import Pca
from vaegan.data import ImageSet
from vaegan.errors import impossible
from vaegan.generator import check_codes, check_images
from vaegan.model import prior_codes
from vaegan.pixels import rms, to_float, to_uint8

BATCH = 1000  # images at a time: 25 MB of float64 at 32 pixels in colour
ROUNDING = (2 / 255) ** 2 / 12  # variance of rounding to uint8, on [-1, 1]: no noise scale can be known to be smaller


@dataclass(frozen=True)
class LinearVae:
    """Mean, kept directions, their eigenvalues and the variance of the likelihood, all float64 and on [-1, 1].

    It samples, encodes, decodes and reconstructs as a trained run does, and knows its log likelihood and rate exactly.
    """

    shape: tuple[int, int, int]  # C, S, S
    mean: Tensor = field(repr=False)  # (P,), P = C * S * S
    directions: Tensor = field(repr=False)  # (K, P), orthonormal
    eigenvalues: Tensor = field(repr=False)  # (K,), all above `variance`
    variance: float  # s^2

    has_encoder, is_conditional = True, False

    @property
    def latent_dim(self) -> int:
        """Numbers in a code: directions in use."""
        return len(self.eigenvalues)

    @property
    def channels(self) -> int:
        """1 or 3."""
        return self.shape[0]

    @property
    def rate(self) -> float:
        """Mean KL(q(z|x) || p(z)) over the images it was fitted to, nats."""
        return 0.5 * float((self.eigenvalues / self.variance).log().sum())

    @property
    def weights(self) -> Tensor:
        """W transposed, (K, P): what a code's numbers are multiplied by."""
        return (self.eigenvalues - self.variance).sqrt()[:, None] * self.directions

    def encode(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Return mu and logvar (N, K) of the exact posterior of uint8 images (N, C, S, S)."""
        gain = (self.eigenvalues - self.variance).sqrt() / self.eigenvalues
        mu = self._by_batch(lambda x: x @ self.directions.T * gain, images)
        logvar = (self.variance / self.eigenvalues).log().expand_as(mu)
        return mu.float(), logvar.float()

    def decode_mean(self, z: Tensor) -> Tensor:
        """Return the means of p(x|z) for codes (N, K), float32 (N, C, S, S)."""
        check_codes(z, self.latent_dim)
        return (z.double() @ self.weights + self.mean).float().unflatten(1, self.shape)

    def decode(self, z: Tensor) -> Tensor:
        """The same, quantised: uint8 (N, C, S, S)."""
        return torch.cat([to_uint8(self.decode_mean(part)) for part in z.split(BATCH)])

    def reconstruct(self, images: Tensor) -> Tensor:
        """Decode the posterior means of images."""
        return self.decode(self.encode(images)[0])

    def sample(self, n: int, seed: int = 0) -> Tensor:
        """Decode n codes from N(0, I); the first k images do not depend on n."""
        return self.decode(prior_codes(n, self.latent_dim, seed))

    def log_likelihood(self, images: Tensor) -> Tensor:
        """Return log p(x), exact, of uint8 images (N, C, S, S): float64 (N,), nats, a density on the scale [-1, 1]."""
        return self._by_batch(self._log_density, images)

    def covariance(self) -> Tensor:
        """Return the covariance (P, P) of p(x) in pixels; 75 MB at 32 pixels in colour."""
        return self.weights.T @ self.weights + self.variance * torch.eye(len(self.mean), dtype=torch.float64)

    def _log_density(self, x: Tensor) -> Tensor:
        """log N(0, W W' + s^2 I) of centred (n, P): along the kept directions, and in what they leave out."""
        y = (x @ self.directions.T).square()
        left = x.square().sum(1) - y.sum(1)
        pixels, kept = x.shape[1], self.latent_dim
        log_determinant = self.eigenvalues.log().sum() + (pixels - kept) * math.log(self.variance)
        distance = (y / self.eigenvalues).sum(1) + left / self.variance
        return -0.5 * (pixels * math.log(2 * math.pi) + log_determinant + distance)

    def _by_batch(self, function: Callable[[Tensor], Tensor], images: Tensor) -> Tensor:
        """Apply `function` to centred float64 pixels (n, P), a batch at a time."""
        check_images(images, self.shape)
        parts = images.split(BATCH)
        return torch.cat([function(to_float(part).flatten(1).double() - self.mean) for part in parts])


@functools.lru_cache(maxsize=2)  # keyed by the tensor itself: a report needs them for its rows and its certificates
def fit(images: Tensor, latent_dim: int) -> Pca:
    """Principal components of uint8 images (N, C, S, S), from which linear VAEs of any noise scale are made. Raises
    UsageError when there are fewer images or pixels than directions."""
    return principal.fit(images, latent_dim)


def of_variance(components: Pca, variance: float = 1.0) -> LinearVae:
    """The linear VAE of a given noise scale s^2, on [-1, 1]; 1 is that of the plain VAE's likelihood."""
    if not 0 < variance < math.inf:
        raise impossible(f"a likelihood's variance of {variance}", "use a positive number")
    eigenvalues = components.spreads.double().square()
    kept = eigenvalues > variance
    # Orthonormal to rounding in float64: the decomposition was made in float32.
    basis = torch.linalg.qr(components.directions[kept].double().T)[0].T
    return LinearVae(components.shape, components.mean.double(), basis, eigenvalues[kept], float(variance))


def of_maximum_likelihood(components: Pca) -> LinearVae:
    """The linear VAE whose noise scale is fitted as well: the mean variance of the directions left out (Tipping &
    Bishop 1999, Eq. 8), at least that of rounding."""
    return of_variance(components, left_over(components))


def left_over(components: Pca) -> float:
    """Variance a pixel that the directions leave out, on [-1, 1]; at least that of rounding to uint8."""
    spare = len(components.mean) - components.latent_dim
    left = components.total_variance - float(components.spreads.double().square().sum())
    return max(left / spare if spare else 0.0, ROUNDING)


def of_rate(components: Pca, nats: float) -> LinearVae:
    """The linear VAE whose codes hold `nats` on average, by reverse water-filling (Cover & Thomas, 10.3.3): exact.

    With K directions in use the rate is 0.5 sum log lambda - K/2 log s^2; K is the number for which s^2 lies between
    the K-th eigenvalue and the next.
    """
    if not 0 < nats < math.inf:
        raise impossible(f"a rate of {nats} nats", "use a positive number")
    logs = components.spreads.double().square().log()
    count = torch.arange(1, len(logs) + 1, dtype=logs.dtype)
    levels = (logs.cumsum(0) - 2 * nats) / count
    kept = int((levels < logs).sum())  # true for the first K directions and for no other
    return of_variance(components, float(levels[kept - 1].exp()))


def report(train: ImageSet, test: ImageSet, latent_dim: int, rates: Sequence[float] = ()) -> Iterator[str]:
    """A table of linear VAEs fitted to `train`, with unit and fitted variance and at `rates` nats, on `test`."""
    components = fit(train.images, latent_dim)
    rows = {"unit variance": of_variance(components), "maximum likelihood": of_maximum_likelihood(components)}
    rows |= {f"{rate:g} nats": of_rate(components, rate) for rate in rates}
    count = f"{len(test.images):,} held-out images"
    yield f"linear VAEs of {test.name}, {test.image_size} px, {latent_dim} numbers; {count}"
    yield "| noise scale | s^2 on [-1, 1] | directions | rate, nats | log p(x), nats | error, levels of 255 |"
    yield "| --- | ---: | ---: | ---: | ---: | ---: |"
    yield from (row(title, model, test) for title, model in rows.items())


def row(title: str, model: LinearVae, test: ImageSet) -> str:
    """A line of the table: what the model is, and what it makes of held-out images."""
    likelihood = float(model.log_likelihood(test.images).mean())
    error = rms(test.images, model.reconstruct(test.images))
    cells = (title, f"{model.variance:.4g}", str(model.latent_dim))
    return "| " + " | ".join((*cells, f"{model.rate:.1f}", f"{likelihood:.1f}", f"{error:.1f}")) + " |"
