"""What a notebook promises: the entry `handlib` of its metadata, and the header made from it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from handlib.course.language import Language
from handlib.course.text import Text

_PLAIN = ("number", "prerequisites", "minutes_to_do", "memory_mb", "data", "seed")
_BILINGUAL = ("title", "summary", "objectives")
_FIELDS = {*_PLAIN, "minutes", *_BILINGUAL, *(f"{name}_ko" for name in _BILINGUAL)}


@dataclass(frozen=True)
class Contract:
    """The promises of one notebook; lists stand in the metadata as plain YAML lists."""

    number: str
    title: Text
    summary: Text
    objectives: tuple[Text, ...]
    prerequisites: str
    minutes_to_do: int  # reading and doing
    minutes: float  # running all cells on two cores; the tests refuse 1.5 times as much
    memory_mb: int  # peak of the kernel
    data: str
    seed: int

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, Any]) -> "Contract":
        """Read the contract of a notebook from its metadata.

        Raises:
            ValueError: the entry `handlib` is missing, incomplete, or has unknown fields.
        """
        entry = dict(metadata.get("handlib", {}))
        missing, unknown = _FIELDS - set(entry), set(entry) - _FIELDS
        if missing or unknown:
            raise ValueError(
                f"notebook metadata 'handlib' of '{entry.get('number', '?')}': "
                f"missing {sorted(missing)}, unknown {sorted(unknown)}"
            )
        aims = zip(entry["objectives"], entry["objectives_ko"], strict=True)
        return cls(
            title=Text(entry["title"], entry["title_ko"]),
            summary=Text(entry["summary"], entry["summary_ko"]),
            objectives=tuple(Text(en, ko) for en, ko in aims),
            minutes=float(entry["minutes"]),
            **{name: entry[name] for name in _PLAIN},
        )


def to_markdown(contract: Contract, navigation: str = "", language: Language = "en") -> str:
    """The notebook's header: title, one sentence, aims, what it builds on, cost, neighbours.

    In English title, sentence and aims stand in both languages, in Korean they stand alone.
    """
    header = _korean(contract) if language == "ko" else _english(contract)
    return f"{header}\n\n{navigation}".rstrip()


def _english(contract: Contract) -> str:
    aims = "\n".join(f"- {aim.en}  \n  *{aim.ko}*" for aim in contract.objectives)
    minutes = f"{contract.minutes:g} min"
    return f"""# {contract.number} {contract.title.en}

**{contract.title.ko}**

{contract.summary.en}

{contract.summary.ko}

**Afterwards you can · 학습 목표**

{aims}

| builds on | reading and doing | running all cells | memory | data | seed |
|---|---|---|---|---|---|
| {contract.prerequisites} | {contract.minutes_to_do} min | {minutes} on two cores \
| {contract.memory_mb} MB | {contract.data} | {contract.seed} |"""


def _korean(contract: Contract) -> str:
    aims = "\n".join(f"- {aim.ko}" for aim in contract.objectives)
    minutes = f"{contract.minutes:g}분"
    return f"""# {contract.number} {contract.title.ko}

{contract.summary.ko}

**학습 목표**

{aims}

| 선수 내용 | 학습 시간 | 전체 실행 시간 | 메모리 | 데이터 | seed |
|---|---|---|---|---|---|
| {contract.prerequisites} | {contract.minutes_to_do}분 | {minutes} (CPU 코어 2개) \
| {contract.memory_mb} MB | {contract.data} | {contract.seed} |

*아직 번역되지 않은 문단과 코드, 그림 안의 글자는 영어로 되어 있습니다.*"""
