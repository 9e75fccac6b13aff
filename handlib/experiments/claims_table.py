"""The claims with their effects as a Markdown table, and as rows of a figure."""

from collections.abc import Mapping, Sequence
from itertools import groupby

from handlib.course.language import Language
from handlib.course.text import Text
from handlib.experiments.claims import Claim, Effect, Finding, Verdict
from handlib.viz.evidence_rows import label
from handlib.viz.forest import Line

_HEAD = Text(
    "| claim | # | measured | the paper prints | effect (seeds) | 95 % | verdict |",
    "| 주장 | # | 측정한 것 | 논문의 값 | 효과 (seed) | 95 % | 판정 |",
)
_VERDICTS: dict[Verdict, Text] = {
    "shown": Text("**shown**", "**확인됨**"),
    "reversed": Text("**reversed**", "**반대**"),
    "not shown": Text("not shown", "확인되지 않음"),
    "not measured": Text("not measured", "측정하지 않음"),
}


def to_markdown(
    found: Sequence[Finding], here: Mapping[str, str], language: Language = "en"
) -> str:
    """One line an effect; a claim stands in the first of its lines.

    here: file names of the notebooks without suffix, by number, for the links.
    """
    lines = [_HEAD.of(language), "|---|---|---|---|---|---|---|"]
    for claim, group in groupby(found, key=lambda finding: finding.claim):
        for number, finding in enumerate(group):
            said = _said(claim, here, language) if number == 0 else " | "
            lines.append(f"| {said} | {_measured(finding, language)} |")
    return "\n".join(lines)


def forest_lines(found: Sequence[Finding], language: Language = "en") -> list[Line]:
    """The effects in millimetres that were measured, for `handlib.viz.forest`."""
    return [
        Line(
            label(claim.id),
            source.what.of(language),
            effect.mean,
            None if effect.low is None or effect.high is None else (effect.low, effect.high),
            source.printed,
        )
        for claim, source, effect in found
        if effect is not None and source.unit == "mm"
    ]


def signed(value: float) -> str:
    """With the digits of a table and a true minus sign."""
    digits = 2 if abs(value) < 10 else 1
    return f"{value:+z.{digits}f}".replace("-", "\N{MINUS SIGN}")


def _said(claim: Claim, here: Mapping[str, str], language: Language) -> str:
    stem, n = here.get(claim.notebook), claim.notebook
    link = f"[{n}]({stem}.ipynb)" if stem else n
    return f"{claim.claim.of(language)} ({claim.paper}, {claim.section}) | {link}"


def _measured(finding: Finding, language: Language) -> str:
    source, verdict = finding.source, _VERDICTS[finding.verdict].of(language)
    printed = "–" if source.printed is None else f"{signed(source.printed)} mm"
    what = f"{source.what.of(language)} | {printed}"
    if finding.effect is None:
        return f"{what} | – | – | {verdict} (`{source.evidence}`)"
    effect = finding.effect
    seeds = " ".join(signed(one) for one in effect.seeds)
    value = f"{signed(effect.mean)} {source.unit} ({seeds})"
    return f"{what} | {value} | {_interval(effect)} | {verdict}"


def _interval(effect: Effect) -> str:
    if effect.low is None or effect.high is None:
        return "–"
    return f"{signed(effect.low)} to {signed(effect.high)}"
