"""Shapes of derivatives: the rule, both layouts, every axis, entries, intermediates, the chain rule."""

from __future__ import annotations

import json
import pickle

import pytest

import symderiv as sd
from symderiv.cli.main import run
from symderiv.errors import InputError
from symderiv.learn.chain import chain, named_steps, product_line, step_lines
from symderiv.learn.shapes import intermediates, memory, read_sizes
from symderiv.write.report import shape_text

NETWORK = "X: n, d\nW1: d, h\nb1: h\nW2: h, k\ny: n integer\nH = tanh(X @ W1 + b1)\nS = H @ W2\nL = cross_entropy(S, y)"


@pytest.mark.parametrize(
    ("text", "declared", "wrt", "order", "numerator", "denominator", "said"),
    [
        ("x @ w", {"x": "d", "w": "d"}, "w", 1, "(d,)", "(d,)", "of a scalar"),
        ("a*x", {"a": "scalar", "x": "d"}, "a", 1, "(d,)", "(d,)", "by a scalar"),
        ("A @ x", {"A": "m,n", "x": "n"}, "x", 1, "(m, n)", "(n, m)", "Jacobian"),
        ("W @ x", {"W": "m,n", "x": "n"}, "W", 1, "(m, m, n)", "(m, n, m)", "vector by a matrix"),
        ("X @ W", {"X": "n,d", "W": "d,k"}, "W", 1, "(n, k, d, k)", "(d, k, n, k)", "2 + 2 = 4 axes"),
        ("sum(W**2)", {"W": "d,k"}, "W", 2, "(d, k, d, k)", "(d, k, d, k)", "Hessian"),
        ("exp(x)", {"x": "d"}, "x", 2, "(d, d, d)", "(d, d, d)", "pair of entries"),
        ("sum(exp(x))", {"x": "d"}, "x", 3, "(d, d, d)", "(d, d, d)", "triple"),
    ],
)
def test_explain(text, declared, wrt, order, numerator, denominator, said) -> None:
    a = sd.shape_of(text, wrt, vars=declared, order=order)
    assert (shape_text(a.numerator), shape_text(a.denominator)) == (numerator, denominator)
    assert a == a.numerator and isinstance(a, tuple) and said in a.rule and a.rule in a.why
    assert tuple(x.size for x in a.axes) == a.shape
    other = sd.shape_of(text, wrt, vars=declared, layout="denominator", order=order)
    assert other == a.denominator and tuple(x.size for x in other.axes) == other.shape
    assert pickle.loads(pickle.dumps(other)).why == other.why
    assert sd.derive(text, wrt, order=order, vars=declared, check=False).core.shape == a.numerator


def test_entries_and_memory() -> None:
    a = sd.shape_of("X @ W", "W", {"X": "n,d", "W": "d,k"})
    assert str(a.entries) == "d*k**2*n"
    assert a.entries_for({"n": 100, "d": 784, "k": 10}) == 7_840_000 and a.entries_for({"n": 100}) is None
    assert memory(1) == "8 bytes" and memory(7_840_000) == "59.8 MiB" and memory(10**18).endswith("PiB")
    assert read_sizes(["n=100, d=3", "k=2"]) == {"n": 100, "d": 3, "k": 2}
    for bad in ("n", "n=", "n=-1", "n=1.5", "n=0", "=3x", "n=9999999999999", "n=3,n=4"):
        with pytest.raises(InputError):
            read_sizes([bad])
    with pytest.raises(InputError, match="no axis has the size q"):
        read_sizes(["q=3"], sd.parse("x @ w", {"x": "d", "w": "d"}))


def test_intermediates() -> None:
    rows = {r.name or r.text: r for r in intermediates(NETWORK, "W1")}
    assert list(rows) == ["X", "W1", "X @ W1", "b1", "X @ W1 + b1", "H", "W2", "S", "y", "L"]
    assert shape_text(rows["H"].shape) == "(n, h)" and shape_text(rows["H"].below) == "(n, h, d, h)"
    assert rows["S"].text == "H @ W2" and rows["b1"].below is None and rows["y"].above is None


def test_intermediates_leave_out_what_has_a_free_index() -> None:
    rows = intermediates("sum((y[i] - w @ X[i])**2 for i in range(n))", "w", {"X": "n,d", "w": "d", "y": "n"})
    assert [r.text for r in rows][-1].startswith("sum(") and not any(r.text.startswith("X[i]") for r in rows)


def test_chain() -> None:
    links = chain(NETWORK, "W1")
    assert [str(k) for k in links] == ["∂L/∂H = ∂L/∂S · ∂S/∂H", "∂L/∂W1 = ∂L/∂H · ∂H/∂W1"]
    assert links[0].sizes == "(n, h) = (n, k) · (n, k, n, h)"
    assert [str(f) for f in product_line(links)] == ["∂L/∂S", "∂S/∂H", "∂H/∂W1"]


@pytest.mark.parametrize(
    ("text", "declared", "wrt", "order", "layout", "entry"),
    [
        ("W @ x", {"W": "m,n", "x": "n"}, "W", 1, "numerator", "[i, j, l]: ∂f[i]/∂W[j, l]"),
        ("W @ x", {"W": "m,n", "x": "n"}, "W", 1, "denominator", "[i, j, l]: ∂f[l]/∂W[i, j]"),
        ("x @ x", {"x": "i"}, "x", 2, "numerator", "[j, l]: ∂²f/∂x[j]∂x[l]"),
        ("a*x", {"x": "d", "a": "scalar"}, "a", 1, "numerator", "[i]: ∂f[i]/∂a"),
        ("a*a", {"a": "scalar"}, "a", 1, "numerator", ""),
    ],
)
def test_what_an_entry_is(text, declared, wrt, order, layout, entry) -> None:
    assert sd.shape_of(text, wrt, vars=declared, order=order, layout=layout).entry == entry


def test_denominator_layout_turns_the_chain() -> None:
    links = chain(NETWORK, "W1", layout="denominator")
    assert [str(f) for f in product_line(links)] == ["∂H/∂W1", "∂S/∂H", "∂L/∂S"]
    assert links[0].sizes == "(n, h) = (n, h, n, k) · (n, k)"
    rows = {r.name or r.text: r for r in intermediates("H = tanh(X @ W); S = H @ V", "W", {"X": "n,d", "W": "d,h", "V": "h,k"},
                                                       layout="denominator")}  # fmt: skip
    assert shape_text(rows["H"].below) == "(d, h, n, h)" and shape_text(rows["H"].above) == "(n, h, n, k)"


def test_layers_without_names_get_some() -> None:
    problem = sd.parse(
        "cross_entropy(tanh(X @ W1 + b1) @ W2, y)", {"X": "n,d", "W1": "d,h", "b1": "h", "W2": "h,k", "y": "n integer"}
    )
    names = named_steps(problem, "W1")
    assert step_lines(names) == ["u1 = X @ W1 + b1", "u2 = tanh(u1)", "u3 = u2 @ W2", "f = cross_entropy(u3, y)"]
    links = chain(problem, "W1", names=names)
    assert [str(f) for f in product_line(links)] == ["∂f/∂u3", "∂u3/∂u2", "∂u2/∂u1", "∂u1/∂W1"]
    for factor in product_line(links):  # every size is that of a derivative that can be built
        assert all(isinstance(s, type(factor.shape[0])) for s in factor.shape)


def test_chain_with_two_ways() -> None:
    links = chain("X: n,d\nW: d,k\nS = X @ W\nR = S**2\nL = sum(S) + sum(R)", "W")
    assert str(links[0]) in ("∂L/∂S = ∂L/∂S + ∂L/∂R · ∂R/∂S", "∂L/∂S = ∂L/∂R · ∂R/∂S + ∂L/∂S")
    assert product_line(links) == ()
    assert chain("x: d\nw: d\nL = sum(x)", "w") == []


def test_chain_of_a_deep_network_is_quick() -> None:
    lines = ["X: n, d", "W: d, d", "H0 = X", *(f"H{i + 1} = tanh(H{i} @ W)" for i in range(60)), "L = sum(H60)"]
    assert len(chain("\n".join(lines), "W")) > 50


def test_long_chains_and_tables_stay_readable(capsys: pytest.CaptureFixture[str]) -> None:
    deep = "\n".join(["X: n, d", "W: d, d", "H0 = X", *(f"H{i + 1} = tanh(H{i} @ W)" for i in range(70)), "L = sum(H70)"])
    assert run(["shape", deep, "--wrt", "W", "--table"]) == 0
    out = capsys.readouterr().out
    assert max(map(len, out.splitlines())) < 140 and "lines more" in out and "terms more" in out
    long = "+".join(f"sum(x*{i})" for i in range(1, 60))
    assert len(intermediates(long, "x", {"x": "n"})) == 2 * 59 + 2  # the products, the sums of each, x, and one sum of them all


def test_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["shape", NETWORK, "--wrt", "W1", "--size", "n=100,d=784,h=50,k=10", "--table"]) == 0
    out = capsys.readouterr().out
    for part in (
        "d*h = 39,200",
        "306 KiB",
        "S = H @ W2",
        "(d, h) = (n, k) · (n, k, n, h) · (n, h, d, h)",
        "one derivative for every entry of W1",
        "39,200   1,000     5,000,000     196,000,000   entries",
        "1.46 GiB",
    ):
        assert part in out
    assert run(["shape", "X @ W", "--wrt", "W", "--size", "z=3"]) == 2
    capsys.readouterr()
    assert run(["shape", NETWORK, "--wrt", "W1,b1", "--format", "json", "--table", "--size", "n=1,d=2,h=3,k=4"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert [d["wrt"] for d in data] == ["W1", "b1"] and data[0]["bytes"] == 48 and data[0]["shape"] == ["d", "h"]
    assert data[0]["chain"][-1]["sizes"] == "(d, h) = (n, h) · (n, h, d, h)"
