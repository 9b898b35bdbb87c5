"""The quiz: keys confirmed numerically, answers read liberally, progress that survives, exports and grading."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from symderiv.cli.main import run
from symderiv.errors import InputError
from symderiv.learn.quiz.answers import judge
from symderiv.learn.quiz.model import KINDS, TOPICS, Question
from symderiv.learn.quiz.numeric import confirm
from symderiv.learn.quiz.progress import Answer, Progress
from symderiv.learn.quiz.questions import due, make, pairs, quiz
from symderiv.learn.quiz.schedule import DAY, Card, quality, review
from symderiv.learn.quiz.session import Screen, Session, from_lines, under

EVERY = [f"{kind}:{topic}:{level}" for level in (1, 3, 5) for kind, topic, _ in pairs(level=level)]


def question(answer: str, form: str = "shape", **more) -> Question:
    return Question("size:layer:3:1", "layer", "size", 3, "?", (), form, answer, (), **more)


# questions ------------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("start", EVERY)
def test_keys_are_right(start: str) -> None:
    for seed in range(3):
        q = make(f"{start}:{seed}")
        assert confirm(q) == []
        assert judge(q, q.answer).right is True, (q.ask, q.answer)
        for wrong, says in q.slips.items():
            assert says and (q.form == "shape" or judge(q, wrong).right is not True), (q.ask, wrong)
        if q.form == "choice":
            assert len(set(q.choices)) == len(q.choices) >= 3


def test_a_wrong_key_is_found() -> None:
    from dataclasses import replace

    q = make("size:layer:3:1")
    (claim,) = q.claims
    assert confirm(replace(q, claims=(replace(claim, says="(n, n, n, n, n)"),)))
    u = make("update:update:3:1")
    assert confirm(replace(u, claims=tuple(replace(c, holds=not c.holds) for c in u.claims)))
    e = make("error:chain:3:1")
    assert confirm(replace(e, claims=tuple(replace(c, holds=not c.holds) for c in e.claims)))


def test_a_seed_repeats_a_quiz_and_nothing_repeats_within_it() -> None:
    first = quiz(60, seed=5)
    assert [q.key for q in first] == [q.key for q in quiz(60, seed=5)] and first[:10] == quiz(10, seed=5)
    assert len({q.identity for q in first}) == 60 and {q.topic for q in first} == set(TOPICS)
    assert [q.key for q in quiz(10, seed=6)] != [q.key for q in first[:10]]
    assert make(first[0].key) == first[0]


def test_choosing() -> None:
    assert {q.topic for q in quiz(8, topics=["hessian"])} == {"hessian"}
    assert {q.kind for q in quiz(8, kinds=["update"])} == {"update"}
    assert {q.topic for q in quiz(20, level=1)} == {"gradient", "scalar"}
    for options in ({"topics": ["nonsense"]}, {"kinds": ["nonsense"]}, {"topics": ["hessian"], "kinds": ["update"]}):
        with pytest.raises(InputError):
            quiz(1, **options)
    for key in ("", "size:layer:3", "size:layer:3:x", "update:hessian:4:1", "size:layer:9:1"):
        with pytest.raises(InputError):
            make(key)


def test_a_question_is_made_in_time() -> None:
    for start in EVERY:
        make(f"{start}:99")  # the operations are compiled once
    started = time.process_time()  # not the clock on the wall: other programs run as well
    for start in EVERY:
        make(f"{start}:100")
    assert (time.process_time() - started) / len(EVERY) < 0.02


@pytest.mark.fuzz
@pytest.mark.parametrize("number", range(100))
def test_ten_thousand_questions(number: int) -> None:
    asked = quiz(100, number, level=(None, 1, 2, 3, 4, 5)[number % 6])
    assert len({q.identity for q in asked}) == 100
    for q in asked:
        assert confirm(q) == [] and judge(q, q.answer).right is True
        assert all(judge(q, wrong).right is not True for wrong in q.slips), q.key
        if q.form == "choice":  # one is right, and all others have a reason why not
            assert set(q.slips) == set("abcdefgh"[: len(q.choices)]) - {q.answer}, q.key


# answers ------------------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("answer", "texts"),
    [
        (
            "(n, d)",
            "n x d|(n,d)|n*d|n by d|n×d|nxd|n d|[n, d]|nd|N x D|R^{n x d}|ℝ^{n×d}|$n \\times d$|same as X|an n x d matrix|"
            "n-by-d|n-d|"
            "torch.Size([n, d])|d columns and n rows|n rows, d columns|the same shape as X|X's shape|X.shape|like X|ℝⁿˣᵈ|"
            "n\\cdot d|"
            "\\mathbb{R}^{n \\times d}|It's n by d.|∂L/∂X has size n x d|dL/dX: (n, d)|n row vectors of length d|"
            "n x d, same as X",
        ),
        (
            "(d,)",
            "d|(d,)|(d)|d x 1|1 x d|vector of length d|d-vector|d-dimensional vector|a row vector of length d|"
            "d entries|R^d|ℝᵈ|(1, d)",
        ),
        ("()", "scalar|()|1|1x1|a number|Scalar.|a single number|0-d|no axes|constant|(1, 1)|\\mathbb{R}"),
        ("(n, n)", "n^2|n²|n*n|n x n|n**2|n squared|square matrix of size n|nn"),
        (
            "(n, d, d, k)",
            "n x d x d x k|nddk|n d d k|n*d*d*k|(n, d) x (d, k)|a 4-tensor of size n x d x d x k|fourth-order tensor n×d×d×k",
        ),
        ("(3, n)", "3 x n|3xn|3*n"),
        ("(n*d,)", "n*d|(n*d,)|(d*n,)"),
        ("(n + 1, d)", "(n+1, d)|n+1 x d|(1 + n) x d"),
        ("(n, 1, d)", "n x 1 x d|(n,1,d)"),
    ],
)
def test_sizes_are_read_liberally(answer: str, texts: str) -> None:
    for text in texts.split("|"):
        assert judge(question(answer, vars={"X": "n, d"}), text).right is True, text


def test_wrong_sizes_are_wrong() -> None:
    q = question("(n, d)", slips={"(d, n)": "that is the other layout"})
    assert judge(q, "d x n").says == "that is the other layout"
    for text in ("n", "(n, d, d)", "n x n", "scalar", "n x d x 1", "d columns and d rows", "d"):
        assert judge(q, text).right is False, text
    for text in (
        "",
        "banana",
        "((((",
        "n^99999",
        "x" * 400,
        "λ",
        "\0",
        "k",
        "(n, d, k)",
        "matrix",
        "true",
        "(10, 3)",
        "X",
        "a b c",
    ):
        found = judge(q, text)  # nonsense, or a size that the question does not have: no mark, and a way on
        assert found.right is None and found.says, text
    q = question("(n, k, d, k)", vars={"X": "n, d", "W": "d, k"})
    assert judge(q, "nk x dk").right is None and "vec" in judge(q, "(n*k, d*k)").says
    assert judge(question("(n, 1)"), "n").right is None
    q = question("(n, d)", layout="numerator")
    assert judge(q, "(d, n) in denominator layout").right is None and judge(q, "(n, d), numerator layout").right is True


def test_numbers_choices_truth() -> None:
    for text in ("1,000", "= 1000", "20*50", "10^3", "1000 entries"):
        assert judge(question("1000", "number"), text).right is True, text
    for text in ("line 3", "third", "3.", "#3"):
        assert judge(question("3", "number"), text).right is True, text
    assert judge(question("1000", "number"), "999").right is False and judge(question("3", "number"), "many").right is None
    q = question("b", "choice", choices=("∂S/∂H", "∂H/∂W", "w = w - eta*x"))
    for text in ("b", "B)", "(b)", "2", "∂H/∂W", "dH/dW", "answer b"):
        assert judge(q, text).right is True, text
    assert judge(q, "c").right is False and judge(q, "z").right is None and judge(q, "9").right is None
    for text in ("true", "T", "yes", "Correct"):
        assert judge(question("true", "truth"), text).right is True
    assert judge(question("true", "truth"), "no").right is False and judge(question("true", "truth"), "perhaps").right is None


def test_equal_expressions_count() -> None:
    q = question("2*X.T @ (X @ w - y)", "expression", vars={"X": "n,d", "w": "d", "y": "n"})
    for text in (
        "-2*X.T @ (y - X @ w)",
        "2*Xᵀ @ (X@w - y)",
        "X^T @ (X @ w - y)*2",
        "2*X'@(X@w-y)",
        "2*(X @ w - y) @ X",
        "dL/dw = 2*X.T@(X@w-y)",
        "2 Xᵀ(Xw − y)",
        "$2 X^\\top (X w - y)$",
        "2*np.dot(X.T, X@w-y)",
    ):
        assert judge(q, text).right is True, text
    for text in ("2*X @ (X @ w - y)", "X.T @ (X @ w - y)", "2*X.T @ (X @ w + y)"):
        assert judge(q, text).right is False, text
    assert judge(q, "dL/dw = 2*X.T@(X@w-y)").right is True
    assert "@" in judge(q, "2*X.T*(X@w-y)").says and judge(q, "2*X.T*(X@w-y)").right is None
    huge = ("w + sum(ones((99999, 99999)))", "w*sum(1 for i in range(10**9))", "w + ones(10**9)[0]", "w + 9**9**9**9")
    for text in ("__import__('os')", "foo(X)", "2*Q", "X.T @", "(n, d)", "scalar", *huge):
        assert judge(q, text).right is None, text


def test_nothing_that_is_typed_raises() -> None:
    import random

    rng = random.Random(0)
    pieces = [
        "n",
        "d",
        "x",
        "X",
        "*",
        "(",
        ")",
        ",",
        "^",
        "2",
        "9",
        " by ",
        ".T",
        "@",
        "-",
        "'",
        "=",
        "²",
        "\\",
        "{",
        "[",
        "true",
        "λ",
        "\t",
        "none",
        "R^",
    ]
    forms = [question("(n, d)", vars={"X": "n, d"}), question("12", "number"), question("a", "choice", choices=("1", "2")),
             question("true", "truth"), question("X.T", "expression", vars={"X": "n, d"})]  # fmt: skip
    for _ in range(1500):
        text = "".join(rng.choice(pieces) for _ in range(rng.randrange(12)))
        for q in forms:
            assert judge(q, text).right in (True, False, None)


# progress -----------------------------------------------------------------------------------------------------------------------
def answer(right: bool = True, key: str = "size:layer:3:1", **more) -> Answer:
    return Answer(key, "layer", "size", 3, "n x d", right, quality(right), 2.0, **more)


def test_sm2() -> None:
    card = Card()
    intervals = []
    for _ in range(4):
        card = review(card, 4, 0.0)
        intervals.append(card.interval)
    assert intervals == [1, 6, 15, 37.5] and card.ease == 2.5 and card.due == 37.5 * DAY
    wrong = review(card, 1, 0.0)
    assert (wrong.interval, wrong.repetitions) == (1, 0) and wrong.ease == pytest.approx(1.96)
    for _ in range(20):
        wrong = review(wrong, 0, 0.0)
    assert wrong.ease == 1.3
    assert [quality(True), quality(True, seconds=99), quality(True, True), quality(False, near=True), quality(False)] == [
        5,
        4,
        3,
        2,
        1,
    ]


def test_progress_is_kept_and_learners_do_not_mix(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "quiz.db"
    with Progress.open(file, "anna") as p:
        p.record(answer())
        p.record(answer(False, "size:layer:3:2"))
    with Progress.open(file, "anna") as p, Progress.open(file, "bob") as other:
        assert p.note == "" and (p.topics()["layer"].answers, p.topics()["layer"].right) == (2, 1)
        assert p.due() == [] and p.due(time.time() + 2 * DAY) == ["size:layer:3:2", "layer/size"]
        assert other.topics() == {} and other.due(1e12) == []
    assert os.name == "nt" or file.stat().st_mode & 0o077 == 0


def test_review_asks_mistakes_first(tmp_path: Path) -> None:
    with Progress.open(tmp_path / "quiz.db") as p:
        p.record(answer(False, "size:layer:3:2", at=time.time() - 3 * DAY))
        asked = list(due(p, 4, seed=1))
    assert asked[0].key == "size:layer:3:2" and (asked[1].topic, asked[1].kind) == ("layer", "size") and len(asked) == 4


def test_a_damaged_file_is_told_and_nothing_is_lost(tmp_path: Path) -> None:
    file = tmp_path / "quiz.db"
    file.write_bytes(b"this is not a database" * 100)
    with Progress.open(file, "anna") as p:
        assert "progress cannot be kept" in p.note and p.rescue is not None
        p.record(answer())
        assert p.topics()["layer"].answers == 1
        assert p.rescue.read_text().count("\n") == 1
    assert file.read_bytes().startswith(b"this is not")  # left as it is
    file.unlink()
    with Progress.open(file, "anna") as p:
        assert p.note == "" and p.topics()["layer"].answers == 1
    assert list(tmp_path.glob("*.jsonl")) == []


def test_a_newer_or_foreign_database_is_left_alone(tmp_path: Path) -> None:
    for name, statement in (("new.db", "PRAGMA user_version=99"), ("other.db", "CREATE TABLE answers (x)")):
        db = sqlite3.connect(tmp_path / name)
        db.execute(statement)
        db.commit()
        db.close()
        with Progress.open(tmp_path / name) as p:
            assert p.note
            p.record(answer())
            assert p.topics()["layer"].answers == 1


def test_a_database_of_another_program_is_not_touched(tmp_path: Path) -> None:
    file = tmp_path / "places.db"
    with closing(sqlite3.connect(file)) as db:
        db.execute("CREATE TABLE places (id)")
        db.commit()
    before = file.read_bytes()
    with Progress.open(file) as p:
        assert "another program" in p.note
        p.record(answer())
    assert file.read_bytes() == before and len(list(tmp_path.glob("*.jsonl"))) == 1


def test_a_file_of_version_1_is_brought_up_to_date(tmp_path: Path) -> None:
    file = tmp_path / "quiz.db"
    with closing(sqlite3.connect(file)) as db:
        db.execute("CREATE TABLE answers (id TEXT PRIMARY KEY, at REAL NOT NULL, learner TEXT NOT NULL, key TEXT NOT NULL, "
                   "topic TEXT NOT NULL, kind TEXT NOT NULL, level INTEGER NOT NULL, answer TEXT NOT NULL, "
                   "right INTEGER NOT NULL, "
                   "quality INTEGER NOT NULL, seconds REAL NOT NULL)")  # fmt: skip
        db.execute("CREATE TABLE cards (learner TEXT NOT NULL, card TEXT NOT NULL, ease REAL NOT NULL, interval REAL NOT NULL, "
                   "repetitions INTEGER NOT NULL, due REAL NOT NULL, PRIMARY KEY (learner, card))")  # fmt: skip
        db.execute("INSERT INTO answers VALUES ('1', 1.0, 'anna', 'size:layer:3:1', 'layer', 'size', 3, 'n', 0, 1, 2.0)")
        db.execute("INSERT INTO cards VALUES ('anna', 'size:layer:3:1', 2.5, 1, 0, 1.0)")
        db.execute("PRAGMA user_version=1")
        db.commit()
    with Progress.open(file, "anna") as p:
        assert p.note == "" and p.topics()["layer"].answers == 1 and p.due() == ["size:layer:3:1"]
        p.record(answer(False, "size:layer:3:7"), make("size:layer:3:7"))
    with closing(sqlite3.connect(file)) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (2,)


def test_a_mistake_comes_back_as_it_was(tmp_path: Path) -> None:
    asked = question("(n, d)", slips={"(d, n)": "the other layout"}, vars={"X": "n, d"}, hint="think")
    with Progress.open(tmp_path / "quiz.db") as p:
        p.record(answer(False, asked.key, at=time.time() - 3 * DAY), asked)
        again = next(due(p, 1))
        assert again == asked and again != make(asked.key)  # whatever this version makes of the key
        p._db.execute("UPDATE questions SET data='rubbish'")
        assert next(due(p, 1)) == make(asked.key)


def test_a_clock_that_was_wrong_hides_nothing(tmp_path: Path) -> None:
    with Progress.open(tmp_path / "quiz.db") as p:
        p.record(answer(False, at=time.time() + 9000 * DAY))  # the clock was ahead
        assert p.due() == ["size:layer:3:1", "layer/size"]
        p.record(answer(True, at=time.time()))
        assert "layer/size" not in p.due() and p.topics()["layer"].mastery == pytest.approx(0.2)


def test_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "there").mkdir()
    monkeypatch.chdir(tmp_path / "there")
    with Progress.open(tmp_path / "quiz.db", "anna") as p:
        p._db.execute("PRAGMA max_page_count=1")
        monkeypatch.setattr(p, "_folders", lambda: [tmp_path / "missing", tmp_path / "there"])
        for i in range(200):  # until it is full
            p.record(answer(key=f"size:layer:3:{i}"))
        assert "full" in p.note and p.topics()["layer"].answers == 200
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path / "there")
    with Progress.open(tmp_path / "quiz.db", "anna") as p:  # what lies in the working directory is taken in
        assert p.note == "" and p.topics()["layer"].answers == 200
    assert not list(tmp_path.rglob("*.jsonl"))


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with Progress.open(tmp_path / "file" / "quiz.db") as p:  # its folder is a file
        assert p.note
        p.record(answer())
        assert p.topics()["layer"].answers == 1
        if p.rescue is not None:
            p.rescue.unlink()


def test_a_file_that_breaks_in_the_middle(tmp_path: Path) -> None:
    with Progress.open(tmp_path / "quiz.db", "anna") as p:
        p.record(answer())
        p._db.execute("PRAGMA query_only=1")  # as if the disk had become read-only
        p.record(answer(key="size:layer:3:2"))
        assert p.note and p.topics()["layer"].answers == 2
    with Progress.open(tmp_path / "quiz.db", "anna") as p:
        assert p.note == "" and p.topics()["layer"].answers == 2


def test_two_quizzes_at_once_lose_nothing(tmp_path: Path, environment: dict[str, str]) -> None:
    script = (
        "import sys\nfrom symderiv.learn.quiz.progress import *\n"
        "p = Progress.open(sys.argv[1], 'anna')\nassert not p.note, p.note\n"
        "for i in range(40): p.record(Answer(f'size:layer:3:{i}', 'layer', 'size', 3, 'n', i % 2 == 0, 3, 1.0))\n"
        "assert not p.note, p.note\n"
    )
    command = [sys.executable, "-c", script, str(tmp_path / "quiz.db")]
    running = [subprocess.Popen(command, env=environment, stderr=subprocess.PIPE) for _ in range(3)]
    for r in running:
        _, err = r.communicate(timeout=60)
        assert r.returncode == 0, err
    with Progress.open(tmp_path / "quiz.db", "anna") as p:
        assert p.topics()["layer"].answers == 120


@pytest.mark.skipif(os.name == "nt", reason="kill -9")
def test_a_killed_quiz_has_lost_nothing(tmp_path: Path, environment: dict[str, str]) -> None:
    file = tmp_path / "quiz.db"
    script = "import sys,time\nsys.stdout.write('true\\n' * 3)\nsys.stdout.flush()\ntime.sleep(60)"
    feeder = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE)
    code = (
        "import sys\nfrom symderiv.learn.quiz.progress import Progress\nfrom symderiv.learn.quiz.questions import questions\n"
        "from symderiv.learn.quiz.session import Session, from_lines\n"
        "asked = questions(10, 1, kinds=['truth'])\n"
        "Session(Progress.open(sys.argv[1], 'anna'), from_lines(sys.stdin), patient=False).run(asked, 10)"
    )
    quiz_process = subprocess.Popen(
        [sys.executable, "-c", code, str(file)], stdin=feeder.stdout, stdout=subprocess.DEVNULL, env=environment
    )
    try:
        for _ in range(300):
            time.sleep(0.1)
            with sqlite3.connect(file, timeout=5) as db:
                found = db.execute("SELECT count(*) FROM sqlite_master WHERE name='answers'").fetchone()[0]
                if found and db.execute("SELECT count(*) FROM answers").fetchone()[0] == 3:
                    break
        quiz_process.send_signal(signal.SIGKILL)
        quiz_process.wait(timeout=10)
    finally:
        feeder.kill()
        quiz_process.kill()
        feeder.wait(timeout=10)
        assert feeder.stdout is not None
        feeder.stdout.close()
    with Progress.open(file, "anna") as p:
        assert p.note == "" and sum(s.answers for s in p.topics().values()) == 3


# the session --------------------------------------------------------------------------------------------------------------------
@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SYMDERIV_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("COLUMNS", "60")
    return tmp_path


def test_answers_from_a_file(kept: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = quiz(6, seed=4)
    (kept / "right.txt").write_text("\n".join(q.answer for q in asked), encoding="utf-8")
    assert run(["quiz", "--seed", "4", "--n", "6", "--answers", str(kept / "right.txt"), "--paranoid"]) == 0
    assert "6 of 6 right." in capsys.readouterr().out
    (kept / "wrong.txt").write_text("\n".join([*(q.answer for q in asked[:4]), "?", "rubbish"]), encoding="utf-8")
    assert run(["quiz", "--seed", "4", "--n", "6", "--answers", str(kept / "wrong.txt")]) == 1
    out = capsys.readouterr().out
    assert "4 of 4 right, 1 left out." in out and all(len(line) <= 60 for line in out.splitlines() if "/" not in line)
    assert run(["quiz", "stats"]) == 0
    out = capsys.readouterr().out
    assert "mastery" in out and "answers by day" in out
    assert run(["quiz", "--answers", str(kept / "missing.txt")]) == 2


def test_a_person_may_stop_and_be_misread(kept: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupted(_: str) -> str:
        if not lines:
            raise KeyboardInterrupt
        return lines.pop(0)

    lines = ["", "???", "?", "skip"]
    with Progress.open(kept / "quiz.db") as p:
        result = Session(p, interrupted, Screen(60)).run(quiz(5, seed=2), 5)
    assert result.stopped and (result.asked, result.skipped) == (0, 1)
    assert "Try again" in capsys.readouterr().out
    with Progress.open(kept / "quiz.db") as p:
        result = Session(p, from_lines(["quit"]), Screen(60)).run(quiz(5, seed=2), 5)
        assert result.stopped and not p.topics()


def test_a_terminal_may_be_of_any_width(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for width in (1, 8, 30, 60, 400):
        Session(Progress.nowhere(), from_lines(["a", "rubbish", "1", "true"]), Screen(width)).run(quiz(4, seed=4), 4)
        assert max(map(len, capsys.readouterr().out.splitlines())) <= max(30, min(width, 100))


def test_sizes_stand_under_their_factors() -> None:
    assert under([("X.T", "(d, n)"), ("E", "(n,)")], 60) == [" X.T      E", "(d, n)   (n,)"]
    assert all(len(line) <= 20 for line in under([("A" * 30, "(n, d)"), ("B", "(d,)")], 20))


def test_topics_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["quiz", "topics"]) == 0
    out = capsys.readouterr().out
    assert all(name in out for name in (*TOPICS, *KINDS))
