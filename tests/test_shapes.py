"""Shapes of derivatives: the rule, both layouts, every axis, entries, intermediates, the chain rule."""

from __future__ import annotations

import json

import pytest

import symderiv as sd
from symderiv.cli.main import run
from symderiv.errors import InputError
from symderiv.learn.shapes import chain, explain, intermediates, memory, product_line, read_sizes
from symderiv.write.report import shape_text

NETWORK = "X: n, d\nW1: d, h\nb1: h\nW2: h, k\ny: n integer\nH = tanh(X @ W1 + b1)\nS = H @ W2\nL = cross_entropy(S, y)"


@pytest.mark.parametrize(
    ("text", "declared", "wrt", "order", "numerator", "denominator", "said"),
    [
        ("x @ w", {"x": "d", "w": "d"}, "w", 1, "(d,)", "(d,)", "of a scalar"),
        ("a*x", {"a": "scalar", "x": "d"}, "a", 1, "(d,)", "(d,)", "by a scalar"),
        ("A @ x", {"A": "m,n", "x": "n"}, "x", 1, "(m, n)", "(n, m)", "Jacobian"),
        ("W @ x", {"W": "m,n", "x": "n"}, "W", 1, "(m, m, n)", "(m, n, m)", "vector by matrix"),
        ("X @ W", {"X": "n,d", "W": "d,k"}, "W", 1, "(n, k, d, k)", "(d, k, n, k)", "2 + 2 = 4 axes"),
        ("sum(W**2)", {"W": "d,k"}, "W", 2, "(d, k, d, k)", "(d, k, d, k)", "Hessian"),
        ("exp(x)", {"x": "d"}, "x", 2, "(d, d, d)", "(d, d, d)", "pair of entries"),
        ("sum(exp(x))", {"x": "d"}, "x", 3, "(d, d, d)", "(d, d, d)", "triple"),
    ],
)
def test_explain(text, declared, wrt, order, numerator, denominator, said) -> None:
    a = explain(text, wrt, declared, order=order)
    assert (shape_text(a.numerator), shape_text(a.denominator)) == (numerator, denominator)
    assert a.shape == sd.shape_of(text, wrt, vars=declared, order=order) and said in a.rule
    assert tuple(x.size for x in a.axes) == a.shape
    other = explain(text, wrt, declared, layout="denominator", order=order)
    assert other.shape == a.denominator and tuple(x.size for x in other.axes) == other.shape
    assert sd.derive(text, wrt, order=order, vars=declared, check=False).core.shape == a.numerator


def test_entries_and_memory() -> None:
    a = explain("X @ W", "W", {"X": "n,d", "W": "d,k"})
    assert str(a.entries) == "d*k**2*n"
    assert a.count({"n": 100, "d": 784, "k": 10}) == 7_840_000 and a.count({"n": 100}) is None
    assert memory(1) == "8 bytes" and memory(7_840_000) == "59.8 MiB" and memory(10**18).endswith("PiB")
    assert read_sizes(["n=100, d=3", "k=2"]) == {"n": 100, "d": 3, "k": 2}
    for bad in ("n", "n=", "n=-1", "n=1.5", "n=0", "=3x", "n=9999999999999"):
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


def test_chain_with_two_ways() -> None:
    links = chain("X: n,d\nW: d,k\nS = X @ W\nR = S**2\nL = sum(S) + sum(R)", "W")
    assert str(links[0]) in ("∂L/∂S = ∂L/∂S + ∂L/∂R · ∂R/∂S", "∂L/∂S = ∂L/∂R · ∂R/∂S + ∂L/∂S")
    assert product_line(links) == ()
    assert chain("x: d\nw: d\nL = sum(x)", "w") == []


def test_chain_of_a_deep_network_is_quick() -> None:
    lines = ["X: n, d", "W: d, d", "H0 = X", *(f"H{i + 1} = tanh(H{i} @ W)" for i in range(60)), "L = sum(H60)"]
    assert len(chain("\n".join(lines), "W")) > 50


def test_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["shape", NETWORK, "--wrt", "W1", "--size", "n=100,d=784,h=50,k=10", "--table"]) == 0
    out = capsys.readouterr().out
    for part in (
        "d*h = 39,200",
        "306 KiB",
        "S = H @ W2",
        "(d, h) = (n, k) · (n, k, n, h) · (n, h, d, h)",
        "one number for every entry of W1",
    ):
        assert part in out
    assert run(["shape", "X @ W", "--wrt", "W", "--size", "z=3"]) == 2
    capsys.readouterr()
    assert run(["shape", NETWORK, "--wrt", "W1,b1", "--format", "json", "--table", "--size", "n=1,d=2,h=3,k=4"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert [d["wrt"] for d in data] == ["W1", "b1"] and data[0]["bytes"] == 48 and data[0]["shape"] == ["d", "h"]
    assert data[0]["chain"][-1]["sizes"] == "(d, h) = (n, h) · (n, h, d, h)"
