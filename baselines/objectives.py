"""The rows of the table other than VAE/GAN: `vae`, `vae-disl`, `vaegan-pixel` and `vaegan` cross {pixels, Dis_l} with
{no adversary, adversary}; `vae-sigma` is the VAE whose noise scale is fitted instead of fixed."""

from vaegan.objective import Objective

OBJECTIVES = {
    "ae": Objective("Autoencoder", prior=False, reconstruction="pixels", adversarial=False),
    "vae": Objective("VAE", prior=True, reconstruction="pixels", adversarial=False),
    "vae-sigma": Objective(
        "sigma-VAE", prior=True, reconstruction="pixels", adversarial=False, likelihood="optimal-gaussian"
    ),
    "vae-disl": Objective("VAE_Dis_l", prior=True, reconstruction="features", adversarial=False),
    "gan": Objective("GAN", prior=False, reconstruction=None, adversarial=True),
    "vaegan-pixel": Objective("pixel VAE/GAN", prior=True, reconstruction="pixels", adversarial=True),
}
