"""report.json -> report.html, report.md: complete, self-contained, escaped, replaced only as a whole."""

import json
import re
from html.parser import HTMLParser

import pytest
import torch

from eval import figures, report
from vaegan.errors import UserError

MEASURES = ("gradient_energy", "laplacian_variance", "crete_blur_effect")
RUNS = ("vae", "vaegan")


def blur(value):
    if value is None:
        return {"value": None, "low": None, "high": None, "measure": 0.1, "text": "beyond 3 px"}
    text = f"{value:.2f} px [{value - 0.02:.2f}, {value + 0.02:.2f}]"
    return {"value": value, "low": value - 0.02, "high": value + 0.02, "measure": 1 / (1 + value), "text": text}


def source(name, title, kind, value, run=None, applied=None, quality=None):
    quality = quality and {k: {"value": v, "low": v * 0.99, "high": v * 1.01} for k, v in quality.items()}
    return {
        "name": name,
        "title": title,
        "kind": kind,
        "run": run,
        "count": 5000,
        "applied_sigma": applied,
        "blur": {m: blur(value) for m in MEASURES},
        "audits": {"nyquist_power": {"mean": 1e-5, "relative": 0.4}},
        "quality": quality,
    }


def example() -> tuple[dict, dict]:
    """A small report.json and its pictures, as eval.compare would hand them over."""
    sources = [
        source("real", "Held-out images", "real", 0.0),
        source("vae/reconstructions", "VAE reconstructions", "reconstructions", 0.82, "vae", None,
               {"pixel_error": 22.4, "psnr": 21.3, "ssim": 0.74}),
        source("vaegan/reconstructions", "VAE/GAN reconstructions", "reconstructions", 0.11, "vaegan", None,
               {"pixel_error": 31.2, "psnr": 18.4, "ssim": 0.66}),
        source("vae/samples", "VAE samples", "samples", 0.95, "vae"),
        source("vaegan/samples", "VAE/GAN samples", "samples", -0.08, "vaegan"),
        source("real-blur-1", "Held-out, blurred 1 px", "blurred", 1.0, None, 1.0),
        source("real-blur-9", "Held-out, blurred 9 px", "blurred", None, None, 9.0),
    ]  # fmt: skip
    sigma = [0.0, 0.5, 1.0, 2.0, 3.0]
    steps = list(range(0, 1500, 25))
    images = torch.randint(0, 256, (24, 3, 64, 64), generator=torch.Generator().manual_seed(0)).byte()
    picture = {"detail": "0.82 px", "alt": "Faces", "width": 512, "height": 64, "zoom": 2, "run_class": "run-0"}
    value = {
        "schema_version": report.SCHEMA_VERSION,
        "headline": "On synthfaces the VAE's reconstructions are as blurred as real images under a Gaussian of 0.82 px.",
        "verdicts": [
            {"what": what, "title": what.capitalize(), "verdict": "supported", "sentence": "VAE: 0.82 px, VAE/GAN: 0.11 px."}
            for what in ("reconstructions", "samples")
        ],
        "dataset": {"name": "synthfaces", "image_size": 64, "channels": 3, "held_out": 10000, "note": ""},
        "seeds": {"split": 0, "samples": 0},
        "protocol": {"count": 5000, "interval": "95 %.", "quality": "Means.", "audits": "Ratios."},
        "protocol_lines": [["Primary measure", "gradient energy"], ["Weights", "raw"]],
        "runs": [
            {"label": label, "title": title, "health": {
                "diversity": 0.8, "nearest": 0.7, "nyquist": 0.9, "p_real": None, "p_fake": None,
                "verdict": "healthy", "reasons": []}}
            for label, title in zip(RUNS, ("VAE", "VAE/GAN"), strict=True)
        ],
        "thresholds": {"diversity": 0.7, "nearest": 0.4, "nyquist": 2.0},
        "differences": [{"setting": "mode", "values": {"vae": "vae", "vaegan": "vaegan"}}],
        "measures": [
            {"name": name, "title": name.replace("_", " ").capitalize(), "unit": "", "primary": name == MEASURES[0],
             "curve": {"sigma": sigma, "value": [1 / (1 + s) for s in sigma]}}
            for name in MEASURES
        ],
        "qualities": [
            {"name": "pixel_error", "title": "Pixel error", "unit": "levels of 255", "digits": 1},
            {"name": "psnr", "title": "PSNR", "unit": "dB", "digits": 2},
            {"name": "ssim", "title": "SSIM", "unit": "0..1", "digits": 3},
        ],
        "sources": sources,
        "price": True,
        "instrument": {"ok": True, "sentence": "All controls are where they belong.", "checks": [
            {"title": "Held-out, blurred 1 px", "applied": 1.0, "read": blur(1.0), "error": 0.002, "allowed": 0.05, "ok": True}]},
        "frechet": {"protocol": "Reference: 5,000 held-out images.", "extractor": "synthfaces attributes, d = 128", "rows": [
            {"title": "Real, train (floor)", "run": None, "value": 0.3}, {"title": "VAE samples", "run": "vae", "value": 80.1}]},
        "spectrum": {"frequency": [0.1, 0.2, 0.3, 0.4, 0.5],
                     "relative": {"vae/reconstructions": [1, 0.5, 0.2, 0.05, 0.01], "vaegan/samples": [1, 1, 0.9, 1.1, 1.5]}},
        "training": {
            "vae": {"step": steps, "series": {"terms/prior": [50 + s / 100 for s in steps], "terms/pixels": [1000 / (1 + s) for s in steps]}},
            "vaegan": {"step": steps, "series": {"terms/prior": [60 + s / 100 for s in steps], "dis/real": [0.6] * 60, "dis/prior": [0.4] * 60}},
        },
        "ladder_caption": "VAE reconstructions (0.82 px) lie between 0.5 and 1 px.",
        "pictures": {
            "faces": [{**picture, "title": title, "file": "faces.png"} for title in ("Original", "VAE", "VAE/GAN")],
            "ladder": [{**picture, "title": f"{s} px", "file": "faces.png"} for s in (0, 0.5, 1, 2)],
            "samples": [{**picture, "title": "VAE", "file": "grid.png", "width": 256, "height": 384,
                         "more": {**picture, "title": "64 samples", "file": "grid.png"}}],
        },
        "commands": ["python -m vaegan.train --mode vae", "python eval/compare.py runs/a runs/b"],
        "versions": {"vaegan": "0.1.0", "torch": "2.15"},
    }  # fmt: skip
    return value, {"faces.png": figures.strip(images[:8]), "grid.png": figures.grid(images, 4)}
