"""Derivatives with one mistake in them: none passes, and nearly all are told what the mistake is."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from typing import NamedTuple

import pytest

import symderiv as sd
from symderiv.expr.nodes import Call, Node, Num
from symderiv.verify.decide import Trials
from symderiv.verify.mutations import Edit, at, edits, occurrences, put
from symderiv.verify.points import finite, gap

X, W2 = {"X": "n,d", "w": "d", "y": "n"}, {"W": "k,h", "V": "h,d", "x": "d", "t": "k"}
TEXTBOOK: list[tuple[str, str, dict[str, str], int]] = [
    ("0.5*norm(y - X @ w)**2", "w", X, 1),
    ("mean((y - X @ w)**2)", "w", X, 1),
    ("norm(y - X @ w)**2/2 + lam*norm(w)**2/2", "w", {**X, "lam": "scalar positive"}, 1),
    ("norm(y - X @ w)**2/2 + lam*norm(w)**2/2", "w", {**X, "lam": "scalar positive"}, 2),
    ("mean((y - X @ w - b*ones(n))**2)", "b", {**X, "b": "scalar"}, 1),
    ("sum(v*(X @ w - y)**2)", "w", {**X, "v": "n positive"}, 1),
    ("-sum(y*log(sigmoid(X @ w)) + (1 - y)*log(1 - sigmoid(X @ w)))", "w", X, 1),
    ("sum(softplus(X @ w) - y*(X @ w))", "w", X, 2),
    ("mean(softplus(-y*(X @ w)))", "w", X, 1),
    ("sum(exp(X @ w) - y*(X @ w))", "w", X, 1),
    ("cross_entropy(X @ W, Y)", "W", {"X": "n,d", "W": "d,k", "Y": "n,k onehot"}, 1),
    ("-log(softmax(z)[c])", "z", {"z": "k", "c": "scalar integer"}, 1),
    ("logsumexp(A @ x + b)", "x", {"A": "m,n", "x": "n", "b": "m"}, 1),
    ("logsumexp(x)", "x", {"x": "n"}, 2),
    ("softmax(x)", "x", {"x": "n"}, 1),
    ("sum(a*softmax(x))", "x", {"a": "n", "x": "n"}, 1),
    ("tanh(W @ x)", "x", {"W": "m,n", "x": "n"}, 1),
    ("0.5*norm(W @ tanh(V @ x) - t)**2", "V", W2, 1),
    ("0.5*norm(W @ tanh(V @ x) - t)**2", "W", W2, 1),
    ("0.5*norm(W @ sigmoid(V @ x) - t)**2", "x", W2, 1),
    ("0.5*norm(relu(X @ V) @ W - Y)**2", "V", {"X": "n,d", "V": "d,h", "W": "h,k", "Y": "n,k"}, 1),
    ("x @ A @ x + b @ x", "x", {"A": "n,n", "x": "n", "b": "n"}, 1),
    ("x @ A @ x/(x @ x)", "x", {"A": "n,n symmetric", "x": "n"}, 1),
    ("x @ A @ y", "A", {"A": "m,n", "x": "m", "y": "n"}, 1),
    ("trace(A @ X @ B @ X.T)", "X", {"A": "m,m", "X": "m,n", "B": "n,n"}, 1),
    ("norm(A @ X - B)**2", "X", {"A": "m,n", "X": "n,p", "B": "m,p"}, 1),
    ("norm(A - U @ V.T)**2/2 + c*(norm(U)**2 + norm(V)**2)/2", "U", {"A": "m,n", "U": "m,k", "V": "n,k", "c": "scalar"}, 1),
    ("logdet(A)", "A", {"A": "n,n"}, 1),
    ("trace(inv(S) @ C) + logdet(S)", "S", {"S": "n,n psd", "C": "n,n"}, 1),
    ("(x - m) @ inv(S) @ (x - m)/2", "m", {"x": "n", "m": "n", "S": "n,n"}, 1),
    ("a @ inv(A) @ b", "A", {"a": "n", "A": "n,n", "b": "n"}, 1),
    ("norm(x)", "x", {"x": "n"}, 1),
    ("norm(x)", "x", {"x": "n"}, 2),
    ("x/norm(x)", "x", {"x": "n"}, 1),
    ("a @ x/(norm(a)*norm(x))", "x", {"a": "n", "x": "n"}, 1),
    ("sum(p*log(p/q))", "p", {"p": "n positive", "q": "n positive"}, 1),
    ("sum((x - mean(x))**2)/n", "x", {"x": "n"}, 1),
    ("exp(-norm(x - c)**2/(2*s**2))", "x", {"x": "n", "c": "n", "s": "scalar positive"}, 1),
    ("exp(-norm(x - c)**2/(2*s**2))", "s", {"x": "n", "c": "n", "s": "scalar positive"}, 1),
    ("log(2*pi*s**2)/2 + (x - m)**2/(2*s**2)", "s", {"x": "scalar", "m": "scalar", "s": "scalar positive"}, 1),
    ("sum(sum((x[i] - x[j])**2 for j in range(n)) for i in range(n))", "x", {"x": "n"}, 1),
    ("prod(x)", "x", {"x": "n positive"}, 1),
]
KINDS = {
    "negate": "sign", "scale": "factor", "drop_term": "missing_term", "drop_factor": "missing_factor", "transpose": "transpose",
    "axis": "index", "index": "index", "average": "mean_or_sum",
}  # fmt: skip
EACH = 4  # mutants of each derivative


class Mutant(NamedTuple):
    number: int
    words: Node
    label: str
    also: frozenset[str]  # other mistakes that give the same mutant


def label_of(e: Edit) -> str:
    """The kind of verdict that a mutation should get."""
    if e.name == "drop_factor":
        gone = e.detail
        if isinstance(gone, Call) and gone.name == "div" and gone.operands[0] is Num(1):
            gone = gone.operands[1]
        if isinstance(gone, Num):
            return "mean_or_sum" if gone.value.free_symbols else "factor"
    return KINDS[e.name]


def same(trials: Trials, a: Node, b: Node) -> bool:
    """Whether two expressions have the same values."""
    pairs = [(p.value(a), p.value(b)) for p in trials.points]
    known = [(x, y) for x, y in pairs if x is not None and y is not None and finite(x) and finite(y)]
    return bool(known) and all(x.shape == y.shape and gap(x, y) < 1e-9 for x, y in known)


def mutants(number: int, rng: random.Random, count: int) -> list[Mutant]:
    """Some mutants of one derivative that differ from it, of as many kinds as there are."""
    loss, wrt, declared, order = TEXTBOOK[number]
    problem = sd.parse(loss, declared)
    truth = sd.derive(problem, wrt, order=order, check=False).expr
    trials = Trials(problem.expr, list(problem.vars.values()), truth, seed=17)
    found = [e for e in edits(truth, frozenset(KINDS)) if e.root.rank == truth.rank and not same(trials, e.root, truth)]
    groups: dict[str, list[Edit]] = defaultdict(list)
    for e in found:
        groups[label_of(e)].append(e)
    chosen = [rng.choice(groups[k]) for k in rng.sample(sorted(groups), min(count, len(groups)))]
    return [
        Mutant(
            number,
            e.root,
            label_of(e),
            frozenset(label_of(f) for f in found if f.root.shape == e.root.shape and same(trials, f.root, e.root)),
        )
        for e in chosen
    ]


def judged(m: Mutant) -> sd.Verdict:
    loss, wrt, declared, order = TEXTBOOK[m.number]
    return sd.verify(loss, wrt, str(m.words), vars=declared, order=order)


@pytest.fixture(scope="module")
def outcomes() -> list[tuple[Mutant, sd.Verdict]]:
    rng = random.Random(4)
    return [(m, judged(m)) for k in range(len(TEXTBOOK)) for m in mutants(k, rng, EACH)]


def test_no_mutant_passes(outcomes: list[tuple[Mutant, sd.Verdict]]) -> None:
    assert len(outcomes) > 120
    passed = [(TEXTBOOK[m.number][0], str(m.words)) for m, v in outcomes if v.ok is not False]
    assert not passed


def test_nine_of_ten_mutants_get_their_kind(outcomes: list[tuple[Mutant, sd.Verdict]]) -> None:
    table = Counter((m.label, v.kind) for m, v in outcomes)
    right = sum(v.kind == m.label or v.kind in m.also for m, v in outcomes)
    assert right >= 0.9 * len(outcomes), table


def test_corrections_are_right(outcomes: list[tuple[Mutant, sd.Verdict]]) -> None:
    for m, v in outcomes[::7]:
        loss, wrt, declared, order = TEXTBOOK[m.number]
        assert v.suggestions
        again = sd.verify(loss, wrt, v.suggestions[0].text, vars=declared, order=order)
        assert again.ok, (loss, str(m.words), v.suggestions[0].text)


@pytest.mark.parametrize(("loss", "wrt", "declared", "order"), TEXTBOOK)
def test_the_derivative_itself_is_right(loss: str, wrt: str, declared: dict[str, str], order: int) -> None:
    truth = sd.derive(loss, wrt, order=order, vars=declared)
    verdict = sd.verify(loss, wrt, str(truth), vars=declared, order=order)
    assert verdict.ok and verdict.kind == "right", str(verdict)


# the list of changes -----------------------------------------------------------------------------------------------------------
def test_edits_change_one_place() -> None:
    words = sd.parse("2*X.T @ (X @ w - y)", X).expr
    found = {(e.name, str(e.root)) for e in edits(words)}
    for expected in (
        ("negate", "-2*X.T @ (X @ w - y)"),
        ("drop_factor", "X.T @ (X @ w - y)"),
        ("drop_term", "2*X.T @ (X @ w)"),
        ("negate", "2*X.T @ (X @ w + y)"),
    ):
        assert expected in found


def test_edits_that_do_not_fit_are_left_out() -> None:
    words = sd.parse("X.T @ y", X).expr
    assert all(e.root.shape for e in edits(words))
    assert not list(edits(words, frozenset(("transpose",))))


def test_shared_pieces_are_changed_in_one_place_and_everywhere() -> None:
    words = sd.parse("p = softmax(Z, axis=0); p*(Z - p)", {"Z": "n,k"}).expr
    axes = list(edits(words, frozenset(("axis",))))
    assert sorted(e.everywhere for e in axes) == [False, False, True]


def test_put_is_the_inverse_of_at() -> None:
    words = sd.parse("sum(exp(x)*y[i] for i in range(n)) + tanh(x @ y)*x", {"x": "n", "y": "n"}).expr
    for path, node in occurrences(words):
        assert at(words, path) is node and put(words, path, node) is words
