"""latex2sympy2 as a second reader: what it is known to misread never reaches it, and the rest is compared."""

from __future__ import annotations

import importlib.util
import subprocess
import sys

import pytest

import symderiv as sd
from symderiv.errors import CodeError, InputError, LimitError, SymDerivError
from symderiv.read.latex import second
from symderiv.read.latex.second import read_with_latex2sympy2, scalar_fragment
from symderiv.verify.readers import CrossCheck, cross_check

PACKAGE = importlib.util.find_spec("latex2sympy2") is not None
needs_it = pytest.mark.skipif(not PACKAGE, reason='latex2sympy2 is not installed: pip install "symderiv[latex2sympy2]"')
SCALARS = dict.fromkeys("xyzabcw", "scalar")


@pytest.mark.parametrize(
    "latex",
    [
        r"x^T y", r"x^\top y", r"x^{\mathsf T}y", "x'", r"x = y + 1", r"x < 1", r"\sigma(x)", "f(x)", "x(y)",
        r"\sum_{i=1}^3 x_i", r"\int x dx",
        r"\lim_{x \to 0} x", r"I x", r"\log_2 x", r"\begin{matrix} x \end{matrix}", r"\|x\|", r"x, y",
        r"\mathrm{softmax}(x)", "x!", "x;y",
        r"\frac{d}{dx}(x\to y)", "\\variable{__import__('os')}", "x & y", "$x$ and $y$ \\\\ z",
    ],
)  # fmt: skip
def test_traps_are_not_handed_over(latex: str) -> None:
    with pytest.raises(SymDerivError):
        scalar_fragment(latex)


def test_the_logarithm_is_natural() -> None:
    assert scalar_fragment(r"\log x + \log(y)") == r"\ln x+\ln ( y )"
    assert scalar_fragment(r"$\tfrac12 + e^{-x}$") == r"\frac{1}{2}+e^{-x}"


def test_texts_are_bounded() -> None:
    with pytest.raises(LimitError):
        scalar_fragment("x+" * 2_000 + "x")


def test_a_missing_package_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [])
    with pytest.raises(CodeError) as found:
        read_with_latex2sympy2("x + 1")
    assert found.value.code == "SD520" and ("latex2sympy2" in found.value.hint or "3.13" in found.value.hint)


def test_another_reader_does_not_exist() -> None:
    with pytest.raises(InputError, match="no reader"):
        sd.parse_latex("x", reader="sympy")


def test_a_worker_that_hangs_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    def hang(*args: object, **options: object) -> None:
        raise subprocess.TimeoutExpired("worker", 1.0)

    monkeypatch.setattr(second.subprocess, "run", hang)
    with pytest.raises(LimitError) as found:
        read_with_latex2sympy2("x + 1")
    assert found.value.code == "SD905"


@needs_it
def test_the_traps_are_real() -> None:
    """What the raw package does, so that this list of traps is known to be needed."""
    script = (
        "import sympy; from latex2sympy2 import latex2sympy as f; x, y = sympy.symbols('x y')\n"
        "assert f(r'\\log x').args == (x, 10)\n"
        "assert f('x^T y') == x*y\n"
        "assert not f('x = y + 1').has(x)\n"
        "f('a = 5'); import latex2sympy2; assert latex2sympy2.var\n"
        "assert isinstance(f('x + y = 1'), list)\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)


@needs_it
def test_reads_scalars() -> None:
    p = read_with_latex2sympy2(r"\frac{\log x}{1+e^{-2y}} - \tfrac12 \hat{z}", {"x": "scalar", "y": "scalar", "z_hat": "scalar"})
    assert float(sd.evaluate(p, x=2.0, y=1.0, z_hat=4.0)) == pytest.approx(0.6931471805599453 / (1 + 0.1353352832366127) - 2)


@needs_it
def test_arrays_are_refused() -> None:
    with pytest.raises(InputError, match="array"):
        read_with_latex2sympy2("x + 1", {"x": "n"})


@needs_it
def test_agreement_and_disagreement(monkeypatch: pytest.MonkeyPatch) -> None:
    assert cross_check(r"e^{-\frac{(x-y)^2}{2z^2}}", SCALARS).agrees is True
    only = cross_check(r"x^\top y", SCALARS)
    assert only.agrees is None and "only symderiv" in str(only)
    monkeypatch.setattr(second, "scalar_fragment", lambda text, name="": text)
    wrong: CrossCheck = cross_check(r"\log x", SCALARS)
    assert wrong.agrees is False and wrong.values and wrong.results is not None
    assert wrong.results[0] == pytest.approx(wrong.results[1] * 2.302585092994046)
    with pytest.raises(InputError) as found:
        sd.parse_latex(r"\log x", SCALARS, reader="both")
    assert found.value.code == "SD138"


@needs_it
def test_claims_by_either_reader() -> None:
    for reader in ("latex2sympy2", "both"):
        claim = r"\frac{dL}{dx} = \frac{e^x}{1+e^x}"
        assert sd.verify("log(1 + exp(x))", "x", vars={"x": "scalar"}, claim_latex=claim, reader=reader).ok
