"""`symderiv quiz`: an interactive quiz, its statistics, exports for teachers, grading."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ..errors import InputError

if TYPE_CHECKING:
    from ..learn.quiz.model import Question
    from ..learn.quiz.progress import Progress

F = TypeVar("F", bound=Callable[..., Any])


def choice_of_questions(n: int) -> Callable[[F], F]:
    """--topic, --kind, --level, --n, --seed."""

    def decorate(function: F) -> F:
        for option in reversed(
            [
                click.option(
                    "--topic", "topics", multiple=True, metavar="NAME", help="Only this topic; repeatable (see quiz topics)."
                ),
                click.option("--kind", "kinds", multiple=True, metavar="NAME", help="Only this kind of question; repeatable."),
                click.option("--level", type=click.IntRange(1, 5), help="1: ∂s/∂v … 5: tensors. Topics up to it, as hard as it."),
                click.option(
                    "--n", "n", type=click.IntRange(1, 10000), default=n, show_default=True, help="Number of questions."
                ),
                click.option("--seed", type=click.IntRange(0), help="The same seed gives the same quiz."),
            ]
        ):
            function = option(function)
        return function

    return decorate


@click.group(invoke_without_command=True)
@choice_of_questions(10)
@click.option("--review", is_flag=True, help="Ask what is due: mistakes of earlier days, and topics by spaced repetition (SM-2).")
@click.option(
    "--answers",
    metavar="FILE",
    help="Answers from a file, one a line (- is standard input); exit code 1 if any is wrong.",
)
@click.option("--progress", "file", metavar="FILE", help="Keep progress in this file instead of the user's data directory.")
@click.option("--learner", metavar="NAME", help="Whose progress it is, where several people share an account.")
@click.option("--no-progress", is_flag=True, help="Keep nothing.")
@click.option("--paranoid", is_flag=True, help="Build every derivative of a key before asking.")
@click.pass_context
def quiz(
    ctx: click.Context, topics: tuple[str, ...], kinds: tuple[str, ...], level: int | None, n: int, seed: int | None,
    review: bool, answers: str | None, file: str | None, learner: str | None, no_progress: bool, paranoid: bool,
) -> int | None:  # fmt: skip
    """Ask about sizes, chain rules and gradients; keep progress.

    Questions are made by the engine; a seed repeats a quiz.
    Sizes are read liberally: (n, d), n x d, n*d, n by d, scalar. Answer ? for a hint, skip, or quit.

    \b
    Examples:
      symderiv quiz
      symderiv quiz --topic layer --topic batch --level 4 --n 20
      symderiv quiz --review
      symderiv quiz --seed 7 --n 3 --answers answers.txt
      symderiv quiz stats
      symderiv quiz export --seed 7 --format moodle -o week3.xml
      symderiv quiz grade class.csv --seed 7
    """
    if ctx.invoked_subcommand is not None:
        return None
    import gc

    from ..learn.quiz.session import Screen, Session, from_lines, from_terminal, is_terminal

    person = answers is None and is_terminal()
    with _progress(file, learner, no_progress) as progress:
        chosen = seed if seed is not None else _any_seed()
        asked = _due(progress, n, chosen, topics, kinds, level) if review else _questions(n, chosen, topics, kinds, level)
        if paranoid:
            asked = _confirmed(asked)
        screen = Screen()
        if seed is None and not review:
            screen.say(f"symderiv quiz --seed {chosen} repeats this quiz.", "dim")
        read = from_terminal() if person else from_lines(_answers(answers or "-"))
        gc.freeze()  # what was imported stays: looking through it again and again would make a question late now and then
        result = Session(progress, read, screen, patient=person, echo=not person).run(asked, n)
        return 1 if answers is not None and (result.right < result.asked or result.skipped or result.asked < n) else 0


def _any_seed() -> int:
    import secrets

    return secrets.randbelow(10**6)


def _progress(file: str | None, learner: str | None, nothing: bool = False) -> Progress:
    from ..learn.quiz.progress import Progress

    return Progress.nowhere(learner) if nothing else Progress.open(file, learner)


def _questions(n: int, seed: int, topics: tuple[str, ...], kinds: tuple[str, ...], level: int | None) -> Iterator[Question]:
    from ..learn.quiz.questions import questions

    return questions(n, seed, topics, kinds, level)


def _due(
    progress: Progress, n: int, seed: int, topics: tuple[str, ...], kinds: tuple[str, ...], level: int | None
) -> Iterator[Question]:
    from ..learn.quiz.questions import due

    return due(progress, n, seed, topics, kinds, level)


def _confirmed(asked: Iterator[Question]) -> Iterator[Question]:
    from ..learn.quiz.numeric import confirm

    for q in asked:
        faults = confirm(q)
        if faults:
            raise InputError(f"the key of {q.key} is wrong: {faults[0]}", code="SD148", hint="please report this key")
        yield q


def _answers(path: str) -> Iterable[str]:
    """The lines of a file; those of standard input as they come, so that a program may answer one question after the other."""
    import sys

    if path != "-":
        return _lines(path)
    if sys.stdin is None:
        raise InputError("standard input is closed", code="SD110")
    return (line.decode("utf-8", "replace") for line in sys.stdin.buffer)


def _lines(path: str) -> list[str]:
    from .options import standard_input

    return (standard_input() if path == "-" else _text(path)).splitlines()


def _text(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}", code="SD110") from None
    except UnicodeDecodeError:
        raise InputError(f"{path} is not UTF-8 text", code="SD110") from None


@quiz.command()
def topics() -> None:
    """List the topics, the level at which each starts, and its kinds of question."""
    from ..learn.quiz.model import KINDS, TOPICS
    from ..learn.quiz.session import Screen

    screen = Screen()
    for name, (level, what, kinds) in TOPICS.items():
        screen.say(f"{name}, from level {level}: {what}", "bold")
        screen.say(", ".join(kinds), indent=4)
    screen.say()
    for name, what in KINDS.items():
        screen.verbatim(f"{name:10} {what}", indent=0)


@quiz.command()
@click.option("--progress", "file", metavar="FILE", help="The file to look at.")
@click.option("--learner", metavar="NAME", help="Whose progress.")
def stats(file: str | None, learner: str | None) -> None:
    """Show mastery by topic, the last days, and what is due."""
    from ..learn.quiz.session import Screen, chart

    screen = Screen()
    with _progress(file, learner) as progress:
        if progress.note:
            screen.say(f"note: {progress.note}.", "yellow")
        screen.unwrapped(f"{progress.learner}, {progress.path}", "dim")
        for line in chart(progress, screen.width):
            screen.verbatim(line, indent=0)


@quiz.command()
@choice_of_questions(10)
@click.option(
    "--format", "form", type=click.Choice(["markdown", "latex", "json", "moodle", "anki"]), default="markdown", show_default=True,
    help="Worksheet, documented JSON, Moodle XML, Anki deck.",
)  # fmt: skip
@click.option("-o", "--output", metavar="FILE", help="Write to a file (needed for anki).")
@click.option("--title", default="Shape quiz", show_default=True, help="Title of the sheet or deck.")
@click.option("--key/--no-key", default=True, help="With the answers (markdown, latex).")
@click.option("--paranoid", is_flag=True, help="Build every derivative of every key first.")
def export(
    topics: tuple[str, ...], kinds: tuple[str, ...], level: int | None, n: int, seed: int | None, form: str, output: str | None,
    title: str, key: bool, paranoid: bool,
) -> None:  # fmt: skip
    """Write a quiz as a worksheet with its key, or for another program.

    \b
    Examples:
      symderiv quiz export --seed 7 --n 12 -o sheet.md
      symderiv quiz export --seed 7 --format latex --no-key -o sheet.tex
      symderiv quiz export --seed 7 --format anki -o shapes.apkg
    """
    from ..learn.quiz.export import to_text_format

    chosen = seed if seed is not None else _any_seed()
    asked = _questions(n, chosen, topics, kinds, level)
    found = list(_confirmed(asked) if paranoid else asked)
    if seed is None:
        click.echo(f"seed {chosen}", err=True)
    if form == "anki":
        if not output:
            raise click.UsageError("--format anki needs -o FILE.apkg")
        from ..learn.quiz.export_anki import write_anki

        write_anki(found, Path(output), title)
    elif output:
        Path(output).write_text(to_text_format(found, form, title, key), encoding="utf-8")
    else:
        click.echo(to_text_format(found, form, title, key), nl=False)
    if output:
        click.echo(f"wrote {output}", err=True)


@quiz.command()
@click.argument("file", metavar="FILE.csv|-")
@choice_of_questions(10)
@click.option("--quiz", "exported", metavar="FILE.json", help="The exported quiz (instead of --seed and --n).")
@click.option(
    "--format", "form", type=click.Choice(["text", "csv", "json"]), default="text", show_default=True, help="What to print."
)
def grade(
    file: str, topics: tuple[str, ...], kinds: tuple[str, ...], level: int | None, n: int, seed: int | None, exported: str | None,
    form: str,
) -> None:  # fmt: skip
    """Grade a class: a table `student,1,2,3` or `student,question,answer`, as CSV.

    Separators may be commas, semicolons or tabs; other columns are left aside.

    \b
    Examples:
      symderiv quiz grade class.csv --seed 7 --n 12
      symderiv quiz grade class.csv --quiz week3.json --format csv
    """
    import csv
    import json
    import sys

    from ..learn.quiz.export import from_json
    from ..learn.quiz.grade import grade as graded

    if exported is None and seed is None:
        raise click.UsageError("Which quiz? Give --quiz FILE.json, or --seed (and --n, --topic, …) of the quiz.")
    asked = from_json(_text(exported)) if exported is not None else list(_questions(n, seed or 0, topics, kinds, level))
    found = graded(asked, _table(file))
    if form == "json":
        click.echo(json.dumps(found.to_data(), indent=2, ensure_ascii=False))
        return
    for note in found.notes:
        click.echo(f"note: {note}", err=True)
    if form == "csv":
        csv.writer(sys.stdout, lineterminator="\n").writerows(found.rows())
        return
    for rows in (found.rows(), found.by_topic(), found.by_question()):
        widths = [max(len(r[k]) for r in rows) for k in range(len(rows[0]))]
        for r in rows:
            click.echo("  ".join(f"{c:{w}}" for c, w in zip(r, widths, strict=True)).rstrip())
        click.echo()


def _table(path: str) -> str:
    """A table as text: UTF-8, UTF-16 with its mark, else the Western encoding that spreadsheets write."""
    from .options import standard_input

    if path == "-":
        return standard_input()
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}", code="SD110") from None
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", "replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        click.echo(f"note: {path} is not UTF-8; it is read as Windows-1252", err=True)
        return data.decode("cp1252", "replace")


__all__ = ["quiz"]
