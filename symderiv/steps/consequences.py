"""What follows from a gradient: the update rule of gradient descent, and the equations of a stationary point.

w ← w − α ∂L/∂w
∂L/∂w = H w − c = 0   ⇔   H w = c      where the gradient is affine in w
"""

from __future__ import annotations

from dataclasses import dataclass

from sympy import S
from sympy.core.symbol import Str

from ..calculus import derive as engine
from ..errors import SymDerivError
from ..expr.nodes import Add, Call, Node, Num, Var
from ..expr.walk import postorder
from ..notation.words import to_words
from ..simplify.add import add, primitive
from ..simplify.calls import call
from ..simplify.facts import is_symmetric
from ..simplify.lower import normal
from ..simplify.product import einsum, is_zero, scale, split_coef, zeros
from .model import Derivation, Step
from .pairing import canonical, negate, plus, terms_of, times
from .trace import substitute


@dataclass(frozen=True, eq=False)
class Equation:
    """`left = right`, or `left ← right`, with a sentence."""

    left: Node
    right: Node
    relation: str
    reason: str


def update_rules(d: Derivation, step_size: str) -> list[Equation]:
    """`w ← w − α g` for every variable, in the words of the derivation."""
    if d.order != 1 or d.sections[0].function.rank:
        return []
    size = Var(Str(step_size), ())
    out = []
    for section in d.sections:
        for v in section.wrt:
            entry = next((s for s in reversed(section.steps) if s.free and s.rule in ("sift", "collect", "kronecker")), None)
            if d.style == "index" and entry is not None and entry.free:
                at = [i for i, _ in entry.free]
                left: Node = Call("getitem", v, *at, spec=("at",) * len(at))
                g = entry.after
            else:
                left, g = v, _gradient(section.steps, v, d)
            reason = f"Gradient descent with step size `{step_size}` moves against the gradient."
            out.append(Equation(left, plus([left, *(_against(t, size) for t in terms_of(g))]), "←", reason))
    return out


def _gradient(steps: tuple[Step, ...], v: Var, d: Derivation) -> Node:
    """The gradient in names."""
    known = [s.after for s in steps if s.subject is not None and _is_gradient(s, v, d)]
    return min(known, key=lambda w: w.tree_size) if known else d.results[v.name]


def _is_gradient(s: Step, v: Var, d: Derivation) -> bool:
    symbol = d.symbols.get(s.subject) if isinstance(s.subject, Var) else None
    if symbol is None or symbol.kind != "cotangent" or symbol.label is not v:
        return False
    return not any(isinstance(n, Var) and n in d.symbols and d.symbols[n].kind == "cotangent" for n in postorder(s.after))


def _against(term: Node, size: Var) -> Node:
    """`−α t`, with the sign in front."""
    t = canonical(term)
    minus = isinstance(t, Call) and t.name == "neg"
    t = t.operands[0] if minus else t
    if isinstance(t, Call) and t.name == "div":
        out: Node = Call("div", _times(size, t.operands[0]), t.operands[1])
    else:
        out = _times(size, t)
    return out if minus else negate(out)


def _times(size: Var, t: Node) -> Node:
    if isinstance(t, Call) and t.name == "mul":
        numbers = [o for o in t.operands if isinstance(o, Num)]
        return times(*numbers, size, *(o for o in t.operands if not isinstance(o, Num)))
    return times(size, t)


def stationary(d: Derivation) -> list[Equation]:
    """The equations of a stationary point for the variables in which they are linear; nothing for the others."""
    if d.order != 1 or d.sections[0].function.rank:
        return []
    out: list[Equation] = []
    for name, words in d.results.items():
        v = next(x for s in d.sections for x in s.wrt if x.name == name)
        try:
            out += _linear_equation(normal(words), v)
        except SymDerivError:
            continue
    return out


def _linear_equation(g: Node, v: Var) -> list[Equation]:
    """`G = 0` solved for a variable in which it is affine, after multiplying by the variable where that clears its inverse."""
    left = einsum([], list(range(v.rank)), dict(enumerate(v.shape)), coef=S.Zero)
    first = Equation(to_words(g), to_words(left), "=", "At a stationary point the gradient is 0.")
    for form, said in _forms(g, v):
        split = _affine(form, v)
        if split is None or (form is not g and is_zero(split[2])):
            continue
        h, moving, rest = split
        equation = Equation(_applied(h, v, moving), to_words(rest), "=", said)
        solution = _solution(h, v, rest) if equation.left is not v else None
        return [first, equation, *([solution] if solution is not None else [])]
    return [first]


def _forms(g: Node, v: Var) -> list[tuple[Node, str]]:
    """The gradient, and its products with the variable on either side."""
    plain = [(g, "The gradient is affine in the variable: what does not depend on it goes to the other side.")]
    if v.rank != 2 or v.shape[0] != v.shape[1] or not any(isinstance(n, Call) and n.name == "inv" for n in postorder(g)):
        return plain
    terms = g.terms if isinstance(g, Add) else (g,)
    both = add([_between(v, t) for t in terms])
    return [*plain, (both, f"Multiplied by `{v.name}` from both sides; what does not depend on it goes to the other side.")]


def _between(v: Var, t: Node) -> Node:
    """`vᵀ t vᵀ`, which clears `v⁻ᵀ`; a symmetric variable stands either way round, so that its inverses are met."""
    ways = ([["j", "i"], ["i", "j"]], [["l", "k"], ["k", "l"]]) if is_symmetric(v) else ([["j", "i"]], [["l", "k"]])
    forms = [einsum([(v, a), (t, ["j", "k"]), (v, b)], ["i", "l"]) for a in ways[0] for b in ways[1]]
    return min(forms, key=lambda x: to_words(x).tree_size)


def _affine(g: Node, v: Var) -> tuple[Node, Node, Node] | None:
    """`(H, H v, c)` with `G = H v − c` up to a positive number; None where G is not affine."""
    plain = Var(Str(v.name), v.shape)
    if any(isinstance(n, Call) and v in n.operands for n in postorder(g)):
        return None
    free = substitute(g, {v: plain}) if plain is not v else g
    h = engine.gradients(free, [plain])[0][plain]
    if plain in h.free_symbols or is_zero(h):
        return None
    constant = substitute(free, {plain: zeros(v.shape)})
    labels = [("by", k) for k in range(v.rank)]
    own = [("own", k) for k in range(v.rank)]
    moving = einsum([(h, [*own, *labels]), (plain, labels)], own)
    total = add([moving, constant])
    c = primitive(total)[0] if isinstance(total, Add) else S.One
    if c.could_extract_minus_sign():
        c = -c
    back: dict[Node, Node] = {plain: v} if plain is not v else {}
    return substitute(scale(h, 1 / c), back), substitute(scale(moving, 1 / c), back), substitute(scale(constant, -1 / c), back)


def _applied(h: Node, v: Var, moving: Node) -> Node:
    """`H v` with the matrix in front where v is a vector."""
    if v.rank == 1 and isinstance(h, Add):
        return Call("matmul", to_words(h), v)
    return to_words(moving)


def _solution(h: Node, v: Var, rest: Node) -> Equation | None:
    """`v = H⁻¹ c`, or `v = c / h` where H is a number times the identity."""
    words = to_words(h)
    if v.rank == 1:
        scalar = _identity_multiple(words)
        if scalar is not None:
            return Equation(v, to_words(scale(rest, 1 / scalar)), "=", "Divided by the number in front.")
        inverse = call("inv", h)
        if isinstance(inverse, Var):  # of an inverse: multiplied by the matrix itself
            rest = einsum([(inverse, ["i", "j"]), (rest, ["j"])], ["i"]) if not is_symmetric(inverse) else _cleared(inverse, rest)
            return Equation(v, to_words(rest), "=", "Multiplied by the inverse of the matrix in front.")
        solved = einsum([(inverse, ["i", "j"]), (rest, ["j"])], ["i"])
        return Equation(v, to_words(solved), "=", "Where the matrix in front can be inverted.")
    if v.rank == 0:
        return Equation(v, Call("div", to_words(rest), words), "=", "Divided by the number in front.")
    c, body = split_coef(einsum([(h, [("o", 0), ("o", 1), ("b", 0), ("b", 1)]), (v, [("b", 0), ("b", 1)])], [("o", 0), ("o", 1)]))
    if body is v:
        return Equation(v, to_words(scale(rest, 1 / c)), "=", "Divided by the number in front.")
    return None


def _cleared(a: Node, rest: Node) -> Node:
    """`A c` where the terms of c begin with `A⁻¹`, for a symmetric A in either orientation."""
    forms = [einsum([(a, ls), (rest, ["j"])], ["i"]) for ls in (["i", "j"], ["j", "i"])]
    return min(forms, key=lambda x: to_words(x).tree_size)


def _identity_multiple(words: Node):
    """c of `c I`; None for any other matrix."""
    if isinstance(words, Call) and words.name == "eye":
        return S.One
    if isinstance(words, Call) and words.name == "mul" and len(words.operands) == 2:
        a, b = words.operands
        if isinstance(a, Num) and isinstance(b, Call) and b.name == "eye":
            return a.value
    return None


__all__ = ["Equation", "stationary", "update_rules"]
