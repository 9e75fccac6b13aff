"""The recipes: how many images, which optimiser, which schedule, which aids."""

import math
from dataclasses import dataclass, field

from handlib.data.augmentation import AugmentationConfig
from handlib.losses import LossConfig
from handlib.sequence_losses import SequenceLossConfig


@dataclass(frozen=True)
class TrainConfig:
    """Everything that decides a run's numbers, beside the data and the model.

    Budgets are counted in images seen, so that a slower machine takes longer but arrives at the
    same place. For a Deformer an image stands for a window of frames.
    """

    images: int = 56_000  # about six minutes on two cores at course scale
    batch_size: int = 32
    learning_rate: float = 1e-3
    weight_decay: float = 0.0  # above 0: AdamW in place of Adam
    decay_images: int = 0  # × decay every so many images; 0: cosine to zero instead
    decay: float = 0.7
    warmup_images: int = 0  # aid: linear from zero
    average: float = 0.0  # aid: exponential average of the weights, kept at the end
    clip: float = 0.0  # aid: largest norm of the gradient; 0: no limit
    loss: LossConfig | SequenceLossConfig = field(default_factory=LossConfig)
    augmentation: AugmentationConfig = field(default_factory=AugmentationConfig)
    bf16: bool = False  # about twice as fast where the processor has it, other rounding
    checkpoint_images: int = 10_000
    workers: int = 0  # the cache is read faster than a second process could hand it over
    seed: int = 0

    @classmethod
    def paper(cls, dataset_size: int = 66_034) -> "TrainConfig":
        """The released code on HO-3D v2: 70 epochs, Adam at 1e-4, × 0.7 every ten epochs."""
        return cls(
            images=70 * dataset_size,
            batch_size=64,
            learning_rate=1e-4,
            decay_images=10 * dataset_size,
            augmentation=AugmentationConfig.paper(),
            workers=8,
        )

    @classmethod
    def course(cls) -> "TrainConfig":
        """From nothing in minutes on two cores: small batches, a high rate and every aid.

        Each image is seen three or four times, too seldom to be remembered, so nothing is
        augmented; longer runs need it.
        """
        return cls(
            batch_size=16,
            learning_rate=3e-3,
            weight_decay=0.1,
            warmup_images=1_000,
            average=0.995,
            clip=1.0,
            loss=LossConfig.course(),
        )

    @classmethod
    def deformer_paper(cls, dataset_size: int = 66_034, epochs: int = 100) -> "TrainConfig":
        """The released Deformer's README: 100 epochs, AdamW at 1e-5, × 0.7 every ten epochs.

        The paper trains for 60 epochs with Adam (D12): `epochs=60`, and weight_decay=0.
        """
        return cls(
            images=epochs * dataset_size,
            batch_size=8,
            learning_rate=1e-5,
            weight_decay=5e-4,
            decay_images=10 * dataset_size,
            loss=SequenceLossConfig(),
            augmentation=AugmentationConfig.deformer_paper(),
            workers=8,
        )

    @classmethod
    def deformer_frames(cls) -> "TrainConfig":
        """First stage at course scale: windows of one frame, on the trunk of a HandOccNet."""
        return cls(
            images=32_000,
            batch_size=16,
            learning_rate=2e-3,
            weight_decay=0.05,
            warmup_images=500,
            average=0.995,
            clip=1.0,
            loss=SequenceLossConfig.course(),
        )

    @classmethod
    def deformer_course(cls) -> "TrainConfig":
        """Second stage: what joins the frames, on features that stay as they are."""
        return cls(
            images=25_600,
            batch_size=32,
            learning_rate=3e-3,
            weight_decay=0.05,
            warmup_images=1_600,
            average=0.995,
            clip=1.0,
            loss=SequenceLossConfig.course_windows(),
            checkpoint_images=6_400,
        )

    def learning_rate_at(self, seen: int) -> float:
        """The rate for the batch that follows `seen` images."""
        if seen < self.warmup_images:
            return (
                self.learning_rate
                * (seen + self.batch_size)
                / (self.warmup_images + self.batch_size)
            )
        if self.decay_images:
            return self.learning_rate * self.decay ** (seen // self.decay_images)
        progress = (seen - self.warmup_images) / max(1, self.images - self.warmup_images)
        return self.learning_rate * 0.5 * (1 + math.cos(math.pi * min(1.0, progress)))
