"""Large inputs: no recursion, readable results, and work that grows with the size (counted in calls, not in seconds)."""

from __future__ import annotations

import cProfile
import itertools
import pstats
import sys
from collections.abc import Callable

import numpy as np
import oracle
import pytest

import symderiv as sd
from symderiv.expr.walk import postorder

_fresh = itertools.count()


def network(layers: int, tag: str = "") -> tuple[str, list[str]]:
    """A problem text of a deep network and its parameters; `tag` makes the names new, so that no cache knows them."""
    lines = [f"X{tag}: n,d", f"Y{tag}: n,h"]
    for k in range(1, layers + 1):
        lines.append(f"W{tag}{k}: {'d' if k == 1 else 'h'},h; b{tag}{k}: h")
    for k in range(1, layers + 1):
        lines.append(f"H{tag}{k} = tanh({f'X{tag}' if k == 1 else f'H{tag}{k - 1}'} @ W{tag}{k} + b{tag}{k})")
    lines.append(f"L = sum((H{tag}{layers} - Y{tag})**2)/(2*n)")
    return "\n".join(lines), [f"{c}{tag}{k}" for k in range(1, layers + 1) for c in "Wb"]


def calls(work: Callable[[], object]) -> int:
    """How many Python functions the work calls."""
    profile = cProfile.Profile()
    profile.enable()
    try:
        work()
    finally:
        profile.disable()
    return pstats.Stats(profile).total_calls  # type: ignore[attr-defined]


def tag() -> str:
    return f"v{next(_fresh)}_"


# networks -------------------------------------------------------------------------------------------------------------------


def test_ten_layers() -> None:
    text, names = network(10)
    found = sd.derive(sd.parse(text), names)
    assert isinstance(found, sd.Derivatives) and len(found) == 20
    assert found.certificate is not None and found.certificate.ok
    printed = str(found)
    assert len(printed) < 3000
    rng = np.random.default_rng(0)
    arrays = {"X": rng.normal(size=(5, 3)), "Y": rng.normal(size=(5, 4))}
    for k in range(1, 11):
        arrays[f"W{k}"] = rng.normal(size=(3 if k == 1 else 4, 4))
        arrays[f"b{k}"] = rng.normal(size=4)
    got = found.numpy()(**arrays)

    def forward(**changed: np.ndarray) -> float:
        at = {**arrays, **changed}
        h = at["X"]
        for k in range(1, 11):
            h = np.tanh(h @ at[f"W{k}"] + at[f"b{k}"])
        return float(np.sum((h - at["Y"]) ** 2) / 10)

    for name in ("W1", "b1", "W5", "b10"):
        known = oracle.difference(lambda a, name=name: np.asarray(forward(**{name: a})), arrays[name])
        assert oracle.distance(got[name], known) < 1e-7


def test_the_printed_network_is_a_program() -> None:
    """The text with shared names reads back, name by name."""
    text, names = network(3)
    found = sd.derive(sd.parse(text), names)
    rng = np.random.default_rng(1)
    arrays = {v.name: rng.normal(size=[{"n": 5, "d": 3, "h": 4}[str(s)] for s in v.shape]) for v in found.problem.vars.values()}
    values = found.numpy()(**arrays)
    head = "\n".join(line for line in text.splitlines() if ":" in line)
    for name in names:
        again = sd.parse(head + "\n" + str(found), name=f"d{name}")
        assert oracle.distance(sd.evaluate(again, **arrays), values[name]) < 1e-12


def test_gradients_of_a_network_grow_linearly() -> None:
    nodes, length = {}, {}
    for layers in (10, 20, 40, 100):
        text, names = network(layers)
        found = sd.derive(sd.parse(text), names, check=False)
        nodes[layers] = len(postorder(*(r.core for r in found.values())))
        length[layers] = len(str(found))
    assert nodes[100] / nodes[10] < 11 and nodes[40] / nodes[20] < 2.2
    assert length[100] / length[10] < 13


def test_work_for_a_network_grows_linearly() -> None:
    def work(layers: int) -> int:
        text, names = network(layers, tag())
        return calls(lambda: sd.derive(sd.parse(text), names, check=False))

    work(2)  # what is imported or cached once
    assert work(40) < 3 * work(20)


def test_a_hundred_layers_with_the_certificate() -> None:
    text, _ = network(100)
    r = sd.derive(sd.parse(text), "W50")
    assert isinstance(r, sd.Derivative) and r.certificate is not None and r.certificate.ok
    assert len(r.text()) < 30_000


def test_residual_blocks_share_what_they_use_twice() -> None:
    """`h + f(h)` doubles paths at every block: the results do not double."""
    nodes = {}
    for blocks in (8, 16):
        lines = ["x: d", *(f"W{k}: d,d" for k in range(blocks)), "h0 = x"]
        lines += [f"h{k + 1} = h{k} + tanh(W{k} @ h{k})" for k in range(blocks)]
        found = sd.derive(sd.parse("\n".join([*lines, f"L = sum(h{blocks}**2)"])), [f"W{k}" for k in range(blocks)])
        nodes[blocks] = len(postorder(*(r.core for r in found.values())))
        assert len(str(found)) < 400 * blocks
    assert nodes[16] < 3 * nodes[8]


def residual(layers: int, tag: str) -> tuple[str, list[str]]:
    lines = [f"H{tag}0: n,h", *(f"W{tag}{k}: h,h" for k in range(1, layers + 1))]
    lines += [f"H{tag}{k} = H{tag}{k - 1} + tanh(H{tag}{k - 1} @ W{tag}{k})" for k in range(1, layers + 1)]
    return "\n".join([*lines, f"L = sum(H{tag}{layers}**2)"]), [f"W{tag}{k}" for k in range(1, layers + 1)]


def attention(layers: int, tag: str) -> tuple[str, list[str]]:
    """Blocks of attention and two layers, each added to what it sees."""
    lines = [f"H{tag}0: n,h"]
    names = []
    for k in range(1, layers + 1):
        names += [f"{c}{tag}{k}" for c in "QKVU"]
        lines += [f"Q{tag}{k}: h,p; K{tag}{k}: h,p; V{tag}{k}: h,h; U{tag}{k}: h,h"]
    for k in range(1, layers + 1):
        h = f"H{tag}{k - 1}"
        lines.append(f"M{tag}{k} = {h} + softmax(({h} @ Q{tag}{k}) @ ({h} @ K{tag}{k}).T / sqrt(p)) @ ({h} @ V{tag}{k})")
        lines.append(f"H{tag}{k} = M{tag}{k} + relu(M{tag}{k}) @ U{tag}{k}")
    return "\n".join([*lines, f"L = sum(H{tag}{layers}**2)"]), names


@pytest.mark.parametrize("build", [residual, attention])
def test_work_for_residual_networks_grows_linearly(build: Callable[[int, str], tuple[str, list[str]]]) -> None:
    """Derivative and printed text of `h + f(h)`, layer after layer: no layer holds a copy of all before it."""

    def work(layers: int) -> tuple[int, int]:
        text, names = build(layers, tag())
        found: list[object] = []
        return calls(lambda: found.append(str(sd.derive(sd.parse(text), names, check=False)))), len(str(found[0]))

    work(3)
    (few, short), (many, long) = work(6), work(18)
    assert many < 3.6 * few and long < 3.6 * short


# sums -------------------------------------------------------------------------------------------------------------------------


def many_terms(n: int, name: str) -> str:
    return f"sum({' + '.join(f'sin({k}*{name})' for k in range(1, n + 1))})"


def test_a_thousand_terms() -> None:
    r = sd.derive(many_terms(1000, "x"), "x", vars="x: n")
    assert isinstance(r, sd.Derivative) and r.certificate is not None and r.certificate.ok
    x = np.array([0.1, -0.2])
    k = np.arange(1, 1001)[:, None]
    np.testing.assert_allclose(r.numpy()(x=x), np.sum(k * np.cos(k * x), axis=0), rtol=1e-9)
    assert sd.parse(str(r), "x: n").expr.shape == r.shape


def test_work_for_a_sum_grows_linearly() -> None:
    def work(n: int) -> int:
        name = tag()
        return calls(lambda: str(sd.derive(many_terms(n, name), name, vars=f"{name}: n", check=False)))

    work(5)
    assert work(400) < 3 * work(200)


def test_ten_thousand_terms_are_read() -> None:
    text = " + ".join(f"sin({k}*first_coordinates*second_coordinates)" for k in range(10_000))
    p = sd.parse(text, {"first_coordinates": "n", "second_coordinates": "n"})
    assert len(p.expr.operands) == 10_000


def test_a_thousand_different_factors_and_definitions() -> None:
    lines = ["x: n", "h0 = x", *(f"h{k} = h{k - 1}*x + {k}" for k in range(1, 300)), "L = sum(h299)"]
    r = sd.derive(sd.parse("\n".join(lines)), "x", check=False)
    x = np.array([0.3, -0.7])
    value, slope = x, np.ones(2)
    for k in range(1, 300):
        value, slope = value * x + k, slope * x + value
    np.testing.assert_allclose(sd.evaluate(r.expr, x=x), slope, rtol=1e-9)


# depth ------------------------------------------------------------------------------------------------------------------------


def deep(n: int, name: str, word: str = "sin") -> str:
    return f"{word}(" * n + name + ")" * n


@pytest.mark.parametrize("word", ["sin", "relu", "-", "exp(-1)*"])
def test_two_hundred_deep(word: str) -> None:
    text = deep(200, "x", word)
    r = sd.derive(text, "x", vars="x: scalar", check=word != "-")
    assert isinstance(r, sd.Derivative)
    x = 0.7
    got = float(r.numpy()(x=x))
    known = oracle.difference(lambda v: oracle.value(text, {"x": v}), np.asarray(x))
    assert oracle.distance(got, known) < 1e-6
    assert r.text() and r.latex()


def test_work_for_a_deep_chain_grows_at_most_with_its_square() -> None:
    """n products of up to n factors: the derivative itself has n²/2 letters when it is written out."""

    def work(n: int) -> int:
        name = tag()
        return calls(lambda: sd.derive(deep(n, name), name, vars=f"{name}: scalar", check=False))

    work(5)
    assert work(160) < 5 * work(80)


def test_work_for_a_chain_of_definitions_grows_linearly() -> None:
    def work(n: int) -> int:
        name = tag()
        lines = [f"{name}: n", f"h0 = {name}", *(f"h{k + 1} = sin(h{k})" for k in range(n)), f"L = sum(h{n})"]
        return calls(lambda: sd.derive(sd.parse("\n".join(lines)), name, check=False))

    work(5)
    assert work(300) < 3 * work(150)


def test_a_long_chain_of_matrices() -> None:
    n = 150
    product = " @ ".join(f"A{k}" for k in range(n))
    vars = "; ".join(f"A{k}: n,n" for k in range(n))
    r = sd.derive(f"trace({product})", "A70", vars=vars, check=False)
    assert isinstance(r, sd.Derivative) and str(r).count("@") == n - 2


def test_the_recursion_limit_is_left_alone() -> None:
    before = sys.getrecursionlimit()
    sd.derive(deep(100, "x"), "x", vars="x: scalar")
    assert sys.getrecursionlimit() == before
