"""One chain: what each of its relations says, and whether it holds."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace

from ..errors import ShapeError, SymDerivError
from ..expr.nodes import Call, Index, Node, Var
from ..expr.walk import postorder, variables
from ..read.latex.arrays import entries_to_array
from ..read.latex.tree import Item, is_char, is_macro, tokens_below
from ..read.latex.values import NoProduct
from .chainrule import chain_rule, factors_of
from .compare import Comparison, compare_sides, holds_as_inequality, is_zero
from .outcome import Outcome, Value
from .reading import Reading, Sided
from .relations import Chain
from .rows import flat_items
from .values import Unknown, Values, differentials, resolved, same_shape, truth_of_side, with_differentials

RECENT = 2  # wrong sides from which a later one may follow
SHOWN = {"scalar": "a scalar", "column": "a column", "row": "a row", "matrix": "a matrix", "tensor": "an array of rank 3 or more"}


@dataclass
class ChainJudge:
    """Judges the relations of one chain.

    Attributes:
        chain, reading: as written and as read.
        values: derivatives of the document.
        name_of: what a side is called in messages.
        layout: any, numerator, denominator.
        mask: one more condition, over the free indices.
        guessed: names whose kind was assumed.
    """

    chain: Chain
    reading: Reading
    values: Values
    text: str
    lines: list[int]
    layout: str = "any"
    chain_rule_context: object = None
    posed: list[Node] = field(default_factory=list)
    sides: list[Value] = field(default_factory=list)
    mask: Node | None = None
    guessed: frozenset[str] = frozenset()

    def outcomes(self) -> list[Outcome]:
        """One for each relation of the chain."""
        self.values.undefined = undefined_of(self.reading)
        self.sides = [self._value(k, s) for k, s in enumerate(self.reading.sides)]
        self._by_which()
        self._chain_rules()
        return list(self._walk())

    # values --------------------------------------------------------------------------------------------------------------------
    def _value(self, k: int, side: Sided) -> Value:
        if side.error is not None:
            return Value(None, reason=side.error.message, code=side.error.code, error=side.error)
        try:
            if side.derivative is not None:
                words, truth = truth_of_side(self.values, self.reading, side.derivative)
                return self._with_doubt(Value(self.values.as_supposed(words), "", truth=truth), truth.open, truth.beside)
            assert side.words is not None
            words, unknown, beside = resolved(self.values, self.reading, side.words)
            written = words
            if differentials(self.reading):
                words = with_differentials(self.values, self.reading, words, self.varying())
            value = Value(self.values.as_supposed(words), side.kind, written=written, rest=side.rest)
            return self._with_doubt(value, unknown, beside)
        except Unknown as error:
            return Value(None, side.kind, error.reason, error.code, hangs=error.hangs)
        except SymDerivError as error:
            return Value(None, side.kind, error.message, error.code)

    def _with_doubt(self, value: Value, unknown: Collection[Var], beside: str) -> Value:
        """A value with why it may be another one than it seems."""
        names = ", ".join(sorted({f"∂{d.name or 'f'}/∂{d.variable}" for d in self.reading.unknowns.values() if d.order}))
        open_ = f"it holds only for some values of {names or 'a derivative'}, which nothing defines"
        return replace(value, open=bool(unknown), doubt=open_ if unknown else beside)

    def _by_which(self) -> None:
        """`∇f` without a subscript: by the one variable of f, or by that one for which the next side is right."""
        d = self.reading.sides[0].derivative
        if d is None or d.var is not None or d.numerator is None or d.numerator_indices or d.arguments:
            return
        right = next((s for s in self.sides[1:] if s.words is not None), None)
        able = [v for v in variables(d.numerator) if not v.is_a("integer")]
        if right is None or right.words is None:
            return
        for v in able:
            if d.numerator.rank or not same_shape(v.shape * d.order, right.words.shape):
                continue
            try:
                words, truth = truth_of_side(self.values, self.reading, replace(d, var=v, variable=v.name, variables=()))
            except Unknown:
                continue
            if len(able) == 1 or compare_sides(words, right.words, "it", explain=False).equal is True:
                self.sides[0] = self._with_doubt(Value(words, "", truth=truth), truth.open, truth.beside)
                return

    def varying(self) -> list[Var]:
        """The variables whose differentials are written; where none is, all that occur below a differential."""
        known = differentials(self.reading)
        direct = [n for n in known.values() if isinstance(n, Var)]
        if direct:
            return list(dict.fromkeys(direct))
        return [v for v in variables(*known.values()) if not v.is_a("integer")]

    @property
    def varying_is_told(self) -> bool:
        known = differentials(self.reading)
        return not known or any(isinstance(n, Var) for n in known.values())

    def _chain_rules(self) -> None:
        """Products of derivatives of arrays, which are no products of matrices as they stand."""
        first = self.reading.sides[0].derivative
        if self.chain_rule_context is None:
            return
        for k, value in enumerate(self.sides):
            if value.words is None and k < len(self.chain.sides) and self.chain.sides[k]:
                found = chain_rule(self.chain_rule_context, self.chain, k, first, self.values, self.reading)
                if isinstance(found, Node):
                    self.sides[k] = Value(self.values.as_supposed(found), "")
                elif found:
                    value.reason, value.code, value.error = found, "", None

    # relations -----------------------------------------------------------------------------------------------------------------
    def _walk(self) -> Iterator[Outcome]:
        anchor: int | None = 0 if self.sides[0].words is not None else None
        wrong: list[int] = []
        for k in range(1, len(self.sides)):
            sign = self.chain.signs[k - 1]
            value = self.sides[k]
            if sign not in ("=", ":=", "<-", "posed", "=:"):
                yield self._other_relation(k, sign)
                anchor, wrong = (k if value.words is not None else None), []
                continue
            if value.words is None:
                yield self._unread(k, anchor)
                continue
            if anchor is None:
                before = self.sides[k - 1]
                reason = before.reason or "what stands before it is not read"
                yield Outcome(k, "skipped", reason=reason, code=before.code, hangs=before.hangs)
                anchor = k
                continue
            if sign == "posed" or self._poses(k, anchor):
                yield self._pose(k, anchor)
                continue
            if self.reading.kind == "update" and k > 1 and self.sides[1].words is not None:
                anchor = 1  # `w <- a = b`: b is a, and not the old w
            outcome = self._equal(anchor, k)
            if outcome.status == "wrong" and any(self._equal(w, k).status == "right" for w in wrong[-RECENT:]):
                yield Outcome(k, "right", outcome.what, how="it follows from the side before it, which is wrong")
                continue
            if outcome.status == "wrong":
                wrong.append(k)
            yield outcome

    def _poses(self, k: int, anchor: int) -> bool:
        words, before = self.sides[k].words, self.sides[anchor].words
        assert words is not None and before is not None
        return is_zero(words) and not is_zero(before) and _written_as_zero(self.chain.sides[k])

    def _pose(self, k: int, anchor: int) -> Outcome:
        words, zero = self.sides[anchor].words, self.sides[k].words
        assert words is not None and zero is not None
        if not is_zero(zero):
            words = Call("add", words, Call("neg", zero)) if same_shape(words.shape, zero.shape) else words
        elif same_shape(words.shape, zero.shape) and compare_sides(words, zero, "0", explain=False).equal is True:
            return Outcome(k, "right", "identity", how="it is 0 everywhere")
        self.posed.append(words)
        return Outcome(k, "posed", "condition", how="an equation is posed")

    def _unread(self, k: int, anchor: int | None) -> Outcome:
        value = self.sides[k]
        error = value.error
        if isinstance(error, ShapeError) and error.operation and self._certain(error, k):
            notes = (error.hint,) if error.hint else ()
            return Outcome(k, "wrong", "shape", kind="shape", message=error.message, notes=notes, certain=True)
        if isinstance(error, NoProduct) and error.columns and self._certain(error, k):
            message = " and ".join(error.columns) + ": as columns they have no product."
            notes = ("one of the two has to be transposed",)
            return Outcome(k, "wrong", "shape", kind="shape", message=message, notes=notes, certain=True)
        return Outcome(k, "skipped", reason=value.reason or "it is not read", code=value.code, hangs=value.hangs)

    def _certain(self, error: SymDerivError, k: int) -> bool:
        """Whether everything that stands at the place of an error is declared."""
        here = error.span
        tokens = {
            t.text
            for t in tokens_below(self.chain.sides[k])
            if t.text.isalpha() and (here is None or here.start <= t.start < here.stop)
        }
        names = {n for n in (*error.guessed, *self.guessed) if n in tokens or n.split("_")[0].rstrip("0123456789") in tokens}
        return not names and (
            not self.reading.assumed
            or not any(f"`{n}" in error.message or f" {n} is" in error.message for n in self.reading.assumed)
        )

    def _equal(self, anchor: int, k: int) -> Outcome:
        a, b = self.sides[anchor], self.sides[k]
        assert a.words is not None and b.words is not None
        what = "derivative" if a.truth is not None else "differential" if differentials(self.reading) else "identity"
        if a.rest or b.rest:
            return self._up_to_rest(k, a, b)
        if not same_shape(a.words.shape, b.words.shape):
            return self._other_shape(anchor, k, what)
        if {a.kind, b.kind} == {"row", "column"}:
            return Outcome(
                k, "wrong", what, kind="shape", message=f"{SHOWN[b.kind].capitalize()} is set equal to {SHOWN[a.kind]}.",
                fixed=b.words, notes=("one of the two has to be transposed",),
            )  # fmt: skip
        mask = self._mask()
        sample = a.truth.problem.expr if a.truth is not None and not a.truth.back else None
        written = self.reading.sides[k].entry
        plain = written is not None and not set(variables(written)) & set(self.reading.unknowns)
        entry = (written, self.reading.entries) if plain and written is not None and self.reading.entries else None
        both, called = (a.words, b.words), self._called(anchor)
        found = compare_sides(*both, called, sample, mask, entry, explain=False)
        told = self._told(found, anchor, k, what)
        if told.status == "wrong" and found.equal is False and told.how == found.how:
            told.explain = lambda: compare_sides(*both, called, sample, mask, entry)
        return told

    def _up_to_rest(self, k: int, a: Value, b: Value) -> Outcome:
        r"""`dL = A + \cdots`: right where the two agree along the variables whose differentials stand beside the dots."""
        along = self._agree_along(a, b, [s for s in (a, b) if s.rest])
        if not along:
            return Outcome(k, "skipped", "differential", reason=r"`\cdots` stands for terms that are not written")
        return Outcome(k, "right", "differential", how=along)

    def _agree_along(self, a: Value, b: Value, shown: Sequence[Value]) -> str:
        """Whether two sides agree where only what stands below differentials in some sides varies: which, in words, or ""."""
        known = differentials(self.reading)
        below = [{x for v in variables(s.written) if v in known for x in variables(known[v])} for s in shown if s.written]
        along = [v for v in self.varying() if below and all(v in s for s in below)]
        few = [v for v in along if v.name in self.values.by]  # the document differentiates by these
        for some in (along, few) if len(few) < len(along) else (along,):
            if some and self._equal_along(a, b, some):
                return f"in the terms of {', '.join('d' + v.name for v in some)}"
        return ""

    def _equal_along(self, a: Value, b: Value, along: list[Var]) -> bool:
        if a.written is None or b.written is None:
            return False
        try:
            x = with_differentials(self.values, self.reading, a.written, along)
            y = with_differentials(self.values, self.reading, b.written, along)
        except Unknown:
            return False
        return same_shape(x.shape, y.shape) and compare_sides(x, y, "it", explain=False).equal is True

    def _told(self, found: Comparison, anchor: int, k: int, what: str) -> Outcome:
        a, b = self.sides[anchor], self.sides[k]
        if found.equal is True and self._unsaid(a) and flat_items(self.chain.sides[k]) != ["0"]:
            return Outcome(k, "skipped", what, reason=self._unsaid(a), hangs=True)  # 0 = 0 whatever is written
        if found.equal is True:
            vote = "numerator" if self._is_jacobian(a) and self._turned_differs(a) else ""
            told = (a.truth.through,) if a.truth is not None and a.truth.through else ()
            return Outcome(k, "right", what, how=found.how, vote=vote, assuming=told)
        if found.equal is None:
            return Outcome(k, "skipped", what, reason=found.how)
        if a.doubt or b.doubt:
            return Outcome(k, "skipped", what, reason=a.doubt or b.doubt, hangs=a.open or b.open)
        unsaid = self._unsaid(a)
        if not unsaid and a.truth is not None and self.reading.sides[0].derivative is not None:
            d = self.reading.sides[0].derivative
            if len(set(self.values.undefined.get(d.name, ()))) > 1:
                unsaid = f"it holds only if `{d.name}` depends on `{d.variable}` in another way too; nothing defines it"
        if unsaid:
            return Outcome(k, "skipped", what, reason=unsaid, hangs=True)
        if what == "differential" and not self.varying_is_told:
            along = self._agree_along(a, b, [b])
            if along:  # `dr = dH w` where H varies and w does not
                return Outcome(k, "right", what, how=along)
            return Outcome(k, "skipped", what, reason="nothing says which variables vary")
        turned = self._denominator(anchor, k)
        if turned is not None:
            return turned
        kind = "chain_rule" if what == "derivative" and factors_of(self.chain.sides[k]) is not None else ""
        return Outcome(k, "wrong", what, how=found.how, kind=kind, fixed=a.words, counterexample=found.counterexample)

    def _unsaid(self, a: Value) -> str:
        """Why a derivative that comes out as 0 is none: the variable does not occur in what is differentiated, so something is unsaid."""
        if a.truth is None or a.truth.back or not variables(a.truth.problem.expr):
            return ""
        missing = next((v for v in a.truth.wrt if v not in set(variables(a.truth.problem.expr))), None)
        return f"nothing says how `{a.truth.problem.source}` depends on `{missing.name}`" if missing is not None else ""

    def _other_shape(self, anchor: int, k: int, what: str) -> Outcome:
        a, b = self.sides[anchor], self.sides[k]
        assert a.words is not None and b.words is not None
        turned = self._denominator(anchor, k)
        if turned is not None:
            return turned
        if a.doubt or b.doubt:
            reason = f"the two sides have different shapes; {a.doubt or b.doubt}"
            return Outcome(k, "skipped", what, reason=reason, hangs=a.open or b.open)
        from ..expr.sizes import show_shape

        kind = "shape"
        message = (
            f"This side has shape {show_shape(b.words.shape)}, {self._called(anchor)} has shape {show_shape(a.words.shape)}."
        )
        if a.words.rank == b.words.rank == 2 and same_shape(a.words.shape[::-1], b.words.shape):
            flipped = Call("T", b.words)
            if compare_sides(a.words, flipped, self._called(anchor), explain=False).equal is True:
                if self._unsaid(a):
                    return Outcome(k, "skipped", what, reason=self._unsaid(a), hangs=True)
                kind, message = "transpose", f"This side is the transpose of {self._called(anchor)}."
        return Outcome(k, "wrong", what, kind=kind, message=message, fixed=a.words)

    def _called(self, anchor: int) -> str:
        side = self.sides[anchor]
        if side.truth is not None:
            return "the derivative"
        line = self.lines[anchor] if anchor < len(self.lines) else 0
        return "the left side" if anchor == 0 and line == self.lines[-1] else f"line {line}"

    # layouts -------------------------------------------------------------------------------------------------------------------
    def _is_jacobian(self, a: Value) -> bool:
        return (
            a.truth is not None
            and a.words is not None
            and a.words.rank == 2
            and not self.reading.entries
            and a.truth.problem.expr.rank == 1
            and len(a.truth.wrt) == 1
        )

    def _turned_differs(self, a: Value) -> bool:
        assert a.words is not None
        if not same_shape(a.words.shape, a.words.shape[::-1]):
            return True
        return compare_sides(a.words, Call("T", a.words), "it", explain=False).equal is not True

    def _denominator(self, anchor: int, k: int) -> Outcome | None:
        """A Jacobian in the other layout, which is right unless the document uses numerator layout."""
        a, b = self.sides[anchor], self.sides[k]
        assert a.words is not None and b.words is not None
        scalar = a.truth is not None and not a.truth.problem.expr.rank and a.words.rank == 2 and not self.reading.entries
        if not (self._is_jacobian(a) or (scalar and self.layout == "numerator" and len(a.truth.wrt) == 1)):  # type: ignore[union-attr]
            return None
        turned = Call("T", a.words)
        if not same_shape(turned.shape, b.words.shape) or compare_sides(turned, b.words, "it", explain=False).equal is not True:
            return None
        if scalar:
            return Outcome(k, "right", "derivative", how="in numerator layout")
        if self.layout == "numerator":
            message = "This is the derivative in denominator layout; the document says that it uses numerator layout."
            return Outcome(k, "wrong", "derivative", kind="layout", message=message, fixed=a.words)
        self.sides[anchor] = replace(a, words=turned)
        return Outcome(k, "right", "derivative", how="in denominator layout", vote="denominator")

    # conditions and other relations ----------------------------------------------------------------------------------------------
    def _mask(self) -> Node | None:
        """The conditions as an array over the free indices."""
        out: Node | None = None
        for c in (*self.reading.conditions, *([self.mask] if self.mask is not None else ())):
            node = c
            if self.reading.entries and any(isinstance(n, Index) for n in postorder(c)):
                node = entries_to_array(c, list(self.reading.entries))
            out = node if out is None else Call("mul", out, node)
        return out

    def _other_relation(self, k: int, sign: str) -> Outcome:
        a, b = self.sides[k - 1], self.sides[k]
        if sign in ("in", "!="):
            return Outcome(k, "skipped", "relation", reason="membership and ≠ are not checked")
        if a.words is None or b.words is None:
            value = a if a.words is None else b
            return Outcome(k, "skipped", "relation", reason=value.reason or "it is not read", code=value.code)
        if sign in ("~", "<<", ">>"):
            return Outcome(k, "skipped", "relation", reason="an approximation is neither right nor wrong")
        if a.doubt or b.doubt:
            return Outcome(k, "skipped", "relation", reason=a.doubt or b.doubt)
        if sign == "prop":
            return self._proportional(k, a.words, b.words)
        if not same_shape(a.words.shape, b.words.shape) or a.words.rank:
            return Outcome(k, "skipped", "relation", reason="an inequality of arrays is not checked")
        if self._mask() is not None:
            return Outcome(k, "skipped", "relation", reason="an inequality under a condition is not checked")
        found = holds_as_inequality(a.words, b.words, sign)
        if found.equal is None:
            return Outcome(k, "skipped", "inequality", reason=found.how)
        if found.equal:
            return Outcome(k, "right", "inequality", how=found.how)
        return Outcome(
            k, "wrong", "inequality", kind="inequality", message=found.message, counterexample=found.counterexample, how=found.how
        )

    def _proportional(self, k: int, a: Node, b: Node) -> Outcome:
        """`a ∝ b`: right where one is a number times the other; otherwise nobody knows what the factor may depend on."""
        from .proportion import number_ratio

        if not same_shape(a.shape, b.shape):
            return Outcome(k, "skipped", "relation", reason="nothing says what the factor of ∝ may depend on")
        ratio = number_ratio(a, b)
        if ratio is None:
            return Outcome(k, "skipped", "relation", reason="nothing says what the factor of ∝ may depend on")
        return Outcome(k, "right", "relation", how=f"the factor is {ratio}")


def undefined_of(reading: Reading) -> dict[str, list[Node]]:
    """Names that nothing defines and that are differentiated -> by what."""
    out: dict[str, list[Node]] = {}
    heads = [s.derivative for s in reading.sides if s.derivative is not None]
    for d in (*heads, *reading.unknowns.values()):
        unsaid = d.numerator is None or (isinstance(d.numerator, Var) and not d.numerator.rank and d.numerator is not d.var)
        if d.order == 1 and unsaid and d.name and d.var is not None and not d.numerator_indices:
            out.setdefault(d.name, []).append(d.var)
    return out


def _written_as_zero(side: Sequence[Item]) -> bool:
    r"""`0`, `\mathbf{0}`, `0_n`: what cancels to 0 poses nothing."""
    return not any(is_char(t, "+", "-") or is_macro(t, "frac", "dfrac", "sum") for t in tokens_below(side))


__all__ = ["ChainJudge", "Outcome", "Value", "undefined_of"]
