"""Report values as eval.compare hands them over: a pair of runs, and a study of five modes and three seeds."""

import copy
import math
import random

import torch
from stand_in import dead_leaves

from eval.blur.measures import gaussian_blur
from eval.distances import fingerprint
from eval.distances import table as distance_table
from eval.evidence import pictures
from eval.report import rendering as report

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


def distances(sets):
    """The table of (title, run, Frechet distance), its other columns made up from that."""
    rows = [
        {
            "title": title,
            "run": run,
            "frechet": value,
            "frechet_limit": 0.9 * value,
            "curve": {"count": [625, 1250, 2500, 5000], "value": [value * (0.9 + 0.1 * k) for k in (8, 4, 2, 1)]},
            "kernel": 3 * value,
            "kernel_interval": [2.9 * value, 3.1 * value],
            "density": 1 / (1 + value),
            "coverage": 1 / (1 + value),
            "copies": None if "Training" in title else 0.01,
            "nearer": 0.5,
            "dimension": 128,
            "singular": False,
            "flags": ["covers 1% where real images cover 97%"] if value > 50 else [],
            "fingerprint": example_fingerprint(),
        }
        for title, run, value in sets
    ]
    return distance_table.table(rows)


def example_fingerprint(**changes) -> fingerprint.Fingerprint:
    """The protocol of 5,000 images against 5,000 of faces."""
    values = {
        "extractor": "vaegan-synthfaces-attributes",
        "sha256": "66eca541" + 56 * "0",
        "resize": "32 px, bilinear, antialiased",
        "count": 5000,
        "reference": "synthfaces 32x32, part of the 10,000 held out",
        "reference_count": 5000,
        "reference_sha256": 64 * "a",
        "training_count": 20_000,
        "training_sha256": 64 * "b",
        "seed": 0,
        "is_fid": False,
    }
    return fingerprint.fingerprint(**values | changes)


def example() -> tuple[dict, dict]:
    """A small report.json and its pictures, as eval.compare would hand them over."""
    sources = [
        source("real", "Held-out images", "real", 0.0),
        source(
            "vae/reconstructions",
            "VAE reconstructions",
            "reconstructions",
            0.82,
            "vae",
            None,
            {"pixel_error": 22.4, "psnr": 21.3, "ssim": 0.74},
        ),
        source(
            "vaegan/reconstructions",
            "VAE/GAN reconstructions",
            "reconstructions",
            0.11,
            "vaegan",
            None,
            {"pixel_error": 31.2, "psnr": 18.4, "ssim": 0.66},
        ),
        source("vae/samples", "VAE samples", "samples", 0.95, "vae"),
        source("vaegan/samples", "VAE/GAN samples", "samples", -0.08, "vaegan"),
        source("real-blur-1", "Held-out, blurred 1 px", "blurred", 1.0, None, 1.0),
        source("real-blur-9", "Held-out, blurred 9 px", "blurred", None, None, 9.0),
    ]
    sigma = [0.0, 0.5, 1.0, 2.0, 3.0]
    steps = list(range(0, 1500, 25))
    images = torch.randint(0, 256, (24, 3, 64, 64), generator=torch.Generator().manual_seed(0)).byte()
    picture = {"detail": "0.82 px", "alt": "Faces", "width": 512, "height": 64, "zoom": 2, "run": "vae"}
    value = {
        "schema_version": report.SCHEMA_VERSION,
        "headline": "On synthfaces the VAE's reconstructions are as blurred as real images at 0.82 px.",
        "verdicts": [
            {
                "what": what,
                "title": what.capitalize(),
                "verdict": "supported",
                "sentence": "VAE: 0.82 px, VAE/GAN: 0.11 px.",
            }
            for what in ("reconstructions", "samples")
        ],
        "dataset": {
            "name": "synthfaces",
            "title": "synthfaces",
            "image_size": 64,
            "channels": 3,
            "held_out": 10000,
            "note": "",
        },
        "seeds": {"split": 0, "samples": 0},
        "protocol": {"count": 5000, "interval": "95 %.", "quality": "Means.", "instrument": "Read.", "audits": "R."},
        "protocol_lines": [["Primary measure", "gradient energy"], ["Weights", "raw"]],
        "runs": [
            {
                "label": label,
                "title": title,
                "mode": label,
                "seed": 0,
                "health": {
                    "diversity": 0.8,
                    "nearest": 0.7,
                    "nyquist": 0.9,
                    "p_real": None,
                    "p_fake": None,
                    "verdict": "healthy",
                    "reasons": [],
                },
            }
            for label, title in zip(RUNS, ("VAE", "VAE/GAN"), strict=True)
        ],
        "thresholds": {"diversity": 0.7, "nearest": 0.4, "nyquist": 2.0},
        "differences": [{"setting": "mode", "values": {"vae": "vae", "vaegan": "vaegan"}}],
        "measures": [
            {
                "name": name,
                "title": name.replace("_", " ").capitalize(),
                "unit": "",
                "primary": name == MEASURES[0],
                "curve": {"sigma": sigma, "value": [1 / (1 + s) for s in sigma]},
            }
            for name in MEASURES
        ],
        "qualities": [
            {"name": "pixel_error", "title": "Pixel error", "unit": "levels of 255", "digits": 1},
            {"name": "psnr", "title": "PSNR", "unit": "dB", "digits": 2},
            {"name": "ssim", "title": "SSIM", "unit": "0..1", "digits": 3},
        ],
        "sources": sources,
        "price": True,
        "instrument": {
            "ok": True,
            "sentence": "All controls are where they belong.",
            "checks": [
                {
                    "title": "Held-out, blurred 1 px",
                    "applied": 1.0,
                    "read": blur(1.0),
                    "error": 0.002,
                    "allowed": 0.05,
                    "ok": True,
                }
            ],
        },
        "distances": distances([("Held-out images (floor)", None, 0.3), ("VAE samples", "vae", 80.1)]),
        "spectrum": {
            "frequency": [0.1, 0.2, 0.3, 0.4, 0.5],
            "relative": {"vae/reconstructions": [1, 0.5, 0.2, 0.05, 0.01], "vaegan/samples": [1, 1, 0.9, 1.1, 1.5]},
        },
        "training": {
            "vae": {
                "step": steps,
                "series": {
                    "terms/prior": [50 + s / 100 for s in steps],
                    "terms/pixels": [1000 / (1 + s) for s in steps],
                },
            },
            "vaegan": {
                "step": steps,
                "series": {
                    "terms/prior": [60 + s / 100 for s in steps],
                    "dis/real": [0.6] * 60,
                    "dis/prior": [0.4] * 60,
                },
            },
        },
        "ladder_caption": "VAE reconstructions (0.82 px) lie between 0.5 and 1 px.",
        "pictures": {
            "faces": [
                {**picture, "title": title, "file": "faces.png", "run": run}
                for title, run in (("Original", None), ("VAE", "vae"), ("VAE/GAN", "vaegan"))
            ],
            "ladder": [{**picture, "title": f"{s} px", "file": "faces.png", "sigma": s} for s in (0, 0.5, 1, 2)],
            "samples": [
                {
                    **picture,
                    "title": "VAE",
                    "file": "grid.png",
                    "width": 256,
                    "height": 384,
                    "more": {**picture, "title": "64 samples", "file": "grid.png"},
                }
            ],
        },
        "commands": ["python -m vaegan.train --mode vae", "python eval/compare.py runs/a runs/b"],
        "versions": {"vaegan": "0.1.0", "torch": "2.15"},
    }
    faces, grid = (pictures.tiled("", images[:n], columns, 512, "", "") for n, columns in ((8, 8), (24, 4)))
    return value, {"faces.png": faces.png, "grid.png": grid.png}


MODES = {
    "vae": ("VAE", 0.85, 0.98),
    "vae-disl": ("VAE_Dis_l", 0.31, 0.62),
    "vaegan-pixel": ("pixel VAE/GAN", 0.66, 0.41),
    "vaegan": ("VAE/GAN", -0.12, -0.35),
    "vae-sigma": ("sigma-VAE", 0.74, 0.88),
}
SEEDS = (0, 1, 2)
EFFECTS = (
    ("feature-space reconstruction", "Dis_l instead of pixels, averaged over the adversary", -0.66),
    ("adversary", "with instead of without, averaged over the reconstruction", -0.31),
    ("interaction", "how much more the adversary does with Dis_l", -0.24),
)


def entry(value, half=0.04) -> dict:
    """A value with an interval, as the report holds it."""
    low, high = value - half, value + half
    return {
        "value": value,
        "low": low,
        "high": high,
        "text": f"{value:.2f} px [{low:.2f}, {high:.2f}]".replace("-", "−"),
    }


def study(size: int = 32) -> tuple[dict, dict]:
    """The report of five modes with three seeds each, with everything a report can hold, and its pictures."""
    value, _ = example()
    chance = random.Random(0)
    value = copy.deepcopy(value)
    runs = [(f"{mode}-s{seed}", mode, seed) for mode in MODES for seed in SEEDS]
    health = value["runs"][0]["health"]
    value["runs"] = [
        {
            "label": label,
            "title": f"{MODES[mode][0]}-s{seed}",
            "mode": mode,
            "seed": seed,
            "step": 3000,
            "health": health,
        }
        for label, mode, seed in runs
    ]
    value["dataset"]["image_size"] = size
    value["headline"] = "On synthfaces the VAE's reconstructions are as blurred as real images at 0.85 px."
    value["sources"] = study_sources(value, chance)
    value["pooled"] = [
        {"what": what, "mode": mode, "title": title, "seeds": 3, **entry((recon, sample)[what == "samples"], 0.11)}
        for what in ("reconstructions", "samples")
        for mode, (title, recon, sample) in MODES.items()
    ]
    value["verdicts"] = [
        {
            "what": what,
            "title": f"{what.capitalize()}: VAE against {MODES[mode][0]}",
            "verdict": outcome,
            "sentence": f"VAE 0.85 px [0.74, 0.96], {MODES[mode][0]} 0.31 px [0.20, 0.42]; "
            "difference 0.54 px [0.38, 0.70], over 3 seeds.",
            "effect": {
                "name": "Cohen's d_z over pairs" if what == "reconstructions" else "Cliff's delta",
                "value": 1.42,
            },
            "p": 0.0001,
            "p_holm": 0.0042,
        }
        for what in ("reconstructions", "samples")
        for mode, outcome in zip(list(MODES)[1:], ("supported", "inconclusive", "supported", "refuted"), strict=True)
    ]
    value["hypotheses"] = {
        "declared": ["The VAE's reconstructions are blurrier than the VAE/GAN's.", "The VAE's samples are blurrier."],
        "sentence": "Two hypotheses were declared before anything was measured; p values are corrected by Holm.",
    }
    value["decomposition"] = {what: decomposition(i) for i, what in enumerate(("reconstructions", "samples"), 1)}
    value["content"] = {
        "sentence": "Plain and content-matched figures agree for 14 of 15 runs.",
        "protocol": "Each sample against its 5 nearest held-out images by features.",
        "rows": [
            {"run": label, "title": f"{MODES[mode][0]}-s{seed} samples", "plain": entry(MODES[mode][2]),
             "matched": entry(MODES[mode][2] + 0.03), "difference": entry(-0.03), "disagree": label == "vaegan-s2"}
            for label, mode, seed in runs
        ],
    }  # fmt: skip
    value["prior_gap"] = {
        "sentence": "The decoder blurs; the prior adds 0.1 px.",
        "rows": [
            {"run": label, "title": f"{MODES[mode][0]}-s{seed}", "prior": entry(MODES[mode][2]),
             "posterior": entry(MODES[mode][2] - 0.1), "reconstructions": entry(MODES[mode][1]),
             "reading": "the decoder blurs, the prior hardly adds to it"}
            for label, mode, seed in runs
        ],
    }  # fmt: skip
    compared = [s for s in value["sources"] if s["kind"] in ("reconstructions", "samples")]
    linear = [(s["title"], None) for s in value["sources"] if s["kind"] == "baseline"]
    floors = [("Training images (floor)", None), ("Held-out images (floor)", None)]
    titles = floors + [(s["title"], s["run"]) for s in compared] + linear
    value["distances"] = distances([(title, run, 2 + 60 * chance.random()) for title, run in titles])
    frequency = [i / 32 for i in range(1, 23)]
    value["spectrum"] = {
        "frequency": frequency,
        "relative": {s["name"]: power(s["blur"][MEASURES[0]]["value"], frequency, chance) for s in compared},
    }
    value["training"] = {label: curves(mode, chance) for label, mode, _ in runs}
    value["differences"] = [
        {"setting": "mode", "values": {label: mode for label, mode, _ in runs}},
        {"setting": "seed", "values": {label: str(seed) for label, _, seed in runs}},
    ]
    value["commands"] = [f"python -m vaegan.train --mode {mode} --seed {seed}" for _, mode, seed in runs]
    value["ladder_caption"] = "VAE-s0 reconstructions: 0.85 px [0.83, 0.87], between 0.5 and 1 px."
    png = study_pictures(value, size)
    return value, png


def study_sources(value: dict, chance: random.Random) -> list[dict]:
    kinds = {
        "reconstructions": ("reconstructions", 1),
        "samples": ("samples", 2),
        "posterior": ("aggregated-posterior samples", 2),
        "average": ("reconstructions, averaged weights", 1),
    }
    controls = [s for s in value["sources"] if s["run"] is None]
    rows = []
    for kind, (words, column) in kinds.items():
        for run in value["runs"]:
            sigma = MODES[run["mode"]][column] + chance.gauss(0, 0.05)
            quality = {
                "pixel_error": 22 + chance.random(),
                "psnr": 20 + chance.random(),
                "ssim": 0.5 + chance.random() / 9,
            }
            name, title = f"{run['label']}/{kind}", f"{run['title']} {words}"
            quality = quality if kind == "reconstructions" else None
            rows.append(source(name, title, kind, sigma, run["label"], None, quality))
            rows[-1]["laplacian"] = {"median": 0.0213, "minimum": 0.0031, "count": 5000}
    quality = {"pixel_error": 18.9, "psnr": 22.7, "ssim": 0.65}
    rows.append(
        source("pca-64/reconstructions", "PCA, 64 numbers, reconstructions", "baseline", 0.57, None, None, quality)
    )
    return controls[:1] + rows + controls[1:]


def decomposition(kind: int) -> dict:
    cells = [
        {"mode": mode, "title": MODES[mode][0], "reconstruction": space, "adversary": adversary, "seeds": 3}
        | entry(MODES[mode][kind], 0.11)
        for mode, space, adversary in (
            ("vae", "pixels", False),
            ("vae-disl", "Dis_l", False),
            ("vaegan-pixel", "pixels", True),
            ("vaegan", "Dis_l", True),
        )
    ]
    effects = [{"name": name, "meaning": meaning, **entry(v, 0.12)} for name, meaning, v in EFFECTS]
    return {
        "cells": cells,
        "effects": effects,
        "sentence": "Dis_l removes most of the blur.",
    }


def power(sigma: float, frequency: list[float], chance: random.Random) -> list[float]:
    return [math.exp(-sigma * abs(sigma) * (2 * math.pi * f) ** 2 / 3) * (1 + chance.random() / 5) for f in frequency]


def curves(mode: str, chance: random.Random) -> dict:
    steps = list(range(10, 3001, 10))
    names = ["terms/prior", "terms/features" if mode in ("vae-disl", "vaegan") else "terms/pixels"]
    names += ["dis/real", "dis/prior", "gate/decoder", "gate/discriminator"] if "gan" in mode else []
    level = {"terms": 90, "dis": 0.5, "gate": 0.1}
    series = {n: [level[n.split("/")[0]] * (1 + 9 / s + chance.random() / 9) for s in steps] for n in names}
    return {"step": steps, "series": series}


def study_pictures(value: dict, size: int) -> dict[str, bytes]:
    """Pictures of every run, put into `value`: stand-ins that are real images under the run's own blur."""
    originals = dead_leaves(24, size, 3)
    count = pictures.row_length(originals)
    blur = {(s["kind"], s["run"]): s["blur"][MEASURES[0]] for s in value["sources"]}
    rows = [pictures.tiled("original.png", originals[:count], count, 1024, "Original", f"{count} held-out images")]
    grids = []
    for run in value["runs"]:
        label, title = run["label"], run["title"]
        for kind, found in (("reconstructions", rows), ("samples", grids)):
            entry = blur[kind, label]
            images = gaussian_blur(originals, max(entry["value"], 0)) if entry["value"] > 0 else originals
            images, columns = (images[:count], count) if found is rows else (images, 4)
            tile = pictures.tiled(f"{kind}-{label}.png", images, columns, 1024 // (1 + (found is grids)), title, title)
            found.append(pictures.replace(tile, run=label, detail=entry["text"]))
    groups = {"faces": rows, "ladder": pictures.ladder(originals), "samples": grids}
    value["pictures"] = {group: [picture.entry() for picture in row] for group, row in groups.items()}
    return {name: png for row in groups.values() for name, png in pictures.files(row).items()}
