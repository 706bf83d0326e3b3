"""Networks of one's own, named `package.module:Name`: found, asked what they take, and held against the protocol.

`Name` is a class, a module's object, anything with `encoder`, `decoder` and `discriminator`. Each is called with those
of `channels`, `image_size`, `width`, `latent_dim` and `norm` that it names, and gives an nn.Module:

* encoder(x): images (B, C, S, S) in [-1, 1] -> mu and logvar, (B, D) each;
* decoder(z): codes (B, D) -> images (B, C, S, S) in [-1, 1], and decoder.logit(z) -> what `image_of` makes them from;
* discriminator(x): images -> `Judged(features, logit)`: Dis_l (B, ...) and the logit of "real" (B,).

`sizes`, where there is one, lists the image sizes that it can do. A checkpoint has the name and the weights, not the
code: whoever opens it imports the module, from PYTHONPATH or the working folder.
"""

import importlib
import inspect
import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from vaegan.errors import UsageError, impossible
from vaegan.networks.architectures import Architecture, Makers

if TYPE_CHECKING:
    from torch import nn

PARTS = Makers._fields
SHOWN = 2  # images or codes that networks are tried on


def is_plugin(architecture: str) -> bool:
    """Whether an architecture is named by where it lies."""
    return ":" in architecture


def find(architecture: str) -> Architecture:
    """Return the row of networks named `package.module:Name`. Raises UsageError when there are none."""
    module, _, name = architecture.partition(":")
    architecture_class = getattr(imported(architecture, module), name, None)
    absent = [part for part in PARTS if not callable(getattr(architecture_class, part, None))]
    if architecture_class is None or absent:
        lack = f"{module} has no {name!r}" if architecture_class is None else f"{name} has no {absent[0]}"
        raise impossible(f"--architecture {architecture}", f"{lack}; it needs {', '.join(PARTS)}")
    makers = Makers(*(_asked(architecture, part, getattr(architecture_class, part)) for part in PARTS))
    return Architecture(f"{name} of {module}", _sizes(architecture, architecture_class), lambda: makers)


def _sizes(architecture: str, architecture_class: Any) -> tuple[int, ...]:
    """The image sizes that networks name. Raises UsageError for what is no list of them."""
    sizes = getattr(architecture_class, "sizes", ())
    if not isinstance(sizes, (tuple, list, range, set)) or not all(type(size) is int and size > 0 for size in sizes):
        raise UsageError(f"--architecture {architecture} has sizes {sizes!r:.60}: list whole numbers, sizes = (32, 64)")
    return tuple(sizes)


def imported(architecture: str, module: str) -> Any:
    """Import a module, from the working folder too. Raises UsageError for one that cannot be."""
    if os.getcwd() not in sys.path:
        sys.path.append(os.getcwd())  # a script and a console command do not look there
    try:
        return importlib.import_module(module)
    except (Exception, SystemExit) as error:  # the module is the user's own program
        raise UsageError(
            f"--architecture {architecture} cannot be imported ({type(error).__name__}: {error!s:.100}): run from the "
            "folder that holds it, or put it on PYTHONPATH"
        ) from None


def _asked(architecture: str, part: str, make: Callable[..., Any]) -> Callable[..., "nn.Module"]:
    """A maker that is called with what it names of what there is. Raises UsageError when it fails."""
    try:
        names = inspect.signature(make).parameters
    except (TypeError, ValueError):  # of some built-in types nobody knows what they take
        raise UsageError(f"the {part} of --architecture {architecture} does not say what it takes") from None
    takes_all = any(p.kind is inspect.Parameter.VAR_KEYWORD for p in names.values())

    def made(**given: Any) -> "nn.Module":
        from torch import nn

        try:
            network = make(**{name: value for name, value in given.items() if takes_all or name in names})
        except Exception as error:
            raise UsageError(
                f"the {part} of --architecture {architecture} cannot be made ({type(error).__name__}: {error!s:.100}); "
                f"it was given {', '.join(given)}"
            ) from None
        if not isinstance(network, nn.Module):
            raise UsageError(f"the {part} of --architecture {architecture} is a {type(network).__name__}: no nn.Module")
        return network

    return made


def check(architecture: str, networks: dict[str, "nn.Module"], shape: tuple[int, int, int], latent_dim: int) -> None:
    """Try networks on two images (C, S, S) or codes. Raises UsageError, saying which gives what and what it should.

    A discriminator without a `feature_count` gets one: the numbers of its Dis_l.
    """
    import torch

    x, z = torch.zeros(SHOWN, *shape), torch.zeros(SHOWN, latent_dim)
    pair, image = ((SHOWN, latent_dim), (SHOWN, latent_dim)), ((SHOWN, *shape),)
    wanted: dict[str, list[tuple[Callable[[Any], Any], tuple[tuple[int, ...], ...], str]]] = {
        "encoder": [(lambda n: n(x), pair, "two tensors, mu and logvar")],
        "decoder": [
            (lambda n: (n(z),), image, "images"),
            (lambda n: (n.logit(z),), image, "logits of images, by its method logit"),
        ],
        "discriminator": [(lambda n: tuple(n(x))[1:], ((SHOWN,),), "Judged(features, logit), the logit")],
    }
    for part, network in networks.items():
        for call, shapes, what in wanted[part]:
            made = tried(network, call)
            if made != shapes:
                given = " and ".join(map(str, made)) if isinstance(made, tuple) else made
                raise UsageError(
                    f"the {part} of --architecture {architecture} does not fit: of {SHOWN} inputs it gives {given}; "
                    f"it should give {what} of shape {shapes[0]}"
                )
    if "discriminator" in networks and not hasattr(networks["discriminator"], "feature_count"):
        networks["discriminator"].feature_count = features(networks["discriminator"], x)


def tried(network: "nn.Module", call: Callable[["nn.Module"], Any]) -> Any:
    """Shapes of what a network gives, or in words why it gives nothing."""
    import torch

    training = network.training
    try:
        with torch.no_grad(), torch.random.fork_rng(devices=[]):
            made = call(network.eval())
        return tuple(tuple(t.shape) if isinstance(t, torch.Tensor) else type(t).__name__ for t in made)
    except Exception as error:
        return f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''!s:.100}"
    finally:
        network.train(training)


def features(discriminator: "nn.Module", x: Any) -> Any:
    """Return how many numbers Dis_l has of one of the images x. Raises UsageError when it has no features."""
    import torch

    with torch.no_grad():
        judged = discriminator.eval()(x)
    discriminator.train()
    if not hasattr(judged, "features") or not isinstance(judged.features, torch.Tensor):
        raise UsageError("the discriminator gives no features: return vaegan.networks.outputs.Judged(features, logit)")
    return judged.features[0].numel()
