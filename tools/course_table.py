"""Write the table of the course into README.md, between its two marks.

What the course holds stands in handlib/course/texts/course.yaml; which notebooks are here, and
what they cost, is read from the notebooks.
"""

import os
import sys
from pathlib import Path

import nbformat
import yaml

from handlib.course.contract import Contract

ROOT = Path(__file__).resolve().parent.parent
BEGIN, END = "<!-- course: made by tools/course_table.py -->\n", "<!-- end of course -->"
HEADING = """\
| # | notebook | builds | shows | to do | to run | memory |
|---|---|---|---|---|---|---|
"""


def course() -> list[dict[str, str]]:
    return yaml.safe_load((ROOT / "handlib/course/texts/course.yaml").read_text(encoding="utf-8"))


def contracts() -> dict[str, tuple[Path, Contract]]:
    """The notebooks that are here, by number."""
    paths = sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))
    return {
        path.stem[:2]: (path, Contract.from_metadata(nbformat.read(path, as_version=4).metadata))
        for path in paths
    }


def row(entry: dict[str, str], here: dict[str, tuple[Path, Contract]]) -> str:
    title, cost = f"*{entry['title']}*", "| | |"
    if entry["number"] in here:
        path, contract = here[entry["number"]]
        title = f"**[{entry['title']}]({path.relative_to(ROOT)})**"
        cost = f"{contract.minutes_to_do} min | {contract.minutes:g} min | {contract.memory_mb} MB"
    return f"| {entry['number']} | {title} | {entry['builds']} | {entry['shows']} | {cost} |\n"


def with_table(readme: str) -> str:
    """The same README with a table that says what is here now."""
    before, rest = readme.split(BEGIN)
    _, after = rest.split(END)
    here = contracts()
    table = HEADING + "".join(row(entry, here) for entry in course())
    return f"{before}{BEGIN}\n{table}\n{END}{after}"


def main() -> None:
    readme = ROOT / "README.md"
    part = readme.with_suffix(".part")
    part.write_text(with_table(readme.read_text(encoding="utf-8")), encoding="utf-8")
    os.replace(part, readme)
    print("Wrote the table of the course into README.md.", file=sys.stderr)


if __name__ == "__main__":
    main()
