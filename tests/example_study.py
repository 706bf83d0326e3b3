"""A report of five modes with three seeds each, made through the schema; its pictures are blurred drawings."""

import math
import random
from dataclasses import replace

from example_report import (
    KINDS,
    MEASURES,
    MODES,
    distances,
    pair,
    reading,
    run,
    source,
    verdict,
)
from stand_in import dead_leaves

from eval.blur.measures import gaussian_blur
from eval.evidence import pictures
from eval.report import detail, rate, rows, schema, sections, stored
from eval.report.schema import Report
from eval.report.sections import Picture

SEEDS = (0, 1, 2)
EFFECTS = (
    ("feature-space reconstruction", "Dis_l instead of pixels, averaged over the adversary", -0.66),
    ("adversary", "with instead of without, averaged over the reconstruction", -0.31),
    ("interaction", "how much more the adversary does with Dis_l", -0.24),
)


def study(size: int = 32) -> tuple[Report, dict[str, bytes]]:
    """The report of five modes with three seeds each, with everything a report can hold, and its pictures."""
    value, chance = pair(), random.Random(0)
    runs = [run(m, f"{MODES[m][0]}-s{seed}", seed, f"{m}-s{seed}") for m in MODES for seed in SEEDS]
    sources = study_sources(value, runs, chance)
    groups = study_pictures(runs, sources, size)
    report = replace(
        value,
        runs=runs,
        dataset=replace(value.dataset, image_size=size),
        headline="On synthfaces the VAE's reconstructions are as blurred as real images at 0.85 px.",
        sources=sources,
        pooled=study_pooled(),
        verdicts=study_verdicts(),
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


def study_pooled() -> list[rows.Pooled]:
    return [
        rows.Pooled(what=what, mode=mode, title=title, seeds=3, snapshots=5, snapshot_spread=0.021, seed_spread=0.043,
                    **reading((recon, sample)[what == "samples"], 0.11))
        for what in KINDS
        for mode, (title, recon, sample) in MODES.items()
    ]  # fmt: skip


def study_verdicts() -> list[rows.Verdict]:
    outcomes = dict(zip(list(MODES)[1:], ("supported", "inconclusive", "supported", "refuted"), strict=True))
    return [
        verdict(what, mode, outcome, f"VAE 0.85 px [0.74, 0.96], {MODES[mode][0]} 0.31 px [0.20, 0.42]; "
                "difference 0.54 px [0.38, 0.70], over 3 seeds.",
                f"{what.capitalize()}: VAE against {MODES[mode][0]}")
        for what in KINDS for mode, outcome in outcomes.items()
    ]  # fmt: skip


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
