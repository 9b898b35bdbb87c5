"""Tokens to `ast`, whatever the depth and length.

CPython's parser refuses 200 nested brackets and recurses along long sums. A text that is deep or long is therefore cut: inner
brackets and chunks of long chains are parsed on their own, and stand in the outer text as names `__0`, `__1`, … of the same
length (blanks fill the rest), so that columns stay right. Long chains come back as `Chain` nodes.
"""

from __future__ import annotations

import ast
import keyword
from dataclasses import dataclass, field

from ..errors import InputError, Span
from .limits import MAX_CHAIN, too_deep
from .scan import Token

CUT_DEPTH = 40  # brackets left in one piece
LONG = 150  # operators of one chain parsed as they are
_ARITHMETIC = {"+", "-", "*", "/", "@", "**", "//", "%", "<<", ">>", "&", "|", "^", "~", "."}
LEAVES = (ast.Name, ast.Constant, ast.expr_context, ast.operator, ast.unaryop, ast.cmpop, ast.boolop)  # hold no expressions
_WORDS = {"if", "else", "for", "in", "and", "or", "not", "is"}
_FORBIDDEN = set(keyword.kwlist) - _WORDS - {"None", "True", "False"}


class Chain(ast.expr):
    """`first op x op y ...` of operators of one precedence, left to right: `items` are expressions, `ops` the signs between."""

    _fields = ("items",)
    items: list[ast.expr]
    ops: list[str]


@dataclass
class _Piece:
    """Parsed in place of a placeholder."""

    tree: ast.expr
    kind: str  # "call", "subscript", "group"


@dataclass
class _Cutter:
    source: str
    name: str
    text: list[str] = field(default_factory=list)
    pieces: list[_Piece] = field(default_factory=list)


def parse_tokens(source: str, tokens: list[Token], name: str = "") -> ast.expr:
    """The expression that the tokens spell; `col_offset` and `end_col_offset` are offsets of characters in the source.

    Raises:
        InputError: SD101 where Python's grammar does not allow it, SD112 for no tokens.
        LimitError: SD902.
    """
    if not tokens:
        raise InputError("there is nothing to read", code="SD112", span=Span(source, 0, 0, name))
    for t in tokens:
        if t.kind == "name" and t.text in _FORBIDDEN:
            hint = "call the variable `lam`" if t.text == "lambda" else "only expressions are read; the text is never run"
            what = f"`{t.text}` is a word of Python and not part of the language"
            raise InputError(what, code="SD102", hint=hint, span=Span(source, t.start, t.stop, name))
    start, stop = tokens[0].start, tokens[-1].stop
    base_depth = tokens[0].depth - (tokens[0].text in ")]}")
    small = len(tokens) < LONG and max(t.depth for t in tokens) - base_depth < CUT_DEPTH
    body = _clean(source, tokens, start, stop)
    if small:
        return _parse(source, body, start, name)
    return _parse_cut(source, body, start, tokens, name)


def _clean(source: str, tokens: list[Token], start: int, stop: int) -> str:
    """The text with comments, newlines and odd spaces blanked."""
    body = source[start:stop]
    if "\n" not in body and "#" not in body and body.isascii() and "\r" not in body and "\f" not in body:
        return body
    parts, at = [], start
    for t in tokens:
        parts.append(" " * (t.start - at))
        parts.append(t.text)
        at = t.stop
    return "".join(parts)


def _parse(source: str, body: str, start: int, name: str) -> ast.expr:
    """`ast.parse` of one piece, its columns shifted to the source."""
    try:
        tree = ast.parse(body, mode="eval").body
    except SyntaxError as error:
        raise _explain(source, body, start, name, error) from None
    except (RecursionError, MemoryError):
        raise too_deep("the expression", Span(source, start, start + len(body), name)) from None
    except ValueError as error:  # null bytes, which `scan` has refused already, and encodings
        raise InputError(
            f"this cannot be read: {error}", code="SD101", span=Span(source, start, start + len(body), name)
        ) from None
    _shift(tree, body, start)
    return tree


def _shift(tree: ast.expr, body: str, start: int) -> None:
    """Columns from bytes of the piece to characters of the source."""
    if start == 0 and body.isascii():
        return
    table: list[int] | None = None
    if not body.isascii():
        table = []
        for k, c in enumerate(body):
            table.extend([k] * len(c.encode()))
        table.append(len(body))
    for node in ast.walk(tree):
        column = getattr(node, "col_offset", None)
        if column is not None:
            end = node.end_col_offset  # type: ignore[attr-defined]
            node.col_offset = start + (table[column] if table else column)  # type: ignore[attr-defined]
            node.end_col_offset = start + (table[end] if table else end)  # type: ignore[attr-defined]


def _explain(source: str, body: str, start: int, name: str, error: SyntaxError) -> InputError:
    """Python's complaint in our words."""
    at = min(max((error.offset or 1) - 1, 0), len(body))
    if at >= len(body) or (error.end_lineno, error.end_offset) == (1, 0):  # Python wants more
        span = Span(source, start + len(body) - 1, start + len(body), name)
        return InputError("the expression ends too early", code="SD101", hint="an operand is missing after this", span=span)
    end = min(max((error.end_offset or 0) - 1, at + 1), len(body)) if error.end_lineno == error.lineno else at + 1
    span = Span(source, start + at, start + max(end, at + 1), name)
    rest = body[at:].lstrip()
    message, hint = _reason(str(error.msg), rest)
    return InputError(message, code="SD101", hint=hint, span=span)


def _reason(said: str, rest: str) -> tuple[str, str]:
    """What is wrong and what to do, from Python's words and the text from the place on."""
    if "forgot a comma" in said:
        return "an operator is missing", "write * for the elementwise product, @ for the matrix product"
    if "invalid syntax" in said:
        word = rest.split(" ", 1)[0][:30]
        hint = ""
        if rest.startswith(("=", ":")):
            hint = "a definition is `name = expression`, a declaration `name: sizes`, a comparison `==`"
        elif rest.startswith("|"):
            hint = "the absolute value is abs(x), the norm norm(x)"
        elif rest[:1].isalnum():
            hint = "an operator is missing? `*` is the elementwise product, `@` the matrix product"
        return (f"`{word}` cannot stand here" if word else "the expression ends too early"), hint
    if "cannot assign" in said or "Maybe you meant '=='" in said:
        return "`=` cannot stand here", "a comparison is `==`"
    if "Generator expression must be parenthesized" in said:
        return "a generator stands alone in its brackets", "sum(x[i] for i in range(n)) takes nothing else"
    return said.split(". ")[0].split(" (")[0].replace("f-string: ", "") or "this is not an expression", ""


# deep and long texts -----------------------------------------------------------------------------------------------------


def _parse_cut(source: str, body: str, start: int, tokens: list[Token], name: str) -> ast.expr:
    """Cut by brackets, innermost first, then by chains, and put the pieces together."""
    cutter = _Cutter(source, name, list(body))
    heights = _heights(tokens)
    # A frame holds the tokens of one bracket group; a group that was cut stands in its parent as one placeholder token.
    frames: list[list[Token]] = [[]]
    opened: list[int] = []
    for k, t in enumerate(tokens):
        if t.kind == "op" and t.text in "([{":
            opened.append(k)
            frames.append([t])
        elif t.kind == "op" and t.text in ")]}":
            group = [*frames.pop(), t]
            head = opened.pop()
            parent = frames[-1]
            inside = _cut_chains(cutter, group[1:-1], start)
            group = [group[0], *inside, group[-1]]
            height = heights[head]
            if height and height % CUT_DEPTH == 0:
                parent.extend(_cut_group(cutter, group, parent, start))
            else:
                parent.extend(group)
        else:
            frames[-1].append(t)
    flat = _cut_chains(cutter, frames[0], start)
    tree = _parse_range(cutter, flat, start)
    return _splice(tree, cutter.pieces)


def _heights(tokens: list[Token]) -> dict[int, int]:
    """For every opening bracket, how many levels of brackets are inside it."""
    out: dict[int, int] = {}
    stack: list[list[int]] = []
    for k, t in enumerate(tokens):
        if t.kind != "op":
            continue
        if t.text in "([{":
            stack.append([k, 0])
        elif t.text in ")]}":
            at, inner = stack.pop()
            out[at] = inner
            if stack:
                stack[-1][1] = max(stack[-1][1], inner + 1)
    return out


def _parse_range(cutter: _Cutter, tokens: list[Token], start: int, prefix: str = "") -> ast.expr:
    begin, end = tokens[0].start, tokens[-1].stop
    body = prefix + "".join(cutter.text[begin - start : end - start])
    return _parse(cutter.source, body, begin - len(prefix), cutter.name)


def _placeholder(cutter: _Cutter, tree: ast.expr, kind: str, begin: int, end: int, start: int, depth: int) -> Token:
    """Register a piece and blank its text, leaving a name of its own."""
    label = f"__{len(cutter.pieces)}"
    cutter.pieces.append(_Piece(tree, kind))
    cutter.text[begin - start : end - start] = label.ljust(end - begin)
    return Token("name", label, begin, end, depth)


def _cut_group(cutter: _Cutter, group: list[Token], before: list[Token], start: int) -> list[Token]:
    """Parse a bracket group by itself; the brackets stay, a name stands for what they hold."""
    head, tail = group[0], group[-1]
    previous = before[-1] if before else None
    after_operand = previous is not None and (
        previous.text in ")]" or (previous.kind in ("name", "string") and previous.text not in _WORDS)
    )
    kind = "group" if not after_operand else "call" if head.text == "(" else "subscript"
    tree = _parse_range(cutter, group, start, "" if kind == "group" else "_")
    if len(group) == 2 or tail.start - head.stop < 8:
        return group
    if head.text != "(" and kind == "group":  # a list: its brackets belong to it
        return [_placeholder(cutter, tree, kind, head.start, tail.stop, start, head.depth)]
    return [head, _placeholder(cutter, tree, kind, head.stop, tail.start, start, head.depth + 1), tail]


def _cut_chains(cutter: _Cutter, tokens: list[Token], start: int) -> list[Token]:
    """Replace arithmetic chains with many operators by placeholders. Inner brackets count as part of an operand."""
    if len(tokens) < LONG:
        return tokens
    out: list[Token] = []
    segment: list[Token] = []
    level = 0
    for t in tokens:
        if t.kind == "op" and t.text in "([{":
            level += 1
        elif t.kind == "op" and t.text in ")]}":
            level -= 1
        breaks = level == 0 and (
            (t.kind == "op" and t.text not in _ARITHMETIC and t.text not in ")]}") or (t.kind == "name" and t.text in _WORDS)
        )
        if breaks:
            out.extend(_cut_segment(cutter, segment, start))
            segment = []
            out.append(t)
        else:
            segment.append(t)
    out.extend(_cut_segment(cutter, segment, start))
    return out


def _cut_segment(cutter: _Cutter, tokens: list[Token], start: int) -> list[Token]:
    """One arithmetic expression: a sum of products of operands."""
    terms, signs = _split(tokens, "+-")
    flat: list[Token] = []
    cut = False
    for k, term in enumerate(terms):
        factors, ops = _split(term, "*/@")
        for f in factors:
            _check_operand(cutter, f)
        if len(factors) > LONG:
            tree = _chain(cutter, factors, ops, start)
            term = [_placeholder(cutter, tree, "group", term[0].start, term[-1].stop, start, term[0].depth)]
            cut = True
        terms[k] = term
        flat.extend(term)
        if k < len(signs):
            flat.append(signs[k])
    if len(terms) > LONG:
        tree = _chain(cutter, terms, signs, start)
        return [_placeholder(cutter, tree, "group", tokens[0].start, tokens[-1].stop, start, tokens[0].depth)]
    return flat if cut else tokens


def _split(tokens: list[Token], operators: str) -> tuple[list[list[Token]], list[Token]]:
    """Operands and binary operators of a chain; a sign after an operator belongs to its operand."""
    parts: list[list[Token]] = [[]]
    between: list[Token] = []
    level = 0
    for t in tokens:
        if t.kind == "op" and t.text in "([{":
            level += 1
        elif t.kind == "op" and t.text in ")]}":
            level -= 1
        previous = parts[-1][-1] if parts[-1] else None
        binary = previous is not None and not (previous.kind == "op" and previous.text not in ")]}")
        if level == 0 and t.kind == "op" and len(t.text) == 1 and t.text in operators and binary:
            between.append(t)
            parts.append([])
        else:
            parts[-1].append(t)
    return parts, between


def _check_operand(cutter: _Cutter, tokens: list[Token]) -> None:
    """Signs, powers and trailers that pile up on one operand make a deep tree."""
    level = count = 0
    for t in tokens:
        if t.kind == "op":
            if level == 0 and t.text not in ")]}":
                count += 1
            level += (t.text in "([{") - (t.text in ")]}")
    if count > MAX_CHAIN:
        raise too_deep("this operand", Span(cutter.source, tokens[0].start, tokens[-1].stop, cutter.name))


def _chain(cutter: _Cutter, parts: list[list[Token]], between: list[Token], start: int) -> Chain:
    """`parts` joined by the operators `between`, parsed some hundred at a time and taken apart again."""
    items: list[ast.expr] = []
    for k, part in enumerate(parts):
        if not part:
            at = between[min(k, len(between) - 1)]
            raise InputError("an operand is missing", code="SD101", span=Span(cutter.source, at.start, at.stop, cutter.name))
    for first in range(0, len(parts), LONG):
        last = min(first + LONG, len(parts))
        spine: ast.expr = _parse_range(cutter, [parts[first][0], parts[last - 1][-1]], start)
        operands = []
        for _ in range(last - first - 1):
            assert isinstance(spine, ast.BinOp)
            operands.append(spine.right)
            spine = spine.left
        items.extend([spine, *reversed(operands)])
    tree = Chain()
    tree.items = items
    tree.ops = [t.text for t in between]
    tree.col_offset, tree.end_col_offset = items[0].col_offset, items[-1].end_col_offset or 0
    return tree


def _splice(tree: ast.expr, pieces: list[_Piece]) -> ast.expr:
    """Put the pieces where their placeholders stand; without recursion."""
    root = ast.Expression(body=tree)
    todo: list[ast.AST] = [root]
    while todo:
        node = todo.pop()
        if (
            isinstance(node, ast.Call)
            and len(node.args) == 1
            and (piece := _piece_of(node.args[0], pieces))
            and piece.kind == "call"
        ):
            assert isinstance(piece.tree, ast.Call)
            node.args, node.keywords = piece.tree.args, piece.tree.keywords
        for name, value in ast.iter_fields(node):
            if isinstance(value, list):
                for k, item in enumerate(value):
                    value[k] = item = _resolve(item, pieces)
                    if isinstance(item, ast.AST) and not isinstance(item, LEAVES):
                        todo.append(item)
            elif isinstance(value, ast.AST):
                inner = _resolve(value, pieces)
                if inner is not value:
                    setattr(node, name, inner)
                if not isinstance(inner, LEAVES):
                    todo.append(inner)
    return root.body


def _resolve(item: ast.AST, pieces: list[_Piece]) -> ast.AST:
    """What a placeholder stands for, which may be a placeholder again."""
    while (piece := _piece_of(item, pieces)) is not None:
        item = piece.tree
        if piece.kind == "subscript":
            assert isinstance(item, ast.Subscript)
            item = item.slice
    return item


def _piece_of(node: object, pieces: list[_Piece]) -> _Piece | None:
    if isinstance(node, ast.Name) and node.id.startswith("__") and node.id[2:].isdigit():
        return pieces[int(node.id[2:])]
    return None
