"""The Korean of the course: nothing missing, nothing stale, and it says the same numbers."""

import ast
import os
import re
import subprocess
from collections import Counter
from pathlib import Path

import pytest
import yaml

from handlib.course import course_map, quiz, texts, translation
from handlib.course.contract import Contract
from handlib.course.source import read_source

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "notebooks" / "src").glob("[0-9][0-9]_*.py"))
CHECKS = [
    ROOT / "handlib/course/check.py",
    *sorted((ROOT / "handlib/course/checks").glob("nb*.py")),
]
NOT_YET_TRANSLATED: set[str] = set()  # numbers of notebooks, "17"
each_source = pytest.mark.parametrize("source", SOURCES, ids=lambda p: p.stem)


def entries(path):
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def same_facts(text):
    """Code, mathematics and links: what a translation must not change."""
    return Counter(re.findall(r"`[^`]+`|\$[^$]+\$|\]\([^)]+\)|\{[^}]+\}", text))


def numbers(text):
    return Counter(re.findall(r"\d+(?:[.,]\d+)*", text))


def plain_endings(text):
    """Sentences that end in the plain style, 한다, where a lab would write 합니다."""
    return re.findall(r"\S*(?<!니)다(?=[.?!:](?:\s|$))", text)


@each_source
def test_nothing_is_missing_or_stale(source):
    wrong = translation.problems(source)
    if source.stem[:2] in NOT_YET_TRANSLATED:
        assert wrong, "translated now: take it off the list"
    else:
        assert not wrong, f"{source.stem}.ko.yaml:\n" + "\n".join(wrong)


def test_every_shared_entry_is_used():
    said = "\n".join(" ".join(re.sub("(?m)^# ?", "", s.read_text()).split()) for s in SOURCES)
    shared = entries(SOURCES[0].with_name(translation.SHARED))
    assert not [entry["en"] for entry in shared if entry["en"] not in said]


@pytest.mark.parametrize("path", sorted(SOURCES[0].parent.glob("*.ko.yaml")), ids=lambda p: p.stem)
def test_an_entry_keeps_code_mathematics_and_links_and_is_polite(path):
    for entry in entries(path):
        assert same_facts(entry["en"]) == same_facts(entry["ko"]), entry
        assert not plain_endings(entry["ko"]), entry


@each_source
def test_the_korean_notebook_differs_in_words_only(source):
    english, korean = (read_source(source, language) for language in ("en", "ko"))
    pairs = list(zip(english.cells, korean.cells, strict=True))
    for old, new in pairs:
        assert (new.cell_type, new.metadata) == (old.cell_type, old.metadata)
        if old.cell_type == "code":
            extra = 'from handlib.course import language\n\nlanguage.use("ko")\n\n'
            first = "setup" in old.metadata.get("tags", [])
            assert new.source == (extra if first else "") + old.source
    text = "\n".join(cell.source for cell in korean.cells if cell.cell_type == "markdown")
    title = Contract.from_metadata(english.metadata).title
    assert text.startswith(f"# {source.stem[:2]} {title.ko}\n")
    assert "{{" not in text and "\n## Summary" not in text and "## 요약" in text
    for word in ("Predict first.", "Hint 1", "Question 1", "Right."):
        assert word not in text


def test_a_changed_paragraph_is_named_with_its_new_text(tmp_path):
    source = tmp_path / "99_small.py"
    head = (
        "# ---\n# jupyter:\n#   handlib:\n#     prerequisites: none\n#     data: none\n# ---\n\n"
    )
    source.write_text(head + "# %% [markdown]\n# ## 1 The gate\n#\n# Text that nobody asks for.\n")
    own = source.with_suffix(".ko.yaml")
    own.write_text("- {en: none, ko: 없음}\n- {en: The gate, ko: Gate}\n")
    assert translation.problems(source) == []
    source.write_text(source.read_text().replace("1 The gate", "2 The open gate"))
    stale, missing = translation.problems(source)
    assert "no longer says\n  en: The gate\nput there\n  en: The open gate" in stale
    assert missing.endswith("en: The open gate")


def test_an_entry_without_korean_is_refused(tmp_path):
    (tmp_path / "99_small.ko.yaml").write_text("- {en: none}\n")
    with pytest.raises(ValueError, match="99_small.ko.yaml: expected en and ko"):
        translation.load(tmp_path / "99_small.py")


def test_the_course_map_has_the_notebooks_own_titles():
    titles = {entry.number: entry.title for entry in course_map.entries()}
    for source in SOURCES:
        contract = Contract.from_metadata(read_source(source).metadata)
        assert titles[contract.number].ko == contract.title.ko


@each_source
def test_quizzes_and_captions_are_polite_korean_and_keep_the_facts(source):
    number = source.stem[:2]
    said = [q.question for q in quiz.load_quiz(number)]
    said += [text for q in quiz.load_quiz(number) for o in q.options for text in (o.text, o.why)]
    for text in said:
        assert numbers(text.en) <= numbers(text.ko), text
        assert not plain_endings(text.ko), text
    for parts in texts.load(f"captions_{number}").values():
        assert not plain_endings(parts["caption_ko"]), parts


@pytest.mark.parametrize(
    ("on_the_command_line", "of_the_shell", "language"),
    [
        ([], "en_US.UTF-8", "en"),
        ([], "ko_KR.UTF-8", "en"),
        (["LANG=ko"], "ko_KR.UTF-8", "ko"),
        (["LANG=en"], "ko_KR.UTF-8", "en"),
        ([], "ko", "ko"),
    ],
)
def test_make_course_is_korean_when_asked(on_the_command_line, of_the_shell, language):
    command = ["make", "-n", "course", *on_the_command_line]
    environment = os.environ | {"LANG": of_the_shell}
    plan = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    assert f'execute_course.py --language "{language}"' in plan.stdout


def words(node):
    """The literal text of a string or f-string, or None for anything computed."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        parts = (
            v.value if isinstance(v, ast.Constant) else f"{{{ast.unparse(v)}}}"
            for v in node.values
        )
        return "".join(parts)
    return None


def calls(path, *names):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and getattr(node.func, "id", None) in names:
            yield node


@pytest.mark.parametrize("path", CHECKS, ids=lambda p: p.stem)
def test_every_message_of_a_check_has_its_korean(path):
    """A check says texts in both languages, or numbers and shapes."""
    for call in calls(path, "Text", "exercise"):
        en, ko = map(words, call.args)
        if en is None:
            continue  # `exercise` puts its own two arguments together
        assert re.search("[가-힣]", ko) or en == f"a {ko}", en
        assert same_facts(en) == same_facts(ko), en
        assert not plain_endings(ko + "."), ko
    for call in calls(path, "fail", "expect"):
        for said in map(words, call.args[-2:]):
            bare = re.sub(r"\{[^}]*\}|\bshape\b", "", said or "")
            assert not re.search("[A-Za-z]", bare), f"{path.name}: Text(en, ko) for {said!r}"
