import torch

from handlib.training.average import WeightAverage


def test_average_follows_the_recursion():
    model = torch.nn.Linear(1, 1, bias=False)
    average = WeightAverage(model, decay=0.5)
    expected = model.weight.item()
    for step in range(20):
        with torch.no_grad():
            model.weight.fill_(step)
        average.update(step)
        decay = min(0.5, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * step
    assert abs(average.average["weight"].item() - expected) < 1e-5


def test_no_decay_is_the_model_itself():
    model = torch.nn.Linear(3, 3)
    average = WeightAverage(model, decay=0.0)
    with torch.no_grad():
        model.weight.normal_()
    average.update(50)
    assert torch.equal(average.average["weight"], model.weight)


def test_applied_for_a_while_and_for_good():
    model = torch.nn.BatchNorm1d(2)
    average = WeightAverage(model, decay=0.9)
    with torch.no_grad():
        model.weight.fill_(3)
        model.running_mean.fill_(5)
    with average.applied():
        assert model.weight.tolist() == [1, 1] and model.running_mean.tolist() == [0, 0]
    assert model.weight.tolist() == [3, 3] and model.running_mean.tolist() == [5, 5]
    average.apply()
    assert model.weight.tolist() == [1, 1]
