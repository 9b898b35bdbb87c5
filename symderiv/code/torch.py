"""PyTorch source and functions from words, and losses whose backward pass is the derived one.

torch_source(expr)        the text of a module that stands alone
torch_function(expr)      that very text, compiled
torch_loss_source(…)      a `torch.autograd.Function`: the value, with derived gradients
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..expr.nodes import Node, Var
from .dialect import TORCH
from .emit import Names
from .jax import imported
from .module import Arguments, Module, modules_text


def torch_source(
    expr: Node | Sequence[Node], name: str = "f", args: Arguments = None, doc: str = "", value_names: Sequence[str] | None = None
) -> str:
    """The text of a module with one function of the variables; as `numpy_source`, in PyTorch."""
    roots = [expr] if isinstance(expr, Node) else list(expr)
    return Module(roots, isinstance(expr, Node), name, args, doc, value_names, TORCH).text()


def torch_function(
    expr: Node | Sequence[Node], args: Arguments = None, name: str = "f", doc: str = "", value_names: Sequence[str] | None = None
) -> Callable[..., Any]:
    """The function of `torch_source`, of tensors; its text is its attribute `source`.

    Raises:
        CodeError: SD520 when PyTorch is not installed.
    """
    return compiled(torch_source(expr, name, args, doc, value_names), name)


def compiled(source: str, name: str) -> Callable[..., Any]:
    """The function `name` of emitted PyTorch source."""
    imported("torch")
    namespace: dict[str, Any] = {"__name__": f"symderiv_emitted_{name}"}
    exec(compile(source, f"<symderiv {name}>", "exec"), namespace)  # written by this package from checked nodes
    function = namespace[name]
    function.source = source
    return function


def torch_loss_source(
    value: Node, gradients: dict[Var, Node], args: Sequence[Var], name: str = "loss", doc: str = "", cotangent: Var | None = None
) -> str:
    """A module with a function that gives the value as a `torch.autograd.Function` with the derived backward pass.

    Args:
        value: words of the value.
        gradients: words by variable: the gradient of a scalar value, else the product of `cotangent` with the Jacobian.
        cotangent: the variable that stands for the gradient by the value, for a value that is an array.
    """
    args = list(args)
    wanted = [gradients[v] for v in gradients]
    if cotangent is None:
        pieces = [Module([value, *wanted], False, f"{name}_and_gradients", args, doc, None, TORCH)]
    else:
        pieces = [
            Module([value], True, f"{name}_value", args, doc, None, TORCH),
            Module(wanted, False, f"{name}_pullback", [*args, cotangent], doc, None, TORCH),
        ]
    names = [v.name for v in args]
    inside = set().union(*(p.inside for p in pieces))
    keyword = [s.name for s in dict.fromkeys(s for p in pieces for s in missing_sizes(p, args))]
    after = _loss_lines(name, [v for v in args if v in inside], names, list(gradients), keyword, cotangent, doc)
    return modules_text(pieces, after)


def missing_sizes(module: Module, args: Sequence[Var]) -> list[Any]:
    """Sizes that no argument has alone as an axis, so that they may be keyword parameters."""
    given = {s for v in args for s in v.shape}
    return [s for s in module.sizes.names if s not in given]


def _loss_lines(
    name: str, used: list[Var], names: list[str], by: list[Var], keyword: list[str], cotangent: Var | None, doc: str
) -> list[str]:
    """The autograd function and the function that applies it."""
    tensors = ", ".join(v.name for v in used)
    given = ", ".join(f"{v.name}={v.name}" for v in used)
    sizes = "".join(f", {s}={s}" for s in keyword)
    own = [f"{name}_and_gradients"] if cotangent is None else [f"{name}_value", f"{name}_pullback"]
    own.append(f"{name.capitalize()}Function")
    free = Names({*names, *keyword, *own, "torch", "_array"})
    ctx, g, out, skip = (free.fresh(n) for n in ("ctx", "g_", "value_", "_"))
    kept = "".join(f", {s}={ctx}.sizes[{k}]" for k, s in enumerate(keyword))
    grads = {v: free.fresh(f"d{v.name}_") for v in by}
    outer = {n: free.fresh(n) for n in ("torch", "_array", *own) if n in {*names, *keyword}}
    hidden_by = [f"{alias} = {n}  # {n} is a variable below" for n, alias in outer.items() if n != f"{name.capitalize()}Function"]

    def word(n: str) -> str:
        return outer.get(n, n)

    listed = ", ".join(grads[v] for v in by)
    returned = ", ".join(f"{g}*{grads[v]}" if v in grads and cotangent is None else grads.get(v, "None") for v in used)
    held = f"({', '.join(keyword)}{',' if keyword else ''})"
    if cotangent is None:
        forward = [
            f"{out}, {listed} = {word(name + '_and_gradients')}({given}{sizes})",
            f"{ctx}.save_for_backward({tensors}, {listed})",
        ]
        backward = [
            f"{tensors}, {listed} = {ctx}.saved_tensors",
            f"if {word('torch')}.is_grad_enabled():  # a derivative of the derivative is wanted",
            f"    {skip}, {listed} = {word(name + '_and_gradients')}({given}{kept})",
        ]
    else:
        forward = [f"{out} = {word(name + '_value')}({given}{sizes})", f"{ctx}.save_for_backward({tensors})"]
        backward = [
            f"{tensors}, = {ctx}.saved_tensors",
            f"{listed}, = {word(name + '_pullback')}({given}, {cotangent.name}={g}{kept})",
        ]
    convert = [
        f"{v.name} = {word('_array')}({v.name}, {v.name!r}, {v.rank}{', whole=True' if v.is_a('integer') else ''})" for v in used
    ]
    refused = [v.name for v in used if v not in grads and not v.is_a("integer")]
    only = f"only {', '.join(v.name for v in by)} has a derived gradient here: derive by the other variables too"
    check = [
        f"if {' or '.join(f'{n}.requires_grad' for n in refused)}:",
        f"    raise ValueError({only!r})",
    ]
    optional, parameters = False, []
    for n in names:
        optional = optional or n not in {v.name for v in used}
        parameters.append(f"{n}=None" if optional else n)
    if keyword:
        parameters += ["*", *(f"{s}=None" for s in keyword)]
    context = [f"{ctx}.sizes = {held}"] if keyword else []
    function = f"{name.capitalize()}Function"
    renamed = [f"{outer[function]} = {function}  # {function} is a variable below", "", ""] if function in outer else []
    return [
        *([*hidden_by, "", ""] if hidden_by else []),
        f"class {name.capitalize()}Function(torch.autograd.Function):",
        '    """The value with the derived backward pass."""',
        "",
        "    @staticmethod",
        f"    def forward({ctx}, {tensors}{''.join(f', {s}' for s in keyword)}):",
        *("        " + x for x in [*context, *forward]),
        f"        return {out}",
        "",
        "    @staticmethod",
        f"    def backward({ctx}, {g}):",
        *("        " + x for x in backward),
        f"        return {returned}{''.join(', None' for _ in keyword)}",
        "",
        "",
        *renamed,
        f"def {name}({', '.join(parameters)}):",
        f'    """The value, for autograd. {doc}"""'.replace("\\", "\\\\"),
        *("    " + x for x in convert),
        *(("    " + x for x in check) if refused else ()),
        f"    return {word(function)}.apply({tensors}{''.join(f', {s}' for s in keyword)})",
    ]
