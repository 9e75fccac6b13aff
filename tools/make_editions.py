"""Write the student's and the teacher's edition of the notebooks (`make student`).

notebooks/*.ipynb -> build/student/ and build/teacher/, with the files beside the notebooks, so
that links work within an edition. Nothing is executed. Both folders are made anew each time: hand
out copies of them, and work in copies.
"""

import shutil
import sys
from pathlib import Path

import nbformat

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from handlib.course import editions  # noqa: E402

NOTEBOOKS = ROOT / "notebooks"
BUILT = ROOT / "build"
EDITIONS = {"student": editions.student, "teacher": editions.teacher}
NOT_HANDED_OUT = shutil.ignore_patterns("src", "*.ipynb", ".*", "__pycache__")


def make(built: Path, notebooks: Path = NOTEBOOKS) -> list[str]:
    """Write both editions into `built`; returns what the student's still holds of solutions."""
    stored = {path.name: nbformat.read(path, 4) for path in sorted(notebooks.glob("*.ipynb"))}
    code = [text for notebook in stored.values() for text in editions.solutions(notebook)]
    found = []
    for name, edition in EDITIONS.items():
        folder = built / name
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(notebooks, folder, ignore=NOT_HANDED_OUT)
        for file, notebook in stored.items():
            made = edition(notebook)
            nbformat.validate(made)
            (folder / file).write_text(nbformat.writes(made, version=4) + "\n", encoding="utf-8")
            if name == "student":
                found += [f"{file}: {leak}" for leak in editions.leaks(made, code)]
    return found


def main() -> int:
    found = make(BUILT)
    print(*found, sep="\n", end="\n" if found else "", file=sys.stderr)
    for name in EDITIONS:
        count = len(list((BUILT / name).glob("*.ipynb")))
        print(f"{BUILT.name}/{name}: {count} notebooks")
    print(f"Solutions in the student's edition: {len(found) or 'none'}.")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
