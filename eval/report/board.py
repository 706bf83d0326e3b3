"""The report in TensorBoard: its charts and image strips as images, its verdict as text, beside the runs' curves."""

import io
from pathlib import Path

from PIL import Image
from tensorboard.compat.proto.summary_pb2 import Summary
from torch.utils.tensorboard import SummaryWriter

from eval.report.charts import figures
from eval.report.schema import Report


def write(report: Report, folder: Path) -> None:
    """Write an events file into the report's `folder` from the report and figures/*.png, in place of an older one.

    `tensorboard --logdir` of any folder above finds it, under the report folder's name.
    """
    for old in folder.glob("events.out.tfevents.*"):
        old.unlink()
    with SummaryWriter(str(folder)) as writer:
        writer.add_text("report/verdict", verdict(report))
        for chart in figures.charts(report):
            _add(writer, f"report/{chart.name}", (folder / "figures" / f"{chart.name}.png").read_bytes())
        for group, pictures in vars(report.pictures).items():
            for i, picture in enumerate(pictures):
                png = enlarged((folder / "figures" / picture.file).read_bytes(), picture.zoom)
                _add(writer, f"report_{group}/{i:02d}_{Path(picture.file).stem}", png)


def verdict(report: Report) -> str:
    """The report's sentences as Markdown; a failed instrument first."""
    lines = [] if report.instrument.ok else [f"**Instrument failed.** {report.instrument.sentence}"]
    lines += [report.headline]
    lines += [f"**{row.title}: {row.word}.** {row.sentence}" for row in report.verdicts]
    return "\n\n".join(lines)


def enlarged(png: bytes, zoom: int) -> bytes:
    """A PNG with every pixel drawn as a square of `zoom` pixels: TensorBoard has no sharp enlargement."""
    image = Image.open(io.BytesIO(png))
    out = io.BytesIO()
    image.resize((image.width * zoom, image.height * zoom), Image.Resampling.NEAREST).save(out, "PNG")
    return out.getvalue()


def _add(writer: SummaryWriter, tag: str, png: bytes) -> None:
    """The PNG as it is; `add_image` would decode it, and matplotlib's already is what people should see."""
    with Image.open(io.BytesIO(png)) as image:
        encoded = Summary.Image(height=image.height, width=image.width, colorspace=3, encoded_image_string=png)
    writer._get_file_writer().add_summary(Summary(value=[Summary.Value(tag=tag, image=encoded)]), 0)
