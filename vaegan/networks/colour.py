"""What a discriminator sees of colour: each pixel's departure from grey, multiplied.

The channels of most images are nearly equal, so that colours are a small part of what Dis is given, and fine grain in
them, which a person sees on a plain wall, is next to nothing in its input: it let it pass (docs/choices.md). As a
matrix in front of the first convolution it changes no function that Dis can be, only how fast which is learnt.
"""

from torch import Tensor


def vivid(x: Tensor, gain: float) -> Tensor:
    """Images (B, C, S, S) with the departures of their channels from their mean times `gain`; 1, or C = 1: as they
    are."""
    if gain == 1 or x.shape[1] == 1:
        return x
    grey = x.mean(1, keepdim=True)
    return grey + gain * (x - grey)
