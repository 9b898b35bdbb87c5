r"""Derivatives as they are written: `\frac{\partial L}{\partial w_j}`, `\partial p_i/\partial s_j`, `\nabla_W L`, `\frac{d}{dx} f`, `f'(x)`.

A derivative inside an expression becomes a variable of its shape that nobody declared; what it stands for is kept beside it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from ...errors import Span
from ...expr.nodes import Call, Index, Node, Num, Var
from ...expr.walk import free_indices, postorder, variables
from ...expr.walk import replace as replace_nodes
from .grammar import product_ends, read_all, read_product
from .heads import (
    Head,
    Pattern,
    head_of,
    inline_head,
    is_application,
    is_computed,
    is_inline,
    is_plain_unknown,
    nabla_head,
    name_pattern,
)
from .indices import WHOLE, is_index_part, letter_of, position, read_index, split_indices
from .naming import Key, label_text
from .scripts import content
from .tree import Cursor, Group, Item, Token, is_char
from .values import Value, value_of

if TYPE_CHECKING:
    from .reader import DerivativeOf, LatexReader

ARGUMENT = "_argument"  # label of a name that stands for the argument of a function and nothing else


def subject(r: LatexReader, items: Sequence[Item], start: int, stop: int) -> tuple[str, Node | None, tuple[Node, ...]]:
    """The name, the words of the whole array and the entry of what is differentiated."""
    c = Cursor(items, start, stop)
    p = name_pattern(r, c)
    if p is not None and c.done and is_plain_unknown(r, p) and not p.scripts.primes and not is_application(r, p):
        return unknown_subject(r, p)
    x = read_all(r, Cursor(items, start, stop))
    name = ""
    if p is not None and c.done and not is_application(r, p) and not p.scripts.raised:
        name = p.key.identifier
    whole, indices = whole_and_indices(r, x, items)
    return name, whole, indices


def unknown_subject(r: LatexReader, p: Pattern) -> tuple[str, Node | None, tuple[Node, ...]]:
    """`L`, `p_i`, `L_i`: a name of which only the surroundings know the value."""
    parts = split_indices(p.scripts.sub) if p.scripts.sub is not None else []
    indexed = bool(parts) and all(is_index_part(r, q) and (letter_of(q) in r.scope or _whole_number(q)) for q in parts)
    label = "" if indexed or p.scripts.sub is None else label_text(p.scripts.sub) or ""
    key = p.key.labelled(label) if label else p.key
    indices: list[Node] = []
    if indexed and not (all(_whole_number(q) for q in parts)):
        for q in parts:
            indices.append(position(r, read_index(r, q, p.start, p.stop)))
    elif indexed:
        key = p.key.labelled(label_text(p.scripts.sub or ()) or "")
    value = r.context.value if r.context is not None else None
    if value is not None and r.loss_name in ("", key.identifier) and len(indices) in (0, value.rank):
        r.loss_name = key.identifier
        return key.identifier, value, tuple(indices)
    return key.identifier, None, tuple(indices)


def _whole_number(part: Sequence[Item]) -> bool:
    return all(isinstance(i, Token) and i.kind == "number" for i in part)


def whole_and_indices(r: LatexReader, x: Value, anchor: object) -> tuple[Node, tuple[Node, ...]]:
    """An entry as the array and the place of the entry; an expression with free indices as the array of its values."""
    bound = {b.index for b in r.scope.values()}
    free = [n for n in open_indices(x.node) if n in bound]
    node = x.node
    if isinstance(node, Call) and node.name == "getitem" and all(s == "at" for s in node.params["spec"]):
        array, *places = node.operands
        if not open_indices(array) & bound:
            return array, tuple(places)
    if not free:
        return node, ()
    letters = [k for k, b in r.scope.items() if b.index in set(free)]
    sizes = [r.scope[k] for k in letters]
    if r.guessing:
        shape = (*(b.hi for b in sizes), *node.shape)
        return Var(f"entries_{r.fresh()}", shape), tuple(b.index for b in sizes)
    from .arrays import entries_to_array

    return entries_to_array(node, [(b.index, b.hi) for b in sizes]), tuple(b.index for b in sizes)


def open_indices(node: Node) -> set[Index]:
    """The indices that nothing in a node binds: that of a sum is its own, whatever letter it has."""
    return set(free_indices(postorder(node))[node])  # type: ignore[arg-type]


def variable(r: LatexReader, items: Sequence[Item], start: int, stop: int) -> tuple[str, Node, tuple[Node | None, ...], bool]:
    """The name, the variable and the entry by which is differentiated, and whether it is transposed."""
    items = list(items)
    flipped = False
    if len(items) >= 3 and isinstance(items[-2], Token) and items[-2].kind == "sup":
        from .scripts import classify

        found = classify(content(items[-1]), start, stop)
        if found and found[-1].kind == "transpose" and len(found) == 1:
            flipped, items = True, items[:-2]
    x = read_all(r, Cursor(items, items[0].start, items[-1].stop))
    node = x.node
    if isinstance(node, Var):
        return node.name, node, (), flipped
    if isinstance(node, Call) and node.name == "getitem" and isinstance(node.operands[0], Var):
        array, *places = node.operands
        spec = node.params["spec"]
        given = iter(places)
        if all(s in ("at", WHOLE) for s in spec):
            indices = tuple(next(given) if s == "at" else None for s in spec)
            return array.name, array, indices, flipped  # type: ignore[attr-defined]
    c = Cursor(items, items[0].start, items[-1].stop)
    p = name_pattern(r, c)
    if p is not None and c.done:
        whole, indices = whole_and_indices(r, x, items)
        return p.key.identifier, whole, indices, flipped
    what = f"`{r.text(items[0].start, items[-1].stop)}` is not a variable"
    raise r.error(what, items[0].start, items[-1].stop, "SD135", "a derivative is by a variable or an entry of one")


def resolve(r: LatexReader, head: Head, top: Sequence[Item]) -> DerivativeOf:
    """The derivative with names and words."""
    from .reader import DerivativeOf

    begin, end = (top[0].start, top[-1].stop) if top else (head.start, head.stop)
    name, numerator, above = subject(r, top, begin, end) if top else ("", r.context.value if r.context else None, ())
    names: list[str] = []
    nodes: list[Node] = []
    below: list[Node | None] = []
    flips = []
    for items, count in head.variables:
        n, node, indices, flipped = variable(r, items, head.start, head.stop)
        for _ in range(count):
            names.append(n)
            nodes.append(node)
            below.extend(indices)
            flips.append(flipped)
    span = r.span(head.start, max(end, head.stop))
    numerator = of_the_variable(r, numerator, nodes, span)
    distinct = tuple(nodes) if len(set(nodes)) > 1 else ()
    at = place_of_argument(r, top, nodes)
    return DerivativeOf(
        name, numerator, names[0], nodes[0], head.order, above, tuple(below), distinct, flips[0] and len(flips) == 1, at, span
    )


def of_the_variable(r: LatexReader, numerator: Node | None, by: Iterable[Node], span: Span) -> Node | None:
    """A function of numbers, whose argument is a name of its own, as a function of the variable of the same letter.

    Raises:
        InputError: SD133 where the letter is an array elsewhere.
    """
    if numerator is None:
        return None
    own = {v.name.removesuffix(ARGUMENT): v for v in variables(numerator) if v.name.endswith(ARGUMENT)}
    for v in (n for n in by if isinstance(n, Var) and n.name in own):
        if v.rank:
            what = f"`{v.name}` is the argument of a function of numbers and an array elsewhere"
            raise r.error(what, span.start, span.stop, "SD133", "call the argument by a letter of its own")
        numerator = replace_nodes(numerator, {own[v.name]: v})
    return numerator


def place_of_argument(r: LatexReader, top: Sequence[Item], by: Iterable[Node]) -> Node | None:
    r"""Where the derivative of a named function is taken: `w + \mu v` of `\nabla L(w + \mu v)`; None for at its variable.

    Raises:
        InputError: SD135 for `L(2x, y)`.
    """
    if not top:
        return None
    c = Cursor(top, top[0].start, top[-1].stop)
    p = name_pattern(r, c)
    if p is None or not c.done or p.arguments is None or not is_plain_unknown(r, p) or is_application(r, p):
        return None
    items = p.arguments.items
    if not is_computed(p.arguments):
        return None
    if any(is_char(i, ",", ";", "|") for i in items) or len(set(by)) != 1:
        what = f"`{r.text(p.start, p.stop)}`: a derivative at another place"
        raise r.error(what, p.start, p.stop, "SD135", "name the function of the arguments, or write its value")
    x = read_all(r, Cursor(items, items[0].start, items[-1].stop))
    variable = next(iter(by))
    if x.node is variable:
        return None
    if x.node.rank != variable.rank:
        raise r.error(f"{r.shown(x)} has another shape than the variable", x.start, x.stop, "SD135")
    for a, b in zip(x.node.shape, variable.shape, strict=True):
        r.unify(a, b)
    return x.node


def fraction(r: LatexReader, c: Cursor, top: Sequence[Item], bottom: Sequence[Item], start: int) -> Value | None:
    """The value of a derivative that is written as a fraction; None for other fractions."""
    head = head_of(r, top, bottom, start, c.last)
    if head is None:
        return None
    return placed(r, c, head)


def placed(r: LatexReader, c: Cursor, head: Head) -> Value:
    """A derivative inside an expression; an operator takes the product that follows."""
    from .lookup import scripts_on_value

    if head.top is not None:
        return scripts_on_value(r, c, as_value(r, resolve(r, head, head.top), head.start, head.stop))
    if product_ends(c):
        raise r.error(f"`{r.text(head.start, head.stop)}` has nothing to differentiate", head.start, head.stop, "SD135")
    begin = c.at
    p = name_pattern(r, c)
    if p is not None and is_plain_unknown(r, p) and not is_application(r, p) and product_ends(c):
        return as_value(r, resolve(r, head, c.items[begin : c.at]), head.start, c.last)
    c.at = begin
    following = c.peek()
    if (
        r.context is not None
        and r.context.operators == "bracket"
        and isinstance(following, Group)
        and following.opener != "brace"
    ):
        from .atoms import read_factor

        read_factor(r, c)
    else:
        read_product(r, c)
    return as_value(r, resolve(r, head, c.items[begin : c.at]), head.start, c.last)


def as_value(r: LatexReader, d: DerivativeOf, start: int, stop: int) -> Value:
    """A variable that stands for the derivative, or an entry of it.

    Raises:
        InputError: SD135 for derivatives by something that is not written, and mixed or transposed ones.
    """
    if d.var is None or d.transposed:
        what = f"`{r.text(start, stop)}` inside an expression is not read"
        raise r.error(what, start, stop, "SD135", "write by what is differentiated, without a transpose")
    if any(
        isinstance(n, Index) and n not in r.free_indices and n not in {b.index for b in r.scope.values()}
        for n in d.variable_indices
    ):
        raise r.error("an index of the derivative is not bound", start, stop, "SD133")
    nodes = list(d.variables) or [d.var] * d.order
    if d.numerator is not None:
        above = d.numerator.shape
    else:
        ranges = {b.index: b.hi for b in r.scope.values()}
        above = tuple(
            ranges.get(n) or r.context_size((d.name, k), "axis", start, stop)  # type: ignore[call-overload]
            for k, n in enumerate(d.numerator_indices)
        )
    shape = above
    for n in nodes:
        shape = (*shape, *n.shape)
    whole = replace(d, numerator_indices=(), variable_indices=(), span=None)
    found = next((v for v, k in r.unknowns.items() if replace(k, span=None) == whole and v.shape == shape), None)
    if found is None:
        found = Var(f"D{len(r.unknowns) + 1}_{d.name or 'f'}_{d.variable}", shape)
        r.unknowns[found] = replace(whole, span=d.span)
    if not d.numerator_indices and not d.variable_indices:
        return value_of(found, start, stop)
    if d.numerator_indices and len(d.numerator_indices) < len(above):
        raise r.error(f"`{r.text(start, stop)}`: some indices above the line are missing", start, stop, "SD135")
    entries: list[Node | None] = [*(d.numerator_indices or [None] * len(above)), *d.variable_indices]
    entries += [None] * (len(shape) - len(entries))
    spec = tuple(WHOLE if n is None else "at" for n in entries)
    node = r.make("getitem", found, *(n for n in entries if n is not None), start=start, stop=stop, spec=spec)
    return value_of(node, start, stop)


def read_partial(r: LatexReader, c: Cursor, item: Token) -> Value:
    r"""`\partial L/\partial w`."""
    c.at -= 1
    if not is_inline(r, c, whole=True):
        what = "`\\partial` alone is not read"
        raise r.error(what, item.start, item.stop, "SD135", r"write \frac{\partial L}{\partial w}")
    return read_inline(r, c, item.start, whole=True)


def read_inline(r: LatexReader, c: Cursor, start: int, whole: bool = False) -> Value:
    head = inline_head(r, c, c.at if whole else c.at - 1)
    assert head is not None
    return placed(r, c, head)


def is_differential(r: LatexReader, c: Cursor, anchor: object) -> bool:
    r"""Whether the letter d, consumed, is that of `dX`, `\mathrm{d}(X w)`: the text has differentials, and d is no name."""
    if r.context is None or not r.context.differentials or r.is_defined(Key("d")) or "d" in r.declared.vars:
        return False
    if r.context.differentials == "upright" and is_char(anchor, "d"):  # type: ignore[arg-type]
        return False
    item = c.peek()
    return item is not None and not product_ends(c) and not (isinstance(item, Token) and item.kind in ("sub", "sup", "prime"))


def read_differential(r: LatexReader, c: Cursor, start: int) -> Value:
    r"""`dX`: a variable of the shape of X that stands for its differential; `dX^{-1}` is that of the inverse."""
    from .atoms import read_factor
    from .reader import DerivativeOf

    begin = c.at
    p = name_pattern(r, c)
    value = r.context.value if r.context is not None else None
    if (
        p is not None
        and is_plain_unknown(r, p)
        and not is_application(r, p)
        and value is not None
        and r.loss_name in ("", p.key.identifier)
    ):
        r.loss_name = p.key.identifier
        x = value_of(value, p.start, p.stop, named=p.key.identifier)
    else:
        c.at = begin
        x = read_factor(r, c)
    whole = DerivativeOf(x.named, x.node, "", None, 0)
    found = next((v for v, k in r.unknowns.items() if k.order == 0 and k.numerator is x.node), None)
    if found is None:
        found = Var(f"d_{len(r.unknowns) + 1}_{x.named or 'f'}", x.node.shape)
        r.unknowns[found] = replace(whole, span=r.span(start, c.last))
    return replace(x, node=found, start=start, stop=c.last, literal=False, named="")


def read_nabla(r: LatexReader, c: Cursor, item: Token) -> Value:
    r"""`\nabla_w L` inside an expression: the gradient of the factor that follows."""
    from .atoms import read_factor

    below, order, start = nabla_head(r, c)
    begin = c.at
    if product_ends(c):
        raise r.error(f"`{r.text(start, c.last)}` has nothing to differentiate", start, c.last, "SD135")
    p = name_pattern(r, c)
    named = p is not None and (is_plain_unknown(r, p) or r.loss_name == p.key.identifier) and not is_application(r, p)
    if not named:
        c.at = begin
        group = isinstance(c.peek(), Group)
        x = read_factor(r, c)
        if not product_ends(c) and not (group and x.kind == "scalar" and not isinstance(x.node, Num)):
            c.at = begin
            read_product(r, c)  # ∇ xᵀAx, ∇ ½ (…)
    by: tuple[Var, ...] = r.context.by if r.context is not None else ()
    if below is None and len(by) == order == 1:
        from .reader import DerivativeOf

        top = c.items[begin : c.at]
        name, numerator, above = subject(r, top, top[0].start, top[-1].stop)
        place = place_of_argument(r, top, by)
        span = r.span(start, c.last)
        return as_value(r, DerivativeOf(name, numerator, by[0].name, by[0], 1, above, at=place, span=span), start, c.last)
    if below is None:
        raise r.error(f"`{r.text(start, c.last)}`: by what?", start, c.last, "SD135", r"write \nabla_w L")
    head = Head(c.items[begin : c.at], [(below, order)], order, start, c.last)
    return as_value(r, resolve(r, head, c.items[begin : c.at]), start, c.last)
