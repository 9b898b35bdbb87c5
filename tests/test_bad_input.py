"""Bad input: every one gives a SymDerivError with its code and its place, never another exception."""

from __future__ import annotations

import random
import re

import pytest

from symderiv.errors import InputError, SymDerivError
from symderiv.read.declarations import declarations_from
from symderiv.read.problem import parse

VARS = {"X": "n,d", "A": "n,n", "Z": "n,k", "w": "d", "y": "n", "s": "k", "t": "n integer", "lam": "scalar"}

# code, text, the part that is pointed at
CASES: list[tuple[str, str, str]] = [
    # SD101: not Python's grammar
    ("SD101", "X @", "@"),
    ("SD101", "(w", "("),
    ("SD101", "w)", ")"),
    ("SD101", "X[0)", ")"),
    ("SD101", "sum(w", "("),
    ("SD101", "w y", "y"),
    ("SD101", "2w", "2w"),
    ("SD101", "1if w else 2", "1if"),
    ("SD101", "A'", "'"),
    ("SD101", "w − 1", "−"),
    ("SD101", "w²", "²"),
    ("SD101", "Aᵀ", "ᵀ"),
    ("SD101", "w · y", "·"),
    ("SD101", "∑ w", "∑"),
    ("SD101", "\\frac{1}{2}", "\\"),
    ("SD101", "$w$", "$"),
    ("SD101", "w \U0001f600", "\U0001f600"),
    ("SD101", "w\0", "\0"),
    ("SD101", "w\ud800", "\ufffd"),
    ("SD101", "w ? y", "?"),
    ("SD101", "w!", "!"),
    ("SD101", "`w`", "`"),
    ("SD101", "w +* y", "*"),
    ("SD101", "w if lam", "w if lam"),
    ("SD101", "f = = y", "="),
    ("SD101", "lam *", "*"),
    ("SD101", "007", "00"),
    ("SD101", "'never closed", "'"),
    ("SD101", "f =", "="),
    ("SD101", "w\nw + 1", "w"),
    ("SD101", "sum(w[i] for i in range(2), axis=0)", "w[i] for i in range(2)"),
    ("SD101", "x" * 101, "x" * 101),
    # SD102: Python, but not the language
    ("SD102", "lambda*w", "lambda"),
    ("SD102", "import os", "import"),
    ("SD102", "lambda x: x", "lambda"),
    ("SD102", "(yield w)", "yield"),
    ("SD102", "(f := w)", "f := w"),
    ("SD102", "f'{w}'", "f'{w}'"),
    ("SD102", "'abc'", "'abc'"),
    ("SD102", "[w, w]", "[w, w]"),
    ("SD102", "{w}", "{w}"),
    ("SD102", "{1: w}", "{1: w}"),
    ("SD102", "[w for i in range(2)]", "[w for i in range(2)]"),
    ("SD102", "(w for i in range(2))", "(w for i in range(2))"),
    ("SD102", "w, y", "w, y"),
    ("SD102", "True", "True"),
    ("SD102", "None", "None"),
    ("SD102", "...", "..."),
    ("SD102", "w^2", "w^2"),
    ("SD102", "w//2", "w//2"),
    ("SD102", "w % 2", "w % 2"),
    ("SD102", "w << 2", "w << 2"),
    ("SD102", "w is y", "w is y"),
    ("SD102", "1 in w", "1 in w"),
    ("SD102", "w and y", "w and y"),
    ("SD102", "~w", "~w"),
    ("SD102", "w.__class__", "w.__class__"),
    ("SD102", "__builtins__", "__builtins__"),
    ("SD103", "__import__('os').system('id')", "__import__('os').system"),
    ("SD102", "w.shape", "w.shape"),
    ("SD102", "np.linalg", "np.linalg"),
    ("SD102", "sum(*w)", "*w"),
    ("SD102", "sum(**w)", "**w"),
    ("SD102", "sum(w[i] for i in w)", "w"),
    ("SD102", "sum(a*b for a, b in range(d))", "a, b"),
    ("SD102", "mean(w[i] for i in range(d))", "mean(w[i] for i in range(d))"),
    ("SD102", "(lambda: w)()", "lambda"),
    # SD103: functions
    ("SD103", "sofmax(w)", "sofmax"),
    ("SD103", "eval('1')", "eval"),
    ("SD103", "np.random.rand(3)", "np.random.rand"),
    ("SD103", "np.argmax(w)", "np.argmax"),
    ("SD103", "w.foo()", "w.foo"),
    ("SD103", "w(y)", "w"),
    ("SD103", "2(w)", "2"),
    ("SD103", "(w + 1)(2)", "w + 1"),
    ("SD103", "getitem(w, 0)", "getitem"),
    ("SD103", "σ(w)", "σ"),
    # SD104: names
    ("SD104", "_w + 1", "_w"),
    ("SD104", "ж + 1", "ж"),
    ("SD104", "exp*w", "exp"),
    ("SD104", "nan", "nan"),
    ("SD104", "f = g1\ng1 = w\nf", "g1"),
    # SD105: arguments
    ("SD105", "softmax()", "softmax()"),
    ("SD105", "exp(w, y, 2)", "exp(w, y, 2)"),
    ("SD105", "sum(w, axes=0)", "sum(w, axes=0)"),
    ("SD105", "sum(X, axis=0, axis=1)", "axis=1"),
    ("SD105", "sum(X, axis=w)", "w"),
    ("SD105", "sum(X, axis=1.5)", "1.5"),
    ("SD105", "max(X, 0)", "max(X, 0)"),
    ("SD105", "norm(X, 2)", "norm(X, 2)"),
    ("SD105", "norm(X, 'spectral', 0, 1, 2)", "norm(X, 'spectral', 0, 1, 2)"),
    ("SD105", "X.transpose(0, 1)", "X.transpose(0, 1)"),
    ("SD105", "torch.var(X)", "torch.var(X)"),
    ("SD105", "jax.nn.gelu(w)", "jax.nn.gelu(w)"),
    ("SD105", "scipy.special.softmax(X)", "scipy.special.softmax(X)"),
    ("SD105", "np.var(X, ddof=1)", "np.var(X, ddof=1)"),
    ("SD105", "stack(w, w)", "stack(w, w)"),
    ("SD105", "einsum(X, w)", "einsum(X, w)"),
    ("SD105", "ones(w)", "w"),
    ("SD105", "ones(0)", "ones(0)"),
    ("SD105", "eye(-1)", "eye(-1)"),
    ("SD105", "sum(w[i] for i in range(0, d, 2))", "range(0, d, 2)"),
    ("SD105", "sum(w[i] for i in range(w))", "w"),
    ("SD105", "where(w > 0, w)", "where(w > 0, w)"),
    ("SD105", "len(lam)", "len(lam)"),
    # SD106, SD107: declarations
    ("SD106", "Q:\nQ", ":"),
    ("SD106", "Q: positive\nQ", "positive"),
    ("SD106", "Q: 0\nQ", "0"),
    ("SD106", "Q: n, -2\nQ", "-"),
    ("SD106", "Q: 1.5\nQ", "1.5"),
    ("SD106", "Q: n,,d\nQ", ","),
    ("SD106", "Q: n, d: k\nQ", "Q: n, d: k"),
    ("SD106", "lambda: scalar\nw", "lambda: scalar"),
    ("SD106", "Q: sin(n)\nQ", "("),
    ("SD106", "Q: 1,1,1,1,1,1,1,1,1\nQ", "Q: 1,1,1,1,1,1,1,1,1"),
    ("SD106", "lambda = 2", "lambda"),
    ("SD107", "Q: n,n symetric\nQ", "symetric"),
    ("SD107", "Q: n,d symmetric\nQ", "symmetric"),
    ("SD107", "Q: scalar psd\nQ", "psd"),
    ("SD107", "Q: scalar onehot\nQ", "onehot"),
    # SD108: indices
    ("SD108", "X[w > 0]", "w > 0"),
    ("SD108", "X[[0, 1]]", "[0, 1]"),
    ("SD108", "w[0.5]", "0.5"),
    ("SD108", "w['a']", "'a'"),
    ("SD108", "w[d]", "d"),
    ("SD108", "X.shape[2]", "X.shape[2]"),
    ("SD108", "w[::0]", "0"),
    ("SD108", "w[..., ...]", "w[..., ...]"),
    ("SD108", "sum(w[i + 1] for i in range(d))", "i + 1"),
    ("SD108", "sum(w[i - 1] for i in range(d))", "i - 1"),
    ("SD108", "sum(y[i] for i in range(d))", "i"),
    ("SD108", "sum(A[i + j, 0] for i in range(n) for j in range(n))", "i + j"),
    ("SD108", "sum(w[:i] @ w[:i] for i in range(d))", "i"),
    ("SD108", "sum(w[i] for i in range(d) if i)", "i"),
    # SD109: clashes
    ("SD109", "n: scalar\nn*w", "n"),
    ("SD109", "w: k\nw", "w"),
    ("SD109", "w = 2", "w"),
    ("SD109", "n = 2", "n"),
    ("SD109", "f = 1; f = 2", "f"),
    ("SD109", "sum(w[n] for n in range(d))", "n"),
    ("SD109", "sum(w for w in range(d))", "w"),
    # SD111: numbers
    ("SD111", "1e999", "1e999"),
    ("SD111", "1e-999*w", "1e-999"),
    ("SD111", "1e" + "9" * 300, "1e" + "9" * 300),
    ("SD111", "9" * 5000, "9" * 5000),
    ("SD111", "1j*w", "1j"),
    ("SD111", "w/0", "w/0"),
    # SD112: nothing
    ("SD112", "", ""),
    ("SD112", " \t\n ", " "),
    ("SD112", "# only a comment", "#"),
    ("SD112", "Q: n", "Q"),
    # SD2xx: shapes, with the place of the operation
    ("SD201", "1 + w + y", "1 + w + y"),
    ("SD202", "1 + X @ y", "X @ y"),
    ("SD202", "A @ A @ X @ y", "A @ A @ X @ y"),
    ("SD203", "w @ lam", "w @ lam"),
    ("SD203", "w.mT", "w.mT"),
    ("SD204", "trace(X)", "trace(X)"),
    ("SD205", "sum(X, axis=2)", "sum(X, axis=2)"),
    ("SD206", "X.reshape(3)", "X.reshape(3)"),
    ("SD207", "w[0, 0]", "w[0, 0]"),
    ("SD207", "lam[0]", "lam[0]"),
    ("SD209", "s[lam]", "s[lam]"),
]


@pytest.mark.parametrize(("code", "text", "place"), CASES, ids=[f"{c} {t[:30]!a}" for c, t, _ in CASES])
def test_refused(code: str, text: str, place: str) -> None:
    with pytest.raises(SymDerivError) as caught:
        parse(text, VARS)
    error = caught.value
    assert error.code == code, str(error)
    assert error.message and error.span is not None
    assert error.span.source[error.span.start : error.span.stop] == place
    str(error).encode()


@pytest.mark.parametrize("text", [None, 3, b"x", ["x"], object()])
def test_texts_of_other_types(text: object) -> None:
    with pytest.raises(InputError):
        parse(text)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"X": "n d"}, "SD107"),
        ({"X": "n,n symetric"}, "SD107"),
        ({"X": ""}, "SD106"),
        ({"X": (0,)}, "SD106"),
        ({"X": (-1, 2)}, "SD106"),
        ({"X": (1.5,)}, "SD106"),
        ({"X": (True,)}, "SD106"),
        ({"X": ("n, d",)}, "SD106"),
        ({"X": {"n": 1}}, "SD106"),
        ({"X": None}, "SD106"),
        ({1: "n"}, "SD106"),
        ({"a b": "n"}, "SD106"),
        ({"lambda": "n"}, "SD106"),
        ({"__x": "n"}, "SD106"),
        ({"": "n"}, "SD106"),
        ({"x": "n", "n": "scalar"}, "SD109"),
        ({"x": "x"}, "SD109"),
        ("x: n; x: d", "SD109"),
        ("x n", "SD106"),
        (["x: n", 3], "SD106"),
        (3, "SD106"),
    ],
)
def test_bad_declarations(given: object, code: str) -> None:
    with pytest.raises(SymDerivError) as caught:
        parse("1 + 1", given)
    assert caught.value.code == code


def test_a_result_that_is_not_defined() -> None:
    with pytest.raises(InputError, match="did you mean `loss`"):
        parse("loss = x @ x", name="los")


# complete texts --------------------------------------------------------------------------------------------------------------

SNAPSHOTS = {
    "sofmax(w) + 1": """\
input:1:1: SD103 there is no function `sofmax`
  sofmax(w) + 1
  ^^^^^^
hint: did you mean `softmax` or `log_softmax` or `max`?""",
    "X.T @ X.T": """\
input:1:1: SD202 `X.T @ X.T`: `X.T` is (d, n): inner sizes n and d differ (X: n,d declared)
  X.T @ X.T
  ^^^^^^^^^
hint: the second factor transposed would fit: use .T""",
    "A: k,d\nA @ y": """\
input:1:1: SD109 `A` is declared twice; it was (n, n) declared
  A: k,d
  ^""",
    "f = X @ w\n\nsum(f + s)  # sizes": """\
input:3:5: SD201 `f + s`: `X @ w` is (n,), s is (k,): shapes (n,) and (k,) do not broadcast: n against k \
(X: n,d declared; w: d declared; s: k declared)
  sum(f + s)  # sizes
      ^^^^^
hint: sizes are aligned from the last axis; the same symbol is the same size everywhere""",
    "lambda*w": """\
input:1:1: SD102 `lambda` is a word of Python and not part of the language
  lambda*w
  ^^^^^^
hint: call the variable `lam`""",
    "n: scalar\nn*w": """\
input:1:1: SD109 `n` is a scalar variable and a size of `X`: one name cannot be both
  n: scalar
  ^
hint: sizes are numbers already: leave out the declaration of `n`, or rename one of the two""",
    "Q: n,n symetric\nQ": """\
input:1:8: SD107 `symetric` is not an attribute
  Q: n,n symetric
         ^^^^^^^^
hint: did you mean `symmetric`?""",
}


@pytest.mark.parametrize("text", list(SNAPSHOTS))
def test_complete_texts(text: str) -> None:
    with pytest.raises(SymDerivError) as caught:
        parse(text, VARS)
    assert str(caught.value) == SNAPSHOTS[text]


def test_an_assumption_that_does_not_fit_is_told() -> None:
    with pytest.raises(SymDerivError) as caught:
        parse("w + X @ h + a.T @ w", VARS)
    assert "a: scalar assumed from its first letter" in str(caught.value) or "declare what is assumed" in str(caught.value)


# anything ----------------------------------------------------------------------------------------------------------------------

TOKENS = re.split(
    r" +",
    "x y w X A n d i lam sum max norm softmax exp det inv cross_entropy einsum stack reshape ( ( ) ) [ ] , : ; = == < + "
    "- * / @ ** "
    ". .T .shape ~ & not and or if else for in range( np. 0 1 -1 0.5 1e3 'ij,jk' None True axis= lambda # X:n,d ::-1 ... pi inf "
    "{ } := "
    "é λ [:,None] arange( onehot( ones( eye( transpose( where( isum yield \n \t ' \\",
)


@pytest.mark.parametrize("seed", range(4))
def test_no_other_exception(seed: int) -> None:
    """Random tokens: read, or refused with a code of its own."""
    rng = random.Random(seed)
    for _ in range(400):
        text = rng.choice(["", " "]).join(rng.choice(TOKENS) for _ in range(rng.randint(1, 12)))
        try:
            parse(text, rng.choice([None, VARS]))
        except SymDerivError as error:
            assert error.code != "SD100", f"seed {seed}: {text!r}: {error}"


def test_declarations_of_random_tokens() -> None:
    rng = random.Random(5)
    for _ in range(400):
        text = " ".join(
            rng.choice(["x", "n", ":", ",", "(", ")", "2", "*", "-", "psd", ";", "scalar", "1.5", "="])
            for _ in range(rng.randint(1, 8))
        )
        try:
            declarations_from(text)
        except SymDerivError as error:
            assert error.code != "SD100"
