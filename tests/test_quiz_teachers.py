"""The quiz for teachers: worksheets, JSON, Moodle XML and Anki as their readers want them; grading a class."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
import subprocess
import zipfile
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from symderiv.cli.main import run
from symderiv.errors import InputError
from symderiv.learn.quiz.answers import judge
from symderiv.learn.quiz.export import SCHEMA, from_json, to_text_format
from symderiv.learn.quiz.export_moodle import spellings
from symderiv.learn.quiz.grade import grade
from symderiv.learn.quiz.model import Question
from symderiv.learn.quiz.questions import pairs, quiz
from symderiv.learn.quiz.typeset import choices, given, pieces


@pytest.fixture(scope="module")
def questions() -> list[Question]:
    return quiz(60, seed=3, level=5)


# JSON ---------------------------------------------------------------------------------------------------------------------------
def test_json_follows_its_schema(questions: list[Question], root: Path) -> None:
    schema = json.loads((root / "docs" / "quiz.schema.json").read_text(encoding="utf-8"))
    text = to_text_format(questions, "json")
    back = from_json(text)
    assert [q.to_data() for q in back] == [q.to_data() for q in questions]
    assert all(judge(q, q.answer).right for q in back)
    assert set(schema["$defs"]["question"]["required"]) == set(questions[0].to_data())
    page = (root / "docs" / "quiz.md").read_text(encoding="utf-8")
    assert all(f"`{name}`" in page for name in questions[0].to_data())
    jsonschema = pytest.importorskip("jsonschema")
    validator = jsonschema.Draft202012Validator(schema)
    assert not list(validator.iter_errors(json.loads(text)))
    broken = json.loads(text)
    broken["questions"][0]["form"] = "essay"
    assert list(validator.iter_errors(broken))


BROKEN = [{"form": "choice", "answer": "z"}, {"form": "truth", "answer": "perhaps"}, {"form": "number", "answer": "x"},
          {"form": "shape", "answer": "((("},
          {"form": "expression", "answer": "X @"}, {"form": "essay"}]  # fmt: skip


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", "null", '{"schema": "other"}', json.dumps({"schema": SCHEMA, "questions": [{}]}),
             json.dumps({"schema": SCHEMA, "questions": []}), "[" * 100_000],
)  # fmt: skip
def test_what_is_no_exported_quiz(text: str) -> None:
    with pytest.raises(InputError):
        from_json(text)


@pytest.mark.parametrize("change", BROKEN)
def test_a_question_that_was_changed_by_hand(change: dict[str, str], questions: list[Question]) -> None:
    data = json.loads(to_text_format(questions[:1], "json"))
    data["questions"][0] |= {"choices": ["1", "2"], **change}
    with pytest.raises(InputError, match="not an exported quiz"):
        from_json(json.dumps(data))


# worksheets ---------------------------------------------------------------------------------------------------------------------
def test_markdown(questions: list[Question]) -> None:
    sheet = to_text_format(questions, "markdown", "Week 3", key=False)
    assert sheet.startswith("# Week 3\n") and "# Answers" not in sheet
    assert sheet.count("\n## ") == len(questions) and sheet.count("```") % 2 == 0
    assert "# Answers" in to_text_format(questions, "markdown", "Week 3")


def test_texts_become_mathematics() -> None:
    parts = pieces("What is the size of ∂(A @ x)/∂x (numerator layout)?", {"A": "m, n", "x": "n"})
    assert ("math", r"\frac{\partial \left(A x\right)}{\partial x}") in parts and parts[-1] == ("text", " (numerator layout)?")
    assert pieces("entry [i, j]: ∂²f/∂w[i]∂w[j]", {})[-1][1] == r"\frac{\partial^2 f}{\partial {w}_{i} \, \partial {w}_{j}}"
    assert pieces("∂ and ∂(", {}) == [("text", "∂ and ∂(")]
    assert pieces("the size (n, d).", {}) == [("text", "the size "), ("math", "(n, d)"), ("text", ".")]


def test_every_kind_is_typeset(questions: list[Question]) -> None:
    for q in questions:
        assert all(kind in ("text", "math", "code") for line in (*given(q), *choices(q)) for kind, _ in line)
        assert len(choices(q)) == len(q.choices)
        if q.kind == "which" and q.topic != "layout":
            assert all(kind == "math" for c in choices(q) for kind, _ in c), q.choices


def test_the_worksheet_compiles(questions: list[Question], tmp_path: Path) -> None:
    tex = to_text_format(questions, "latex", "Übung 3: 100 % & $x_1$ #{} ∂ 李")
    assert tex.isascii() and tex.count(r"\begin{enumerate}") == tex.count(r"\end{enumerate}")
    if shutil.which("pdflatex") is None:
        pytest.skip("pdflatex is not installed")
    (tmp_path / "sheet.tex").write_text(tex, encoding="utf-8")
    done = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "sheet.tex"], cwd=tmp_path, capture_output=True, timeout=120
    )
    assert done.returncode == 0, done.stdout.decode("latin-1")[-2000:]
    assert b"Overfull" not in done.stdout


# Moodle -------------------------------------------------------------------------------------------------------------------------
def children(node: ET.Element, name: str) -> list[str]:
    return [c.findtext("text") or "" for c in node.findall(name)]


def test_moodle_xml_is_what_moodle_imports(questions: list[Question]) -> None:
    """The rules of Moodle's reader (question/format/xml/format.php): elements, types, fractions, texts."""
    root = ET.fromstring(to_text_format(questions, "moodle", "Week 3/4").partition("\n")[2])
    category, *nodes = root
    assert root.tag == "quiz" and category.get("type") == "category"
    assert category.findtext("category/text") == "$course$/top/Week 3//4"
    assert len(nodes) == len(questions) and len({n.findtext("idnumber") for n in nodes}) == len(nodes)
    for node, q in zip(nodes, questions, strict=True):
        kind = node.get("type")
        assert kind in ("multichoice", "truefalse", "shortanswer", "numerical")
        assert node.findtext("name/text") and node.findtext("questiontext/text")
        assert node.find("questiontext").get("format") == "html"  # type: ignore[union-attr]
        assert float(node.findtext("defaultgrade") or 0) == 1 and 0 <= float(node.findtext("penalty") or 9) <= 1
        assert node.findtext("hidden") == "0" and len(node.findtext("idnumber") or "") <= 100
        answers = node.findall("answer")
        fractions = [a.get("fraction") for a in answers]
        texts = children(node, "answer")
        assert set(fractions) <= {"0", "100"} and all(a.find("feedback/text") is not None for a in answers)
        for html in (node.findtext("questiontext/text") or "", node.findtext("generalfeedback/text") or ""):
            ET.fromstring(f"<x>{html}</x>")  # well-formed
            assert html.count("\\(") == html.count("\\)")
        if kind == "multichoice":
            assert node.findtext("single") == "true" and fractions.count("100") == 1 and len(set(texts)) == len(texts) >= 2
            assert all(a.get("format") == "html" for a in answers)
        elif kind == "truefalse":
            assert texts == ["true", "false"] and fractions.count("100") == 1
        elif kind == "numerical":
            assert all(re.fullmatch(r"\d+", t) for t in texts) and len(set(texts)) == len(texts)
            assert all(a.findtext("tolerance") == "0" for a in answers) and fractions.count("100") == 1
        else:
            assert node.findtext("usecase") in ("0", "1") and fractions[0] == "100"
            assert len({t.lower() if node.findtext("usecase") == "0" else t for t in texts}) == len(texts)
            assert not any(re.search(r"(?<!\\)\*", t) for t in texts)  # a bare * is a wildcard
            for text, fraction in zip(texts, fractions, strict=True):  # the judge agrees with every spelling
                if q.form == "shape":
                    assert (judge(q, text.replace("\\*", "*")).right is True) == (fraction == "100"), (q.answer, text)


def test_spellings() -> None:
    assert {"n x d", "nxd", "n*d", "n by d", "(n,d)", "nd", "[n, d]"} <= set(spellings("(n, d)"))
    assert {"scalar", "()", "1"} <= set(spellings("()")) and {"d", "d x 1", "1 x d"} <= set(spellings("(d,)"))


# Anki ---------------------------------------------------------------------------------------------------------------------------
def test_anki_deck(questions: list[Question], tmp_path: Path) -> None:
    pytest.importorskip("genanki")
    from symderiv.learn.quiz.export_anki import write_anki

    write_anki(questions, tmp_path / "deck.apkg", "Week 3")
    with zipfile.ZipFile(tmp_path / "deck.apkg") as package:
        assert package.testzip() is None and {"collection.anki2", "media"} <= set(package.namelist())
        assert json.loads(package.read("media")) == {}
        package.extract("collection.anki2", tmp_path)
    db = sqlite3.connect(tmp_path / "collection.anki2")
    try:
        notes = db.execute("SELECT guid, tags, flds FROM notes").fetchall()
        models = json.loads(db.execute("SELECT models FROM col").fetchone()[0])
        cards = db.execute("SELECT count(*) FROM cards").fetchone()[0]
        assert len(notes) == len({n[0] for n in notes}) == cards == len(questions)
    finally:
        db.close()
    (model,) = models.values()
    assert [f["name"] for f in model["flds"]] == ["Question", "Answer", "Key"]
    for (_, tags, fields), q in zip(notes, questions, strict=True):
        front, back, key = fields.split("\x1f")
        assert key == q.key and f"topic::{q.topic}" in tags
        for side in (front, back):  # MathJax, as Anki shows it; nothing that a template would take for a field
            assert side.count("\\(") == side.count("\\)") and "$" not in side and "[latex]" not in side
            ET.fromstring(f"<x>{side}</x>")


# grading ------------------------------------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def four() -> list[Question]:
    return quiz(4, seed=9)


def quoted(asked: list[Question]) -> list[str]:
    return ['"' + q.answer.replace('"', '""') + '"' for q in asked]


def test_grading(four: list[Question], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wide = "student,1,q2,3,4\nAnna," + ",".join(quoted(four)) + "\nBob,rubbish,,,\n"
    found = grade(four, wide)
    assert [s.right(range(4)) for s in found.students] == [4, 0]
    assert found.rows()[1][:6] == ["Anna", "4", "4", "100", "0", "0"] and found.rows()[2][4:6] == ["1", "3"]
    assert any("rubbish" in note and "Bob" in note for note in found.notes)
    assert sum(int(r[2]) for r in found.by_topic()[1:]) == 4
    (tmp_path / "class.csv").write_text(wide, encoding="utf-8")
    for form in ("text", "csv", "json"):
        assert run(["quiz", "grade", str(tmp_path / "class.csv"), "--seed", "9", "--n", "4", "--format", form]) == 0
        assert "Anna" in capsys.readouterr().out
    assert run(["quiz", "grade", str(tmp_path / "class.csv")]) == 2


def test_tables_as_people_have_them(four: list[Question]) -> None:
    right = quoted(four)
    form = "\ufeffTime;Name;1. What is …?;Q2;Question 3;4;Comment\r\n1;Anna ;" + ";".join(right) + ";hi\r\n;;;;;;\r\n" \
        "2;Žofie;;;;;\r\n3;;" + right[0] + ";;;\r\n4;Anna;rubbish;;;;\r\n"  # fmt: skip
    found = grade(four, form)
    assert [(s.name, s.right(range(4))) for s in found.students] == [("Anna", 3), ("Žofie", 0), ("(no name, row 5)", 1)]
    notes = " ".join(found.notes)
    assert "left aside: Time, Comment" in notes and "row 2 and in row 6" in notes
    long = "answer\tquestion\tstudent\n" + "\n".join(f"{a}\t{q.key}\tAnna" for q, a in zip(four, right, strict=True))
    found = grade(four, long + "\nx\t77\tAnna\nrubbish\t1\tAnna\n")
    assert found.students[0].right(range(4)) == 3
    assert any("no question '77'" in n for n in found.notes) and any("answered question 1 again" in n for n in found.notes)
    assert grade(four, "student,1\n").rows()[1:] == [] and "question 2, 3, 4" in grade(four, "student,1\nA,\n").notes[0]


@pytest.mark.parametrize(
    "bad",
    ["", "\n\n", "student,9\nA,b", "student,1,1\nA,b,c", "student,1\nA,(n, d)", "1,2\na,b", "s,1\nA," + "x" * 200_000],
)
def test_tables_that_cannot_be_graded(bad: str, four: list[Question]) -> None:
    with pytest.raises(InputError):
        grade(four, bad)


def test_encodings(four: list[Question], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for encoding in ("utf-8", "utf-8-sig", "utf-16", "cp1252"):
        (tmp_path / "class.csv").write_text("student,1\nJürgen,x\n", encoding=encoding)
        assert run(["quiz", "grade", str(tmp_path / "class.csv"), "--seed", "9", "--n", "4"]) == 0
        assert "Jürgen" in capsys.readouterr().out


def test_every_pair_can_be_exported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kinds = {kind for kind, _, _ in pairs()}
    for form in ("markdown", "latex", "json", "moodle"):
        assert run(["quiz", "export", "--seed", "1", "--n", "8", "--format", form, "-o", str(tmp_path / form)]) == 0
    assert len(kinds) == 8 and run(["quiz", "export", "--seed", "1", "--format", "anki"]) == 2
    assert run(["quiz", "export", "--seed", "1", "-o", str(tmp_path / "no" / "such" / "folder")]) == 2
    capsys.readouterr()
