"""What a config leaves to its images (vaegan/config.py: BY_IMAGES), decided before a run's networks are built."""

import dataclasses
from typing import Any

from vaegan import config as configuration
from vaegan import model
from vaegan.config import Config
from vaegan.data.imageset import ImageSet
from vaegan.networks import colour
from vaegan.objective import Objective

# Dis, which sees 192,000 images in a run of the default length, knew 5,000 drawings by heart; on 11,910 photographs it
# lost more by altered images than it gained (docs/choices.md).
FEW = 10_000


def decide(config: Config, objective: Objective, images: ImageSet) -> Config:
    """Return a config with what it leaves to its images, or to the Dis it starts from, decided."""
    few = "yes" if objective.adversarial and len(images.images) < FEW else "no"
    chosen: dict[str, Any] = {
        name: few for name, left in configuration.BY_IMAGES.items() if getattr(config, name) == left == "few"
    }
    if config.init and chosen and objective.adversarial:
        donor = model.load(config.init)
        if "discriminator" in donor.networks:  # the map more is a shape, and augmentation without it lets copies pass
            chosen = {name: getattr(donor.config, name) for name in chosen}
    gain = config.colour_gain or colour.gain_for(images.images)
    return dataclasses.replace(config, colour_gain=gain, **chosen)
