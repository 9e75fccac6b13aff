from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file

from handlib.data.augmentation import AugmentationConfig
from handlib.training import TrainConfig, fit

CONFIG = replace(
    TrainConfig.course(),
    images=80,
    batch_size=8,
    warmup_images=16,
    checkpoint_images=24,
    augmentation=AugmentationConfig.paper(),  # it must be resumed, too
)


class Interrupted(Exception):
    pass


class FailsAfter(torch.utils.data.Dataset):
    """A data set behind which the power goes off after `reads` samples."""

    def __init__(self, data, reads):
        self.data, self.reads = data, reads

    def __len__(self):
        return len(self.data)

    def __getitem__(self, index):
        self.reads -= 1
        if self.reads < 0:
            raise Interrupted
        return self.data[index]


def state_of(model):
    return {name: value.clone() for name, value in model.state_dict().items()}


def assert_same(first, second):
    assert first.keys() == second.keys()
    for name in first:
        assert torch.equal(first[name], second[name]), name


@pytest.fixture(scope="module")
def with_dropout():
    """Training draws from torch's global generator too: its state has to be restored."""

    def add(model):
        model.mano_head.hidden1 = torch.nn.Sequential(
            model.mano_head.hidden1, torch.nn.Dropout(0.3)
        )
        return model

    return add


def test_resumed_is_bit_for_bit_uninterrupted(tmp_path, tiny_model, random_hands, with_dropout):
    data, val = random_hands(20), random_hands(4, seed=1)  # an epoch is 2 batches of 8
    whole = with_dropout(tiny_model())
    history = fit(whole, data, val, CONFIG, tmp_path / "whole")

    with pytest.raises(Interrupted):
        broken = with_dropout(tiny_model())
        fit(broken, FailsAfter(data, reads=60), val, CONFIG, tmp_path / "broken")
    resumed = with_dropout(tiny_model(seed=7))  # what it held before must not matter
    torch.rand(3)
    resumed_history = fit(resumed, data, val, CONFIG, tmp_path / "broken", resume=True)

    assert_same(state_of(resumed), state_of(whole))
    assert resumed_history == history
    assert_same(
        load_file(tmp_path / "broken" / "model.safetensors"),
        load_file(tmp_path / "whole" / "model.safetensors"),
    )
    assert len(history.images) == 10 and history.scores["images"] == [24, 48, 72, 80]


def test_a_finished_run_resumes_to_its_result(tmp_path, tiny_model, random_hands):
    model, again = tiny_model(), tiny_model(seed=3)
    history = fit(model, random_hands(16), config=CONFIG, run_dir=tmp_path)
    assert fit(again, random_hands(16), config=CONFIG, run_dir=tmp_path, resume=True) == history
    assert_same(state_of(again), state_of(model))


def test_another_recipe_is_not_resumed(tmp_path, tiny_model, random_hands):
    fit(tiny_model(), random_hands(8), config=replace(CONFIG, images=8), run_dir=tmp_path)
    with pytest.raises(ValueError, match=r"started with images=8 \(now 16\)"):
        changed = replace(CONFIG, images=16)
        fit(tiny_model(), random_hands(8), config=changed, run_dir=tmp_path, resume=True)


def test_seed_decides_the_run(tiny_model, random_hands):
    config = replace(CONFIG, images=24)
    runs = []
    for seed in (0, 0, 1):
        model = tiny_model()
        fit(model, random_hands(16), config=replace(config, seed=seed))
        runs.append(state_of(model))
    assert_same(runs[0], runs[1])
    assert any(not torch.equal(runs[0][name], runs[2][name]) for name in runs[0])


def test_it_learns(tiny_model, random_hands):
    config = replace(
        CONFIG,
        images=1_600,
        learning_rate=5e-3,
        augmentation=AugmentationConfig.none(),
        average=0.9,
    )
    history = fit(tiny_model(), random_hands(8), config=config)
    for name in ("joints", "articulation", "mask"):
        term = history.terms[name]
        assert sum(term[-5:]) < 0.6 * sum(term[:5]), name


def test_non_finite_loss_stops_and_names_its_terms(tiny_model, random_hands):
    class Poisoned(FailsAfter):
        def __getitem__(self, index):
            sample = self.data[index]
            return replace(sample, betas=sample.betas * float("nan"))

    with pytest.raises(FloatingPointError, match=r"after 0 images: .*betas nan.*heatmap \d"):
        fit(tiny_model(), Poisoned(random_hands(8), 0), config=CONFIG)


def test_schedules():
    course = TrainConfig.course()
    rates = [course.learning_rate_at(seen) for seen in range(0, course.images, 1000)]
    peak = rates.index(max(rates))
    assert rates[:peak] == sorted(rates[:peak]) and rates[peak:] == sorted(rates[peak:])[::-1]
    assert max(rates) == pytest.approx(course.learning_rate, rel=0.01)
    assert course.learning_rate_at(course.images) == pytest.approx(0, abs=1e-9)
    paper = TrainConfig.paper(dataset_size=100)
    assert paper.images == 7000
    assert [paper.learning_rate_at(n) for n in (0, 999, 1000, 6999)] == pytest.approx(
        [1e-4, 1e-4, 0.7e-4, 0.7**6 * 1e-4]
    )
    assert paper.weight_decay == paper.average == paper.clip == paper.warmup_images == 0


def test_deformers_recipe_and_the_papers_length():
    released = TrainConfig.deformer_paper(dataset_size=100)
    paper = TrainConfig.deformer_paper(dataset_size=100, epochs=60)
    assert (released.images, paper.images) == (10_000, 6_000)
    for seen in (0, 999, 1000, 5999):
        assert paper.learning_rate_at(seen) == released.learning_rate_at(seen)
    assert released.learning_rate_at(9999) == pytest.approx(0.7**9 * 1e-5)
