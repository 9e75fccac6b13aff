"""What the repository promises about its own files."""

import hashlib
import re
import subprocess
from pathlib import Path

import pytest
import yaml

from handlib import weights

ROOT = Path(__file__).resolve().parents[2]
MODULES = sorted((ROOT / "handlib").rglob("*.py"))
LONGEST_MODULE = 300
LOCAL_PATH = re.compile(rb"/(?:home|root|tmp|Users|work|mnt)/\w")
OPEN_ENDS = re.compile(r"\b(TODO|FIXME|XXX|NotImplementedError)\b")
INDEX_LIST = re.compile(r"[\[(](?:\s*\d+\s*,){4,}\s*\d+\s*,?\s*[\])]")
INDEX_LISTS_BELONG_IN = ROOT / "handlib" / "hands" / "skeleton.py"


def tracked(*patterns: str) -> list[Path]:
    listing = subprocess.run(
        ["git", "ls-files", "-z", *patterns], cwd=ROOT, capture_output=True, text=True, check=True
    )
    paths = [ROOT / name for name in listing.stdout.split("\0") if name]
    return [path for path in paths if path.is_file()]


@pytest.mark.parametrize(
    ("name", "heading"),
    [
        ("LICENSE", "Apache License"),
        ("LICENSE-docs", "Attribution 4.0 International"),
        ("handlib/assets/LICENSE", "CC0"),
    ],
)
def test_licence_is_here(name: str, heading: str) -> None:
    assert heading in (ROOT / name).read_text(encoding="utf-8")


def test_citation_names_both_papers() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    titles = [reference["title"].split(":")[0] for reference in citation["references"]]
    assert titles == ["HandOccNet", "Deformer"]
    assert all(reference["authors"] for reference in citation["references"])


def test_assets_have_checksums() -> None:
    """Every binary file of the assets is listed in SHA256SUMS beside it, with the right sum."""
    assets = ROOT / "handlib" / "assets"
    lines = (assets / "SHA256SUMS").read_text().splitlines()
    sums = {name: digest for digest, name in (line.split() for line in lines)}
    assert {path.name for path in assets.glob("*.npz")} <= set(sums)
    for name, digest in sums.items():
        assert hashlib.sha256((assets / name).read_bytes()).hexdigest() == digest, name


def test_weights_have_cards_with_their_checksum() -> None:
    described = {weights.verified(weights.card(name)) for name in weights.names()}
    assert described == set((ROOT / "handlib" / "weights").glob("*.safetensors"))
    assert described


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_module_is_short_finished_and_introduced(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= LONGEST_MODULE
    assert not OPEN_ENDS.search(text)
    assert not text or text.startswith('"""'), "a module's first lines say what it holds"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_index_lists_stand_in_skeleton_only(path: Path) -> None:
    found = INDEX_LIST.search(path.read_text(encoding="utf-8"))
    assert found is None or path == INDEX_LISTS_BELONG_IN, found


def test_no_path_of_a_machine_is_tracked() -> None:
    texts = ("*.py", "*.md", "*.toml", "*.txt", "*.yml", "*.cff", "*.json", "*.ipynb", "Makefile")
    this_file = Path(__file__)
    for path in tracked(*texts, ".ci/run"):
        found = LOCAL_PATH.search(path.read_bytes())
        assert found is None or path == this_file, f"{path}: {found}"
