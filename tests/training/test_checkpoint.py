import os

import pytest
import torch

from handlib.atomic import replacing
from handlib.training.checkpoint import read_tensors, write_tensors


def test_tensors_and_header_come_back(tmp_path):
    tensors = {"a": torch.randn(2, 3).mT, "b": torch.tensor(3)}
    write_tensors(tmp_path / "new" / "file.safetensors", tensors, {"step": "7"})
    found, header = read_tensors(tmp_path / "new" / "file.safetensors")
    assert header["step"] == "7" and found.keys() == tensors.keys()
    assert all(torch.equal(found[name], tensors[name]) for name in tensors)


def test_an_interrupted_write_leaves_the_old_file(tmp_path):
    path = tmp_path / "file"
    path.write_text("old")
    with pytest.raises(KeyboardInterrupt), replacing(path) as temporary:
        temporary.write_text("half of the n")
        raise KeyboardInterrupt
    assert path.read_text() == "old" and os.listdir(tmp_path) == ["file"]


@pytest.mark.parametrize("content", [b"", b"not safetensors at all", b"\x80\x04pickle"])
def test_another_file_is_refused_by_name(tmp_path, content):
    path = tmp_path / "state.safetensors"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"state\.safetensors: expected a safetensors file"):
        read_tensors(path)
    with pytest.raises(FileNotFoundError, match="is this the folder of a run"):
        read_tensors(tmp_path / "absent")
