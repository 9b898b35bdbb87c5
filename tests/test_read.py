"""Reading: the language means what NumPy means, names and sizes are what is declared or said to be assumed, places are right."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from sympy import Integer, Rational, oo, pi

from symderiv.errors import InputError, LimitError, ShapeError
from symderiv.expr.nodes import Call, Index, Node, Num, Var, var
from symderiv.expr.sizes import size_symbol
from symderiv.ops import OPS
from symderiv.read.declarations import declarations_from
from symderiv.read.limits import MAX_LENGTH, MAX_NODES
from symderiv.read.problem import load, parse
from symderiv.read.text import build

n, d, k = map(size_symbol, "ndk")
VARS = {
    "X": "n,d",
    "A": "n,n",
    "Z": "n,k",
    "w": "d",
    "q": "d",
    "y": "n",
    "s": "k",
    "t": "n integer",
    "l": "scalar integer",
    "lam": "scalar",
    "mu": "scalar",
}


def tree(node: Node) -> str:
    """The calls written out: the words exactly as they were read."""
    if isinstance(node, Call):
        parameters = {key: v for key, v in node.params.items() if v != OPS[node.name].defaults.get(key, ...)}
        return f"{node.name}({', '.join([*map(tree, node.operands), *(f'{key}={v}' for key, v in parameters.items())])})"
    return str(node.value) if isinstance(node, Num) else node.name  # type: ignore[attr-defined]


def read(text: str) -> str:
    return tree(parse(text, VARS).expr)


# words -------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("w - q", "add(w, neg(q))"),
        ("w - q + 1 - 2", "add(w, neg(q), 1, neg(2))"),
        ("w + (q + 1)", "add(w, add(q, 1))"),
        ("2*w*q", "mul(2, w, q)"),
        ("lam*mu/2*w", "mul(div(mul(lam, mu), 2), w)"),
        ("lam/mu/2", "div(div(lam, mu), 2)"),
        ("-w**2", "neg(pow(w, 2))"),
        ("2**-1*w", "mul(pow(2, -1), w)"),
        ("w**q**2", "pow(w, pow(q, 2))"),
        ("+w", "w"),
        ("--w", "neg(neg(w))"),
        ("2*X.T @ (X @ w - y)", "matmul(mul(2, T(X)), add(matmul(X, w), neg(y)))"),
        ("X.T @ X @ w", "matmul(T(X), X, w)"),
        ("X @ w @ y", "matmul(matmul(X, w), y)"),
        ("w @ w", "matmul(w, w)"),
        ("w.T", "T(w)"),
        ("X.mT", "T(X)"),
        ("0 < lam < 1", "mul(lt(0, lam), lt(lam, 1))"),
        ("lam > 0 and mu > 0 or lam == mu", "maximum(mul(gt(lam, 0), gt(mu, 0)), eq(lam, mu))"),
        ("not lam > 0", "add(1, neg(gt(lam, 0)))"),
        ("(w > 0) & ~(q > 0)", "mul(gt(w, 0), add(1, neg(gt(q, 0))))"),
        ("lam if lam > 0 else 0", "where(gt(lam, 0), lam, 0)"),
        ("t == t", "eq(t, t)"),
        ("sum((X @ w - y)**2)/n", "div(sum(pow(add(matmul(X, w), neg(y)), 2)), n)"),
        ("X.sum(axis=0)", "sum(X, axis=0)"),
        ("np.sum(X, 0, keepdims=True)", "sum(X, axis=0, keepdims=True)"),
        ("torch.sum(X, dim=(0, 1), keepdim=True)", "sum(X, axis=(0, 1), keepdims=True)"),
        ("jax.nn.softmax(Z)", "softmax(Z)"),
        ("jnp.linalg.norm(w)", "norm(w)"),
        ("scipy.special.expit(w)", "sigmoid(w)"),
        ("np.power(np.absolute(w), 3)", "pow(abs(w), 3)"),
        ("np.subtract(np.multiply(w, 2), q)", "add(mul(w, 2), neg(q))"),
        ("asinh(w) + acos(q)", "add(arcsinh(w), arccos(q))"),
        ("max(0, lam)", "maximum(0, lam)"),
        ("np.max(X, 1)", "max(X, axis=1)"),
        ("np.amin(X)", "min(X)"),
        ("w.dot(q)", "dot(w, q)"),
        ("w.mean()", "mean(w)"),
        ("len(w)*X.shape[0]*X.shape[-1]", "mul(d, n, d)"),
        ("X.size", "d*n"),
        ("X.reshape(d, n)", "reshape(X, shape=(d, n))"),
        ("X.reshape(-1)", "reshape(X, shape=(d*n,))"),
        ("np.reshape(X, (d, -1))", "reshape(X, shape=(d, n))"),
        ("X.transpose()", "T(X)"),
        ("np.transpose(X, (1, 0))", "transpose(X, axes=(1, 0))"),
        ("torch.transpose(X, 0, 1)", "swapaxes(X, axis1=0, axis2=1)"),
        ("X.t()", "T(X)"),
        ("norm(w, 1)", "norm(w, ord=1)"),
        ("norm(w, inf) + np.linalg.norm(w, np.inf)", "add(norm(w, ord=inf), norm(w, ord=inf))"),
        ("norm(X, 'nuc')", "norm(X, ord=nuc)"),
        ("leaky_relu(w)", "leaky_relu(w, 1/100)"),
        ("leaky_relu(w, lam)", "leaky_relu(w, lam)"),
        ("F.leaky_relu(w, negative_slope=0.2)", "leaky_relu(w, 1/5)"),
        ("hinge(Z, t, margin=2)", "hinge(Z, t, 2)"),
        ("np.clip(w, a_min=-1, a_max=1)", "clip(w, -1, 1)"),
        ("torch.clamp(w, min=0)", "maximum(w, 0)"),
        ("ones(n) + ones((n,))", "add(ones(shape=(n,)), ones(shape=(n,)))"),
        ("ones((n, d)) + ones_like(X)", "add(ones(shape=(n, d)), ones(shape=(n, d)))"),
        ("eye(n) + np.identity(n)", "add(eye(n=n), eye(n=n))"),
        ("eye(n, d)", "eye(n=n, m=d)"),
        ("arange(n) + arange(1, n + 1)", "add(arange(hi=n), arange(lo=1, hi=n + 1))"),
        ("stack([w, q], axis=1)", "stack(w, q, axis=1)"),
        ("np.concatenate((w, q))", "concatenate(w, q)"),
        ("einsum('ij,j', X, w)", "einsum(X, w, subs=ij,j->i)"),
        ("einsum('ii', A)", "einsum(A, subs=ii->)"),
        ("onehot(t, k)", "onehot(t, k=k)"),
        ("torch.var(X, unbiased=False)", "var(X)"),
        ("jax.nn.gelu(w, approximate=False)", "gelu(w)"),
        ("logical_and(w > 0, q)", "mul(gt(w, 0), ne(q, 0))"),
        ("pi*np.pi", "mul(pi, pi)"),
        ("# comment\n w # another", "w"),
        ("(\n w +\n q # here\n)", "add(w, q)"),
    ],
)
def test_words(text: str, words: str) -> None:
    assert read(text) == words


@pytest.mark.parametrize(
    ("text", "words", "shape"),
    [
        ("X[0]", "getitem(X, 0, spec=('at',))", (d,)),
        ("X[:, 0]", "getitem(X, 0, spec=(('slice', None, None, None), 'at'))", (n,)),
        ("X[..., -1]", "getitem(X, -1, spec=(('slice', None, None, None), 'at'))", (n,)),
        ("w[1:]", "getitem(w, spec=(('slice', 1, None, None),))", (d - 1,)),
        ("w[0:2:1]", "getitem(w, spec=(('slice', None, 2, None),))", (Integer(2),)),
        ("w[:, None]", "getitem(w, spec=(('slice', None, None, None), 'new'))", (d, Integer(1))),
        ("w[np.newaxis]", "getitem(w, spec=('new',))", (Integer(1), d)),
        ("w[:]", "w", (d,)),
        ("w[::-1]", "flip(w)", (d,)),
        ("X[::-1]", "flip(X, axis=0)", (n, d)),
        ("X[::-1, ::-1]", "flip(X)", (n, d)),
        ("X[0, ::-1]", "flip(getitem(X, 0, spec=('at', ('slice', None, None, None))))", (d,)),
        ("s[l]", "getitem(s, l, spec=('at',))", ()),
        ("s[t]", "getitem(s, t, spec=('at',))", (n,)),
        ("Z[arange(n), t]", "getitem(Z, arange(hi=n), t, spec=('at', 'at'))", (n,)),
        ("X[n - 1]", "getitem(X, n - 1, spec=('at',))", (d,)),
    ],
)
def test_subscripts(text: str, words: str, shape: tuple) -> None:
    p = parse(text, VARS)
    assert tree(p.expr) == words
    assert p.expr.shape == shape


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("sum(w[i]**2 for i in range(d))", "isum(pow(getitem(w, i, spec=('at',)), 2), i, lo=0, hi=d)"),
        ("prod(w[i] for i in range(1, d) if i != 2)", "iprod(getitem(w, i, spec=('at',)), i, ne(i, 2), lo=1, hi=d)"),
        ("max(w[i] for i in range(d))", "imax(getitem(w, i, spec=('at',)), i, lo=0, hi=d)"),
        (
            "sum(X[i, j] for i in range(n) if i > 0 for j in range(d) if j > 0 if j < i)",
            "isum(isum(getitem(X, i, j, spec=('at', 'at')), j, mul(gt(j, 0), lt(j, i)), lo=0, hi=d), i, gt(i, 0), lo=0, hi=n)",
        ),
        (
            "sum(max(0, s[j] - s[l] + 1) for j in range(k) if j != l)",
            "isum(maximum(0, add(getitem(s, j, spec=('at',)), neg(getitem(s, l, spec=('at',))), 1)), j, ne(j, l), lo=0, hi=k)",
        ),
        (
            "sum(Z[i, t[i]] for i in range(n))",
            "isum(getitem(Z, i, getitem(t, i, spec=('at',)), spec=('at', 'at')), i, lo=0, hi=n)",
        ),
        (
            "sum(w[i]*w[i + 1] for i in range(d - 1))",
            "isum(mul(getitem(w, i, spec=('at',)), getitem(w, add(i, 1), spec=('at',))), i, lo=0, hi=d - 1)",
        ),
        (
            "sum(A[i, j] for i in range(n) for j in range(i + 1, n))",
            "isum(isum(getitem(A, i, j, spec=('at', 'at')), j, ge(j, add(i, 1)), lo=1, hi=n), i, lo=0, hi=n)",
        ),
        (
            "sum(w[i] * sum(y[i] for i in range(n)) for i in range(d))",
            "isum(mul(getitem(w, i, spec=('at',)), isum(getitem(y, j, spec=('at',)), j, lo=0, hi=n)), i, lo=0, hi=d)",
        ),
    ],
)
def test_generators(text: str, words: str) -> None:
    assert read(text) == words


def test_an_inner_index_takes_no_name_in_use() -> None:
    text = "sum(sum(X[i, 0] for i in range(n)) * j for i in range(n))"
    p = parse(text, {"X": "n,d", "j": "scalar"})
    names = {x.name for x in _nodes(p.expr) if isinstance(x, Index)}
    assert len(names) == 2 and "j" not in names


def _nodes(root: Node) -> list[Node]:
    from symderiv.expr.walk import postorder

    return postorder(root)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3", 3),
        ("1/3", Rational(1, 3)),
        ("-1/2", Rational(-1, 2)),
        ("0.1", Rational(1, 10)),
        ("1.702", Rational(851, 500)),
        (".5", Rational(1, 2)),
        ("1e-3", Rational(1, 1000)),
        ("1_000", 1000),
        ("0x10", 16),
        ("6.02e23", 602 * 10**21),
        ("0.1000000000000000055511151231257827", Rational("0.1000000000000000055511151231257827")),
        ("pi", pi),
        ("inf", oo),
    ],
)
def test_numbers_are_exact(text: str, value: object) -> None:
    expr = parse(text).expr
    assert isinstance(expr, Num) and expr.value == value


def test_every_example_of_the_table_is_read() -> None:
    for op in OPS.values():
        if op.example:
            parse(op.example, dict(op.example_vars))


def test_pi_is_told_and_a_declaration_wins() -> None:
    assert parse("pi*w", {"w": "d"}).assumptions == ["pi is the number 3.14159…"]
    assert parse("pi*w", {"w": "d", "pi": "d"}).expr.operands[0] is var("pi", "d")


# build -------------------------------------------------------------------------------------------------------------------


def test_build_knows_values_sizes_and_parameters() -> None:
    x = var("x", "n,d")
    out = build("sum(x*ones(n)[:, None], axis=axis, keepdims=keepdims)/n", {"x": x}, {"n": n}, {"axis": 0, "keepdims": True})
    assert out.shape == (1, d)
    assert out.operands[0].params["axis"] == 0
    assert build("m*x", {"x": x}, params={"m": 2}) is Call("mul", Num(2), x)
    assert build("norm(x, ord=ord)", {"x": x}, params={"ord": "nuc"}) is Call("norm", x, ord="nuc")


def test_build_assumes_nothing() -> None:
    with pytest.raises(InputError) as caught:
        build("x + z", {"x": var("x", "n")})
    assert caught.value.code == "SD104"
    assert caught.value.span is not None and caught.value.span.start == 4


def test_build_is_fast() -> None:
    x = var("x", "n,d")
    build("1 - tanh(x)**2", {"x": x})
    start = time.process_time()
    for _ in range(200):
        build("1 - tanh(x)**2", {"x": x})
    assert time.process_time() - start < 5.0


# declarations --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "given",
    [
        {"X": "n,d", "w": "d"},
        {"X": ("n", "d"), "w": ("d",)},
        {"X": (n, d), "w": d},
        {"X": var("X", "n,d"), "w": [d]},
        ["X: n,d", "w: d"],
        [var("X", "n,d"), "w: d"],
        "X: n,d; w: d",
        "X: (n, d)\nw: (d,)  # weights\n",
    ],
)
def test_forms_of_declarations(given: object) -> None:
    assert declarations_from(given).vars == {"X": var("X", "n,d"), "w": var("w", "d")}


def test_attributes() -> None:
    p = parse("P: n,n psd\nD: n,n diagonal\nc: scalar positive\nY: n,k onehot\na, b: 2*k, n + 1 nonnegative\nsum(a)")
    assert p.vars["P"].attrs == {"psd", "symmetric"} and p.vars["D"].is_a("symmetric")
    assert p.vars["c"] is var("c", "", "positive")
    assert p.vars["a"].shape == p.vars["b"].shape == (2 * k, n + 1)
    assert p.vars["Y"].is_a("onehot")


def test_greek_and_compatibility_letters_are_names() -> None:
    p = parse("λ: scalar\nx: n\nλ*x")
    assert list(p.vars) == ["λ", "x"]
    assert parse("ﬁ*2", {"fi": "n"}).expr.operands[0] is var("fi", "n")


# problems ------------------------------------------------------------------------------------------------------------------

LOGISTIC = """# logistic regression
X: n, d
w: d
y: n
lam: scalar positive
p = sigmoid(X @ w)

L = -sum(y*log(p) + (1 - y)*log(1 - p)) + lam/2 * sum(w**2)
"""


def test_a_problem_text() -> None:
    p = parse(LOGISTIC)
    assert p.name == "L" and list(p.definitions) == ["p", "L"] and p.expr is p.definitions["L"]
    assert list(p.vars) == ["X", "w", "y", "lam"] and p.assumptions == []
    assert p.definitions["p"] in _nodes(p.expr)
    assert p.source == LOGISTIC
    assert parse(LOGISTIC, name="p").expr is p.definitions["p"]
    assert parse("x: n; f = x*2; sum(f)").name == ""


def test_places() -> None:
    p = parse(LOGISTIC)
    assert _text_of(p, p.definitions["p"]) == "sigmoid(X @ w)"
    assert _text_of(p, p.expr) == "-sum(y*log(p) + (1 - y)*log(1 - p)) + lam/2 * sum(w**2)"
    assert p.spans[p.definitions["p"]].line == 6
    λ = parse("λ*x + sin(λ)*x")
    assert _text_of(λ, λ.expr.operands[1]) == "sin(λ)*x"
    long = "sum(w) + " + " + ".join(f"sin({i}*w)" for i in range(400))
    p = parse(long, {"w": "d"})
    assert _text_of(p, p.expr.operands[300]) == "sin(299*w)"
    deep = "(" * 120 + "w + (q)" + ")" * 120 + " * exp(w)"
    p = parse(deep, {"w": "d", "q": "d"})
    assert _text_of(p, p.expr.operands[0]) == "w + (q)"
    assert _text_of(p, p.expr.operands[1]) == "exp(w)"


def _text_of(problem, node: Node) -> str:
    span = problem.spans[node]
    return span.source[span.start : span.stop]


def test_files(tmp_path: Path) -> None:
    plain = tmp_path / "logistic.sd"
    plain.write_text(LOGISTIC, encoding="utf-8")
    expr = load(plain).expr
    for data in (
        LOGISTIC.replace("\n", "\r\n").encode(),
        b"\xef\xbb\xbf" + LOGISTIC.encode(),
        LOGISTIC.replace("\n", "\r").encode(),
    ):
        (tmp_path / "other.sd").write_bytes(data)
        assert load(str(tmp_path / "other.sd")).expr is expr
    assert load(plain, name="p").name == "p"
    with pytest.raises(InputError, match=r"logistic\.sd:9:5: SD104|SD109") as caught:
        plain.write_text(LOGISTIC + "L = 2\n", encoding="utf-8")
        load(plain)
    assert caught.value.span is not None and caught.value.span.name == str(plain)


@pytest.mark.parametrize("data", [b"\x7fELF\0\0", b"\xff\xfeX\0", b"x: n\nf = x + \xe9\n"])
def test_files_that_are_not_text(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "bad.sd").write_bytes(data)
    with pytest.raises(InputError) as caught:
        load(tmp_path / "bad.sd")
    assert caught.value.code == "SD110"


def test_files_that_are_not_there(tmp_path: Path) -> None:
    (tmp_path / "ridge.sd").write_text("x", encoding="utf-8")
    for path in (tmp_path, tmp_path / "rigde.sd", tmp_path / "none" / "a.sd", "a\0b"):
        with pytest.raises(InputError) as caught:
            load(path)
        assert caught.value.code == "SD110"
    with pytest.raises(InputError, match=r"did you mean `ridge\.sd`"):
        load(tmp_path / "rigde.sd")


# undeclared names ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "shapes"),
    [
        ("a*x", {"a": (), "x": ("n",)}),
        ("x.T @ A @ x", {"x": ("n",), "A": ("n", "n")}),
        ("A @ x", {"A": ("m", "n"), "x": ("n",)}),
        ("sum((X @ w - y)**2)", {"X": ("m", "n"), "w": ("n",), "y": ("m",)}),
        ("x.T @ A @ x + log(det(B))", {"x": ("n",), "A": ("n", "n"), "B": ("d", "d")}),
        ("lam*sum(w**2) + alpha_1*eta", {"lam": (), "w": ("n",), "alpha_1": (), "eta": ()}),
        ("λ*x", {"λ": (), "x": ("n",)}),
        ("x[1:] - x[:-1]", {"x": ("n",)}),
        ("x[1:] - z", {"x": ("n",), "z": ("n - 1",)}),
        ("sum(x[i]*z[i + 1] for i in range(n - 1))", {"x": ("n - 1",), "z": ("n",)}),
        ("sum(x[i + 1] - x[i] for i in range(n - 1))", {"x": ("n",)}),
        ("S[arange(n), y]", {"S": ("m", "d"), "y": ("n",)}),
        ("sum(P[i, y[i]] for i in range(n))", {"P": ("n", "d"), "y": ("n",)}),
        ("cross_entropy(X @ W, y)", {"X": ("m", "n"), "W": ("n", "d"), "y": ("m",)}),
        ("reshape(x, (p, q))", {"x": ("p*q",)}),
    ],
)
def test_inference(text: str, shapes: dict[str, tuple[str, ...]]) -> None:
    p = parse(text)
    assert {v.name: tuple(map(str, v.shape)) for v in p.vars.values()} == shapes
    assert {a.split()[0] for a in p.assumptions} >= set(shapes)


def test_assumptions_are_sentences() -> None:
    p = parse("sum(P[i, y[i]] for i in range(n)) + lam + I @ u")
    assert p.assumptions == [
        "n is a size (it stands where a size stands)",
        "P is a matrix of n rows and m columns (from its first letter)",
        "y is a vector of n integer labels (it is used as a label or an index)",
        "lam is a scalar (a Greek letter)",
        "I is a matrix of d rows and k columns (from its first letter; eye(n) is the identity matrix)",
        "u is a vector of k entries (from its first letter)",
    ]
    assert p.vars["y"].is_a("integer")


def test_declared_names_are_not_assumed() -> None:
    p = parse("X @ w + h", {"X": "n,d"})
    assert p.vars["w"].shape == (d,) and p.vars["h"].shape == (n,)
    assert list(p.vars) == ["X", "w", "h"]
    assert parse("a[0] + b", "a: 5").vars["b"].shape == ()


def test_no_unknown_size_is_left() -> None:
    for text in ("x + z", "A @ B @ C", "outer(x, z) + A", "kron(A, B)"):
        for v in parse(text).vars.values():
            assert all(type(s).__name__ != "Dummy" for size in v.shape for s in size.free_symbols)


def test_what_cannot_be_decided() -> None:
    with pytest.raises(InputError, match="declare it: `ж: scalar`") as caught:
        parse("ж + 1")
    assert caught.value.code == "SD104"


# size and depth --------------------------------------------------------------------------------------------------------------


def test_wide_sums() -> None:
    text = " + ".join(f"x{i}*{i}" if i % 3 else f"x{i}" for i in range(10_000))
    p = parse(text, {f"x{i}": "n" for i in range(10_000)})
    assert p.expr.name == "add" and len(p.expr.operands) == 10_000  # type: ignore[attr-defined]
    assert parse("*".join(["x"] * 3000)).expr.tree_size == 3001
    assert parse("x - x" * 1 + " - x" * 2000).expr.operands[-1] is Call("neg", parse("x").expr)


def test_deep_calls_and_brackets() -> None:
    p = parse("sin(" * 1000 + "x" + ")" * 1000)
    assert p.expr.depth == 1001
    assert parse("(" * 1999 + "x" + ")" * 1999).expr is parse("x").expr
    assert parse("maximum(0, " * 300 + "x" + ")" * 300).expr.depth == 301
    assert parse("(-" * 900 + "x" + ")" * 900).expr.depth == 901
    assert tree(parse("sum(" * 60 + "X[:, (0)]" + ", axis=-1, keepdims=True)" * 60, {"X": "n,d"}).expr).startswith("sum(sum(")


def test_the_same_tree_whatever_the_cuts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cutting at every second bracket and after three operators changes nothing."""
    texts = [
        "sum((X @ w - y)**2)/n + (lam/2)*sum(w*w*w*w/2/3)",
        "sum(max(0, (s[(j)] - s[(l)]) + 1) for j in range((k)) if (j != (l)))",
        "X[(0), ((1)):][::-1] if (lam > (0)) and not (lam == 1) else ((w[1:] + 1 - 2 + 3 - 4))",
        "reshape(X, ((d), (n))).sum(axis=((0)))*-w[0]**-2*3/4 - +lam - -lam",
        "np.linalg.norm(((X).T @ (y)), (2)).T.T",
        "stack([(w), ((q))], axis=((1)))",
    ]
    whole = [parse(t, VARS) for t in texts]
    monkeypatch.setattr("symderiv.read.syntax.CUT_DEPTH", 1)
    monkeypatch.setattr("symderiv.read.syntax.LONG", 2)
    for p in whole:
        again = parse(p.source, VARS)
        assert again.expr is p.expr
        assert _text_of(again, again.expr) == _text_of(p, p.expr) or again.expr.depth < 3


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("x + " * (MAX_LENGTH // 4) + "x", "SD901"),
        ("(" * 99_999 + "x" + ")" * 99_999, "SD902"),
        ("-" * 100_000 + "x", "SD902"),
        ("x" + ".T" * 50_000, "SD902"),
        ("x" + "**x" * 50_000, "SD902"),
        ("x" + "[0]" * 50_000, "SD902"),
        ("x/" * 50_000 + "x", "SD902"),
        ("not " * 40_000 + "x", "SD902"),
        ("x if x else " * 10_000 + "x", "SD902"),
        ("sin(" * 2500 + "x" + ")" * 2500, "SD902"),
        ("ones(" * 1500 + "n" + ")" * 1500, "SD902"),
        ("1," * 99_999 + "1", "SD102"),
        ("x + " * 49_999 + "x", ""),
        ("x+" * MAX_NODES + "x", "SD903"),
    ],
)
def test_limits_are_clear_and_quick(text: str, code: str) -> None:
    start = time.process_time()
    if code:
        with pytest.raises((LimitError, InputError)) as caught:
            parse(text)
        assert caught.value.code == code and caught.value.span is not None
    else:
        parse(text)
    assert time.process_time() - start < 20


def test_shape_errors_name_both_sizes_and_their_origin() -> None:
    with pytest.raises(ShapeError) as caught:
        parse("X: n, d\nw: k\nsum(X @ w)")
    assert str(caught.value) == (
        "input:3:5: SD202 `X @ w`: X is (n, d), w is (k,): inner sizes d and k differ "
        "(X: n,d declared at line 1; w: k declared at line 2)\n"
        "  sum(X @ w)\n"
        "      ^^^^^"
    )


def test_variables_are_interned_with_their_declaration() -> None:
    assert isinstance(parse("w", {"w": "d"}).expr, Var)
    assert parse("w", {"w": "d"}).expr is var("w", "d")
