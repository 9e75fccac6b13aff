"""Does learned confidence see what is hidden or blurred, and is fusion by it better?

The claim (Deformer, section 3.3 and Table 4): the weight of a frame falls when the hand in it is
hidden or blurred, and fusion by such weights does better than the middle frame's own answer, than
equal weights, and than weights by the true occlusion.

Within each test window weights are ranked against hidden shares. Then one frame of a window is
blurred, nothing else, and its weight compared with what it had. A learned weight may also favour
a place in the window, whatever is seen there: the mean weight of each place is kept beside.

Four second stages for each seed, about a minute each, beside the seed's start.
"""

from dataclasses import replace

import torch
from jaxtyping import Float
from scipy.stats import rankdata
from torch import Tensor
from torch.utils.data import Dataset

from handlib.data import Windows
from handlib.data.colour import gaussian_blur
from handlib.data.sample import needed
from handlib.data.sequence_batch import SequenceBatch
from handlib.data.windows import HandWindow
from handlib.experiments.measures import can_be_ranked, over_windows
from handlib.experiments.study import Judged, Study, Variant
from handlib.models.baselines import DEFORMER
from handlib.models.deformer import SequencePrediction

COMMAND = "handlib experiment confidence"
VARIANTS = ("deformer", "temporal", "average", "occlusion_weighted")
BLUR = 3.0  # standard deviation in pixels of an image of 128


def rank_correlation(
    one: Float[Tensor, "N T"], other: Float[Tensor, "N T"]
) -> Float[Tensor, " N"]:
    """Spearman's, of each row; ties share their rank, and a row without differences gives NaN."""
    ranks = (torch.from_numpy(rankdata(x.double().numpy(), axis=1)) for x in (one, other))
    a, b = (rank - rank.mean(dim=1, keepdim=True) for rank in ranks)
    return (a * b).sum(1) / (a.square().sum(1) * b.square().sum(1)).sqrt()


class OneBlurred(Dataset[HandWindow]):
    """Each of the windows `chosen` of `test`, T times: with its first frame blurred, its second …

    sigma: standard deviation in pixels.
    """

    def __init__(self, test: Windows, chosen: list[int], sigma: float = BLUR) -> None:
        self.test, self.chosen, self.sigma = test, chosen, sigma

    def __len__(self) -> int:
        return len(self.chosen) * self.test.length

    def __getitem__(self, index: int) -> HandWindow:
        number, place = divmod(index, self.test.length)
        window = self.test[self.chosen[number]]
        frame = window.samples[place]
        image = gaussian_blur(frame.image[None], torch.tensor([self.sigma]))[0]
        before, after = window.samples[:place], window.samples[place + 1 :]
        return replace(window, samples=(*before, replace(frame, image=image), *after))


def middle_windows(test: Windows) -> list[int]:
    """The window in the middle of each clip."""
    return [(frames.start + frames.stop) // 2 for frames in test.runs()]


def _weights(prediction: SequencePrediction, batch: SequenceBatch) -> dict[str, Tensor]:
    return {
        "weight": prediction.confidence,
        "occlusion": needed(batch.occlusion, "occlusion"),
    }


def weights_when_blurred(judged: Judged, chosen: list[int]) -> Float[Tensor, "clips T"]:
    """The weight of each frame when it, and no other, is blurred."""
    found = over_windows(judged, _weights, OneBlurred(judged.test, chosen))["weight"]
    return found.unflatten(0, (len(chosen), -1)).diagonal(dim1=1, dim2=2)


def measure(judged: Judged) -> dict[str, Tensor]:
    """Of learned weights; T times a weight, so that 1 is an equal share.

    rank_correlation: with the hidden share, of windows where that varies. most_hidden,
    least_hidden: the weight of that frame, in the same windows. by_place: of each place.
    before_blur, blurred: of a frame as it is and when it alone is blurred, mean over the places of
    the window in the middle of each clip. fell: in what share of the places it fell.
    """
    if judged.model.config.weights != "confidence":
        return {}
    found = over_windows(judged, _weights)
    weight, occlusion = found["weight"] * judged.test.length, found["occlusion"]
    varies = can_be_ranked(occlusion, judged.test)
    ranked = {
        "rank_correlation": rank_correlation(weight, occlusion).to(weight),
        "most_hidden": weight.gather(1, occlusion.argmax(1, keepdim=True))[:, 0],
        "least_hidden": weight.gather(1, occlusion.argmin(1, keepdim=True))[:, 0],
    }
    chosen = middle_windows(judged.test)
    before, after = weight[chosen], judged.test.length * weights_when_blurred(judged, chosen)
    return {name: values.where(varies, torch.nan) for name, values in ranked.items()} | {
        "by_place": weight,
        "before_blur": before.mean(1),
        "blurred": after.mean(1),
        "fell": (after < before).to(weight).mean(1),
    }


STUDY = Study(
    name="confidence",
    claim="confidence falls where a frame is hidden or blurred, and fusion by it does best",
    variants={name: Variant(DEFORMER[name]) for name in VARIANTS},
    reference="deformer",
    measure=measure,
)
