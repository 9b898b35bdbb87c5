r"""What kind of statement each one is, before it is read: definitions, derivatives, updates; free indices of left sides."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from .arguments import split_arguments
from .bigops import comprehension
from .conditions import used_as_number
from .grammar import read_all
from .heads import Head, Pattern, head_of, inline_head, is_application, is_computed, nabla_head, name_pattern
from .indices import letter_of, letters_in, split_indices
from .naming import Key, label_text
from .reader import Definition, constant
from .scripts import content
from .split import Raw
from .tree import Cursor, Group, Item, Token, is_char, is_macro, plain_text, tokens_below
from .values import Value, value_of

if TYPE_CHECKING:
    from .reader import LatexReader

_INDEX_LETTERS = frozenset("ijklmnpqrstuvab")


@dataclass
class Plan:
    """What a statement is, before it is read."""

    raw: Raw
    kind: str
    definition: Definition | None = None
    pattern: Pattern | None = None
    iteration: tuple[str, ...] = ()


def plan_statements(r: LatexReader, raws: list[Raw]) -> list[Plan]:
    """The kinds of all statements; definitions are known to the reader afterwards."""
    out = []
    for raw in raws:
        plan = _plan(r, raw)
        out.append(plan)
        if plan.definition is not None:
            r.definitions[plan.definition.key] = plan.definition
    _name_the_loss(r, out)
    return out


def _plan(r: LatexReader, raw: Raw) -> Plan:
    for side in raw.sides:
        if not side:
            at = raw.start
            raise r.error("a side of the relation is empty", at, max(raw.stop, at + 1), "SD130")
    if raw.condition:
        return Plan(raw, "condition")
    if not raw.signs:
        return Plan(raw, "expression")
    left = raw.sides[0]
    if _is_derivative(r, left):
        return Plan(raw, "derivative")
    c = Cursor(left, left[0].start, left[-1].stop)
    p = name_pattern(r, c) if not _begins_with_d(r, left) else None
    if p is None or not c.done:
        if raw.signs[0] == "<-":
            raise r.error("the target of an update is a variable", raw.start, left[-1].stop, "SD135")
        return Plan(raw, "chain" if len(raw.sides) > 2 else "equation")
    if p.scripts.primes and p.arguments is not None:
        return Plan(raw, "derivative", pattern=p)
    iteration = _iteration(p, raw)
    if raw.signs[0] == "<-" or iteration or _uses_itself(r, p, raw):
        return Plan(raw, "update", pattern=p, iteration=iteration)
    definition = _definition(r, p, raw)
    if definition is not None:
        return Plan(raw, "definition", definition, p)
    return Plan(raw, "chain" if len(raw.sides) > 2 else "equation", pattern=p)


def _is_derivative(r: LatexReader, items: Sequence[Item]) -> bool:
    return left_head(r, items) is not None


def _begins_with_d(r: LatexReader, left: Sequence[Item]) -> bool:
    """`dL = …` in a text with differentials defines nothing."""
    if r.context is None or not r.context.differentials or len(left) < 2:
        return False
    return is_char(left[0], "d") or (
        is_macro(left[0], "mathrm", "text", "mathsf", "operatorname") and plain_text([left[1]]) == "d"
    )


def left_head(r: LatexReader, items: Sequence[Item]) -> tuple[Head, list[Item]] | None:
    """A derivative that is a whole side, with the items of what is differentiated."""
    items = list(items)
    if len(items) == 1 and isinstance(items[0], Group) and items[0].opener in ("brace", "(", "["):
        return left_head(r, items[0].items) if items[0].items else None
    first = items[0]
    start, stop = first.start, items[-1].stop
    c = Cursor(items, start, stop)
    if is_macro(first, "frac", "dfrac", "tfrac") and len(items) >= 3:
        head = head_of(r, content(items[1]), content(items[2]), start, items[2].stop)
        if head is None:
            return None
        if head.top is not None:
            return (head, head.top) if len(items) == 3 else None
        if r.context is not None and r.context.operators == "bracket" and len(items) > 4 and isinstance(items[3], Group):
            return None  # the bracket alone is differentiated; what follows is a factor
        return (replace(head, top=items[3:]), items[3:]) if len(items) > 3 else (head, [])
    if is_macro(first, "nabla"):
        c.next()
        below, order, _ = nabla_head(r, c)
        rest = items[c.at :]
        variables = [(below, order)] if below is not None else []
        return Head(rest or None, variables, order, start, stop, "nabla"), rest
    if is_macro(first, "partial") and len(items) > 3 and isinstance(items[1], Token) and items[1].kind == "sub":
        rest = items[3:]  # ∂_w L
        return Head(rest, [(list(content(items[2])), 1)], 1, start, stop), rest
    if is_macro(first, "partial") or is_char(first, "d") or is_macro(first, "mathrm", "text"):
        if is_char(first, "d") and (r.is_defined(Key("d")) or "d" in r.declared.vars):
            return None
        head = inline_head(r, c, 0)
        if head is None or not c.done:
            return None
        return head, head.top or []
    return None


def _label_of(p: Pattern) -> str:
    """The text of the subscript, or of the bracket above."""
    if p.scripts.sub is not None:
        return label_text(p.scripts.sub) or ""
    if p.scripts.raised and p.scripts.raised[0].kind in ("bracket", "power"):
        one = p.scripts.raised[0].items[0]
        return label_text(one.items if isinstance(one, Group) else p.scripts.raised[0].items) or ""
    return ""


_STEPS = re.compile(r"(?:([a-z]|tau|ell)(_plus_1|_minus_1)?|new|old)")


def _iteration(p: Pattern, raw: Raw) -> tuple[str, ...]:
    """The labels that count steps in `w_{t+1} = w_t - …`, `w^{new} = w^{old} - …`."""
    if p.arguments is not None:
        return _iteration_in_brackets(p, raw)
    here = _STEPS.fullmatch(_label_of(p))
    if here is None:
        return ()
    found: set[str] = set()
    todo: list[Sequence[Item]] = list(raw.sides[1:])
    while todo:
        level = list(todo.pop())
        for k, item in enumerate(level):
            if not isinstance(item, Token):
                todo.append(item.items)
            elif item.kind in ("sub", "sup") and 0 < k < len(level) - 1 and _base_of(level[k - 1]) == p.key.base:
                inner = content(level[k + 1])
                text = label_text(inner[0].items if len(inner) == 1 and isinstance(inner[0], Group) else inner) or ""
                other = _STEPS.fullmatch(text)
                if other and text != here[0] and (other[1] == here[1]):
                    found.add(text)
    if not found:
        return ()
    letter = here[1]
    older = f"{letter}_minus_1" if letter and len(found) > 1 else ""
    return tuple({here[0], *(found - {older}), *([letter] if letter else [])})


def _iteration_in_brackets(p: Pattern, raw: Raw) -> tuple[str, ...]:
    """The steps in `w(t+1) = w(t) - …`."""
    assert p.arguments is not None
    here = _STEPS.fullmatch(label_text(p.arguments.items) or "")
    if here is None or not here[1] or here[2] is None:
        return ()
    wanted = [t.text for t in tokens_below(raw.sides[0]) if t.kind != "number"]
    letter = here[1]
    for k, item in enumerate(raw.sides[1]):
        if isinstance(item, Group) and item.opener == "(" and label_text(item.items) == letter and k:
            return (f"({here[0]})", f"({letter})", here[0], letter) if wanted else ()
    return ()


def _base_of(item: Item) -> str:
    if isinstance(item, Token):
        return item.text
    tokens = [t for t in tokens_below(item.items) if t.kind in ("char", "macro")]
    return tokens[-1].text if tokens else ""


def _uses_itself(r: LatexReader, p: Pattern, raw: Raw) -> bool:
    """`w = w - …`, `w_j := w_j + …`: the left name is a term of the right side."""
    if p.arguments is not None:
        return False
    left = [t.text for t in tokens_below(raw.sides[0]) if t.kind not in ("open", "close")]
    right = [t.text for t in tokens_below(raw.sides[1]) if t.kind not in ("open", "close")]
    if right[: len(left)] != left or (len(right) > len(left) and right[len(left)] not in ("+", "-")):
        return False
    return len(right) > len(left)


def _definition(r: LatexReader, p: Pattern, raw: Raw) -> Definition | None:
    """The definition that the statement makes; None where the name is known already."""
    key, letters, used_letters = p.key, [], letters_in([i for s in raw.sides[1:] for i in s])
    if p.scripts.primes or key.identifier in r.families:
        return None
    if p.scripts.sub is not None:
        parts = split_indices(p.scripts.sub)
        found = [letter_of(q) for q in parts]
        label = label_text(p.scripts.sub)
        if label is not None and (_declared(r, key.labelled(label), raw) or r.is_defined(key.labelled(label))):
            return None
        if found and all(x and x in used_letters and x not in r.labels and not _taken(r, x) for x in found):
            letters = found
            for x in letters:
                _index_not_size(r, x, raw)
        elif label is not None:
            key = key.labelled(label)
        else:
            return None
    for one in p.scripts.raised:
        inner = one.items[0]
        inside = inner.items if isinstance(inner, Group) else one.items
        letter, label = letter_of(inside), label_text(inside)
        if one.kind == "bracket" and letter and letter in used_letters and not _taken(r, letter):
            letters = [letter, *letters]
        elif one.kind in ("bracket", "star") and label is not None:
            key = key.labelled("star" if one.kind == "star" else label)
        elif one.kind == "power" and letter and not p.arguments:  # what is defined is no power: δ^o is a label
            key = key.labelled(letter)
        else:
            return None
    if len(set(letters)) < len(letters):
        return None
    if _declared(r, key, raw) or r.is_defined(key):
        return None
    parameters = _parameters(r, p.arguments) if p.arguments is not None else ()
    if parameters is None:
        return None
    right = raw.sides[1]

    def read() -> Value:
        def body() -> Value:
            return read_all(r, Cursor(right, right[0].start, right[-1].stop))

        if not letters:
            return body()
        return replace(comprehension(r, letters, raw, body, raw.start, right[-1].stop), family=len(letters))

    return Definition(key, read, parameters, tuple(letters), (raw.start, raw.stop))


def _numbers_an_array(r: LatexReader, key: Key, letter: str) -> bool:
    """Whether a letter that is not usual for an index (`b_c`) is one: the array is declared, and the letter is no number elsewhere."""
    upper = Key(key.base.upper(), key.accents, key.labels)
    name = r.known(key, 0, 1) or (r.known(upper, 0, 1) if len(key.base) == 1 else "")  # w_c of W
    if not name or name in r.sizes or not r.value_of_name(name, 0, 1).node.rank:
        return False
    return not any(used_as_number(side, letter) for side in r.raw.sides)


def _taken(r: LatexReader, letter: str) -> bool:
    return letter in r.declared.vars or r.is_defined(Key(letter))


def _declared(r: LatexReader, key: Key, raw: Raw) -> bool:
    """Whether the name is a variable; a size may be the name of something else in a text that defines it."""
    name = r.known(key, raw.start, raw.stop)
    return bool(name) and not (name in r.sizes and name not in r.declared.vars)


def _index_not_size(r: LatexReader, letter: str, raw: Raw) -> None:
    """A letter that is a size and stands in subscripts of both sides is an index there, unless it is used as a number as well.

    Raises:
        InputError: SD133.
    """
    if letter not in r.sizes or letter in r.declared.vars:
        return
    if any(used_as_number(side, letter) for side in raw.sides):
        what = f"{letter} is a size, and an index on the left side"
        raise r.error(what, raw.start, raw.stop, "SD133", "call the index by a letter of its own")
    r.assumptions.setdefault(
        "index " + letter, f"{letter} is an index where it is a subscript of the left side, not the size {letter}"
    )


def _parameters(r: LatexReader, g: Group) -> tuple[Key, ...] | None:
    """The names in `f(x, y)`; None where something else stands there."""
    out: list[Key] = []
    for part in split_arguments(g.items):
        c = Cursor(part, g.start, g.stop)
        p = name_pattern(r, c) if part else None
        if p is None or not c.done or p.arguments is not None:
            return None
        key = p.key
        if p.scripts:
            label = _label_of(p)
            if not label:
                return None
            key = key.labelled(label)
        out.append(key)
    return tuple(out)


def _name_the_loss(r: LatexReader, plans: list[Plan]) -> None:
    """The numerator of the first derivative, where nothing else says what it is, is the value that the surroundings give."""
    value = r.context.value if r.context is not None else None
    if value is None:
        return
    for plan in plans:
        found = left_head(r, plan.raw.sides[0]) if plan.kind == "derivative" and plan.pattern is None else None
        if found is None or not found[1]:
            continue
        items = found[1]
        c = Cursor(items, items[0].start, items[-1].stop)
        p = name_pattern(r, c)
        if (
            p is None
            or not c.done
            or p.scripts.raised
            or p.scripts.primes
            or (p.arguments is not None and is_computed(p.arguments))
        ):
            return
        if is_application(r, p) or (p.key == Key("sigma") and re.search(r"\\sigma\s*(\\left)?\s*\(", r.source)):
            return  # σ is the logistic function there
        parts = split_indices(p.scripts.sub) if p.scripts.sub is not None else []
        if r.known(p.key, 0, 1) or r.is_defined(p.key) or len(parts) not in (0, value.rank):
            return

        x = value_of(value, p.start, p.stop)
        fixed = plain_text(p.arguments.items).replace(" ", "") if p.arguments is not None else None
        r.definitions[p.key] = Definition(p.key, constant(x), value=x, fixed=fixed)
        r.loss_name = p.key.identifier
        return


def free_letters(r: LatexReader, plan: Plan) -> list[str]:
    """The letters in subscripts of the left side that nothing declares: `∂p_i/∂s_j`, `w_j := …`."""
    raw = plan.raw
    out: dict[str, None] = {}
    more = r.context.free if r.context is not None else ()
    if plan.kind == "expression":
        return list(more)
    r.raw = raw
    right = letters_in([i for s in raw.sides[1:] for i in s])
    _collect(r, raw.sides[0], right, out)
    return list(out | dict.fromkeys(more))


def _collect(
    r: LatexReader, items: Sequence[Item], right: set[str], out: dict[str, None], bound: frozenset[str] = frozenset()
) -> None:
    """Letters in subscripts but for those that a sum before them binds."""
    items = list(items)
    for k, item in enumerate(items):
        if not isinstance(item, Token):
            if (
                isinstance(item, Group)
                and item.opener == "("
                and k > 0
                and _after_name(items, k)
                and not _applies(r, items[k - 1])
            ):
                continue  # the arguments of J(θ)
            _collect(r, item.items, right, out, bound)
            continue
        if item.kind not in ("sub", "sup") or k + 1 >= len(items) or k == 0:
            continue
        inner = content(items[k + 1])
        base = items[k - 1]
        before = items[k - 2] if k >= 3 else None
        if isinstance(before, Token) and before.kind in ("sup", "sub"):
            base = items[k - 3]  # x^2_i
        if is_macro(base, "nabla"):
            continue  # the variable below a nabla is walked as a group, or is one letter
        if item.kind == "sup":
            if not (len(inner) == 1 and isinstance(inner[0], Group) and inner[0].opener == "("):
                continue
            inner = inner[0].items
        if is_macro(base, "sum", "prod", "max", "min"):
            first = inner[0] if item.kind == "sub" and inner else None
            bound |= {first.text} if isinstance(first, Token) and is_macro(base, "sum", "prod") else set()
            continue
        _subscript(r, base, inner, right, out, bound, _raised_label(items, k))


def _applies(r: LatexReader, before: Item) -> bool:
    r"""Whether a function with a value stands before the bracket: `\sigma(x_i)`, `\exp(x_i)`, no `J(\theta)`."""
    from .calls import is_function_macro

    return is_macro(before) and (before.text == "sigma" or is_function_macro(before.text) or before.text in r.functions)  # type: ignore[union-attr]


def _after_name(items: Sequence[Item], k: int) -> bool:
    before = items[k - 1]
    return isinstance(before, Token) and (before.text.isalpha() or before.kind == "prime")


def _raised_label(items: Sequence[Item], k: int) -> str:
    r"""The label above a name with the subscript at k: l of `w_{ij}^l` and `w^l_{ij}`."""
    for at in (k + 2, k - 2):
        sign = items[at] if 0 < at < len(items) - 1 else None
        if isinstance(sign, Token) and sign.kind == "sup":
            return label_text(content(items[at + 1])) or ""
    return ""


def _subscript(
    r: LatexReader,
    base: Item,
    inner: Sequence[Item],
    right: set[str],
    out: dict[str, None],
    bound: frozenset[str],
    above: str = "",
) -> None:
    key = Key(_base_of(base))
    if above and (r.known(key.labelled(above), 0, 1) or r.is_defined(key.labelled(above))):
        key = key.labelled(above)
    label = label_text(inner)
    if (
        label is not None
        and (r.known(key.labelled(label), 0, 1) or r.is_defined(key.labelled(label)))
        and key.labelled(label) != key
    ):
        return
    for part in split_indices(inner):
        letter = letter_of(part)
        if not letter:
            if len(part) > 1:
                _collect(r, part, right, out, bound)
            continue
        if (
            letter in bound
            or letter in r.iteration
            or letter in r.labels
            or not letter[0].isascii()
            or len(letter.rstrip("'")) > 1
        ):
            continue
        if _declared(r, Key(letter), r.raw) or r.is_defined(Key(letter)):
            continue
        usual = letter[0] in _INDEX_LETTERS and (letter in right or r.known(key, 0, 1) or r.is_defined(key))
        if usual or (letter in right and _numbers_an_array(r, key, letter)):
            _index_not_size(r, letter, r.raw)
            out[letter] = None
