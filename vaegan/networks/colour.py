"""What a discriminator sees of colour: each pixel's departure from grey, multiplied.

The channels of most images are nearly equal, so that colours are a small part of what Dis is given, and fine grain in
them, which a person sees on a plain wall, is next to nothing in its input: it let it pass (docs/choices.md). As a
matrix in front of the first convolution it changes no function that Dis can be, only how fast which is learnt.
"""

from torch import Tensor

# Faces, whose grey varies 4.6 times as much as their colours (in variance), lost their grain at a gain of 3, CIFAR-10's
# photographs, 16.1 times, at 8 and not always at 5. On drawings 10 cost diversity (docs/choices.md).
GAIN_A_RATIO, LARGEST_GAIN = 2 / 3, 8.0
IMAGES = 500  # the ratio of CIFAR-10 to within 6 %, seen from five such samples


def vivid(x: Tensor, gain: float) -> Tensor:
    """Images (B, C, S, S) with the departures of their channels from their mean times `gain`; 1, or C = 1: as they
    are."""
    if gain == 1 or x.shape[1] == 1:
        return x
    grey = x.mean(1, keepdim=True)
    return grey + gain * (x - grey)


def gain_for(images: Tensor) -> float:
    """The gain that a data set's images (N, C, S, S) uint8 need: a whole number from 1 to 8, two thirds of the variance
    of grey over that of colours, both within an image, over some of the images; 1 where they are grey."""
    some = images[:: max(1, len(images) // IMAGES)][:IMAGES].float()
    grey = some.mean(1, keepdim=True)
    colours = (some - grey).var((2, 3)).mean().item()
    if not colours:
        return 1.0
    ratio = grey.var((2, 3)).mean().item() / colours
    return min(max(float(round(GAIN_A_RATIO * ratio)), 1.0), LARGEST_GAIN)
