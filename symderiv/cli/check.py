"""`symderiv check`."""

from __future__ import annotations

import fnmatch
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from .options import parse_declarations, standard_input

if TYPE_CHECKING:
    from ..check import Options, Report
    from ..check.paper import Paper

RIGHT, WRONG, NOT_UNDERSTOOD = 0, 1, 2


@click.command()
@click.argument("files", nargs=-1, metavar="FILE…|-")
@click.option(
    "--var", "declarations", multiple=True, metavar='"NAME: SIZES"',
    help='Declaration, "X: n,d", "y: n onehot"; several in one, separated by ";". Names may be in LaTeX.',
)  # fmt: skip
@click.option("--loss", default="", metavar="LATEX", help="What a numerator stands for that the document does not define.")
@click.option(
    "--layout",
    type=click.Choice(["any", "numerator", "denominator"]),
    default="any",
    show_default=True,
    help="Of derivatives of arrays by arrays.",
)
@click.option(
    "--format",
    "format_",
    type=click.Choice(["text", "json", "sarif", "github"]),
    default="text",
    show_default=True,
    help="What to print.",
)
@click.option("--ignore", multiple=True, metavar="CODE", help="Findings that are not told; repeatable.")
@click.option("--select", multiple=True, metavar="CODE", help="Tell only these; repeatable.")
@click.option(
    "--fix",
    is_flag=True,
    help="Write corrected sides into the files, where a second check agrees; in a document with `% symderiv: fix` only there.",
)
@click.option("--diff", is_flag=True, help="Show what --fix would change, and change nothing.")
@click.option("--strict", is_flag=True, help="Leave with exit code 2 when a relation was skipped.")
@click.option(
    "-j",
    "--jobs",
    type=click.IntRange(0),
    default=None,
    help="Processes; 0 for as many as processors. Default: 1, or the configuration.",
)
@click.option("--no-cache", is_flag=True, help="Judge everything anew.")
@click.option(
    "--type", "kind", type=click.Choice(["tex", "md", "ipynb"]), default=None, help="Of standard input. Default: found out."
)
@click.option("--explain", metavar="CODE", default=None, help="Tell what a code means, with an example.")
@click.option("-v", "--verbose", is_flag=True, help="Tell what was skipped and where, and what was assumed.")
def check(
    files: tuple[str, ...], declarations: tuple[str, ...], loss: str, layout: str, format_: str, ignore: tuple[str, ...],
    select: tuple[str, ...], fix: bool, diff: bool, strict: bool, jobs: int | None, no_cache: bool, kind: str | None,
    explain: str | None, verbose: bool,
) -> int:  # fmt: skip
    """Check the derivations of documents line by line: .tex (with \\input), .md, .ipynb, or standard input.

    The exit code is 0 when nothing is wrong, 1 for findings, 2 when a document could not be understood.

    \b
    Examples:
      symderiv check appendix.tex
      symderiv check notes.md --var "X: n,d; w: d; y: n"
      symderiv check *.tex --format sarif > check.sarif
      symderiv check homework.tex --fix
      symderiv check --explain SD602
      echo '$$\\nabla_x (x^\\top A x) = 2 A x$$' | symderiv check - --var "A: n,n; x: n"
    """
    from ..check.rules import explain as page

    if explain is not None:
        click.echo(page(explain))
        return RIGHT
    if not files:
        raise click.UsageError("Name a file, or - for standard input.")
    from ..check import Options

    given = Options(parse_declarations(declarations), loss, layout, ignore, select)
    outcome = [_one(path, given, jobs, no_cache, kind, fix, diff) for path in _files(files)]
    reports = [r for r, _ in outcome if r is not None]
    from ..check.report import render

    if reports and not diff:
        click.echo(render(reports, format_, verbose), err=fix and "-" in files)
    failed = any(code == NOT_UNDERSTOOD for _, code in outcome)
    if any(r.findings for r in reports):
        return WRONG
    return NOT_UNDERSTOOD if failed or (strict and any(r.skipped or r.troubles for r in reports)) else RIGHT


def _files(files: tuple[str, ...]) -> list[str]:
    """Files once each; folders give the documents in them."""
    from ..check.load import SUFFIXES

    out: dict[str, None] = {}
    for f in files:
        if os.path.isdir(f):
            for folder, names, inside in os.walk(f):
                names[:] = sorted(n for n in names if not n.startswith("."))
                out.update(
                    dict.fromkeys(
                        os.path.join(folder, n) for n in sorted(inside) if n.endswith(SUFFIXES) and not n.endswith(".txt")
                    )
                )
        else:
            out[f] = None
    return list(out)


def _one(
    path: str, given: Options, jobs: int | None, no_cache: bool, kind: str | None, fix: bool, diff: bool
) -> tuple[Report | None, int]:
    """One document: its report and exit code; an error is told and does not stop the others."""
    from ..errors import SymDerivError

    try:
        return _checked(path, given, jobs, no_cache, kind, fix, diff)
    except SymDerivError as error:
        click.echo(f"error: {error}", err=True)
        return None, NOT_UNDERSTOOD


def _checked(
    path: str, given: Options, jobs: int | None, no_cache: bool, kind: str | None, fix: bool, diff: bool
) -> tuple[Report | None, int]:
    from ..check.cache import Cache
    from ..check.checker import Checker
    from ..check.config import find_config, merged, sidecar
    from ..check.load import load_paper, paper_of, unified
    from ..check.parallel import jobs_of

    standard = path == "-"
    source, config = find_config("stdin" if standard else path)
    if any(
        fnmatch.fnmatch(os.path.relpath(path, os.path.dirname(source) or "."), pattern) for pattern in config.get("exclude", ())
    ):
        return None, RIGHT
    options = merged(given, config)
    text = standard_input() if standard else None
    paper = load_paper(path) if text is None else paper_of(unified(text), "<stdin>", f".{kind}" if kind else "")
    if not standard:
        options = merged(options, {"vars": sidecar(path)})
    cache = None if no_cache or standard else Cache(path)
    with _Progress(os.path.basename(path)) as progress:
        report = Checker(paper, options).run(progress, cache, jobs_of(jobs if jobs is not None else config.get("jobs", 1)))
    if cache is not None:
        cache.save()
    if fix or diff:
        report = _mended(paper, report, options, diff, text)
    code = report.exit_code
    return report, NOT_UNDERSTOOD if not code and config.get("strict") and (report.skipped or report.troubles) else code


def _mended(paper: Paper, report: Report, options: Options, diff: bool, text: str | None) -> Report:
    """The report after the corrections were written, or shown; a text from standard input goes to standard output."""
    from ..check.checker import Checker
    from ..check.fix import fixes_of
    from ..check.load import load_paper, paper_of, unified

    fixed = fixes_of(paper, report, options, text)
    for finding, reason in fixed.left:
        click.echo(f"{finding.place}: not fixed: {reason}", err=True)
    if diff:
        for file, new in fixed.files:
            click.echo(_difference(file.path, file.text, new), nl=False)
        click.echo(f"would fix {_sides(fixed.applied)}", err=True)
        return report
    if text is not None:
        new = fixed.files[0][1] if fixed.files else text
        click.echo(new, nl=False)
        return Checker(paper_of(unified(new), paper.name, paper.kind), options).run() if fixed.files else report
    if not fixed.files:
        return report
    click.echo(f"fixed {_sides(fixed.applied)} in {', '.join(fixed.write())}", err=True)
    return Checker(load_paper(paper.name), options).run()


def _sides(applied: Sequence[object]) -> str:
    return f"{len(applied)} side{'' if len(applied) == 1 else 's'}"


def _difference(path: str, old: str, new: str) -> str:
    """A unified diff that `patch` takes, with the line ends of the file."""
    import difflib

    def lines(text: str) -> list[str]:
        *whole, last = text.split("\n")
        return [line + "\n" for line in whole] + ([last] if last else [])

    out = []
    for line in difflib.unified_diff(lines(old), lines(new), path, path):
        out.append(line if line.endswith("\n") else line + "\n\\ No newline at end of file\n")
    return "".join(out)


class _Progress:
    """A bar on standard error, where that is a terminal; it comes after a second."""

    def __init__(self, name: str) -> None:
        self.name, self.bar, self.task = name, None, None
        import time

        self.clock = time.monotonic
        self.began = self.clock()

    def __enter__(self) -> Any:
        return self if sys.stderr is not None and sys.stderr.isatty() else None

    def __call__(self, done: int, total: int) -> None:
        if self.bar is None:
            if self.clock() - self.began < 1.0:
                return
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

            columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
            self.bar = Progress(*columns, console=Console(stderr=True), transient=True)  # type: ignore[assignment]
            self.task = self.bar.add_task(self.name, total=total)  # type: ignore[attr-defined]
            self.bar.start()  # type: ignore[attr-defined]
        self.bar.update(self.task, completed=done, total=total)  # type: ignore[attr-defined]

    def __exit__(self, *_: Any) -> None:
        if self.bar is not None:
            self.bar.stop()


__all__ = ["check"]
