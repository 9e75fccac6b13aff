"""Write constraints.txt: the installed version of everything that handlib's extras bring in.

Walks the requirements of the installed packages from pyproject.toml's own down, so that what a
maintainer happens to have installed besides stays out.
"""

import os
import sys
import tomllib
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
HEADER = """\
# The versions that the tests passed with, on Linux with Python 3.11 (`make constraints`).
# torch comes first: it is installed first, so that no other package picks a build of it.
"""


def direct_requirements() -> list[Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lines = project["dependencies"] + sum(project["optional-dependencies"].values(), [])
    return [Requirement(line) for line in lines]


def applies(requirement: Requirement, extras: frozenset[str]) -> bool:
    if requirement.marker is None:
        return True
    return any(requirement.marker.evaluate({"extra": extra}) for extra in ("", *extras))


def dependency_tree(roots: list[Requirement]) -> dict[str, str]:
    """Versions by canonical name of all that `roots` need, as installed here."""
    versions: dict[str, str] = {}
    seen: set[tuple[str, frozenset[str]]] = set()
    queue = list(roots)
    while queue:
        requirement = queue.pop()
        name, extras = canonicalize_name(requirement.name), frozenset(requirement.extras)
        if (name, extras) in seen:
            continue
        seen.add((name, extras))
        package = metadata.distribution(name)
        # A build's local label (torch's +cpu) is one machine's choice, not a version to ask for.
        versions[name] = package.version.partition("+")[0]
        needed = [Requirement(line) for line in package.requires or []]
        queue += [need for need in needed if applies(need, extras)]
    return versions


def constraints() -> str:
    versions = dependency_tree(direct_requirements())
    torch = versions.pop("torch")
    lines = [f"torch=={torch}", *(f"{name}=={versions[name]}" for name in sorted(versions))]
    return HEADER + "\n".join(lines) + "\n"


def main() -> None:
    target = ROOT / "constraints.txt"
    part = target.with_suffix(".part")
    part.write_text(constraints())
    os.replace(part, target)
    print(f"Wrote {target.name}.", file=sys.stderr)


if __name__ == "__main__":
    main()
