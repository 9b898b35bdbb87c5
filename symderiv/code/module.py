"""The text of a module that stands alone: one function of the variables, shape checks, the helpers it uses."""

from __future__ import annotations

import builtins
import keyword
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sympy import Expr, Symbol

from ..errors import CodeError
from ..expr.nodes import Call, Node, Num, Var
from ..expr.sizes import show_shape
from ..expr.walk import postorder, variables
from .blocks import split
from .canonical import canonical
from .dialect import NUMPY, Dialect
from .emit import VIEWS, Emitter, Names, guessed_sizes, statements
from .spell import ADD, POW, Piece, spell_number

Arguments = Sequence[Var] | None


_RESERVED = {"np", "jnp", "jax", "torch", "math", "functools", "numba", "_like"}


class _Sizes(Mapping[Expr, str]):
    """Size symbol -> its name in the function; remembers which were asked for."""

    def __init__(self, names: dict[Expr, str]) -> None:
        self.names = names
        self.used: dict[Expr, None] = {}

    def __getitem__(self, size: Expr) -> str:
        self.used[size] = None
        return self.names[size]

    def __contains__(self, size: object) -> bool:
        return size in self.names

    def __iter__(self) -> Iterator[Expr]:
        return iter(self.names)

    def __len__(self) -> int:
        return len(self.names)


def check_name(name: str, what: str) -> str:
    """A name that can stand in Python source.

    Raises:
        CodeError: SD506.
    """
    allowed = name.isidentifier() and not keyword.iskeyword(name) and name != "__debug__"
    if not allowed or unicodedata.normalize("NFKC", name) != name:
        raise CodeError(f"{what} {name!r} cannot be a name in Python", code="SD506", hint="rename it")
    return name


def size_symbols(roots: Sequence[Node], args: Sequence[Var]) -> list[Symbol]:
    """All size symbols, in order of first occurrence."""
    found: dict[Any, None] = {}
    for node in (*args, *postorder(*roots)):
        groups = list(node.shape)
        if isinstance(node, Num):
            groups.append(node.value)
        elif isinstance(node, Call):
            groups.append(node.args[2])
        for g in groups:
            found.update(dict.fromkeys(sorted(g.free_symbols, key=str)))
    return list(found)


class Module:
    """One function and what it needs."""

    def __init__(
        self,
        roots: list[Node],
        single: bool,
        name: str,
        args: Arguments,
        doc: str = "",
        value_names: Sequence[str] | None = None,
        dialect: Dialect = NUMPY,
        blocks: bool = False,
    ) -> None:
        self.dialect = dialect
        roots = [Emitter._checked(r) for r in roots]
        self.single, self.name, self.doc, self.value_names = single, name, doc, value_names
        self.inside = variables(*roots)
        self.args = list(dict.fromkeys(args)) if args is not None else self.inside
        self._check_names()
        self.roots = roots
        written = canonical(roots, guessed_sizes([s for v in self.inside for s in v.shape]))
        if blocks and not dialect.functional:
            written = split(written, self.inside)
        params = [v.name for v in self.args]
        symbols = size_symbols(roots, self.args)
        names = Names({*params, name, *_RESERVED, *dialect.helpers, *keyword.kwlist, *dir(builtins)})
        self.sizes = _Sizes({s: names.fresh(s.name if s.name.isidentifier() else "size") for s in symbols})
        self.emitter = Emitter(written, self.sizes, names, dialect=dialect)
        self.emitter.user_names = set(params)
        self.known: dict[Expr, tuple[str, str]] = {}  # size -> (source, place)

    def _check_names(self) -> None:
        check_name(self.name, "the function name")
        if self.name in _RESERVED or hasattr(builtins, self.name) or self.name in self.dialect.helpers:
            raise CodeError(f"a function named {self.name} would hide one that the code uses", code="SD506")
        seen: set[str] = set()
        for v in self.args:
            if check_name(v.name, "the variable") in seen:
                raise CodeError(f"two variables are called {v.name}", code="SD506")
            seen.add(v.name)
        missing = [v.name for v in self.inside if v not in self.args]
        if missing:
            raise CodeError(f"the expression uses {', '.join(missing)}, which is not among the arguments", code="SD506")

    def text(self) -> str:
        """The whole module."""
        return modules_text([self])

    def function(self) -> list[str]:
        """The lines of the function; what it needs is in the emitter afterwards."""
        pieces = self.emitter.emit()
        returned = [self._returned(root, piece) for root, piece in zip(self.roots, pieces, strict=True)]
        body = statements(self.emitter.scope.lines)
        head, keywords = self._head()
        if any("_like" in line for line in (*body, *returned)):
            arrays = [v.name for v in self.args if v in self.used_args]
            head.append(self.emitter.source(self.dialect.like(arrays)))
        params, optional = [], False
        for v in self.args:
            optional = optional or v not in self.used_args
            params.append(f"{v.name}=None" if optional else v.name)
        if keywords:
            params.append("*")
            params.extend(f"{k}=None" if optional else k for k in keywords)
        value = returned[0] if self.single else f"({', '.join(returned)}{',' if len(returned) == 1 else ''})"
        self.parameters, self.keywords = params, keywords
        lines = [f"def {self.name}({', '.join(params)}):", *self._docstring(), *("    " + x for x in head)]
        lines += [f"    {x}" if x else "" for x in body] + [f"    return {value}"]
        return [*self.dialect.decorators(keywords), *lines]

    def _returned(self, root: Node, piece: Piece) -> str:
        if piece.kind != "float":
            return f"{self.emitter.word('_result')}({piece.text})"
        if isinstance(root, Var) or (isinstance(root, Call) and root.name in VIEWS):
            return self.emitter.source_around(self.dialect.own_copy("{}"), piece.text)
        return piece.text

    # arguments and sizes ------------------------------------------------------------------------------------------------------
    def _head(self) -> tuple[list[str], list[str]]:
        """Statements that convert and check the arguments, and the sizes that are parameters."""
        wanted = set(self.sizes.used) | {s for s, _ in self.emitter.bounds} | {s for _, s in self.emitter.labels}
        wanted = set().union(*(s.free_symbols for s in wanted)) if wanted else set()
        used = [v for v in self.args if v in self.inside]
        given = set().union(*(s.free_symbols for v in used for s in v.shape)) if used else set()
        for v in self.args:  # an argument that only gives a size
            if v not in self.inside and any(s in wanted and s not in given for s in v.shape):
                used.append(v)
                given |= set().union(*(s.free_symbols for s in v.shape))
        self.used_args = set(used)
        lines = [self._convert(v) for v in used]
        axes = [(v, k, s) for v in used for k, s in enumerate(v.shape)]
        places = self._find_sizes(axes, lines)
        keywords = []
        for s in self.sizes.names:
            if s in wanted and s not in self.known:
                name = self.sizes.names[s]
                keywords.append(name)
                self.known[s] = (name, "the arguments")
                lines.append(f"{name} = {self.emitter.word('_whole_size')}({str(s)!r}, {name})")
        lines += self._size_checks(axes, places)
        for (size, least), _ in self.emitter.bounds.items():
            lines.append(f"{self.emitter.word('_at_least')}({str(size)!r}, {self._spell(size)}, {least})")
        for (v, size), _ in self.emitter.labels.items():
            keeps = f"{v.name} = " if self.dialect.functional and self.dialect.name == "jax" else ""
            lines.append(f"{keeps}{self.emitter.word('_in_range')}({v.name!r}, {v.name}, {self._spell(size)})")
        return lines, keywords

    def _spell(self, size: Expr) -> str:
        return self.emitter.source(self.dialect.number(spell_number(size, self.sizes).text))

    def _convert(self, v: Var) -> str:
        whole = ", whole=True" if v.is_a("integer") else ""
        return f"{v.name} = {self.emitter.word('_array')}({v.name}, {v.name!r}, {v.rank}{whole})"

    def _find_sizes(self, axes: list[tuple[Var, int, Expr]], lines: list[str]) -> set[tuple[Var, int]]:
        """Statements that read sizes from shapes; returns the axes they were read from."""
        places: set[tuple[Var, int]] = set()
        for v in dict.fromkeys(v for v, _, _ in axes):
            new = [(k, s) for k, s in enumerate(v.shape) if isinstance(s, Symbol) and s not in self.known]
            new = list({s: (k, s) for k, s in reversed(new)}.values())[::-1]
            for k, s in new:
                self.known[s] = (self.sizes.names[s], f"{v.name} (axis {k})")
                places.add((v, k))
            if len(new) == v.rank > 1:
                lines.append(f"{', '.join(self.sizes.names[s] for s in v.shape)} = {v.name}.shape")
            else:
                lines.extend(f"{self.sizes.names[s]} = {v.name}.shape[{k}]" for k, s in new)
        progress = True
        while progress:  # n from an axis of size n + 1 or n*d, where the rest is known
            progress = False
            for v, k, size in axes:
                unknown = [s for s in size.free_symbols if s not in self.known]
                if len(unknown) != 1 or not size.is_polynomial(unknown[0]) or size.as_poly(unknown[0]).degree() != 1:
                    continue
                s = unknown[0]
                factor, rest = size.as_poly(s).all_coeffs()
                text = f"{v.name}.shape[{k}]"
                if rest != 0:
                    text = f"{text} - {spell_number(rest, self.sizes).at(ADD + 1)}"
                if factor != 1:
                    text = f"{f'({text})' if rest != 0 else text}//{spell_number(factor, self.sizes).at(POW)}"
                lines.append(f"{self.sizes.names[s]} = {text}")
                self.known[s] = (self.sizes.names[s], f"{v.name} (axis {k})")
                progress = True
        return places

    def _size_checks(self, axes: list[tuple[Var, int, Expr]], places: set[tuple[Var, int]]) -> list[str]:
        lines = []
        for v, k, size in axes:
            if (v, k) in places or any(s not in self.known for s in size.free_symbols):
                continue
            where = "its declaration" if size.is_Integer else "the other arrays"
            place = self.known[size][1] if size in self.known else where
            spelt, other = self._spell(size), f"{v.name}.shape[{k}]"
            lines.append(f"if {other} != {spelt}:")
            lines.append(f'    raise ValueError(f"size {size} is {{{spelt}}} in {place} but {{{other}}} in {v.name} (axis {k})")')
        return lines

    # text around the function -------------------------------------------------------------------------------------------------
    def _docstring(self) -> list[str]:
        lines = [self.doc or self._formula(), ""]
        shown = ", ".join(f"{v.name} {show_shape(v.shape)}" + ("" if v in self.used_args else " (not used)") for v in self.args)
        names = self.value_names or [""] * len(self.roots)
        values = ", ".join(f"{n} {show_shape(r.shape)}".strip() for n, r in zip(names, self.roots, strict=True))
        lines += [f"Shapes: {shown or 'no arguments'}; returns {values}."]
        text = "\n    ".join(lines).replace("\\", "\\\\").replace('"', '\\"').replace("\0", "")
        return ['    """' + text.replace("\n    \n", "\n\n"), '    """']

    def _formula(self) -> str:
        if sum(r.tree_size for r in self.roots) > 400:
            return "Written by symderiv."
        return ", ".join(str(r) for r in self.roots)


def modules_text(modules: Sequence[Module], after: Sequence[str] = ()) -> str:
    """One module with several functions of one dialect, and lines after them."""
    dialect = modules[0].dialect
    functions = [m.function() for m in modules]
    wanted: dict[str, None] = {}
    aliases: dict[str, str] = {}
    for m in modules:
        wanted |= m.emitter.helpers
        aliases |= m.emitter.aliases
    for line in after:
        wanted |= dict.fromkeys(h for h in re.findall(r"\b(_[a-z]\w*)\(", line) if h in dialect.helpers)
    lines: list[str] = []
    for h in _with_dependencies(wanted, dialect.helpers):
        lines += [*dialect.helpers[h].split("\n"), "", ""]
    if aliases:
        lines += [f"{alias} = {name}  # {name} is a variable below" for name, alias in aliases.items()] + ["", ""]
    for function in functions:
        lines += [*function, "", ""]
    text = "\n".join([*lines, *after]).rstrip() + "\n"
    imports = [line for line in dialect.imports if not line or re.search(rf"\b{line.split()[-1]}\.", text)]
    while imports and not imports[0]:
        imports.pop(0)
    return "\n".join([*imports, "", "", text])


def _with_dependencies(names: Mapping[str, None], helpers: Mapping[str, str]) -> list[str]:
    """Helpers and the helpers they use, in the order of the runtime's text."""
    wanted, stack = set(), list(names)
    while stack:
        name = stack.pop()
        if name not in wanted and name in helpers:
            wanted.add(name)
            stack.extend(m for m in re.findall(r"\b(_[a-zA-Z]\w*)\b", helpers[name]) if m in helpers)
    return [h for h in helpers if h in wanted]
