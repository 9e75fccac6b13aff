"""Write the pages of notebooks/reference from the course's tables (part of `make table`)."""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from handlib.course import bibliography, glossary, paper_against_code, symbols  # noqa: E402
from handlib.course.source import here, read_source  # noqa: E402

SOURCES = ROOT / "notebooks" / "src"
FOLDER = ROOT / "notebooks" / "reference"
MADE = "<!-- made by `make table` from handlib/course/texts/{name}.yaml -->"
INTRODUCTIONS = {
    "glossary": """# Glossary · 용어

Each entry has its Korean name and the notebook that teaches it. Notebooks link to an entry at the
first use of its word.

각 용어에는 한국어 이름과 그 용어를 다루는 노트북이 적혀 있습니다.""",
    "symbols": """# Symbols · 기호

B images or windows, T frames, F = B·T of them in all, N tokens (M keys), A heads of d channels, C
channels, h×w cells, V vertices, P points; m is 6 where fusion runs in 6D and 3 elsewhere. `*batch`
and `*n` stand for any number of axes. `maps["..."]` is what `with record(model) as maps:` keeps;
all other names stand below `handlib`. *Where* names the part of the paper.""",
    "bibliography": """# Bibliography · 참고문헌

Every work that a notebook cites.""",
    "paper_against_code": """# Paper against code · 논문과 공개 코드의 차이

Rows H are HandOccNet's, rows D Deformer's. Names in the last three columns are the library's; a
switch is a field of `HandOccNetConfig` or `DeformerConfig`, or a call as one types it. Rows H come
from the public code and a published summary of the paper: read the paper's own text before quoting
it.""",
}


def pages() -> dict[Path, str]:
    """Every page's text by its path."""
    numbers = here(SOURCES)
    bodies = {
        "glossary": glossary.to_markdown(numbers),
        "symbols": symbols.to_markdown(numbers),
        "bibliography": bibliography.to_markdown(numbers, prose(numbers)),
        "paper_against_code": paper_against_code.to_page(numbers),
    }
    return {
        FOLDER / f"{name}.md": "\n\n".join([MADE.format(name=name), INTRODUCTIONS[name], body])
        + "\n"
        for name, body in bodies.items()
    }


def prose(numbers: dict[str, str]) -> dict[str, str]:
    """The Markdown of each notebook that is here, by number."""
    return {
        number: "\n".join(
            cell.source
            for cell in read_source(SOURCES / f"{stem}.py").cells
            if cell.cell_type == "markdown"
        )
        for number, stem in numbers.items()
    }


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    for path, text in pages().items():
        part = path.with_suffix(".part")
        part.write_text(text, encoding="utf-8")
        os.replace(part, path)
        print(f"Wrote {path.relative_to(ROOT)}.", file=sys.stderr)


if __name__ == "__main__":
    main()
