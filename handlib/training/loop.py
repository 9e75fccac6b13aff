"""The training loop, whole: one function that a notebook and the command line both call."""

from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from torch import Tensor, nn
from torch.nn.utils import clip_grad_norm_
from torch.optim import Adam, AdamW, Optimizer
from torch.utils.data import DataLoader, Dataset
from tqdm.auto import tqdm

from handlib.training.adversarial import Critic
from handlib.training.average import WeightAverage
from handlib.training.checkpoint import (
    CRITIC_FILE,
    MODEL_FILE,
    STATE_FILE,
    TrainingState,
    write_tensors,
)
from handlib.training.config import TrainConfig
from handlib.training.history import History
from handlib.training.order import BatchOrder, generator_at
from handlib.training.task import Task, task_of


def fit(
    model: Any,
    train: Dataset[Any],
    val: Dataset[Any] | None = None,
    config: TrainConfig | None = None,
    run_dir: Path | str | None = None,
    resume: bool = False,
    critic: Critic | None = None,
) -> History:
    """Train `model` in place by `config` (default: the course recipe of its kind).

    A HandOccNet learns from a data set of `HandSample`s, a Deformer from `windows` over one. At
    the end the model holds the averaged weights. With `run_dir` the state is saved there every
    `config.checkpoint_images`, and `resume` goes on from it: on a CPU bit for bit as if nothing
    had happened. With `val` the averaged weights are scored at the same times. With a `critic`,
    for a Deformer, its verdict is one more loss, and it learns after every step.

    Raises:
        FloatingPointError: a loss term is no longer finite.
        ValueError: `resume` finds a run of another recipe.
    """
    task = task_of(model)
    config = config or task.recipe()
    torch.manual_seed(config.seed)
    accelerator = Accelerator()
    size = config.batch_size * accelerator.num_processes
    steps = -(-config.images // size)
    model.train()
    net, optimizer = accelerator.prepare(model, _optimizer(model, config))
    if critic:
        critic.join(accelerator.device)
    average, history = WeightAverage(model, config.average), History()
    state = TrainingState(model, optimizer, average, history, critic)
    state_file = Path(run_dir) / STATE_FILE if run_dir else None
    first = state.load(state_file, config) if resume and state_file else 0

    # A notebook's bar is redrawn by messages, which a reader who is slow to fetch them loses.
    bar = tqdm(
        total=steps * size, initial=first * size, unit=" images", unit_scale=True, mininterval=0.5
    )
    for step, batch in enumerate(_loader(train, task, config, first, steps, accelerator), first):
        batch = task.augment(batch, config.augmentation, generator_at(config.seed, step, 1))
        for group in optimizer.param_groups:
            group["lr"] = config.learning_rate_at(step * size)
        with torch.autocast(accelerator.device.type, torch.bfloat16, enabled=config.bf16):
            prediction = task.predict(net, batch)
        terms = task.loss(prediction, batch, model, config.loss)
        if critic:
            terms["adversarial"] = critic.judge(prediction, batch)
            terms["total"] = terms["total"] + terms["adversarial"]
        _stop_unless_finite(terms, step * size)
        optimizer.zero_grad()
        accelerator.backward(terms["total"])
        if config.clip:
            clip_grad_norm_(net.parameters(), config.clip, foreach=True)
        optimizer.step()
        average.update(step)
        if critic:
            critic.scale_rate(config.learning_rate_at(step * size) / config.learning_rate)
            terms |= critic.learn(prediction, batch)

        seen = (step + 1) * size
        history.add_step(seen, terms)
        bar.set_postfix(loss=history.terms["total"][-1], refresh=False)
        bar.update(size)
        if seen % config.checkpoint_images < size or step + 1 == steps:
            if val is not None:
                with average.applied():
                    history.add_scores(images=float(seen), **task.evaluate(model, val).means())
            if state_file and accelerator.is_main_process:
                state.save(state_file, step + 1, config)

    bar.close()
    average.apply()
    if run_dir and accelerator.is_main_process:
        write_tensors(Path(run_dir) / MODEL_FILE, model.state_dict(), {"format": "pt"})
        if critic:
            judge = critic.discriminator.state_dict()
            write_tensors(Path(run_dir) / CRITIC_FILE, judge, {"format": "pt"})
    return history


def _optimizer(model: nn.Module, config: TrainConfig) -> Optimizer:
    if config.weight_decay:
        decay = config.weight_decay
        return AdamW(model.parameters(), config.learning_rate, weight_decay=decay, fused=True)
    return Adam(model.parameters(), config.learning_rate, fused=True)


def _loader(
    train: Dataset[Any],
    task: Task,
    config: TrainConfig,
    first: int,
    steps: int,
    accelerator: Accelerator,
) -> DataLoader[Any]:
    """The batches from step `first` up to `steps`, shared out among the processes."""
    shares = accelerator.num_processes
    order = BatchOrder(
        len(train),  # type: ignore[arg-type]  # torch's Dataset does not say that it is sized
        config.batch_size,
        config.seed,
        first * shares,
        steps * shares,
    )
    loader = DataLoader(
        train,
        batch_sampler=order,
        collate_fn=task.collate,
        num_workers=config.workers,
        generator=torch.Generator(),  # keeps the loader's draw out of the global state
    )
    return accelerator.prepare(loader)


def _stop_unless_finite(terms: dict[str, Tensor], seen: int) -> None:
    if not terms["total"].isfinite():
        values = ", ".join(f"{name} {value.item():.4g}" for name, value in terms.items())
        raise FloatingPointError(
            f"the loss is not finite after {seen:,} images: {values}; "
            "lower the learning rate, or look for the sample that does this"
        )
