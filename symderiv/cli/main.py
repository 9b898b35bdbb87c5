"""`symderiv COMMAND ...`: finding the command, and turning errors into exit codes.

Exit codes: 0 right, 1 a result that fails, 2 could not be understood.
"""

from __future__ import annotations

import importlib
import os
import signal
import sys
import traceback
from collections.abc import Sequence

import click

from .. import __version__
from ..errors import SymDerivError

COMMANDS = {  # name -> (module, attribute, one line); the modules are imported when the command is used
    "derive": ("symderiv.cli.derive", "derive", "Differentiate an expression and certify the result."),
    "verify": ("symderiv.cli.verify", "verify", "Tell whether a derivative is right, and what is wrong with it."),
    "check": ("symderiv.cli.check", "check", "Check the derivations of documents line by line."),
    "shape": ("symderiv.cli.shape", "shape", "Tell the shape of a derivative and what each axis means."),
    "codegen": ("symderiv.cli.codegen", "codegen", "Write a module that computes a derivative."),
    "models": ("symderiv.cli.models", "models", "Show the models of a first course and their gradients."),
    "graph": ("symderiv.cli.graph", "graph", "Show a computation graph and both modes of autodiff."),
    "activations": ("symderiv.cli.activations", "activations", "Compare activations and their derivatives."),
    "flow": ("symderiv.cli.flow", "flow", "Measure vanishing and exploding gradients."),
    "descent": ("symderiv.cli.descent", "descent", "Show which steps of gradient descent converge."),
    "train": ("symderiv.cli.train", "train", "Train a model with derived gradients."),
    "quiz": ("symderiv.cli.quiz", "quiz", "Ask about sizes, chain rules and gradients; keep progress."),
}
FAILED, NOT_UNDERSTOOD = 1, 2
CONTRADICTED = "SD401"  # finite differences contradict the result


class LazyGroup(click.Group):
    """A group whose commands are imported when they are used; the list of commands needs none of them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, attribute, _ = COMMANDS[cmd_name]
        return getattr(importlib.import_module(module), attribute)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, _, line) in COMMANDS.items()])

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            import difflib

            near = difflib.get_close_matches(args[0], COMMANDS, 1)
            hint = f" Did you mean {near[0]!r}?" if near else f" Commands: {', '.join(COMMANDS)}."
            raise click.UsageError(f"There is no command {args[0]!r}.{hint}", ctx)
        return super().resolve_command(ctx, args)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, "--version", prog_name="symderiv")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def cli(debug: bool) -> None:
    """Derivatives of vectors, matrices and tensors, in a person's form and certified.

    \b
    Examples:
      symderiv derive "sum((X @ w - y)**2)" --wrt w --var "X: n,d"
      symderiv shape "W @ x" --wrt W
      symderiv codegen "sum((X @ w - y)**2)" --wrt w -o gradient.py
    """


def main(argv: Sequence[str] | None = None) -> None:
    """The entry point: run a command and leave with its exit code."""
    sys.exit(run(list(sys.argv[1:] if argv is None else argv)))


def run(args: list[str]) -> int:
    """Run a command line; the exit code. Errors are told on stderr, never as a traceback (`--debug` shows it)."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a terminal without Unicode gets question marks, not an exception
            stream.reconfigure(errors="replace")
    debug = "--debug" in args[: next((i for i, a in enumerate(args) if a == "--"), len(args))]
    args = [a for a in args if a != "--debug"] if debug else args
    try:
        outcome = cli.main(args, prog_name="symderiv", standalone_mode=False)
        if sys.stdout is not None:  # None: standard output is closed
            sys.stdout.flush()
        return outcome if isinstance(outcome, int) else 0
    except click.ClickException as error:
        error.show()
        return NOT_UNDERSTOOD
    except (click.Abort, KeyboardInterrupt):
        return 128 + signal.SIGINT
    except BrokenPipeError:
        # the reader has left: stdout must not be flushed again at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        _tell(f"error: SD510 cannot write: {error.strerror or error}", debug)
        return NOT_UNDERSTOOD
    except SymDerivError as error:
        _tell(f"error: {error}", debug)
        return FAILED if error.code == CONTRADICTED else NOT_UNDERSTOOD
    except RecursionError:
        _tell("error: SD903 this expression is nested too deeply", debug)
        return NOT_UNDERSTOOD
    except MemoryError:
        _tell("error: SD905 out of memory; try an expression with fewer axes", debug)
        return NOT_UNDERSTOOD
    except Exception as error:
        what = f"{type(error).__name__}: {_short(error)}"
        _tell(f"error: SD999 sorry, an internal error ({what}); please report the command line that shows it", debug)
        return NOT_UNDERSTOOD


def _tell(message: str, debug: bool) -> None:
    if debug:
        traceback.print_exc()
    click.echo(message, err=True)


def _short(error: Exception) -> str:
    text = " ".join(str(error).split())
    return text if len(text) <= 200 else text[:200] + "…"


__all__ = ["cli", "main", "run"]
