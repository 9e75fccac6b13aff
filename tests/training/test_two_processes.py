"""Two processes that train together end with one Deformer and one critic."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import torch

WORKER = Path(__file__).with_name("one_of_two.py")
ROOT = Path(__file__).resolve().parents[2]


def environment(rank, port):
    places = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": 2, "MASTER_PORT": port}
    return (
        os.environ
        | {"MASTER_ADDR": "127.0.0.1", "ACCELERATE_USE_CPU": "true", "PYTHONPATH": str(ROOT)}
        | {name: str(value) for name, value in places.items()}
    )


def test_both_end_with_the_same_parameters(tmp_path):
    """Each has its own windows and its own start: only sharing can make them agree."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    processes = [
        subprocess.Popen(
            [sys.executable, WORKER, tmp_path, str(rank)],
            env=environment(rank, port),
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(2)
    ]
    try:
        errors = [process.communicate(timeout=240)[1] for process in processes]
    finally:
        for process in processes:
            process.kill()
    assert [process.returncode for process in processes] == [0, 0], "\n".join(errors)
    first, second = (torch.load(tmp_path / f"{rank}.pt") for rank in range(2))
    for network, parameters in first.items():
        for name, value in parameters.items():
            assert torch.equal(value, second[network][name]), f"{network}: {name}"
