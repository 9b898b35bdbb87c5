r"""What stands in the brackets of a function: values, sizes, `\mathrm{axis}=1`; and the word that it makes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sympy import Expr, Integer

from ...expr.nodes import Num
from ...expr.op import OPS
from ..numbers import affine
from .grammar import bar_of, read_all
from .naming import label_text
from .scripts import content
from .tree import Cursor, Group, Item, Token, is_char, is_macro
from .values import SHOWN, Value, value_of

if TYPE_CHECKING:
    from .reader import LatexReader

# functions whose further arguments are parameters, in order; their values are sizes, numbers or tuples of them
_POSITIONAL = {
    "reshape": (1, ("shape",)), "broadcast_to": (1, ("shape",)), "swapaxes": (1, ("axis1", "axis2")), "norm": (1, ("ord",)),
    "onehot": (1, ("k",)), "eye": (0, ("n", "m")), "arange": (0, ("lo", "hi")), "tri": (0, ("n", "m", "k")), "ones": (0, ("shape",)),
    "zeros": (0, ("shape",)),
}  # fmt: skip
_SAME_KIND = frozenset({"softmax", "log_softmax", "cumsum", "flip", "layer_norm"})


@dataclass
class Arguments:
    """Values, and parameters by name."""

    values: list[Value]
    named: dict[str, Any]
    start: int
    stop: int


def split_arguments(items: tuple[Item, ...]) -> list[list[Item]]:
    """Between commas, semicolons and the bars of KL(p ‖ q)."""
    out: list[list[Item]] = [[]]
    for item in items:
        if is_char(item, ",", ";") or is_macro(item, "mid", "|", "Vert", "parallel"):
            out.append([])
        else:
            out[-1].append(item)
    if len(out) > 1 and not out[-1]:
        out.pop()
    return out


def read_arguments(r: LatexReader, word: str, g: Group) -> Arguments:
    r"""The arguments in a bracket.

    Raises:
        InputError: SD130 for an empty one.
    """
    count, extra = _POSITIONAL.get(word, (None, ()))
    bars = any(bar_of(i) for i in g.items) and word != "kl"
    parts = (
        [list(g.items)]
        if bars and not any(is_char(i, ",") for i in g.items)
        else _by_commas(g.items)
        if bars
        else split_arguments(g.items)
    )
    out = Arguments([], {}, g.start, g.stop)
    names = iter(extra)
    if word == "arange" and len(parts) == 1:
        names = iter(("hi",))
    for part in parts:
        name = _parameter_name(part)
        if name:
            k = next(k for k, i in enumerate(part) if is_char(i, "="))
            out.named[name] = parameter(r, part[k + 1 :], g)
        elif count is not None and len(out.values) >= count:
            key = next(names, "")
            if not key:
                raise r.error(f"`{word}` has too many arguments", g.start, g.stop, "SD135")
            out.named[key] = parameter(r, part, g)
        else:
            if not part:
                raise r.error(f"`{word}` has an empty argument", g.start, g.stop, "SD130")
            out.values.append(read_all(r, Cursor(part, part[0].start, part[-1].stop)))
    return out


def _by_commas(items: tuple[Item, ...]) -> list[list[Item]]:
    out: list[list[Item]] = [[]]
    for item in items:
        if is_char(item, ",", ";"):
            out.append([])
        else:
            out[-1].append(item)
    return out


def _parameter_name(part: list[Item]) -> str:
    r"""`\mathrm{axis}=1`."""
    if len(part) > 3 and is_macro(part[0], "mathrm", "text", "operatorname") and is_char(part[2], "="):
        return label_text(content(part[1])) or ""
    return ""


def parameter(r: LatexReader, part: list[Item], g: Group) -> Any:
    """A number, a size, a tuple of them, or a word.

    Raises:
        InputError: SD135 for anything else.
    """
    if len(part) == 1 and isinstance(part[0], Group) and part[0].opener == "(":
        return tuple(parameter(r, p, g) for p in split_arguments(part[0].items))
    if all(isinstance(i, Token) and (i.text.isalpha() or i.text in "'`") for i in part):
        text = "".join(i.text for i in part if i.text.isalpha())  # type: ignore[union-attr]
        if text in ("True", "False", "None"):
            return {"True": True, "False": False, "None": None}[text]
        if text in ("inf", "fro", "nuc"):
            return text
    if len(part) == 1 and is_macro(part[0], "infty"):
        return "inf"
    if not part:
        raise r.error("a parameter is empty", g.start, g.stop, "SD130")
    x = read_all(r, Cursor(part, part[0].start, part[-1].stop))
    value = affine(x.node)
    if value is None:
        raise r.error(
            f"{r.shown(x)} is not a parameter", x.start, x.stop, "SD135", "a parameter is a number, a size, or a tuple of them"
        )
    return int(value) if value.is_Integer else value


def build_call(r: LatexReader, word: str, given: Arguments, start: int, stop: int) -> Value:
    """The word of a function with these arguments.

    Raises:
        InputError: SD131 for a function that does not exist, SD135 for arguments that are not its.
        ShapeError: SD134.
    """
    values = given.values
    if word in ("max", "min") and len(values) > 1:
        return _extreme(r, word, values, start, stop)
    op = OPS.get(word)
    if op is None:
        raise r.error(f"there is no function `{word[:40]}`", start, stop, "SD131", "define it in the text, or write it out")
    params = dict(given.named)
    for key in params:
        if key not in op.defaults or key in op.operands:
            raise r.error(f"`{word}` has no parameter `{key[:40]}`", start, stop, "SD135")
    kind = _common_kind(r, values, start, stop) if op.elementwise else ""
    operands = [x.node for x in values]
    wanted = op.operands
    if not any(o.startswith("*") for o in wanted):
        missing = wanted[len(operands) :]
        if len(operands) > len(wanted) or any(m not in op.defaults or op.defaults[m] is None for m in missing):
            if word == "heaviside" and len(operands) == 1:
                operands.append(Num(Integer(1) / 2))
            else:
                need = len([o for o in wanted if o not in op.defaults])
                raise r.error(f"`{word}` takes {need} arguments, not {len(operands)}", start, stop, "SD135")
        else:
            operands += [Num(op.defaults[m]) for m in missing]
    _complete(r, word, params, values, start, stop)
    node = r.make(word, *operands, start=start, stop=stop, parts=tuple(values), **params)
    if op.elementwise:
        return Value(node, kind, start, stop)
    x = value_of(node, start, stop)
    if x.kind == "column" and word in _SAME_KIND and values and values[0].kind == "row":
        return Value(node, "row", start, stop)
    return x


def _complete(r: LatexReader, word: str, params: dict[str, Any], values: list[Value], start: int, stop: int) -> None:
    """Parameters that mathematics leaves to the surroundings, or writes in another way."""
    if word == "onehot" and "k" not in params:
        params["k"] = r.context_size((values[0].start, values[0].stop, "onehot"), "k", start, stop)
    for key in ("n", "m", "k", "lo", "hi"):
        if word in ("eye", "tri", "arange") and isinstance(params.get(key), int) and key != "k":
            params[key] = Integer(params[key])
    if "shape" in params:
        shape = params["shape"] if isinstance(params["shape"], tuple) else (params["shape"],)
        params["shape"] = tuple(Integer(s) if isinstance(s, int) else s for s in shape)
    if word == "norm" and isinstance(params.get("ord"), Expr):
        params["ord"] = str(params["ord"])


def _common_kind(r: LatexReader, values: list[Value], start: int, stop: int) -> str:
    arrays = [x for x in values if x.is_array]
    for x in arrays[1:]:
        if x.kind != arrays[0].kind:
            what = f"{r.shown(arrays[0])} is {SHOWN[arrays[0].kind]}, {r.shown(x)} is {SHOWN[x.kind]}"
            raise r.error(what, start, stop, "SD132", "the arguments of an elementwise function are of one kind")
    return arrays[0].kind if arrays else "scalar"


def _extreme(r: LatexReader, word: str, values: list[Value], start: int, stop: int) -> Value:
    """`max(a, b, …)`, entry by entry."""
    kind = _common_kind(r, values, start, stop)
    node = values[0].node
    for x in values[1:]:
        node = r.make("maximum" if word == "max" else "minimum", node, x.node, start=start, stop=stop, parts=tuple(values))
    return Value(node, kind, start, stop)
