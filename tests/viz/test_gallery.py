"""The gallery's panels come from the recorded pass, whatever the network has learned."""

import pytest
import torch

from handlib.data.batch import HandBatch
from handlib.hands import load_hand
from handlib.models import HandOccNet, HandOccNetConfig
from handlib.viz import gallery

SIZE = 128


@pytest.fixture(scope="module")
def batch():
    generator = torch.Generator().manual_seed(0)
    amodal = torch.zeros(2, SIZE, SIZE, dtype=torch.bool)
    amodal[:, 32:96, 32:96] = True
    visible = amodal.clone()
    visible[0, :, 64:] = False
    camera = torch.tensor([[180.0, 0, 63.5], [0, 180, 63.5], [0, 0, 1]]).expand(2, 3, 3)
    zeros = torch.zeros
    return HandBatch(
        image=torch.rand(2, 3, SIZE, SIZE, generator=generator),
        intrinsics=camera,
        pose=zeros(2, 16, 3),
        betas=zeros(2, 10),
        translation=zeros(2, 3),
        joints=zeros(2, 21, 3),
        joints_px=zeros(2, 21, 2),
        visible=visible,
        amodal=amodal,
        occlusion=torch.tensor([0.5, 0.0]),
    )


def test_the_query_lies_in_the_middle_of_the_hidden_part(batch):
    row, column = gallery.hidden_query(batch, 0, side=16)
    assert row in (7, 8) and column in (9, 10)  # pixels 32..95 by 64..95, tokens of 8 pixels


def test_an_image_without_a_hidden_part_is_refused(batch):
    with pytest.raises(ValueError, match="image 1 has no hidden part"):
        gallery.hidden_query(batch, 1, side=16)


def test_the_most_like_image(batch):
    assert gallery.most_like(batch.occlusion, 0.1) == 1


def test_the_panels_are_drawn_and_described(batch):
    torch.manual_seed(0)
    model = HandOccNet(HandOccNetConfig.course(), load_hand())
    picture = gallery.handoccnet_panels(model, batch, 0, ("untrained", "학습 전"))
    assert picture.png.startswith(b"\x89PNG") and "50%" in picture.alt and "50%" in picture.caption
