"""What VAE/GAN is compared with."""
