"""One of two processes that train a Deformer and its critic: saves what it ends with."""

import sys
from dataclasses import replace
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).parent))

from conftest import RandomClips

from handlib.data.windows import windows
from handlib.hands import load_hand
from handlib.models import Deformer, DeformerConfig, MotionDiscriminator
from handlib.training import Critic, TrainConfig, fit

folder, rank = Path(sys.argv[1]), int(sys.argv[2])
hand = load_hand()
torch.manual_seed(rank)  # neither network begins alike in both processes
deformer = Deformer(DeformerConfig.course(), hand)
networks = {"deformer": deformer, "critic": MotionDiscriminator(width=8)}
data = windows(RandomClips(hand, 3, 4), length=3, gap=1)
recipe = replace(TrainConfig.deformer_course(), images=12, batch_size=2)
fit(deformer, data, config=recipe, critic=Critic(networks["critic"]))
parameters = {name: dict(network.named_parameters()) for name, network in networks.items()}
torch.save(parameters, folder / f"{rank}.pt")
