"""Every chart of report.json, in the order of the page."""

from eval.report.charts import curves, forest, ncurve
from eval.report.charts.drawing import Chart


def charts(report: dict) -> list[Chart]:
    """Every chart that the report has data for."""
    primary = next(row["name"] for row in report["measures"] if row["primary"])
    source = origin(report)
    found = [
        forest.forest(report, primary, source),
        forest.controls(report, primary, source),
        curves.calibration(report, source),
        curves.spectrum(report, source),
        ncurve.ncurve(report, source),
        curves.training(report),
    ]
    return [chart for chart in found if chart]


def origin(report: dict) -> str:
    """Where a chart's numbers come from."""
    data, size = report["dataset"]["title"], report["dataset"]["image_size"]
    return f"Source: {data} at {size}×{size}, {report['protocol']['count']:,} images a run; report.json."
