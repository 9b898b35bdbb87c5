"""`symderiv codegen`."""

from __future__ import annotations

import click

from ..errors import CodeError
from .options import ExpressionCommand, one_or_more, problem_arguments, read_problem


@click.command(cls=ExpressionCommand)
@problem_arguments
@click.option("-o", "--output", metavar="FILE", help="Write the module to a file instead of standard output.")
@click.option("--function", "function_name", metavar="NAME", help="Name of the function in the module.")
@click.option("--order", type=click.IntRange(1, 6), default=1, show_default=True, help="1: gradient or Jacobian, 2: Hessian.")
@click.option("--backend", default="numpy", show_default=True, metavar="NAME", help="The library: numpy, jax, torch or numba.")
@click.option("--value", is_flag=True, help="The function returns the value of the expression too.")
@click.option("--autograd", is_flag=True, help="A torch.autograd.Function of the expression, with the derived backward pass.")
@click.option("--check/--no-check", default=True, help="Certify the derivative first (default), or not.")
def codegen(
    expression: str,
    wrt: tuple[str, ...],
    declarations: tuple[str, ...],
    name: str | None,
    output: str | None,
    function_name: str | None,
    order: int,
    backend: str,
    value: bool,
    autograd: bool,
    check: bool,
) -> None:
    """Write a module that computes a derivative, for NumPy, JAX, PyTorch or Numba.

    The module needs only its library. With several variables the function returns all derivatives.

    \b
    Examples:
      symderiv codegen "sum((X @ w - y)**2)" --wrt w -o gradient.py
      symderiv codegen "cross_entropy(X @ W + b, y)" --wrt W --wrt b --var "X: n,d; W: d,k; b: k; y: n integer"
      symderiv codegen "sum(exp(X @ w))" --wrt w --order 2 --function hessian
      symderiv codegen "mean(softplus(X @ w) - y*(X @ w))" --wrt w --backend jax --value
      symderiv codegen "sum((X @ w - y)**2)" --wrt w --backend torch --autograd
    """
    from ..api import derive

    if function_name is not None and not is_function_name(function_name):
        raise click.BadParameter(f"{function_name!r} is not a name in Python", param_hint="--function")
    if autograd and (backend not in ("numpy", "torch") or value):
        raise click.BadParameter("a function for autograd is PyTorch code and gives the value", param_hint="--autograd")
    result = derive(read_problem(expression, declarations, name), one_or_more(wrt), order=order, check=check)
    if autograd:
        source = result.loss_source(function_name or "loss")
    else:
        source = result.source(backend, name=function_name or "", value=value)
    if output is None:
        click.echo(source, nl=not source.endswith("\n"))
        return
    try:
        with open(output, "w", encoding="utf-8") as file:
            file.write(source)
    except OSError as error:
        raise CodeError(f"cannot write {output}: {error.strerror}", code="SD510") from None
    click.echo(f"wrote {output}", err=True)


def is_function_name(text: str) -> bool:
    """Whether Python accepts the text as the name of a function."""
    import keyword

    return text.isidentifier() and not keyword.iskeyword(text)


__all__ = ["codegen"]
