"""RoIAlign against ONNX's operator and against the rule, written as loops."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator

from handlib.models.roi_align import roi_align, smooth_then_align

INSIDE = (3.0, 5.0, 50.0, 61.0)
TINY = (20.0, 20.0, 21.0, 20.5)  # less than a cell: counts as one cell
LEAVING = (-30.0, 10.0, 40.0, 90.0)
OUTSIDE = (200.0, 200.0, 240.0, 260.0)
WIDE = (0.0, 24.0, 63.0, 30.0)  # several samples along one axis, one along the other


def onnx_roi_align(features, boxes, size, stride):
    """Opset 16 in its un-shifted mode; one box for each map of the batch."""
    attributes = {
        "coordinate_transformation_mode": "output_half_pixel",
        "output_height": size,
        "output_width": size,
        "sampling_ratio": 0,
        "spatial_scale": 1 / stride,
    }
    node = helper.make_node("RoiAlign", ["x", "rois", "batch"], ["y"], **attributes)
    inputs = [
        helper.make_tensor_value_info("x", TensorProto.FLOAT, None),
        helper.make_tensor_value_info("rois", TensorProto.FLOAT, None),
        helper.make_tensor_value_info("batch", TensorProto.INT64, None),
    ]
    outputs = [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)]
    graph = helper.make_graph([node], "roi", inputs, outputs)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 16)])
    batch = np.arange(len(boxes), dtype=np.int64)
    feed = {"x": features.numpy(), "rois": boxes.numpy(), "batch": batch}
    return torch.from_numpy(ReferenceEvaluator(model).run(None, feed)[0])


def slow_roi_align(features, boxes, size, stride):
    """One sample after the other."""
    count, channels, height, width = features.shape
    result = torch.zeros(count, channels, size, size, dtype=features.dtype)
    for n, box in enumerate((boxes / stride).tolist()):
        spans = [(box[axis], max(box[axis + 2] - box[axis], 1.0) / size) for axis in (0, 1)]
        (left, bin_x), (top, bin_y) = spans
        samples_x, samples_y = math.ceil(bin_x), math.ceil(bin_y)
        for row in range(size):
            for column in range(size):
                for s in range(samples_y):
                    for t in range(samples_x):
                        y = top + bin_y * (row + (s + 0.5) / samples_y)
                        x = left + bin_x * (column + (t + 0.5) / samples_x)
                        result[n, :, row, column] += bilinear(features[n], y, x)
        result[n] /= samples_x * samples_y
    return result


def bilinear(map_, y, x):
    height, width = map_.shape[1:]
    if not (-1 <= y <= height and -1 <= x <= width):
        return torch.zeros(len(map_), dtype=map_.dtype)
    y, x = min(max(y, 0.0), height - 1.0), min(max(x, 0.0), width - 1.0)
    y0, x0 = int(y), int(x)
    y1, x1 = min(y0 + 1, height - 1), min(x0 + 1, width - 1)
    top = (1 - x + x0) * map_[:, y0, x0] + (x - x0) * map_[:, y0, x1]
    bottom = (1 - x + x0) * map_[:, y1, x0] + (x - x0) * map_[:, y1, x1]
    return (1 - y + y0) * top + (y - y0) * bottom


@pytest.mark.parametrize("size", [1, 4, 7])
def test_equals_the_onnx_operator(size):
    boxes = torch.tensor([INSIDE, TINY, LEAVING, OUTSIDE, WIDE])
    features = torch.randn(len(boxes), 3, 18, 15)
    expected = onnx_roi_align(features, boxes, size, stride=4)
    assert torch.allclose(roi_align(features, boxes, size, 4), expected, atol=1e-5)


corner = st.floats(-40, 90, width=32)
extent = st.floats(0, 120, width=32)


@given(st.tuples(corner, corner, extent, extent), st.integers(1, 5))
def test_equals_the_loops(box, size):
    x, y, width, height = box
    features = torch.randn(1, 2, 12, 17, dtype=torch.float64)
    boxes = torch.tensor([[x, y, x + width, y + height]])
    expected = slow_roi_align(features, boxes.double(), size, 4)
    # A sample on the edge of the map may count or not, by the last bit of its position.
    ours = roi_align(features, boxes, size, 4)
    edges = torch.tensor([-4.0, 48.0, 68.0])
    assert torch.allclose(ours, expected, atol=1e-4) or near_an_edge(boxes, size, edges)


def near_an_edge(boxes, size, edges):
    x1, y1, x2, y2 = boxes[0].double().tolist()
    positions = []
    for start, end in ((x1, x2), (y1, y2)):
        length = max(end - start, 4.0)
        samples = math.ceil(length / 4 / size)
        steps = (torch.arange(size * samples) + 0.5) / samples
        positions.append(start + steps * length / size)
        if abs(length / 4 / size - round(length / 4 / size)) < 1e-5:
            return True  # the number of samples itself is decided by the last bit
    return bool(((torch.cat(positions)[:, None] - edges).abs() < 1e-3).any())


def test_a_constant_map_stays_constant_inside():
    features = torch.full((1, 1, 16, 16), 3.0)
    crop = roi_align(features, torch.tensor([[4.0, 4.0, 50.0, 40.0]]), 8, 4)
    assert torch.allclose(crop, torch.full_like(crop, 3.0))


def test_gradient():
    features = torch.randn(2, 2, 6, 7, dtype=torch.float64, requires_grad=True)
    boxes = torch.tensor([[2.0, 1.0, 23.0, 19.0], [-9.0, 4.0, 14.0, 40.0]])
    assert torch.autograd.gradcheck(lambda x: roi_align(x, boxes, 3, 4), features)


@pytest.mark.parametrize("size", [1, 4, 7])
def test_a_convolution_may_come_after(size):
    """At every border of the map, too, where the convolution sees zeros."""
    smooth = torch.nn.Conv2d(3, 5, 3, padding=1).double()
    boxes = torch.tensor([INSIDE, TINY, LEAVING, OUTSIDE, WIDE])
    features = torch.randn(len(boxes), 3, 18, 15, dtype=torch.float64)
    expected = roi_align(smooth(features), boxes, size, 4)
    assert torch.allclose(smooth_then_align(features, smooth, boxes, size, 4), expected)
