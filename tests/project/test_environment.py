"""pyproject.toml, constraints.txt and environment.yml say the same."""

import ast
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import freeze_constraints
import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
CONDA_NAMES = {"pytorch": "torch"}


def bounds(lines: list[str]) -> dict[str, str]:
    parsed = [Requirement(line) for line in lines]
    assert all(requirement.specifier for requirement in parsed), "every package has a bound"
    names = [canonicalize_name(requirement.name) for requirement in parsed]
    assert len(set(names)) == len(names), "named twice"
    return dict(zip(names, (str(r.specifier) for r in parsed), strict=True))


@pytest.fixture(scope="module")
def pinned() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    return dict(line.split("==") for line in lines if not line.startswith("#"))


def test_conda_environment_equals_pyproject() -> None:
    conda = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    by_pip = next(entry for entry in conda if isinstance(entry, dict))["pip"]
    plain = [entry for entry in conda if isinstance(entry, str) and entry != "pip"]
    found = bounds([line for line in plain + by_pip if line != "-e ."])
    found = {CONDA_NAMES.get(name, name): bound for name, bound in found.items()}
    extras = sum(PROJECT["optional-dependencies"].values(), [])
    expected = bounds(PROJECT["dependencies"] + extras)
    assert found == expected | {"python": PROJECT["requires-python"]}


def test_torch_is_the_first_constraint(pinned: dict[str, str]) -> None:
    assert next(iter(pinned)) == "torch"
    assert pinned["torch"] == "2.13.0"


def test_tested_versions_satisfy_the_lower_bounds(pinned: dict[str, str]) -> None:
    for requirement in freeze_constraints.direct_requirements():
        assert requirement.specifier.contains(pinned[canonicalize_name(requirement.name)])


def test_constraints_cover_all_that_is_needed(pinned: dict[str, str]) -> None:
    needed = freeze_constraints.dependency_tree(freeze_constraints.direct_requirements())
    assert set(needed) <= set(pinned)


def imported_packages(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    return {name.partition(".")[0] for name in names} - set(sys.stdlib_module_names) - {"handlib"}


def test_every_package_that_handlib_imports_is_declared() -> None:
    """Not left to what another package happens to bring along."""
    declared = {canonicalize_name(r.name) for r in freeze_constraints.direct_requirements()}
    provided = metadata.packages_distributions()
    for path in sorted((ROOT / "handlib").rglob("*.py")):
        for name in imported_packages(path):
            sources = {canonicalize_name(package) for package in provided[name]}
            assert sources & declared, f"{path}: {name}"
