"""Random rotation, scale, shift and colour of a batch, labels and cameras included.

Turning the camera by R_z about its optical axis and giving it the intrinsics K' moves the image
by K' R_z K⁻¹, an affine map since R_z keeps the axis. So the image, both masks and the pixels of
the joints follow one matrix, the pose and the joints in metres follow R_z, and the augmented
sample is a real picture of the turned hand: its joints project to its pixels. The released code
turns the image and the root's rotation in the same way but drops the camera.
"""

from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Generator, Tensor

from handlib.data.batch import HandBatch
from handlib.data.colour import ColourChanges, recolour
from handlib.data.sample import needed
from handlib.data.sensor import SensorChanges, photograph
from handlib.hands.rotations import axis_angle_to_rotmat, rotmat_to_axis_angle


@dataclass(frozen=True)
class AugmentationConfig:
    """Sizes of the random changes; `none()` leaves a batch as it is."""

    scale: float = 0.0  # factor 1 + scale · N clipped to ±1
    rotation: float = 0.0  # degrees · N clipped to ±2
    rotation_share: float = 1.0  # of the samples that are turned at all
    shift: float = 0.0  # of the image's side, uniform in ±shift
    colour: float = 0.0  # factor of each channel, uniform in 1 ± colour
    spin: float = 0.0  # degrees, uniform in ±spin, on top of rotation
    brightness: float = 0.0  # factor, uniform in 1 ± brightness
    saturation: float = 0.0  # factor, uniform in 1 ± saturation
    hue: float = 0.0  # turns of the colour circle, uniform in ±hue
    contrast: float = 0.0  # factor, uniform in 1 ± contrast
    blur: float = 0.0  # standard deviation of a Gaussian in pixels, uniform in 0..blur
    noise: float = 0.0  # standard deviation of a sensor's noise, uniform in 0..noise
    jpeg: int = 0  # lowest quality of JPEG's, uniform from it to 101, none; 0: always none

    @classmethod
    def none(cls) -> "AugmentationConfig":
        """No change."""
        return cls()

    @classmethod
    def paper(cls) -> "AugmentationConfig":
        """The released HandOccNet's recipe."""
        return cls(scale=0.25, rotation=30.0, rotation_share=0.6, colour=0.2)

    @classmethod
    def photographs(cls) -> "AugmentationConfig":
        """Wide, as pictures of cheap cameras in odd light are, for what has seen rendered hands.

        Ours: the released HandOccNet's geometry, odd light, a lens out of focus, noise, and JPEG.
        Not wide enough for hands that hang down: it turns by 60 degrees at most.
        """
        return cls(
            scale=0.25,
            rotation=30.0,
            rotation_share=0.6,
            shift=0.05,
            colour=0.15,
            brightness=0.4,
            saturation=0.4,
            hue=0.03,
            contrast=0.3,
            blur=1.2,
            noise=0.06,
            jpeg=30,
        )

    @classmethod
    def deformer_paper(cls) -> "AugmentationConfig":
        """The released Deformer's recipe, for `augment_windows`.

        The sizes are the code's; every sample is turned, and the frames of a window share colours
        and blur. Our choices, where what we know of the code leaves them open: frames share
        geometry, too; the crop's centre (`shift`), colours and blur are uniform; colours change
        in the order of the fields, then comes the blur, a standard deviation in pixels of the
        image; `scale` is the image's factor, not the crop's. Hand boxes follow the joints and
        have no jitter of their own.
        """
        return cls(
            scale=0.2,
            shift=0.1,
            spin=180.0,
            brightness=0.5,
            saturation=0.5,
            hue=0.15,
            contrast=0.5,
            blur=0.5,
        )


@dataclass(frozen=True)
class Changes:
    """The draw for each of B samples, on the CPU.

    scale: factor of the image's size. angle: radians about the optical axis. shift: of the
    image's centre, as a share of its side. tint: factor of each channel. colour, sensor: None for
    none.
    """

    scale: Float[Tensor, " B"]
    angle: Float[Tensor, " B"]
    shift: Float[Tensor, "B 2"]
    tint: Float[Tensor, "B 3"]
    colour: ColourChanges | None = None
    sensor: SensorChanges | None = None

    def repeat(self, times: int) -> "Changes":
        """Every draw `times` times in a row, for samples that change together."""
        draws = (self.scale, self.angle, self.shift, self.tint)
        scale, angle, shift, tint = (draw.repeat_interleave(times, 0) for draw in draws)
        colour = self.colour.repeat(times) if self.colour else None
        sensor = self.sensor.repeat(times) if self.sensor else None
        return Changes(scale, angle, shift, tint, colour, sensor)


def augment(batch: HandBatch, config: AugmentationConfig, generator: Generator) -> HandBatch:
    """Change every sample of the batch at random.

    The draws come from `generator` alone, a CPU one, so that they are the same on any device.
    `occlusion` stays that of the unchanged image; parts of a hand may leave the frame. Labels that
    the batch lacks stay away, but for `joints_px`.

    Raises:
        MissingLabelError: joints in the image are not known.
    """
    if config == AugmentationConfig.none():
        return batch
    return apply_changes(batch, draw_changes(len(batch), config, generator))


def draw_changes(count: int, config: AugmentationConfig, generator: Generator) -> Changes:
    """Draw the changes of `count` samples."""
    scale = 1 + config.scale * torch.randn(count, generator=generator).clamp(-1, 1)
    angle = torch.randn(count, generator=generator).clamp(-2, 2).deg2rad() * config.rotation
    angle *= torch.rand(count, generator=generator) < config.rotation_share
    shift = _uniform(count, 2, -config.shift, config.shift, generator)
    tint = _uniform(count, 3, 1 - config.colour, 1 + config.colour, generator)
    angle = angle + _uniform(count, 1, -config.spin, config.spin, generator)[:, 0].deg2rad()
    colour = _draw_colour(count, config, generator)
    return Changes(scale, angle, shift, tint, colour, _draw_sensor(count, config, generator))


def apply_changes(batch: HandBatch, changes: Changes) -> HandBatch:
    """Change the images, the cameras and all labels."""
    turn, intrinsics = _move_camera(batch, changes)
    warp = intrinsics @ turn @ torch.linalg.inv(batch.intrinsics)  # B 3 3, old to new pixels
    image = batch.image if changes.colour is None else recolour(batch.image, changes.colour)
    image = image * changes.tint.to(image.device)[:, :, None, None]
    layers = [image if changes.sensor is None else photograph(image, changes.sensor)]
    layers += [mask[:, None].to(batch.image.dtype) for mask in _masks(batch)]
    warped = _warp_image(torch.cat(layers, 1), warp)
    image, masks = warped[:, :3].clamp(0, 1), warped[:, 3:] > 0.5
    visible, amodal = masks.unbind(1) if _masks(batch) else (None, None)
    moved = _turn_hand(batch, turn)
    joints_px = needed(batch.joints_px, "joints_px") @ warp[:, :2, :2].mT + warp[:, None, :2, 2]
    return replace(
        moved,
        image=image,
        intrinsics=intrinsics,
        joints_px=joints_px,
        visible=visible,
        amodal=amodal,
        box=None,  # it is no square any more, and joints_px say where the hand is
    )


def _draw_colour(
    count: int, config: AugmentationConfig, generator: Generator
) -> ColourChanges | None:
    middle = torch.tensor([1.0, 1.0, 0.0, 1.0, config.blur / 2])  # as ColourChanges counts them
    reach = torch.tensor(
        [config.brightness, config.saturation, config.hue, config.contrast, config.blur / 2]
    )
    if not reach.any():
        return None
    return ColourChanges(*(middle + reach * _uniform(count, 5, -1.0, 1.0, generator)).T)


def _draw_sensor(
    count: int, config: AugmentationConfig, generator: Generator
) -> SensorChanges | None:
    if not (config.noise or config.jpeg):
        return None
    noise = _uniform(count, 1, 0.0, config.noise, generator)[:, 0]
    quality = torch.randint(config.jpeg or 101, 102, (count,), generator=generator)
    return SensorChanges(noise, quality, torch.randint(2**31, (count,), generator=generator))


def _masks(batch: HandBatch) -> list[Tensor]:
    if batch.visible is None or batch.amodal is None:
        return []
    return [batch.visible, batch.amodal]


def _uniform(rows: int, columns: int, low: float, high: float, generator: Generator) -> Tensor:
    return low + (high - low) * torch.rand(rows, columns, generator=generator)


def _move_camera(
    batch: HandBatch, changes: Changes
) -> tuple[Float[Tensor, "B 3 3"], Float[Tensor, "B 3 3"]]:
    """A turn about the optical axis; intrinsics that send the image's centre to itself + shift."""
    height, width = batch.image.shape[-2:]
    device = batch.image.device
    turn = axis_angle_to_rotmat(F.pad(changes.angle[:, None], (2, 0))).to(device)
    zoom = F.pad(changes.scale[:, None].expand(-1, 2), (0, 1), value=1.0).to(device)  # s s 1
    intrinsics = torch.diag_embed(zoom) @ batch.intrinsics
    size = torch.tensor([width, height], device=device)
    centre = F.pad((size - 1) / 2, (0, 1), value=1.0)
    moved = intrinsics @ turn @ torch.linalg.inv(batch.intrinsics) @ centre  # B 3
    intrinsics[:, :2, 2] += centre[:2] + changes.shift.to(device) * size - moved[:, :2]
    return turn, intrinsics


def _warp_image(
    image: Float[Tensor, "B C H W"], warp: Float[Tensor, "B 3 3"]
) -> Float[Tensor, "B C H W"]:
    """Bilinear; what comes from outside the image is black, as in the released code."""
    height, width = image.shape[-2:]
    # Pixel centres to grid_sample's -1..1, where -1 and 1 are the image's outer edges.
    to_unit = torch.tensor(
        [
            [2 / width, 0, 1 / width - 1],
            [0, 2 / height, 1 / height - 1],
            [0, 0, 1],
        ]
    ).to(image)
    source = to_unit @ torch.linalg.inv(warp) @ torch.linalg.inv(to_unit)
    grid = F.affine_grid(source[:, :2], list(image.shape), align_corners=False)
    return F.grid_sample(image, grid, align_corners=False)


def _turn_hand(batch: HandBatch, turn: Float[Tensor, "B 3 3"]) -> HandBatch:
    """Rotate the hand about the camera's optical axis.

    The hand model turns about the wrist, not about its origin: x ↦ R(x − J₀) + J₀ + t with
    J₀ + t = the wrist's joint. Hence t' = R_z (J₀ + t) − J₀.
    """
    if batch.joints is None:
        return batch
    joints = batch.joints @ turn.mT
    if batch.pose is None or batch.translation is None:
        return replace(batch, joints=joints)
    root = turn @ axis_angle_to_rotmat(batch.pose[:, 0])
    pose = torch.cat([rotmat_to_axis_angle(root)[:, None], batch.pose[:, 1:]], 1)
    translation = joints[:, 0] - (batch.joints[:, 0] - batch.translation)
    return replace(batch, pose=pose, joints=joints, translation=translation)
