"""What is known of a value without computing it: its sign, its symmetry, its row sums."""

from __future__ import annotations

from ..expr.nodes import Add, Call, Einsum, Node, Num, Shared, Var
from ..expr.walk import postorder

_POSITIVE = {"exp", "sigmoid", "softmax", "cosh", "softplus"}
_NONNEGATIVE = {"abs", "relu", "onehot", "gt", "ge", "lt", "le", "eq", "ne", "tri"}
_INDICATOR = {"onehot", "gt", "ge", "lt", "le", "eq", "ne", "tri"}
_signs: dict[bytes, str] = {}


def sign_of(root: Node) -> str:
    """ "positive", "nonnegative" or "" (unknown), from attributes and operations."""
    known = _signs.get(root.key)
    if known is not None:
        return known
    if len(_signs) > 100_000:
        _signs.clear()
    for node in postorder(root, known=_Known()):
        _signs[node.key] = _sign(node)
    return _signs[root.key]


class _Known:
    """The nodes whose sign has been looked up, as a container."""

    def __contains__(self, node: object) -> bool:
        return node.key in _signs  # type: ignore[attr-defined]


def _get(node: Node) -> str:
    return _signs.get(node.key, "")


def _sign(node: Node) -> str:
    if isinstance(node, Num):
        return "positive" if node.value.is_positive else "nonnegative" if node.value.is_nonnegative else ""
    if isinstance(node, Var):
        if node.is_a("positive"):
            return "positive"
        return "nonnegative" if any(node.is_a(a) for a in ("nonnegative", "onehot", "simplex")) else ""
    if isinstance(node, Shared):
        return _get(node.args[0])
    if isinstance(node, Add):
        signs = [_get(t) for t in node.terms]
        if all(signs):
            return "positive" if "positive" in signs else "nonnegative"
        return _sign_of_complement(node)
    if isinstance(node, Einsum):
        signs = [_get(x) for x in node.operands]
        if not node.coef.is_nonnegative or not all(signs):
            return ""
        spread = len(set(node.out)) < len(node.out)
        return "positive" if not spread and node.coef.is_positive and all(s == "positive" for s in signs) else "nonnegative"
    return _call_sign(node) if isinstance(node, Call) else ""


def _sign_of_complement(node: Add) -> str:
    """`1 - σ(u)` is positive, `1 - softmax(u)` is not negative."""
    if len(node.terms) == 2:
        for one, other in (node.terms, node.terms[::-1]):
            filled = isinstance(one, Num) or (isinstance(one, Einsum) and not one.items and len(set(one.out)) == len(one.out))
            if filled and isinstance(other, Einsum) and other.coef == -1 and len(other.items) == 1:
                x, ls = other.items[0]
                value = one.value if isinstance(one, Num) else one.coef  # type: ignore[attr-defined]
                if value == 1 and isinstance(x, Call) and len(set(ls)) == len(ls) and set(ls) <= set(other.out):
                    return {"sigmoid": "positive", "softmax": "nonnegative"}.get(x.name, "")
    return ""


def _call_sign(node: Call) -> str:
    if node.name in _POSITIVE:
        return "positive"
    if node.name in _NONNEGATIVE:
        return "nonnegative"
    if node.name == "pow":
        base, e = node.operands
        if _get(base) == "positive":
            return "positive"
        if isinstance(e, Num):
            if e.value.is_Integer and e.value % 2 == 0:
                return "nonnegative"
            if _get(base) or (e.value.is_Rational and e.value.q % 2 == 0):
                return "nonnegative"
    if node.name in ("maximum", "where", "minimum", "concatenate", "stack", "reshape", "max", "prod"):
        signs = [_get(x) for x in (node.operands[1:] if node.name == "where" else node.operands)]
        if node.name == "maximum" and any(signs):
            return "positive" if "positive" in signs else "nonnegative"
        if all(signs):
            return "positive" if all(s == "positive" for s in signs) else "nonnegative"
    return ""


def is_indicator(node: Node) -> bool:
    """Whether all values are 0 or 1."""
    if isinstance(node, Var):
        return node.is_a("onehot")
    return isinstance(node, Call) and node.name in _INDICATOR


def sums_to_one(node: Node, axis: int) -> bool:
    """Whether the sum along `axis` is 1 for all values: one-hot and simplex variables, softmax, onehot."""
    last = axis == node.rank - 1
    if isinstance(node, Var):
        return last and (node.is_a("onehot") or node.is_a("simplex"))
    if isinstance(node, Call):
        if node.name == "onehot":
            return last
        if node.name == "softmax":
            return node.params["axis"] == axis - node.rank
    return False


_symmetric: dict[bytes, bool] = {}


def is_symmetric(node: Node) -> bool:
    """Whether a square matrix equals its transpose by declaration or by structure."""
    if node.rank != 2 or node.shape[0] != node.shape[1]:
        return False
    if isinstance(node, Var):
        return any(node.is_a(a) for a in ("symmetric", "psd", "diagonal"))
    if not isinstance(node, (Call, Add, Shared)):
        return False
    known = _symmetric.get(node.key)
    if known is None:
        if len(_symmetric) > 100_000:
            _symmetric.clear()
        _symmetric[node.key] = known = _is_symmetric(node)
    return known


def _is_symmetric(node: Node) -> bool:
    from .product import permute

    if isinstance(node, Shared):
        return symmetric_value(node.args[0])
    if isinstance(node, Call):
        if node.op.elementwise:
            return all(x.rank == 0 or symmetric_value(x) for x in node.operands)
        return node.name in ("inv", "pinv", "sqrtm") and symmetric_value(node.operands[0])
    if len(node.operands) > 40:
        return False
    terms = set(node.operands)
    return all(symmetric_value(t) or permute(t, (1, 0)) in terms for t in terms)


def symmetric_value(node: Node) -> bool:
    """`is_symmetric` for products too, which are compared with their transpose."""
    if node.rank != 2 or node.shape[0] != node.shape[1]:
        return False
    if isinstance(node, Einsum):
        from .product import permute

        return len(node.operands) <= 12 and permute(node, (1, 0)) is node
    return is_symmetric(node)
