"""A report of a pair of runs, as eval.report.assembly hands it over; one of a study is in example_study."""

import base64

import torch

from eval.distances import fingerprint
from eval.distances import table as distance_table
from eval.evidence import pictures
from eval.report import assembly, rows, schema, sections, stored
from eval.report.schema import Report
from eval.report.sections import Picture

MEASURES = ("gradient_energy", "laplacian_variance", "crete_blur_effect")
RUNS = {"vae": "VAE", "vaegan": "VAE/GAN"}
KINDS = ("reconstructions", "samples")
MODES = {
    "vae": ("VAE", 0.85, 0.98),
    "vae-disl": ("VAE_Dis_l", 0.31, 0.62),
    "vaegan-pixel": ("pixel VAE/GAN", 0.66, 0.41),
    "vaegan": ("VAE/GAN", -0.12, -0.35),
    "vae-sigma": ("sigma-VAE", 0.74, 0.88),
}
TINY = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)  # a PNG of one pixel
HEALTHY = rows.Health(0.8, 0.8, 0.9, None, 1.0, None, 0.7, None, None, None, True, [], "healthy")


def reading(value: float, half: float = 0.04) -> dict:
    """The fields of a reading inside the calibrated range."""
    low, high = value - half, value + half
    text = f"{value:.2f} px [{low:.2f}, {high:.2f}]".replace("-", "−")
    return {"value": value, "low": low, "high": high, "text": text, "where": "inside"}


def blur(value: float | None) -> rows.Blur:
    if value is None:
        return rows.Blur(None, None, None, "beyond 3 px", "above", 0.1)
    return rows.Blur(**reading(value, 0.02), measure=1 / (1 + value))


def source(id, title, kind, value, run=None, applied=None, quality=None) -> rows.Source:
    found = quality and {k: rows.Interval(v, v * 0.99, v * 1.01) for k, v in quality.items()}
    audits = {"nyquist_power": rows.Audit(1e-5, 0.4, None, False)}
    laplacian = rows.Laplacian(0.0213, 0.0031, 5000)
    blurs = {m: blur(value) for m in MEASURES}
    return rows.Source(id, title, kind, run, 5000, applied, blurs, audits, found, laplacian, 0)


def distances(sets) -> sections.Distances:
    """The table of (title, run, source, Frechet distance), its other columns made up from that."""
    found = [
        {
            "title": title,
            "run": run,
            "source": source,
            "frechet": value,
            "frechet_limit": 0.9 * value,
            "curve": {"count": [625, 1250, 2500, 5000], "value": [value * (0.9 + 0.1 * k) for k in (8, 4, 2, 1)]},
            "kernel": 3 * value,
            "kernel_interval": [2.9 * value, 3.1 * value],
            "density": 1 / (1 + value),
            "coverage": 1 / (1 + value),
            "coverage_expected": 0.97,
            "precision": 1 / (1 + value),
            "recall": 1 / (1 + value),
            "copies": None if "Training" in title else 0.01,
            "nearer": 0.5,
            "dimension": 128,
            "singular": False,
            "flags": ["covers 1% where real images cover 97%"] if value > 50 else [],
            "fingerprint": example_fingerprint(),
        }
        for title, run, source, value in sets
    ]
    return stored.of_value(sections.Distances, assembly.distances(distance_table.table(found)))


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


def verdict(what: str, mode: str, outcome: str, sentence: str, title: str) -> rows.Verdict:
    name = "Cohen's d_z over pairs" if what == "reconstructions" else "Cliff's delta"
    return rows.Verdict(
        what=what, title=title, claim="the claim", blurrier="VAE", sharper=MODES[mode][0], verdict=outcome,
        scope="over 3 seeds", sentence=sentence, difference=rows.Interval(0.54, 0.38, 0.7), p=0.0001, p_holm=0.0042,
        effect=rows.Effect(name, 1.42),
    )  # fmt: skip


def run(mode: str, title: str, seed: int = 0, label: str | None = None) -> rows.Run:
    return rows.Run(label or mode, title, mode, MODES[mode][0], f"seed {seed}", seed, 3000, True, HEALTHY)


def picture(title: str, file: str, **changes) -> Picture:
    values = {"width": 512, "height": 64, "zoom": 2, "alt": "Faces", "detail": "0.82 px", "run": "vae"}
    return Picture(**{"title": title, "file": file, "sigma": None, "more": None, **values, **changes})


def example() -> tuple[Report, dict[str, bytes]]:
    """A small report and its pictures."""
    images = torch.randint(0, 256, (24, 3, 64, 64), generator=torch.Generator().manual_seed(0)).byte()
    faces, grid = (pictures.tiled("", images[:n], columns, 512, "", "") for n, columns in ((8, 8), (24, 4)))
    return pair(), {"faces.png": faces.png, "grid.png": grid.png}


def pair() -> Report:
    check = rows.Check("Held-out, blurred 1 px", 1.0, blur(1.0), 0.05, 0.002, True)
    names = {"pixel_error": ("Pixel error", "levels of 255", 1), "psnr": ("PSNR", "dB", 2), "ssim": ("SSIM", "0..1", 3)}
    return Report(
        schema_version=schema.VERSION,
        headline="On synthfaces the VAE's reconstructions are as blurred as real images at 0.82 px.",
        verdicts=[
            verdict(what, "vaegan", "supported", "VAE: 0.82 px, VAE/GAN: 0.11 px.", what.capitalize()) for what in KINDS
        ],
        rate=None,
        decomposition=None,
        pooled=[],
        hypotheses=rows.Hypotheses([], ""),
        instrument=rows.Instrument(True, "All controls are where they belong.", [check]),
        sources=example_sources(),
        coherence=None,
        content=None,
        prior_gap=None,
        measures=example_measures(),
        runs=[run(mode, title) for mode, title in RUNS.items()],
        diagnostics=None,
        distances=distances(
            [("Held-out images (floor)", None, None, 0.3), ("VAE samples", "vae", "vae/samples", 80.1)]
        ),
        large=None,
        spectrum=sections.Spectrum(
            [0.1, 0.2, 0.3, 0.4, 0.5],
            {"vae/reconstructions": [1.0, 0.5, 0.2, 0.05, 0.01], "vaegan/samples": [1.0, 1.0, 0.9, 1.1, 1.5]},
        ),
        training=example_training(),
        learning={},
        dataset=schema.Dataset("synthfaces", "synthfaces", 64, 3, 10000, ""),
        seeds={"split": 0, "samples": 0},
        protocol=schema.Protocol(5000, "95 %.", "Read.", "Laplacian.", "Means.", "R."),
        protocol_lines=[["Primary measure", "gradient energy"], ["Weights", "raw"]],
        thresholds={"diversity": 0.7, "nearest": 0.4, "nyquist": 2.0, "flat": 0.03},
        qualities=[schema.Quality(name, *values) for name, values in names.items()],
        price=True,
        configs={},
        differences=[schema.Setting("mode", {mode: mode for mode in RUNS})],
        commands=["python -m vaegan.train --mode vae", "python eval/compare.py runs/a runs/b"],
        versions={"vaegan": "0.1.0", "torch": "2.15"},
        ladder_caption="VAE reconstructions (0.82 px) lie between 0.5 and 1 px.",
        pictures=example_pictures(),
    )


def example_measures() -> list[sections.Measure]:
    sigma = [0.0, 0.5, 1.0, 2.0, 3.0]
    curve = sections.Curve(sigma, [1 / (1 + s) for s in sigma])
    return [
        sections.Measure(m, m.replace("_", " ").capitalize(), "", m == MEASURES[0], m, curve, [-1.0, 5.0], 5000, 150)
        for m in MEASURES
    ]


def example_training() -> dict[str, sections.Training]:
    steps = list(range(0, 1500, 25))
    of_vae = {"terms/prior": [50 + s / 100 for s in steps], "terms/pixels": [1000 / (1 + s) for s in steps]}
    of_vaegan = {"terms/prior": [60 + s / 100 for s in steps], "dis/real": [0.6] * 60, "dis/prior": [0.4] * 60}
    return {"vae": sections.Training(steps, of_vae), "vaegan": sections.Training(steps, of_vaegan)}


def example_pictures() -> sections.Pictures:
    titles = (("Original", None), ("VAE", "vae"), ("VAE/GAN", "vaegan"))
    return sections.Pictures(
        faces=[picture(title, "faces.png", run=run) for title, run in titles],
        ladder=[picture(f"{s} px", "faces.png", sigma=float(s)) for s in (0, 0.5, 1, 2)],
        samples=[picture("VAE", "grid.png", width=256, height=384, more=picture("64 samples", "grid.png"))],
    )


def example_sources() -> list[rows.Source]:
    price = {"vae": {"pixel_error": 22.4, "psnr": 21.3, "ssim": 0.74},
             "vaegan": {"pixel_error": 31.2, "psnr": 18.4, "ssim": 0.66}}  # fmt: skip
    sigmas = {("vae", "reconstructions"): 0.82, ("vaegan", "reconstructions"): 0.11,
              ("vae", "samples"): 0.95, ("vaegan", "samples"): -0.08}  # fmt: skip
    return [
        source("real", "Held-out images", "real", 0.0),
        *(
            source(f"{m}/{k}", f"{RUNS[m]} {k}", k, s, m, None, price[m] if k == KINDS[0] else None)
            for (m, k), s in sigmas.items()
        ),
        source("real-blur-1", "Held-out, blurred 1 px", "blurred", 1.0, None, 1.0),
        source("real-blur-9", "Held-out, blurred 9 px", "blurred", None, None, 9.0),
    ]
