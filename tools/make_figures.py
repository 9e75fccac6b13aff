"""Export the course's figures to figures/, with a gallery page (`make figures`).

Four sources: HandOccNet's panels on test images, a contact sheet of the synthetic test set, the
experiments' stored results, and every figure stored in the notebooks, with its alt text and
caption.
"""

import argparse
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import nbformat
import torch

from handlib.data import HandBatch, SyntheticHands, collate
from handlib.experiments.catalogue import EXPERIMENTS, illustration
from handlib.experiments.evidence import load_evidence
from handlib.viz import Illustration, maps, show, theme
from handlib.viz.display import illustrations_in
from handlib.viz.gallery import handoccnet_panels, most_like
from handlib.weights import load_handoccnet

ROOT = Path(__file__).resolve().parent.parent
FIGURES = ROOT / "figures"
TEST_IMAGES = 200
PANEL_OCCLUSIONS = (0.25, 0.45, 0.65)
WEIGHTS = {
    "handoccnet": ("as published", "논문대로 학습"),
    "handoccnet_guided": ("guided, our extension", "guided, 이 강의의 확장"),
}
SHEET = (5, 10)


def panels(batch: HandBatch) -> Iterator[tuple[str, Illustration]]:
    models = {name: load_handoccnet(name=name) for name in WEIGHTS}
    for ratio in PANEL_OCCLUSIONS:
        index = most_like(batch.occlusion, ratio)
        for name, model in models.items():
            picture = handoccnet_panels(model, batch, index, WEIGHTS[name])
            yield f"{name}_{100 * ratio:.0f}_percent_hidden", picture


def contact_sheet(batch: HandBatch) -> tuple[str, Illustration]:
    """Test images from least to most hidden, evenly over the set."""
    rows, columns = SHEET
    order = batch.occlusion.argsort()
    chosen = order[torch.linspace(0, len(order) - 1, rows * columns).long()]
    fig = theme.figure(1.15 * columns, 1.3 * rows)
    axes = fig.subplots(rows, columns).ravel()
    for ax, index in zip(axes, chosen.tolist(), strict=True):
        maps.show_image(ax, batch.image[index])
        ax.set_title(f"{float(batch.occlusion[index]):.0%}", fontsize=8, pad=2)
    alt = f"{rows * columns} synthetic images of hands holding or behind objects."
    caption = (
        "The synthetic test set, from least to most hidden; above each image the hidden part."
    )
    return "synthetic_hands", show(fig, alt, caption, dpi=130)


def evidence(folder: Path = FIGURES / "evidence") -> Iterator[tuple[str, Illustration]]:
    """What the experiments found, drawn from the stored results; nothing is trained."""
    for name in EXPERIMENTS:
        if (folder / f"{name}.json").exists():
            yield f"evidence/{name}", illustration(name, load_evidence(name, folder))


def notebook_figures(path: Path) -> Iterator[tuple[str, Illustration]]:
    """The figures stored in a notebook, numbered in their order."""
    outputs = [out for cell in nbformat.read(path, as_version=4).cells for out in
               cell.get("outputs", [])]  # fmt: skip
    pages = [out.get("data", {}).get("text/html", "") for out in outputs]
    found = [picture for page in pages for picture in illustrations_in(page)]
    for number, picture in enumerate(found, start=1):
        yield f"{path.stem}_{number}", picture


def write(name: str, content: bytes) -> None:
    FIGURES.mkdir(exist_ok=True)
    part = FIGURES / f"{name}.part"
    part.write_bytes(content)
    os.replace(part, FIGURES / name)


def gallery_page(sections: dict[str, dict[str, Illustration]]) -> str:
    lines = ["# Gallery", "", "Made by `make figures`; CC BY 4.0.", ""]
    for title, pictures in sections.items():
        lines += [f"## {title}", ""]
        for name, picture in pictures.items():
            lines += [f"![{picture.alt}]({name}.png)", "", picture.caption, ""]
    return "\n".join(lines)


def main() -> int:
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    test_set = SyntheticHands("test", TEST_IMAGES)
    batch = collate([test_set[index] for index in range(TEST_IMAGES)])
    sections = {
        "What HandOccNet sees": dict(panels(batch)),
        "The images it learns from": dict([contact_sheet(batch)]),
        "What the experiments found": dict(evidence()),
    }
    for path in sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb")):
        sections[f"Notebook {path.stem[:2]}"] = dict(notebook_figures(path))
    for stale in FIGURES.glob("*.png"):
        stale.unlink()
    for pictures in sections.values():
        for name, picture in pictures.items():
            write(f"{name}.png", picture.png)
    write("README.md", gallery_page(sections).encode())
    print(f"Wrote {sum(map(len, sections.values()))} figures and figures/README.md.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
