"""What torch.compile, bfloat16 and the memory layout change: no claim, only to look at.

Each option's forward pass in eval mode takes turns with the network as built (float32, eager,
channels-last); beside the ratio stands how far its joints move, in mm, with random weights. Of
HandOccNet images, one and four; of Deformer a window of seven frames, and the fused hand's joints.
`compare` knows no network: it wants one and a function that calls it. torch.compile needs a C++
compiler and minutes, so it has a process of its own, which may fail or be stopped in time.
"""

import argparse
import copy
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import torch
from torch import Tensor, nn

from bench.turns import report, take_turns
from handlib.hands.hand_model import load_hand
from handlib.models import Deformer, DeformerConfig, HandOccNet, HandOccNetConfig

ROOT = Path(__file__).resolve().parent.parent
COMPILE_SECONDS = 100  # for everything in the process that compiles
ROUNDS = 5
IMAGES = (1, 4)
FRAMES, SIZE = 7, 256
BOX = (24.0, 16.0, 232.0, 248.0)

Runner = Callable[[nn.Module, Tensor], Tensor]  # network, batch -> joints in metres


def run(options: argparse.Namespace) -> None:
    """Both networks at paper size, then compiled."""
    few = argparse.Namespace(rounds=min(options.rounds, ROUNDS), cpu=options.cpu)
    for title, *case in cases():
        compare(f"options of {title}", *case, few)
    _run_compiler(options)


def cases() -> Iterator[tuple[str, nn.Module, Runner, Tensor]]:
    """Title, network, what finds its joints, batch. The compiler may not get to the last one."""
    few, many = (torch.rand(images, 3, SIZE, SIZE) for images in IMAGES)
    yield f"HandOccNet, images: {len(few)}", handoccnet(), joints_of, few
    yield "Deformer's window", deformer(), fused_joints_of, torch.rand(1, FRAMES, 3, SIZE, SIZE)
    yield f"HandOccNet, images: {len(many)}", handoccnet(), joints_of, many


def handoccnet() -> HandOccNet:
    """At paper size, in eval mode."""
    return HandOccNet(HandOccNetConfig.paper(), load_hand()).eval()


def joints_of(model: nn.Module, image: Tensor) -> Tensor:
    """HandOccNet's joints."""
    return model(image).joints


def deformer() -> Deformer:
    """At paper size, in eval mode."""
    return Deformer(DeformerConfig.paper(), load_hand()).eval()


def fused_joints_of(model: nn.Module, frames: Tensor) -> Tensor:
    """The joints of the fused hand, the box being the same in every frame."""
    return model(frames, torch.tensor(BOX).expand(*frames.shape[:2], 4)).fused_joints


def compare(
    title: str, model: nn.Module, joints: Runner, batch: Tensor, options: argparse.Namespace
) -> dict[str, float]:
    """Ratios of bfloat16 autocast and of contiguous memory to `model` as built."""
    runners = {
        "as built": partial(joints, model),
        "bfloat16 autocast": in_bfloat16(partial(joints, model)),
        "contiguous": partial(joints, contiguous(model)),
    }
    return _measure(title, runners, batch, options)


def compare_compiled(
    title: str, model: nn.Module, joints: Runner, batch: Tensor, options: argparse.Namespace
) -> dict[str, float]:
    """Ratio of `torch.compile` to `model` as built; raises whatever the compiler raises."""
    compiled = partial(joints, torch.compile(model, dynamic=False))
    runners = {"as built": partial(joints, model), "torch.compile": compiled}
    return _measure(title, runners, batch, options)


def in_bfloat16(run: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    """The same under autocast."""

    def call(batch: Tensor) -> Tensor:
        with torch.autocast("cpu", torch.bfloat16):
            return run(batch)

    return call


def contiguous(model: nn.Module) -> nn.Module:
    """A copy whose weights, and with them its maps, lie channel after channel."""
    return copy.deepcopy(model).to(memory_format=torch.contiguous_format)


def _measure(
    title: str,
    runners: dict[str, Callable[[Tensor], Tensor]],
    batch: Tensor,
    options: argparse.Namespace,
) -> dict[str, float]:
    with torch.inference_mode():
        found = {name: run(batch) for name, run in runners.items()}
        expected = found["as built"]
        moved = {name: (x - expected).norm(dim=-1).max() for name, x in found.items()}
        notes = {name: f"joints move {1000 * x:.3f} mm" for name, x in moved.items()}
        times = take_turns({name: partial(run, batch) for name, run in runners.items()}, options)
    return report(title, times, notes)


def _run_compiler(options: argparse.Namespace) -> None:
    command = [sys.executable, "-m", "bench.options", "--threads", str(options.threads)]
    command += ["--cpu"] if options.cpu else []
    print("torch.compile:", end=" ", flush=True)
    try:
        done = subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, timeout=COMPILE_SECONDS
        )
    except subprocess.TimeoutExpired as stopped:
        print(f"stopped after {COMPILE_SECONDS} s\n{_text(stopped.stdout)}", end="", flush=True)
        return
    if done.returncode:
        reason = (done.stderr.strip() or "no message").splitlines()[-1]
        print(f"not available here ({reason})", flush=True)
    else:
        print(f"compiled\n{done.stdout}", end="", flush=True)


def _text(output: bytes | str | None) -> str:
    return output.decode() if isinstance(output, bytes) else output or ""


def main(arguments: Sequence[str] | None = None) -> None:
    """What the process that compiles does."""
    parser = argparse.ArgumentParser(prog="python -m bench.options")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--cpu", action="store_true")
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    for title, *case in cases():
        try:
            compare_compiled(f"compiled {title}", *case, options)
        except Exception as error:  # a compiler that is missing or fails: no fault of the bench
            reason = (str(error).splitlines() or ["no message"])[0]
            raise SystemExit(f"{type(error).__name__}: {reason}") from None


if __name__ == "__main__":
    main()
