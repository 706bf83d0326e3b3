# %% [markdown]
# # From a network that stores one image to the VAE/GAN, in six pictures
#
# The ladder of https://kvfrans.com/variational-autoencoders-explained/, rebuilt and measured: `docs/tour.ipynb`, or
# `python docs/tour.py`, a few minutes on two CPU cores with the embedded drawn faces, with no network. `docs/tour.md`
# shows the pictures. (The notebook is made from the script: `python docs/make_notebook.py`.)

# %% Settings
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F

import vaegan
from eval.blur.calibration import calibrate
from eval.blur.measures import MEASURES, PRIMARY
from vaegan import data, latent, losses, model
from vaegan.commandline.arguments import parse
from vaegan.config import Config
from vaegan.errors import UserError
from vaegan.pictures import sheets
from vaegan.pixels import to_float, to_uint8
from vaegan.storage import checkpoint
from vaegan.storage.writing import write_whole


@dataclass(frozen=True)
class Settings:
    """Rebuild the six pictures of the tour and say what each shows."""

    steps: int = 1500
    """Updates of the autoencoder, the VAE and the VAE/GAN."""
    memory_steps: int = 400
    """Updates of the two networks that store images."""
    dataset: str = "synthfaces"
    """As for vaegan.train."""
    data_dir: Path = Path("data")
    """As for vaegan.train."""
    runs: Path = Path("runs/tour")
    """Where runs are kept; those that are there already are not trained again."""
    out: Path = Path("tour")
    """Where tour-0.png to tour-6.png are written."""
    shown: int = 8
    """Images in a row."""


IN_A_NOTEBOOK = "ipykernel" in sys.modules
try:
    S = parse(Settings, [] if IN_A_NOTEBOOK else None, prog="python docs/tour.py")
    train, test = (data.load(S.dataset, split, image_size=32, data_dir=S.data_dir) for split in ("train", "test"))
except UserError as error:
    sys.exit(f"error: {error}")
torch.manual_seed(0)
x = test.images[: S.shown]
unseen = torch.randn(S.shown, S.shown)  # codes that no network of the first two pictures was trained on


def show(number: int, rows: dict[str, torch.Tensor], text: str, heads: tuple[str, ...] = ()) -> None:
    """Write a picture with a labelled row of images a line, and say what it shows; a notebook shows it."""
    file = S.out / f"tour-{number}.png"
    columns = len(next(iter(rows.values())))
    write_whole(file, sheets.sheet(torch.cat([*rows.values()]), columns, rows=[*rows], heads=heads))
    print(f"\n{file}\n{text}", flush=True)
    if IN_A_NOTEBOOK:
        from IPython.display import Image, display

        display(Image(filename=str(file)))


def trained(mode: str) -> vaegan.Model:
    """Train a run of the tour, or continue or open the one that is there."""
    run_dir = S.runs / f"{S.dataset.split(':')[0]}-{mode}-{S.steps}"
    if checkpoint.path(run_dir).exists() and vaegan.load(run_dir).step == S.steps:
        return vaegan.load(run_dir)
    flags = ["--mode", mode, "--image-size", 32, "--steps", S.steps, "--run-dir", run_dir]
    flags += ["--dataset", S.dataset, "--data-dir", S.data_dir, *(["--resume"] if run_dir.exists() else [])]
    code = subprocess.run([sys.executable, "-m", "vaegan.train", *map(str, flags)]).returncode
    return vaegan.load(run_dir) if code == 0 else sys.exit(code)


def error(a: torch.Tensor, b: torch.Tensor) -> float:
    """Root mean square difference in levels of 255."""
    return (a.float() - b.float()).square().mean().sqrt().item()


# %% [markdown]
# ## Where this leads
# What a VAE/GAN draws that was trained for longer than anybody waits here: its weights come with the project.

# %%
drawn = vaegan.load("synthfaces-vaegan").sample(2 * S.shown).split(S.shown)
show(0, {"VAE/GAN": drawn[0], "VAE/GAN ": drawn[1]}, "Faces that nobody has made before, out of codes drawn at random.")

# %% [markdown]
# ## 1. One image
# A decoder turns an input of ones into one image. All that it knows is in its weights; the input says nothing.


# %%
def stored(images: torch.Tensor, codes: torch.Tensor) -> nn.Module:
    """Train a decoder until each code (K, D) gives its image (K, C, S, S)."""
    config = Config(latent_dim=codes.shape[1], norm="group")  # batch norm cannot see a single image
    decoder = model.networks_of(config, ("decoder",), images.shape[1])["decoder"]
    optimizer = torch.optim.Adam(decoder.parameters(), lr=2e-3)
    for _ in range(S.memory_steps):
        optimizer.zero_grad()
        F.mse_loss(decoder(codes), to_float(images)).backward()
        optimizer.step()
    return decoder.eval().requires_grad_(False)


ones = torch.ones(1, S.shown)
decoder = stored(x[:1], ones)
recalled, other = to_uint8(decoder(ones)), to_uint8(decoder(unseen[:-2]))
show(
    1,
    {"": torch.cat([x[:1], recalled, other])},
    f"One image is stored to within {error(recalled, x[:1]):.1f} levels of 255. Any other input gives remains of it.",
    heads=("image", "ones", *["other"] * len(other)),
)

# %% [markdown]
# ## 2. One-hot codes
# The same decoder with one input a picture. Now a code chooses; but between two codes lies an overlay, not an image.

# %%
codes = torch.eye(S.shown)
decoder = stored(x, codes)
recalled = to_uint8(decoder(codes))
halfway = to_uint8(decoder((codes + codes.roll(-1, 0)) / 2))
show(
    2,
    {
        "image": x,
        "its one-hot code": recalled,
        "half its code, half the next": halfway,
        "random": to_uint8(decoder(unseen)),
    },
    f"{S.shown} images are stored to within {error(recalled, x):.1f} levels. Between their codes lie overlays: nothing "
    "asked the network to draw an image there.",
)

# %% [markdown]
# ## 3. An autoencoder
# An encoder finds the codes, so that images the network has never seen get one too. What it cannot do is invent: nobody
# says where the codes lie.

# %%
ae = trained("ae")
mu, _ = ae.encode(test.images[:1000])
show(
    3,
    {"held-out image": x, "reconstruction": ae.reconstruct(x), "random code": ae.sample(S.shown)},
    f"Held-out images come back to within {error(ae.reconstruct(x), x):.0f} levels. The codes in use have a standard "
    f"deviation of {mu.std(0).mean():.1f} in a dimension, wherever training left them: N(0, I) draws mixtures.",
)

# %% [markdown]
# ## 4. The VAE: a mean and a standard deviation
# The encoder says where the code is *about*: noise of the posterior's width must not change the image much, so near
# codes mean near images; and the prior term pulls all codes to N(0, I).

# %%
vae = trained("vae")
mu, logvar = vae.encode(test.images[:1000])
sigma = (0.5 * logvar).exp()
noise = torch.randn(2, S.shown, vae.latent_dim)
draws = [vae.decode(mu[: S.shown] + sigma[: S.shown] * eps) for eps in noise]
precise = sigma.mean(0).sort().values  # of each dimension, the most used one first
used = int((latent.activity(mu) > 0.01).sum())
show(
    4,
    {"held-out image": x, "mean": vae.decode(mu[: S.shown]), "mean + noise": draws[0], "other noise": draws[1]},
    f"The posterior's standard deviation is {sigma.mean():.2f} on average, from {precise[0]:.2f} in the dimension that "
    f"says most to {precise[-1]:.2f} (the prior's is 1); {used} of {vae.latent_dim} are in use. A code costs "
    f"{losses.kl_divergence(mu, logvar).mean():.0f} nats.",
)

# %% [markdown]
# ## 5. Samples
# Because the codes of images now fill N(0, I), codes drawn from it are images that nobody has made before.

# %%
samples = vae.sample(2 * S.shown).split(S.shown)
spread = (mu + sigma * torch.randn_like(mu)).std(0).mean()
show(
    5,
    {"VAE": samples[0], "VAE ": samples[1], "autoencoder": ae.sample(S.shown)},
    f"Noise included, codes of images have a standard deviation of {spread:.2f} in a dimension: draws from N(0, I) "
    "land among them. To the autoencoder the same draws are mixtures of several images.",
)

# %% [markdown]
# ## 6. The VAE against the VAE/GAN
# The post remarks that VAEs blur, for lack of an adversary that knows what images look like. Measured:

# %%
vaegan_model = trained("vaegan")
measure = MEASURES[PRIMARY]
half = min(1000, len(test.images) // 2)
calibration = calibrate(measure, test.images[half : 2 * half])
faces = test.images[:half]
original = measure.function(faces)
blur = {
    name: calibration.sigma_eq(measure.function(m.reconstruct(faces)), original)
    for name, m in {"VAE": vae, "VAE/GAN": vaegan_model}.items()
}
show(
    6,
    {"held-out image": x, "VAE": vae.reconstruct(x), "VAE/GAN": vaegan_model.reconstruct(x)},
    f"Equivalent Gaussian blur of reconstructions: VAE {blur['VAE']:.2f} px, VAE/GAN {blur['VAE/GAN']:.2f} px (0: as "
    f"sharp as real images). Pixel error: {error(vae.reconstruct(faces), faces):.0f} and "
    f"{error(vaegan_model.reconstruct(faces), faces):.0f} levels. (One short run of each: see eval/study.py.)",
)
