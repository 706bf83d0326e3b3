"""Reports as eval.report.assembly hands them over: a pair of runs, and a study of five modes and three seeds."""

import math
import random
from dataclasses import replace

import torch
from stand_in import dead_leaves

from eval.blur.measures import gaussian_blur
from eval.distances import fingerprint
from eval.distances import table as distance_table
from eval.evidence import pictures
from eval.report import assembly, detail, rate, rows, schema, sections, stored
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
SEEDS = (0, 1, 2)
EFFECTS = (
    ("feature-space reconstruction", "Dis_l instead of pixels, averaged over the adversary", -0.66),
    ("adversary", "with instead of without, averaged over the reconstruction", -0.31),
    ("interaction", "how much more the adversary does with Dis_l", -0.24),
)
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
    audits = {"nyquist_power": rows.Audit(1e-5, 0.4)}
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
    return _example(), {"faces.png": faces.png, "grid.png": grid.png}


def _example() -> Report:
    steps = list(range(0, 1500, 25))
    sigma = [0.0, 0.5, 1.0, 2.0, 3.0]
    curve = sections.Curve(sigma, [1 / (1 + s) for s in sigma])
    check = rows.Check("Held-out, blurred 1 px", 1.0, blur(1.0), 0.05, 0.002, True)
    names = {"pixel_error": ("Pixel error", "levels of 255", 1), "psnr": ("PSNR", "dB", 2), "ssim": ("SSIM", "0..1", 3)}
    measures = [
        sections.Measure(m, m.replace("_", " ").capitalize(), "", m == MEASURES[0], m, curve, [-1.0, 5.0], 5000, 150)
        for m in MEASURES
    ]
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
        measures=measures,
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
        training={
            "vae": sections.Training(
                steps,
                {"terms/prior": [50 + s / 100 for s in steps], "terms/pixels": [1000 / (1 + s) for s in steps]},
            ),
            "vaegan": sections.Training(
                steps,
                {"terms/prior": [60 + s / 100 for s in steps], "dis/real": [0.6] * 60, "dis/prior": [0.4] * 60},
            ),
        },
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
        pictures=sections.Pictures(
            faces=[picture(title, "faces.png", run=run) for title, run in (("Original", None), ("VAE", "vae"),
                                                                           ("VAE/GAN", "vaegan"))],
            ladder=[picture(f"{s} px", "faces.png", sigma=float(s)) for s in (0, 0.5, 1, 2)],
            samples=[picture("VAE", "grid.png", width=256, height=384, more=picture("64 samples", "grid.png"))],
        ),
    )  # fmt: skip


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


def study(size: int = 32) -> tuple[Report, dict[str, bytes]]:
    """The report of five modes with three seeds each, with everything a report can hold, and its pictures."""
    value, chance = _example(), random.Random(0)
    runs = [run(m, f"{MODES[m][0]}-s{seed}", seed, f"{m}-s{seed}") for m in MODES for seed in SEEDS]
    outcomes = dict(zip(list(MODES)[1:], ("supported", "inconclusive", "supported", "refuted"), strict=True))
    sources = study_sources(value, runs, chance)
    groups = study_pictures(runs, sources, size)
    report = replace(
        value,
        runs=runs,
        dataset=replace(value.dataset, image_size=size),
        headline="On synthfaces the VAE's reconstructions are as blurred as real images at 0.85 px.",
        sources=sources,
        pooled=[
            rows.Pooled(what=what, mode=mode, title=title, seeds=3, snapshots=5, snapshot_spread=0.021,
                        seed_spread=0.043, **reading((recon, sample)[what == "samples"], 0.11))
            for what in KINDS
            for mode, (title, recon, sample) in MODES.items()
        ],
        verdicts=[
            verdict(what, mode, outcome, f"VAE 0.85 px [0.74, 0.96], {MODES[mode][0]} 0.31 px [0.20, 0.42]; "
                    "difference 0.54 px [0.38, 0.70], over 3 seeds.",
                    f"{what.capitalize()}: VAE against {MODES[mode][0]}")
            for what in KINDS for mode, outcome in outcomes.items()
        ],
        hypotheses=rows.Hypotheses(
            ["The VAE's reconstructions are blurrier than the VAE/GAN's.", "The VAE's samples are blurrier."],
            "Two hypotheses were declared before anything was measured; p values are corrected by Holm.",
        ),
        decomposition={what: decomposition(i) for i, what in enumerate(KINDS, 1)},
        rate=rate_of(runs),
        coherence=coherence_of(sources),
        learning={r.label: learning_of(r) for r in runs if r.mode in ("vae", "vaegan")},
        content=sections.Content([matched(r) for r in runs], "Plain and content-matched figures agree for 14 of 15.",
                             "Each sample against its 5 nearest held-out images by features."),
        prior_gap=sections.PriorGap([gap(r) for r in runs], "The decoder blurs; the prior adds 0.1 px."),
        distances=study_distances(sources, chance),
        spectrum=study_spectrum(sources, chance),
        training={r.label: curves(r.mode, chance) for r in runs},
        differences=[
            schema.Setting("mode", {r.label: r.mode for r in runs}),
            schema.Setting("seed", {r.label: str(r.seed) for r in runs}),
        ],
        commands=[f"python -m vaegan.train --mode {r.mode} --seed {r.seed}" for r in runs],
        ladder_caption="VAE-s0 reconstructions: 0.85 px [0.83, 0.87], between 0.5 and 1 px.",
        pictures=sections.Pictures(**{
            name: [stored.of_value(Picture, p.entry()) for p in row] for name, row in groups.items()
        }),
    )  # fmt: skip
    return report, {name: png for row in groups.values() for name, png in pictures.files(row).items()}


def matched(r: rows.Run) -> sections.Matched:
    plain, other, apart = (rows.Reading(**reading(v)) for v in (MODES[r.mode][2], MODES[r.mode][2] + 0.03, -0.03))
    return sections.Matched(r.label, f"{r.title} samples", plain, other, apart, r.label == "vaegan-s2")


def gap(r: rows.Run) -> sections.Gap:
    _, recon, sample = MODES[r.mode]
    readings = (rows.Reading(**reading(v)) for v in (sample, sample - 0.1, recon))
    return sections.Gap(r.label, r.title, *readings, "the decoder blurs, the prior hardly adds to it")


def rate_of(runs: list[rows.Run]) -> rate.Rate:
    """Every run at 60 nats and one linear VAE's curve."""
    read = {m: [rows.Reading(**reading(v)) for v in MODES[m][1:]] for m in MODES}
    linear = dict(zip(KINDS, (rows.Reading(**reading(v)) for v in (0.77, 0.66)), strict=True))
    at = [rate.AtRate(r.label, r.title, 60.0 + 10 * r.seed, *read[r.mode], linear) for r in runs]
    where = dict.fromkeys(KINDS, "inside")
    curve = [rate.LinearPoint(64, n, 1 / n, 2 / n**0.3, 1.8 / n**0.3, where) for n in (5.0, 20.0, 40.0, 80.0)]
    words = "linear VAE of 70 nats 0.77 px, VAE/GAN -0.12 px."
    found = replace(verdict("reconstructions", "vaegan", "supported", words, "At equal rate"), runs=[[], ["vaegan-s0"]])
    return rate.Rate(at, curve, [found], 5000, 1000)


def coherence_of(sources: list[rows.Source]) -> detail.Coherence:
    """Reconstructions whose coherence falls with frequency, and sound controls."""
    edges = [0.0, 0.04, 0.065, 0.1, 0.16, 0.26, 0.42, 0.71]
    bands = [detail.Band(a, b, 1 - b, 1 - 1.3 * b, 1 - b / 2) for a, b in zip(edges, edges[1:], strict=False)]

    def row(id: str, title: str, run: str | None, whole: float, coherent: float) -> detail.Coherent:
        return detail.Coherent(id, title, run, bands, *(rows.Reading(**reading(v)) for v in (whole, coherent)))

    kinds = ("reconstructions", "baseline")
    found = [row(s.id, s.title, s.run, s.blur[MEASURES[0]].value, 1.234) for s in sources if s.kind in kinds]
    controls = [("blurred", "Control: held-out, blurred 1 px", 1.0), ("noisy", "Control: held-out + noise", 0.0)]
    checks = [detail.CoherenceCheck(row(id, title, None, v, 1.0), "as expected", True) for id, title, v in controls]
    return detail.Coherence(found, checks, 1000)


def learning_of(r: rows.Run) -> sections.Learning:
    """A learning curve that is flat at its end for the VAE alone."""
    steps, end = [600, 1500, 3000], MODES[r.mode][1]
    half = end + (0.01 if r.mode == "vae" else 0.2)
    series = {"sigma_eq_reconstructions": [2.0, half, end], "frechet": [90.0, 40.0, 30.0]}
    series |= {"elbo": [-2950.0, -2910.0, -2900.0]} if r.mode == "vae" else {}
    moved = {"reconstructions": end - half, "samples": None}
    return sections.Learning(steps, [step / 7 for step in steps], series, moved)


def study_sources(value: Report, runs: list[rows.Run], chance: random.Random) -> list[rows.Source]:
    kinds = {
        "reconstructions": ("reconstructions", 1),
        "samples": ("samples", 2),
        "posterior": ("aggregated-posterior samples", 2),
        "average": ("reconstructions, averaged weights", 1),
    }
    controls = [s for s in value.sources if s.run is None]
    found = []
    for kind, (words, column) in kinds.items():
        for r in runs:
            sigma = MODES[r.mode][column] + chance.gauss(0, 0.05)
            price = {"pixel_error": 22 + chance.random(), "psnr": 20 + chance.random(),
                     "ssim": 0.5 + chance.random() / 9}  # fmt: skip
            price = price if kind == "reconstructions" else None
            row = source(f"{r.label}/{kind}", f"{r.title} {words}", kind, sigma, r.label, None, price)
            steady = rows.Steadiness([sigma - 0.02, sigma + 0.02, sigma], 0.0123, 1000) if kind in KINDS else None
            found.append(replace(row, steadiness=steady))
    price = {"pixel_error": 18.9, "psnr": 22.7, "ssim": 0.65}
    linear = source("pca-64/reconstructions", "PCA, 64 numbers, reconstructions", "baseline", 0.57, None, None, price)
    return [*controls[:1], *found, linear, *controls[1:]]


def study_distances(sources: list[rows.Source], chance: random.Random) -> sections.Distances:
    floors = [("Training images (floor)", None, None), ("Held-out images (floor)", None, None)]
    own = [(s.title, s.run, s.id) for kinds in (KINDS, ("baseline",)) for s in sources if s.kind in kinds]
    return distances([(*row, 2 + 60 * chance.random()) for row in floors + own])


def study_spectrum(sources: list[rows.Source], chance: random.Random) -> sections.Spectrum:
    frequency = [i / 32 for i in range(1, 23)]
    compared = [s for s in sources if s.kind in KINDS]
    return sections.Spectrum(frequency, {s.id: power(s.blur[MEASURES[0]].value, frequency, chance) for s in compared})


def decomposition(kind: int) -> sections.Decomposition:
    square = {"vae": ("pixels", False), "vae-disl": ("Dis_l", False),
              "vaegan-pixel": ("pixels", True), "vaegan": ("Dis_l", True)}  # fmt: skip
    cells = [
        sections.Cell(**reading(MODES[mode][kind], 0.11), mode=mode, title=MODES[mode][0], reconstruction=space,
                  adversary=adversary, seeds=3)
        for mode, (space, adversary) in square.items()
    ]  # fmt: skip
    effects = [sections.Ingredient(**reading(v, 0.12), name=name, meaning=meaning) for name, meaning, v in EFFECTS]
    return sections.Decomposition(cells, [], effects, "Dis_l removes most of the blur.")


def power(sigma: float, frequency: list[float], chance: random.Random) -> list[float]:
    return [math.exp(-sigma * abs(sigma) * (2 * math.pi * f) ** 2 / 3) * (1 + chance.random() / 5) for f in frequency]


def curves(mode: str, chance: random.Random) -> sections.Training:
    steps = list(range(10, 3001, 10))
    names = ["terms/prior", "terms/features" if mode in ("vae-disl", "vaegan") else "terms/pixels"]
    names += ["dis/real", "dis/prior", "gate/decoder", "gate/discriminator"] if "gan" in mode else []
    level = {"terms": 90, "dis": 0.5, "gate": 0.1}
    series = {n: [level[n.split("/")[0]] * (1 + 9 / s + chance.random() / 9) for s in steps] for n in names}
    return sections.Training(steps, series)


def study_pictures(runs: list[rows.Run], sources: list[rows.Source], size: int) -> dict[str, list[pictures.Picture]]:
    """Pictures of every run: stand-ins that are real images under the run's own blur."""
    originals = dead_leaves(24, size, 3)
    count = pictures.row_length(originals)
    blurs = {(s.kind, s.run): s.blur[MEASURES[0]] for s in sources}
    strips = [pictures.tiled("original.png", originals[:count], count, 1024, "Original", f"{count} held-out images")]
    grids = []
    for r in runs:
        for kind, found in (("reconstructions", strips), ("samples", grids)):
            seen = blurs[kind, r.label]
            images = gaussian_blur(originals, max(seen.value, 0)) if seen.value > 0 else originals
            images, columns = (images[:count], count) if found is strips else (images, 4)
            width = 1024 // (1 + (found is grids))
            tile = pictures.tiled(f"{kind}-{r.label}.png", images, columns, width, r.title, r.title)
            found.append(replace(tile, run=r.label, detail=seen.text))
    return {"faces": strips, "ladder": pictures.ladder(originals), "samples": grids}
