"""Whether a source shows as many different things as real images do: density and coverage of every source."""

from eval.distances import NEIGHBOURS, density_and_coverage, neighbourhood_radii
from eval.findings import COMPARED, Evidence


def coverage_rows(evidence: Evidence) -> dict:
    """Density and coverage of the calibration half of the held-out images, the floors first, all of one protocol."""
    reference, count = evidence.reference, len(evidence.real.features)
    protocol = (
        f"Density and coverage (Naeem et al. 2020) of {len(reference):,} held-out images of the calibration half, "
        f"{NEIGHBOURS} nearest neighbours, {count:,} images a source, features of {evidence.network.name}. "
        "Coverage: the share of held-out images with an image of the source in their neighbourhood. Density: how many "
        "neighbourhoods an image lies in, 1 as expected of real ones."
    )
    if len(reference) <= NEIGHBOURS:
        return {"rows": [], "protocol": f"{protocol} Not shown: needs more than {NEIGHBOURS} images."}
    radii = neighbourhood_radii(reference)
    sets = [
        ("Training images (floor)", None, evidence.train),
        ("Held-out images (floor)", None, evidence.real.features),
    ]
    sets += [(m.source.title, m.source.run, m.features) for m in evidence.of(*COMPARED)]
    rows = []
    for title, run, features in sets:
        density, coverage = density_and_coverage(features, reference, radii)
        rows.append({"title": title, "run": run, "density": density, "coverage": coverage})
    return {"rows": rows, "protocol": protocol}
