"""The public functions: parse, derive, evaluate and their relatives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .calculus import derive as engine
from .code.numpy import evaluate as evaluate_words
from .errors import DerivativeError, InputError
from .expr.nodes import Node, Var
from .expr.walk import fold, replace, variables
from .notation.polish import polish
from .notation.words import to_words
from .read.problem import Problem, load, parse
from .result import Derivative, Derivatives
from .simplify.lower import normal
from .simplify.rebuild import rebuild
from .verify.certificate import certify

Declarations = Mapping[str, Any] | Sequence[str] | str | None


def as_problem(p: Problem | Node | str, vars: Declarations = None) -> Problem:
    """A problem from text, an expression or a problem."""
    if isinstance(p, Problem):
        return p
    if isinstance(p, Node):
        return Problem(source=str(p), expr=p, vars={v.name: v for v in variables(p)})
    if isinstance(p, str):
        return parse(p, vars)
    raise InputError(f"cannot read a {type(p).__name__} as a problem", code="SD112", hint="give text, a Problem or an expression")


def variable(problem: Problem, wrt: str | Var) -> Var:
    """The variable called `wrt`.

    Raises:
        DerivativeError: SD303 when the problem has none, SD305 for an integer label.
    """
    name = wrt.name if isinstance(wrt, Var) else str(wrt).strip()
    found = problem.vars.get(name)
    if found is None:
        import difflib

        near = difflib.get_close_matches(name, list(problem.vars), 1)
        known = ", ".join(problem.vars) or "nothing"
        raise DerivativeError(
            f"there is no variable {name!r} to differentiate by; declared or used: {known}",
            code="SD303",
            hint=f"did you mean {near[0]}?" if near else "name a variable of the expression with wrt",
        )
    if found.is_a("integer"):
        raise DerivativeError(
            f"{name} holds whole numbers; there is no derivative by it", code="SD305", hint="differentiate by another variable"
        )
    return found


def derive(
    p: Problem | Node | str,
    wrt: str | Var | Sequence[str | Var],
    order: int = 1,
    vars: Declarations = None,
    layout: str = "numerator",
    symmetric: str = "plain",
    check: bool = True,
) -> Derivative | Derivatives:
    """`∂^order f / ∂wrt^order`, simplified and certified.

    Args:
        p: text in the input language, a `Problem`, or an expression.
        wrt: a variable; a list of variables gives all first derivatives from one sweep (a `Derivatives`, by name), or, with
            `order=2`, the mixed second derivative by the two in turn.
        order: 1 for the gradient or Jacobian, 2 for the Hessian, and so on.
        vars: declarations, `{"X": "n,d"}`.
        layout: "numerator": the derivative of an array has shape `out.shape + wrt.shape`; "denominator" only changes what is
            displayed and how shapes are told.
        symmetric: for a symmetric variable, "plain" (unconstrained) or "constrained" (`G + Gᵀ - diag(G)`).
        check: certify against finite differences of the original before returning.

    Raises:
        SymDerivError: when the input cannot be read, a rule is missing, or the result cannot be certified.
    """
    _check_options(order, layout, symmetric)
    problem = as_problem(p, vars)
    many = not isinstance(wrt, (str, Var))
    names: list[str | Var] = list(wrt) if many else [wrt]  # type: ignore[list-item,arg-type]
    if not names:
        raise DerivativeError("no variable to differentiate by", code="SD303", hint="name one with wrt")
    targets = [variable(problem, w) for w in names]
    if many and order == 1:
        return _several(problem, targets, layout, symmetric, check)
    chain = targets * order if len(targets) == 1 else targets
    if len(chain) != order:
        raise DerivativeError(
            f"order {order} needs {order} variables or one, got {len(targets)}",
            code="SD304",
            hint="give one variable, or one for each order",
        )
    core, result, stages = differentiate(problem.expr, chain)
    if symmetric == "constrained":
        for k, v in enumerate(chain):
            if v.is_a("symmetric") and k == len(chain) - 1:
                result = engine.constrain_symmetric(result, result.rank - 2)
    out = Derivative(problem, tuple(chain), result, core, layout=layout, symmetric=symmetric)
    if check:
        final = stages[-1] if symmetric == "constrained" else out.expr
        out.certificate = certify(problem.expr, chain, [final], problem.vars, order=order, first=stages[:-1])
        out.certificate.raise_if_failed()
    return out


def differentiate(expr: Node, chain: list[Var]) -> tuple[Node, Node, list[Node]]:
    """The core expression, its derivative by each variable in turn, and the words of all the derivatives on the way."""
    plain = engine.free_of_properties(chain)
    core = normal(replace(expr, plain))
    result, stages = engine.derivative(core, [plain.get(v, v) for v in chain])  # type: ignore[misc]
    back = {new: old for old, new in plain.items()}
    # words keep the entries free (x**2 is not x for one-hot x): the lower derivatives are differentiated again by the certificate
    words_of = [replace(to_words(s), back) for s in stages]
    if plain:
        core, result = (polish(with_variables(x, back)) for x in (core, result))
        words_of[-1] = to_words(result)
    return core, result, words_of


def _several(problem, targets, layout, symmetric, check) -> Derivatives:
    distinct = list(dict.fromkeys(targets))
    plain = engine.free_of_properties(distinct)
    core = normal(replace(problem.expr, plain))
    by_new, _ = engine.gradients(core, [plain.get(v, v) for v in distinct])  # type: ignore[misc]
    back = {new: old for old, new in plain.items()}
    core = polish(with_variables(core, back)) if back else core
    found = {back.get(v, v): polish(with_variables(g, back)) if back else g for v, g in by_new.items()}
    results = {}
    for v in targets:
        g = found[v]
        if symmetric == "constrained" and v.is_a("symmetric"):
            g = engine.constrain_symmetric(g, g.rank - 2)
        results[v.name] = Derivative(problem, (v,), g, core, layout=layout, symmetric=symmetric)
    if check:
        certificate = certify(problem.expr, list(found), [to_words(g) for g in found.values()], problem.vars, order=1)
        certificate.raise_if_failed()
        for r in results.values():
            r.certificate = certificate
    return Derivatives(results)


def with_variables(core: Node, rule: dict[Node, Node]) -> Node:
    """A core expression with variables replaced, in normal form again (what is known of the new ones is used)."""
    return fold(core, lambda node, operands: rule.get(node) or rebuild(node, operands))


def _check_options(order: int, layout: str, symmetric: str) -> None:
    if not isinstance(order, int) or isinstance(order, bool) or not 1 <= order <= 6:
        raise DerivativeError(f"order must be a whole number from 1 to 6, not {order!r}", code="SD304")
    if layout not in ("numerator", "denominator"):
        raise InputError(f"layout {layout!r} is not known", code="SD105", hint='use "numerator" or "denominator"')
    if symmetric not in ("plain", "constrained"):
        raise InputError(f"symmetric={symmetric!r} is not known", code="SD105", hint='use "plain" or "constrained"')


def evaluate(p: Problem | Node | str, /, vars: Declarations = None, **values: Any) -> np.ndarray:
    """The NumPy value of a problem or an expression at the given arrays; sizes come from the arrays, or as `n=5`.

    Arrays of declared names that the expression does not need are accepted (their axes give sizes).

    Raises:
        SymDerivError: SD5xx when an array is missing or has the wrong shape.
    """
    if vars is not None and not isinstance(vars, (Mapping, str, list, tuple)):
        values["vars"], vars = vars, None  # an array called vars
    problem = as_problem(p, vars)
    needed = {v.name for v in variables(problem.expr)}
    given = [v for v in problem.vars.values() if v.name in needed or v.name in values]
    return evaluate_words(problem.expr, values, given)


def jvp(
    p: Problem | Node | str, wrt: str | Var | Sequence[str | Var], vars: Declarations = None, check: bool = True
) -> Derivative:
    """`Σ (∂f/∂x) dx`, of the shape of `f`: the derivative along directions `d<name>`, new variables of the result."""
    problem = as_problem(p, vars)
    targets = [variable(problem, w) for w in ([wrt] if isinstance(wrt, (str, Var)) else wrt)]
    tangents = {v: Var(fresh("d" + v.name, problem), v.shape) for v in targets}
    plain = engine.free_of_properties(targets)
    core = engine.jvp(normal(replace(problem.expr, plain)), {plain.get(v, v): dv for v, dv in tangents.items()})  # type: ignore[misc]
    core = with_variables(core, {new: old for old, new in plain.items()})
    return _product(problem, targets, core, list(tangents.values()), "jvp", check)


def vjp(p: Problem | Node | str, wrt: str | Var, vars: Declarations = None, check: bool = True) -> Derivative:
    """`uᵀ (∂f/∂x)`, of the shape of `x`, with a new variable `u` of the shape of `f`."""
    problem = as_problem(p, vars)
    v = variable(problem, wrt)
    u = Var(fresh("u", problem), problem.expr.shape)
    plain = engine.free_of_properties([v])
    new = plain.get(v, v)
    core = engine.vjp(normal(replace(problem.expr, plain)), [new], u)[new]  # type: ignore[list-item,index]
    core = with_variables(core, {new: v})
    return _product(problem, [v], core, [u], "vjp", check)


def hvp(p: Problem | Node | str, wrt: str | Var, vars: Declarations = None, check: bool = True) -> Derivative:
    """`(∂²f/∂x²) v`, of the shape of `x`, with a new variable `v` of the shape of `x`; the Hessian is never built."""
    problem = as_problem(p, vars)
    x = variable(problem, wrt)
    v = Var(fresh("v", problem), x.shape)
    plain = engine.free_of_properties([x])
    new = plain.get(x, x)
    core = engine.hvp(normal(replace(problem.expr, plain)), new, v)  # type: ignore[arg-type]
    core = with_variables(core, {new: x})
    return _product(problem, [x], core, [v], "hvp", check)


def fresh(name: str, problem: Problem) -> str:
    """A name that the problem does not use."""
    while name in problem.vars:
        name += "_"
    return name


def _product(problem, targets, core, extra, kind, check) -> Derivative:
    larger = Problem(
        source=problem.source,
        expr=problem.expr,
        vars={**problem.vars, **{v.name: v for v in extra}},
        assumptions=list(problem.assumptions),
    )
    out = Derivative(larger, tuple(targets), core, normal(problem.expr), kind=kind, directions=tuple(extra))
    if check:
        out.certify_product()
    return out


def shape_of(
    p: Problem | Node | str, wrt: str | Var, vars: Declarations = None, layout: str = "numerator", order: int = 1
) -> tuple:
    """The shape of `∂p/∂wrt`: `out.shape + wrt.shape` in numerator layout, `wrt.shape + out.shape` in denominator layout."""
    _check_options(order, layout, "plain")
    problem = as_problem(p, vars)
    v = variable(problem, wrt)
    out = problem.expr.shape
    for _ in range(order):
        out = (*out, *v.shape) if layout == "numerator" or not out else (*v.shape, *out)
    return out


__all__ = ["Derivative", "Derivatives", "Problem", "derive", "evaluate", "hvp", "jvp", "load", "parse", "shape_of", "vjp"]
