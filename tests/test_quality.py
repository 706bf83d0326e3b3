"""eval.evidence.quality: what sharpness costs in pixels, of images whose difference is known."""

import pytest
import torch
from stand_in import dead_leaves

from eval.evidence import quality


def test_quality_of_equal_and_of_known_images():
    images = dead_leaves(4)
    same = quality.measure(images, images)
    assert torch.equal(same["pixel_error"], torch.zeros(4, dtype=torch.float64)) and same["psnr"].isinf().all()
    assert same["ssim"] == pytest.approx(torch.ones(4), abs=1e-6)
    dark, light = torch.full((2, 3, 32, 32), 100).byte(), torch.full((2, 3, 32, 32), 110).byte()
    assert quality.pixel_error(dark, light).tolist() == [10, 10]
    assert quality.psnr(dark, light).tolist() == pytest.approx([28.1308, 28.1308], abs=1e-3)  # 20 log10(255 / 10)
