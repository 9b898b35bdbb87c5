"""What undeclared names are: kinds from how they are written, sizes by unification over the whole document."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from sympy import Dummy, Expr

from ..errors import SymDerivError
from ..expr.nodes import Call, Node, Var
from ..expr.sizes import unifying
from ..expr.walk import postorder
from ..read.infer import Inference, sentence
from ..read.latex.document import Context, settled_declarations
from ..read.latex.families import assume_families, find_families, without_families
from ..read.latex.identifiers import size_letters
from ..read.latex.naming import ACCENTS, GREEK, Key, label_text
from ..read.latex.plans import plan_statements
from ..read.latex.reader import LatexReader
from ..read.latex.scripts import TRANSPOSES, content
from ..read.latex.statements import read_statement
from ..read.latex.tokens import Clock
from ..read.latex.tree import Group, Item, Token, is_char, is_macro, plain_text
from .reading import differential_of
from .relations import Chain
from .scope import Meaning

BOLD = ("mathbf", "boldsymbol", "bm", "pmb", "vec", "symbf", "textbf")


def infer(
    text: str,
    chains: Sequence[Chain],
    meaning: Meaning,
    name: str,
    defined: Iterable[str] = (),
    squares: frozenset[str] = frozenset(),
    context: Context | None = None,
    shapes: Mapping[str, tuple[Expr, ...]] | None = None,
) -> tuple[list[str], dict[str, set[str]]]:
    """Adds what the document's use of undeclared names says to the declarations; sentences that tell it, and what the values of undefined
    functions depend on.

    A document is read again where it adds a name that was taken for a number to an array: `W x + b`.
    """
    added: dict[Key, int] = {}
    for _ in range(ROUNDS):
        assumed, told, applied, more = _assumed(text, chains, meaning, name, defined, squares, context, added, shapes or {})
        if not more:
            break
        added |= more
    meaning.vars.update(assumed)
    return told, applied


ROUNDS = 3


def _assumed(
    text: str,
    chains: Sequence[Chain],
    meaning: Meaning,
    name: str,
    defined: Iterable[str],
    squares: frozenset[str],
    context: Context | None,
    added: Mapping[Key, int],
    shapes: Mapping[str, tuple[Expr, ...]],
) -> tuple[dict[str, tuple[Var, str]], list[str], dict[str, set[str]], dict[Key, int]]:
    """What undeclared names are, told; what undefined functions depend on; and numbers that are added to arrays, with their rank."""
    declared = meaning.declared()
    inference = Inference()
    items = tuple(i for c in chains for side in c.sides for i in side)
    letters = [s for s in size_letters(items) if s not in declared.vars and s not in declared.sizes]
    unknown: dict[str, Expr] = {s: Dummy(f"size_s{k}_", integer=True, positive=True) for k, s in enumerate(letters)}
    context = context or Context()
    families = find_families(declared, [c.raw(*range(len(c.sides))) for c in chains])
    declared = without_families(declared, families)
    numbered = {**families.ready, **{f.name: len(f.letters) for f in families.found}}
    r = LatexReader(
        text,
        declared,
        Clock(text),
        inference,
        name,
        context,
        sizes=dict(unknown),
        families=numbered,
        labels=families.labels,
        squares=squares,
        elsewhere=frozenset(defined),
    )
    defined = set(defined)
    for key, rank, why in evident_arrays(chains):
        of_label = any(
            x in declared.vars and declared.vars[x].is_a("integer") for x in key.labels
        )  # u_o of the label o is an entry
        if not of_label and not r.table.find(key) and key.identifier not in defined:
            inference.guess(key.identifier, rank, why)
            r.table.add(key.identifier, key)
    for key, why in evident_scalars(chains):
        if not r.table.find(key) and key.identifier not in defined:
            inference.guess(key.identifier, 0, why)
            r.table.add(key.identifier, key)
    for key, rank in added.items():
        if not r.table.find(key):
            inference.guess(key.identifier, rank, "it is added to an array")
            r.table.add(key.identifier, key)
    words: list[Node] = []
    with unifying(inference.unifier):
        assume_families(r, families)
        _assume_hats(r, chains, inference, defined)
        for chain in chains:
            if not chain.sides[0] or len(chain.sides) < 2:
                continue
            words += _try(r, chain, inference, differential_of(chain) if "d" not in declared.vars else "", shapes)
        for s, size in unknown.items():
            if isinstance(inference.unifier.find(size), Dummy):
                from ..expr.sizes import size_symbol

                inference.unifier.unify(size, size_symbol(s))
    final, told = settled_declarations(inference, declared, unknown)
    used = set(inference.guesses) - {f.name for f in families.found}
    assumed: dict[str, tuple[Var, str]] = {}
    for v in final.vars.values():
        if v.name not in meaning.vars and v.name in used and v.name not in defined:
            assumed[v.name] = (v, f"assumed ({inference.guesses[v.name].why})")
            told.append(sentence(v, inference.guesses[v.name].why))
    ranks = {n: rank for n, rank in _added_to_arrays(words).items() if n in assumed and not assumed[n][0].rank}
    more = {key: ranks[n] for key, names in r.table.by_key.items() for n in names if n in ranks}
    return assumed, told, r.applied, more


def _added_to_arrays(words: Sequence[Node]) -> dict[str, int]:
    """Names of numbers that stand alone as a term beside arrays."""
    found: dict[str, int] = {}
    for node in postorder(*words):
        if isinstance(node, Call) and node.name == "add" and node.rank:
            for x in node.operands:
                x = x.operands[0] if isinstance(x, Call) and x.name == "neg" else x
                if isinstance(x, Var) and not x.rank:
                    found[x.name] = node.rank
    return found


def _assume_hats(r: LatexReader, chains: Iterable[Chain], inference: Inference, defined: set[str]) -> None:
    r"""`\hat y` beside a declared y has the shape of y."""
    todo: list[Sequence[Item]] = [side for c in chains for side in c.sides]
    while todo:
        items = list(todo.pop())
        todo.extend(i.items for i in items if not isinstance(i, Token))
        for k, item in enumerate(items):
            inner = content(items[k + 1]) if is_macro(item, "hat", "widehat", "tilde", "widetilde") and k + 1 < len(items) else ()
            while len(inner) > 1 and is_macro(inner[0], *BOLD):
                inner = content(inner[1])
            letter = inner[0] if len(inner) == 1 else None
            if not isinstance(letter, Token) or not (len(letter.text) == 1 or letter.text in GREEK):
                continue
            plain, key = Key(letter.text), Key(letter.text, (ACCENTS[item.text],))  # type: ignore[union-attr]
            name = r.table.find(plain)
            known = r.declared.vars.get(name[0]) if len(name) == 1 else None
            if known is None or r.table.find(key) or key.identifier in defined or known.name in r.families:
                continue
            v = inference.guess(key.identifier, known.rank, f"as {known.name} is declared")
            r.table.add(key.identifier, key)
            for a, b in zip(v.shape, known.shape, strict=True):
                r.unify(a, b)


def _try(
    r: LatexReader, chain: Chain, inference: Inference, differential: str, shapes: Mapping[str, tuple[Expr, ...]]
) -> list[Node]:
    """The words of one chain, for what it says about sizes; one that cannot be read, or contradicts the others, says nothing.

    `shapes` are those of declared names: what is declared and defined has one shape.
    """
    bound, guesses, unknown = dict(inference.unifier.bound), dict(inference.guesses), list(inference.unknown)
    needed, definitions, table = list(inference.needed), dict(r.definitions), {k: list(v) for k, v in r.table.by_key.items()}
    names = set(r.table.names)
    r.clock, r.context = Clock(r.source, r.name), replace(r.context, differentials=differential)
    try:
        words: list[Node] = []
        for plan in plan_statements(r, [chain.raw(*range(len(chain.sides)))]):
            st = read_statement(r, plan)
            words += [s.words for s in (*((st.left,) if st.left is not None else ()), *st.right)]
            shape = shapes.get(st.name, ()) if st.kind == "definition" else ()
            if st.right and len(shape) == st.right[0].words.rank:
                for a, b in zip(st.right[0].words.shape, shape, strict=True):
                    r.unify(a, b)
        return words
    except (SymDerivError, RecursionError, ValueError, TypeError, AttributeError, KeyError, IndexError):
        inference.unifier.bound.clear()
        inference.unifier.bound.update(bound)
        inference.guesses, inference.unknown, inference.needed = guesses, unknown, needed
        kept = {k: d for k, d in r.definitions.items() if k in definitions}
        r.definitions, r.table.by_key, r.table.names = kept, table, names
        for d in r.definitions.values():
            d.busy = False
        return []


def evident_arrays(chains: Iterable[Chain]) -> list[tuple[Key, int, str]]:
    """Names that are written as arrays: bold, under an arrow, transposed, between double bars."""
    found: dict[Key, tuple[int, str]] = {}
    for chain in chains:
        for side in chain.sides:
            _walk(side, found)
    return [(k, rank, why) for k, (rank, why) in found.items()]


def evident_scalars(chains: Iterable[Chain]) -> list[tuple[Key, str]]:
    r"""Names that are written as numbers: the letter of `\frac{d}{dt}`, one that is squared."""
    found: dict[Key, str] = {}
    for chain in chains:
        for side in chain.sides:
            _numbers(side, found)
    return list(found.items())


def _numbers(items: Sequence[Item], found: dict[Key, str]) -> None:
    items = list(items)
    for k, item in enumerate(items):
        if not isinstance(item, Token):
            _numbers(item.items, found)
            continue
        if is_macro(item, "frac", "dfrac", "tfrac") and k + 2 < len(items):
            below = list(content(items[k + 2]))
            last = below[-1] if len(below) == 1 or (len(below) == 2 and getattr(below[0], "kind", "") == "number") else None
            if isinstance(last, Token) and last.kind == "char" and last.text.isupper():
                found.setdefault(Key(last.text), "something is divided by it")
            if is_macro(below[0] if below else None, "mathrm") and len(below) == 3:
                below = [*content(below[1]), below[2]]
            letter = below[1] if len(below) == 2 and is_char(below[0], "d") else None
            if isinstance(letter, Token) and ((letter.text.isalpha() and len(letter.text) == 1) or letter.text in GREEK):
                found.setdefault(Key(letter.text), "it is differentiated by as a number, d/d" + letter.text)
        plain = (item.kind == "char" and item.text.isalpha() and item.text.islower()) and not _after_macro(items, k)
        plain = plain and not (item.text == "d" and k == 0 and len(items) == 3)  # of \frac{d^2}{dx^2}
        if plain and k + 2 < len(items) and isinstance(items[k + 1], Token) and items[k + 1].kind == "sup":  # type: ignore[union-attr]
            power = content(items[k + 2])
            if (
                len(power) == 1
                and isinstance(power[0], Token)
                and power[0].kind == "number"
                and int(power[0].text[:3].split(".")[0]) > 1
            ):
                found.setdefault(Key(item.text), "it is raised to a power")


def _after_macro(items: Sequence[Item], k: int) -> bool:
    return k > 0 and isinstance(items[k - 1], Token) and items[k - 1].kind in ("sub", "sup")  # type: ignore[union-attr]


def _walk(items: Sequence[Item], found: dict[Key, tuple[int, str]]) -> None:
    items = list(items)
    for k, item in enumerate(items):
        if _after_macro(items, k):
            continue  # a subscript or a superscript says nothing about its own letters
        if not isinstance(item, Token):
            _walk(item.items, found)
            continue
        key: Key | None = None
        why = ""
        used = 1
        if is_macro(item, *BOLD) and k + 1 < len(items):
            inner = content(items[k + 1])
            if (
                len(inner) == 1
                and isinstance(inner[0], Token)
                and ((inner[0].text.isalpha() and len(inner[0].text) == 1) or inner[0].text in GREEK)
            ):
                key, why, used = Key(inner[0].text), "it is in bold", 2
        elif (item.kind == "char" and item.text.isalpha()) or (item.kind == "macro" and item.text in GREEK):
            key = Key(item.text)
        if key is None:
            continue
        label, transpose = _scripts(items, k + used)
        matrix = (
            key.base in GREEK
            and key.base[:1].isupper()
            and (_inverted(items, k + used) or is_macro(items[k - 1] if k else None, "det"))
        )
        if matrix:
            found.setdefault(key.labelled(label) if label else key, (2, "its inverse or determinant is taken"))
            continue
        if not why and not transpose:
            continue
        if label is None or (label and key == Key("e") and why):
            continue  # an index, or a unit vector
        rank = 2 if key.base[:1].isupper() else 1
        found.setdefault(key.labelled(label) if label else key, (rank, why or "it is transposed"))


def _inverted(items: Sequence[Item], k: int) -> bool:
    """Whether `^{-1}` follows."""
    above = [
        items[j + 1]
        for j in range(k, min(k + 3, len(items) - 1))
        if is_char(items[j], "^") or getattr(items[j], "kind", "") == "sup"
    ]
    return any(plain_text(content(x)).replace(" ", "") == "-1" for x in above)


def _scripts(items: Sequence[Item], k: int) -> tuple[str | None, bool]:
    """The label below, None for an index; and whether a transpose stands above."""
    label: str | None = ""
    transpose = False
    while k + 1 < len(items) and isinstance(items[k], Token) and items[k].kind in ("sub", "sup"):  # type: ignore[union-attr]
        inner = content(items[k + 1])
        if items[k].kind == "sub":  # type: ignore[union-attr]
            text = label_text(inner)
            label = text if text is not None and (text.isdigit() or len(text) > 1) else None
        else:
            flat = [t for i in inner for t in ((i,) if isinstance(i, Token) else content(i) if isinstance(i, Group) else ())]
            bare = [t for t in flat if not (is_char(t, "-", "{", "}") or (isinstance(t, Token) and t.text == "1"))]
            last = bare[-1] if bare and (len(bare) == 1 or isinstance(inner[0], Group)) else None
            transpose = transpose or is_char(last, "T") or is_macro(last, *TRANSPOSES)
            if any(isinstance(i, Group) and i.opener == "(" for i in inner):
                label = None
        k += 2
    return label, transpose


__all__ = ["evident_arrays", "infer"]
