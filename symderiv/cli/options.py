"""Options that several commands take, and reading the problem that they describe."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ..errors import InputError

if TYPE_CHECKING:
    from ..read.problem import Problem

F = TypeVar("F", bound=Callable[..., Any])

ENCODING = "utf-8"
READERS = ("symderiv", "latex2sympy2", "both")
NAMES_A_FILE = re.compile(r"[\w./\\ -]*\.[A-Za-z]\w*")  # with a suffix: `notes.txt`
LEADING_MINUS = re.compile(r"-[^-].*[()*/@+\s\[]")


class ExpressionCommand(click.Command):
    """A command whose expression may begin with a minus sign: `symderiv derive "-sum(x)" --wrt x`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        found = next((a for a in args if LEADING_MINUS.match(a)), None)
        if found is not None and "--" not in args:
            args = [a for a in args if a is not found] + ["--", found]
        return super().parse_args(ctx, args)


def problem_arguments(function: F) -> F:
    """EXPR, --wrt, --var and --name, in this order in the help."""
    for decorate in reversed(
        [
            click.argument("expression", metavar="EXPR|FILE.sd|-"),
            click.option("--wrt", multiple=True, required=True, metavar="NAME", help="Variable to differentiate by; repeatable."),
            click.option(
                "--var",
                "declarations",
                multiple=True,
                metavar='"NAME: SIZES"',
                help='Declaration, "X: n,d", "A: n,n symmetric", "lam: scalar"; several in one, separated by ";".',
            ),
            click.option("--name", metavar="NAME", help="Which definition of a problem file (default: the last)."),
            click.option(
                "--from",
                "source",
                type=click.Choice(["text", "latex", "python"]),
                default="text",
                show_default=True,
                expose_value=False,
                callback=_keep,
                help="What EXPR is: the input language, LaTeX, or MODULE:FUNCTION, a NumPy function of the declared arrays. The"
                " module is imported from the current directory, so its code runs.",
            ),
            click.option(
                "--reader",
                type=click.Choice(READERS),
                default=READERS[0],
                show_default=True,
                expose_value=False,
                callback=_keep,
                help="Who reads LaTeX; latex2sympy2 (an extra) reads scalar expressions; both are compared as numbers.",
            ),
        ]
    ):
        function = decorate(function)
    return function


def _keep(context: click.Context, parameter: click.Parameter, value: str) -> str:
    """Remembered for `read_problem`, so that commands need no parameter for it."""
    context.meta[f"symderiv.{parameter.name}"] = value
    return value


def chosen(what: str, default: str) -> str:
    """The value of --from or --reader of the command that runs."""
    context = click.get_current_context(silent=True)
    return context.meta.get(f"symderiv.{what}", default) if context is not None else default


def layout_option(function: F) -> F:
    """--layout."""
    return click.option(
        "--layout",
        type=click.Choice(["numerator", "denominator"]),
        default="numerator",
        show_default=True,
        help="Shape of the derivative of an array: out.shape + wrt.shape, or wrt.shape + out.shape.",
    )(function)


def read_problem(expression: str, declarations: tuple[str, ...], name: str | None) -> Problem:
    """The problem in a text, a `.sd` file or standard input.

    Raises:
        InputError: SD110 when a file cannot be read, and whatever reading the text raises.
    """
    from ..api import load, parse

    known = parse_declarations(declarations)
    source = chosen("source", "text")
    if source == "latex":
        return _latex_problem(standard_input() if expression == "-" else expression, known, name)
    if source == "python":
        return _python_problem(expression, known)
    if expression == "-":
        return parse(standard_input(), known, name=name, path="<stdin>")
    if expression.endswith(".sd"):
        return load(expression, name=name, vars=known)
    if NAMES_A_FILE.fullmatch(expression) and os.path.isfile(expression):
        raise InputError(f"{expression} is a file, but not a problem file", code="SD110", hint="problem files are named *.sd")
    return parse(expression, known, name=name)


def _latex_problem(text: str, known: dict[str, str], name: str | None) -> Problem:
    from ..read.latex import parse_latex

    return parse_latex(text, known, name, reader=chosen("reader", READERS[0]))


def _python_problem(spec: str, known: dict[str, str]) -> Problem:
    from ..read.trace import trace
    from ..verify.callables import load_function

    return trace(load_function(spec), **known)


def standard_input() -> str:
    """All of standard input as UTF-8."""
    if sys.stdin is None:
        raise InputError("standard input is closed", code="SD110")
    try:
        return sys.stdin.buffer.read().decode(ENCODING)
    except UnicodeDecodeError:
        raise InputError("standard input is not UTF-8 text", code="SD110") from None


def parse_declarations(declarations: tuple[str, ...]) -> dict[str, str]:
    """`("X: n,d; w: d", "y: n")` to `{"X": "n,d", "w": "d", "y": "n"}`."""
    found: dict[str, str] = {}
    for entry in (part for text in declarations for part in text.split(";") if part.strip()):
        name, colon, sizes = entry.partition(":")
        if not colon or not name.strip():
            text = f'{entry.strip()!r} is not a declaration; write "NAME: SIZES", as in "X: n,d"'
            raise click.BadParameter(text, param_hint="--var")
        for each in name.split(","):
            if each.strip() in found:
                raise click.BadParameter(f"{each.strip()} is declared twice", param_hint="--var")
            found[each.strip()] = sizes.strip()
    return found


def names(wrt: tuple[str, ...]) -> list[str]:
    """`("w,b", "c")` to `["w", "b", "c"]`, each once."""
    found = list(dict.fromkeys(n.strip() for text in wrt for n in text.split(",") if n.strip()))
    if not found:
        raise click.BadParameter("name a variable", param_hint="--wrt")
    return found


def one_or_more(wrt: tuple[str, ...]) -> str | list[str]:
    """A single name as a string, several as a list: what `derive` takes."""
    found = names(wrt)
    return found[0] if len(found) == 1 else found


__all__ = [
    "ExpressionCommand",
    "chosen",
    "layout_option",
    "names",
    "one_or_more",
    "parse_declarations",
    "problem_arguments",
    "read_problem",
]
