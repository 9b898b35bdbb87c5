"""LaTeX that this package writes, as MathML Core: shown by browsers without scripts or fonts from elsewhere."""

from __future__ import annotations

from html import escape

from .mathtree import Tree, parse

BOLD = {"mathbf": "bold", "boldsymbol": "bold-italic"}


def to_mathml(latex: str, display: bool = False, large: bool = False) -> str:
    """`<math>` for a formula.

    Args:
        display: centred in a line of its own.
        large: as large as that, but where it stands.

    Raises:
        CodeError: SD508 for LaTeX that this package does not write.
    """
    mode = ' display="block"' if display else ' displaystyle="true"' if large else ""
    return f"<math{mode}>{_inside(parse(latex))}</math>"


def _inside(tree: Tree) -> str:
    return _sequence(tree.parts) if tree.kind == "row" else element(tree)


THIN = '<mspace width="0.17em"/>'
OPENING, CLOSING = frozenset("([{⟨"), frozenset(")]}⟩")


def _sequence(parts: list[Tree]) -> str:
    """Elements in a row, spaced as mathematics is: around names of functions, and a sign that belongs to what follows it."""
    out: list[str] = []
    before: Tree | None = None
    for tree in parts:
        if before is not None and ((_is_word(tree) and _ends_operand(before)) or (_is_word(before) and _begins_operand(tree))):
            out.append(THIN)
        if tree.kind == "operator" and tree.text in "−+" and not (before is not None and _ends_operand(before)):
            out.append(f'<mo form="prefix" lspace="0" rspace="0">{tree.text}</mo>')
        else:
            out.append(element(tree))
        before = tree
    return "".join(out)


def _is_word(tree: Tree) -> bool:
    """The name of a function, maybe with an exponent; σ(…) is a letter."""
    core = tree.parts[0] if tree.kind == "script" and tree.parts else tree
    return core.kind == "word" or (core.kind == "big" and core.text.isalpha())


def _ends_operand(tree: Tree) -> bool:
    if tree.kind == "operator":
        return tree.text in CLOSING or tree.text in "|‖…⋯"
    return tree.kind != "space" and not _is_word(tree) and not (tree.kind == "row" and not tree.parts)


def _begins_operand(tree: Tree) -> bool:
    if tree.kind == "operator":
        return tree.text in "|‖"
    return tree.kind not in ("space", "fence")


def element(tree: Tree) -> str:
    """One MathML element."""
    kind, text, parts = tree.kind, escape(tree.text), tree.parts
    if kind == "row":
        return f"<mrow>{_sequence(parts)}</mrow>"
    if kind == "number":
        return f"<mn>{text}</mn>"
    if kind == "letter":
        return f"<mi>{text}</mi>"
    if kind == "word":
        return f'<mi mathvariant="normal">{text}</mi>' if len(text) == 1 else f"<mi>{text}</mi>"
    if kind == "operator":
        stretch = ' stretchy="false"' if tree.text in "()[]{}|‖⟨⟩" else ""
        form = ' separator="true"' if tree.text == "," else ' lspace="0" rspace="0"' if tree.text in "|‖" else ""
        return f"<mo{stretch}{form}>{text}</mo>"
    if kind == "big":
        return f"<mo>{text}</mo>" if tree.text in "∑∏" else f'<mo movablelimits="true">{text}</mo>'
    if kind == "space":
        return f'<mspace width="{text}"/>'
    if kind == "text":
        return f"<mtext>{text}</mtext>"
    if kind == "fraction":
        return f"<mfrac>{element(parts[0])}{element(parts[1])}</mfrac>"
    if kind == "root":
        return f"<msqrt>{element(parts[0])}</msqrt>"
    if kind == "under":
        return f"<munder>{element(parts[0])}{element(parts[1])}</munder>"
    if kind == "accent":
        return f'<mover accent="true">{element(parts[0])}<mo>{text}</mo></mover>'
    if kind == "script":
        return _script(tree)
    if kind == "fence":
        left, right = escape(tree.text[0]), escape(tree.text[1])
        return f'<mrow><mo fence="true">{left}</mo>{element(parts[0])}<mo fence="true">{right}</mo></mrow>'
    if kind == "stack":
        rows = "".join(f"<mtr><mtd>{element(p)}</mtd></mtr>" for p in parts)
        return f"<mtable>{rows}</mtable>"
    if kind == "cases":
        rows = "".join(f"<mtr>{''.join(f'<mtd>{element(c)}</mtd>' for c in r.parts)}</mtr>" for r in parts)
        return f'<mrow><mo fence="true">{{</mo><mtable columnalign="left">{rows}</mtable></mrow>'
    if kind == "color":
        return f'<mrow class="changed">{_inside(parts[0])}</mrow>'
    return _styled(tree)


def _script(tree: Tree) -> str:
    base, below, above = tree.parts
    has_below, has_above = below.kind != "row" or below.parts, above.kind != "row" or above.parts
    under, over = ("munder", "mover") if tree.text else ("msub", "msup")
    both = "munderover" if tree.text else "msubsup"
    if has_below and has_above:
        return f"<{both}>{element(base)}{element(below)}{element(above)}</{both}>"
    if has_below:
        return f"<{under}>{element(base)}{element(below)}</{under}>"
    return f"<{over}>{element(base)}{element(above)}</{over}>"


def _styled(tree: Tree) -> str:
    """Letters in another style: MathML Core has characters for them."""
    shift = {"mathbf": _bold, "boldsymbol": _bold, "mathbb": _double}.get(tree.kind)
    text = "".join(shift(c) for c in tree.text) if shift else tree.text
    if tree.text.isdigit():
        return f"<mn>{escape(text)}</mn>"
    return f'<mi mathvariant="normal">{escape(text)}</mi>'


def _bold(c: str) -> str:
    if "A" <= c <= "Z":
        return chr(0x1D400 + ord(c) - 65)
    if "a" <= c <= "z":
        return chr(0x1D41A + ord(c) - 97)
    if "0" <= c <= "9":
        return chr(0x1D7CE + ord(c) - 48)
    if "Α" <= c <= "Ω":
        return chr(0x1D6A8 + ord(c) - 0x391)
    if "α" <= c <= "ω":
        return chr(0x1D6C2 + ord(c) - 0x3B1)
    return c


def _double(c: str) -> str:
    special = {"R": "ℝ", "N": "ℕ", "Z": "ℤ", "C": "ℂ", "Q": "ℚ", "P": "ℙ"}
    if c in special:
        return special[c]
    if "0" <= c <= "9":
        return chr(0x1D7D8 + ord(c) - 48)
    return chr(0x1D538 + ord(c) - 65) if "A" <= c <= "Z" else c


__all__ = ["element", "to_mathml"]
