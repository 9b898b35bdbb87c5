"""Derivations in every format: valid markup, nothing from the network, readable errors."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import pytest

import symderiv as sd
from symderiv.errors import CodeError
from symderiv.steps.model import STYLES
from symderiv.write import derivation as formats
from symderiv.write.layout import formula_width, lines_of, text_lines
from symderiv.write.mathml import to_mathml
from symderiv.write.mathtree import parse
from symderiv.write.prose import bare, latex_prose, unicode_to_latex

REGRESSION = {"X": "n,d", "w": "d", "y": "n"}
EXAMPLES = {
    "sigmoid": ("sum((y - sigmoid(X @ w))**2)", "w", REGRESSION, 1),
    "hessian": ("sum(softplus(X @ w) - y*(X @ w))", "w", REGRESSION, 2),
    "svm": ("sum(maximum(0, W @ x - (W @ x)[y] + 1)) - 1", "W", {"W": "k,d", "x": "d", "y": "scalar integer"}, 1),
    "gaussian": ("n/2*logdet(S) + trace(inv(S) @ (X - mu).T @ (X - mu))/2", "S", {"X": "n,d", "mu": "d", "S": "d,d psd"}, 1),
    "layer": ("layer_norm(x)", "x", {"x": "n"}, 1),
    "cases": ("sum(where(x > 0, x**2, alpha*(exp(x) - 1)))", "x", {"x": "n", "alpha": "scalar"}, 1),
    "tensor": ("X.T @ A", "X", {"X": "n,d", "A": "n,m"}, 1),
    "product": ("log(prod(x1)) + prod(x1)", "x1", {"x1": "n"}, 1),
    "names": (
        "sum((X_new @ theta_hat - b1)**2)/lam",
        "theta_hat",
        {"X_new": "n,d", "theta_hat": "d", "b1": "n", "lam": "scalar"},
        1,
    ),
}
CASES = [(name, style) for name in EXAMPLES for style in STYLES]


def answer(name: str):
    text, wrt, variables, order = EXAMPLES[name]
    return sd.derive(text, wrt, order=order, vars=variables, check=False)


# LaTeX ------------------------------------------------------------------------------------------------------------------------
def balanced(latex: str) -> bool:
    depth = 0
    for token in re.findall(r"\\.|[{}]", latex, re.S):
        depth += {"{": 1, "}": -1}.get(token, 0)
        if depth < 0:
            return False
    return depth == 0


@pytest.mark.parametrize(("name", "style"), CASES)
def test_latex_is_balanced(name: str, style: str) -> None:
    r = answer(name)
    for latex in (r.latex(steps=True, style=style), r.latex(steps=True, style=style, standalone=True, shapes=True, bold=True)):
        assert balanced(latex)
        assert latex.count(r"\begin{align*}") == latex.count(r"\end{align*}") >= 1
        assert len(re.findall(r"\\left(?![a-z])", latex)) == len(re.findall(r"\\right(?![a-z])", latex))
        assert latex.isascii(), [c for c in latex if not c.isascii()]


def test_a_fragment_has_no_preamble_and_needs_only_amsmath() -> None:
    latex = answer("sigmoid").latex(steps=True)
    assert r"\documentclass" not in latex and r"\color" not in latex and r"\resizebox" not in latex
    assert r"\item" not in latex  # the sentences are the author's own in a paper
    assert r"\item[(1)]" in answer("sigmoid").latex(steps=True, reasons=True)


@pytest.mark.skipif(
    shutil.which("pdflatex") is None, reason="pdflatex is not installed: the articles are NOT compiled by this run"
)
@pytest.mark.parametrize(("name", "style"), CASES)
def test_articles_compile_without_warnings(name: str, style: str, tmp_path: Path) -> None:
    source = tmp_path / "d.tex"
    source.write_text(answer(name).latex(steps=True, style=style, standalone=True, update="alpha"), encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", source.name]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=60, check=False)
    log = (tmp_path / "d.log").read_text(encoding="utf-8", errors="replace")
    assert done.returncode == 0, log[-2000:]
    warnings = [
        line
        for line in log.splitlines()
        if ("Warning" in line and "Font" not in line) or line.startswith(("Overfull", "Underfull"))
    ]
    assert not warnings


def test_pdf_without_an_engine_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(formats.shutil, "which", lambda name: None)
    with pytest.raises(CodeError) as caught:
        formats.write_pdf("x", tmp_path / "x.pdf")
    assert caught.value.code == "SD509" and "TeX" in caught.value.message and "--standalone" in caught.value.hint


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed: no PDF is made by this run")
def test_pdf(tmp_path: Path) -> None:
    path = formats.write_pdf(answer("sigmoid").latex(steps=True, standalone=True), tmp_path / "out.pdf")
    assert path.read_bytes().startswith(b"%PDF")
    with pytest.raises(CodeError) as caught:
        formats.write_pdf(r"\documentclass{article}\begin{document}\nothing\end{document}", tmp_path / "bad.pdf")
    assert caught.value.code == "SD509" and "Undefined control sequence" in caught.value.message


# MathML and HTML --------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("name", "style"), CASES)
def test_html_is_well_formed_and_stands_alone(name: str, style: str) -> None:
    html = answer(name).html(steps=True, style=style, shapes=True, update="alpha", stationary=True)
    body = html[html.index("<body>") : html.index("</html>")]
    tree = ElementTree.fromstring(body)
    assert len(tree.findall(".//math")) > 5
    assert not re.search(r"<script|https?:|src=|@import|url\(", html)
    assert html.startswith("<!DOCTYPE html>") and "<title>" in html


def test_html_of_the_formula_alone() -> None:
    html = answer("sigmoid").html()
    assert html.startswith("<math") and ElementTree.fromstring(html).tag == "math"


def test_latex_that_is_not_ours_is_refused() -> None:
    for text in (r"\unknown{x}", r"x_", r"\frac{a}", r"{a", r"\begin{matrix}a\end{matrix}", "a & b"):
        with pytest.raises(CodeError) as caught:
            to_mathml(text)
        assert caught.value.code == "SD508"


def test_mathml_of_scripts_fractions_and_fences() -> None:
    assert to_mathml("x^{2}") == "<math><msup><mi>x</mi><mn>2</mn></msup></math>"
    assert "<munderover>" in to_mathml(r"\sum_{i=1}^{n} x_{i}")
    assert "<mfrac>" in to_mathml(r"\frac{\partial L}{\partial w}")
    assert 'fence="true"' in to_mathml(r"\left(\frac{1}{2}\right)")
    assert "<mtable" in to_mathml(r"\begin{cases} a & b \\ c & \text{otherwise} \end{cases}")
    assert "𝐗" in to_mathml(r"\mathbf{X}") and "ℝ" in to_mathml(r"\mathbb{R}")


# the other formats ------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("name", "style"), CASES)
def test_markdown(name: str, style: str) -> None:
    text = answer(name).write_steps("markdown", style=style)
    assert text.startswith("# ")
    assert text.count("$$") % 2 == 0
    for display in text.split("$$")[1::2]:
        assert balanced(display) and r"\begin{aligned}" in display


@pytest.mark.parametrize(("name", "style"), CASES)
def test_json(name: str, style: str) -> None:
    data = json.loads(answer(name).write_steps("json", style=style))
    assert data["schema"] == "symderiv.derivation/1"
    assert data["style"] == style and data["sections"] and data["results"]
    keys = {
        "rule",
        "title",
        "reason",
        "note",
        "subject",
        "before",
        "after",
        "changed",
        "new",
        "shape",
        "free",
        "opens",
        "children",
    }
    for section in data["sections"]:
        for step in section["steps"]:
            assert set(step) == keys
            for side in ("before", "after"):
                assert set(step[side]) == {"code", "text", "latex"} and step[side]["latex"]
    for result in data["results"].values():  # what stands in the results is the input language
        assert sd.parse(result["code"], EXAMPLES[name][2]) is not None


@pytest.mark.parametrize(("name", "style"), CASES)
def test_text(name: str, style: str) -> None:
    text = answer(name).text(steps=True, style=style)
    assert "\\" not in text and "`" not in text
    assert all(line == line.rstrip() for line in text.splitlines())


# options ----------------------------------------------------------------------------------------------------------------------
def test_notation_options() -> None:
    r = answer("sigmoid")
    assert r"\mathbf{w}" in r.latex(steps=True, bold=True)
    assert "^T" in r.latex(steps=True, transpose="T") and r"\top" not in r.latex(steps=True, transpose="T")
    assert r"\nabla_{w} L" in r.latex(steps=True, derivative="nabla")
    assert r"\theta" in r.latex(steps=True, rename={"w": r"\theta"})
    assert r"\underset{n \times d}{X}" in r.latex(steps=True, shapes=True)
    assert r"\color{symderiv}" in r.latex(steps=True, highlight=True)
    index = r.latex(steps=True, style="index", samples=True)
    assert "x_{ij}" in index and r"w^\top x_{i}" in index
    assert "layout" in r.text(steps=True, layout="denominator")


def test_the_title_can_be_given() -> None:
    assert answer("sigmoid").text(steps=True, title="Exercise 3").startswith("Exercise 3\n")


# pieces -----------------------------------------------------------------------------------------------------------------------
def test_long_formulas_are_broken_outside_of_brackets() -> None:
    long = " + ".join(rf"\frac{{a_{{{k}}}}}{{b}} (c - d)" for k in range(20))
    lines = lines_of(long, 40)
    assert len(lines) > 2 and all(formula_width(line) <= 40 for line in lines)
    assert all(line.count("(") == line.count(")") for line in lines)
    assert "".join(lines).replace(" ", "") == long.replace(" ", "")


def test_text_lines() -> None:
    assert text_lines("a + b", 10) == ["a + b"]
    assert text_lines("(a + b)(c) + d + e", 12) == ["(a + b)(c)", "+ d + e"]


def test_width_counts_what_is_seen() -> None:
    assert formula_width("x") < formula_width(r"x + y") < formula_width(r"x + y + \sum_{i=1}^{n} z_{i}")
    assert formula_width(r"\frac{a}{b}") < formula_width(r"\frac{a + b + c}{b}")
    assert parse("x").kind == "letter"


def test_prose() -> None:
    assert bare("so `d‖u‖² = 2 uᵀ du` holds") == "so d‖u‖² = 2 uᵀ du holds"
    assert latex_prose("`d‖u‖² = 2 uᵀ du`") == r"$\mathrm{d}\|u\|^{2} = 2 u^{\top} \, \mathrm{d}u$"
    assert unicode_to_latex("alpha") == r"\alpha"
    assert latex_prose("100 % of x_1 & y") == r"100 \% of x\_1 \& y"


# command line -----------------------------------------------------------------------------------------------------------------
def run(python: str, environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [python, "-m", "symderiv", "derive", *arguments]
    return subprocess.run(command, capture_output=True, text=True, encoding="utf-8", env=environment, timeout=120, check=False)


def test_command_line(python: str, environment: dict[str, str]) -> None:
    base = ("sum((X @ w - y)**2)", "--wrt", "w", "--var", "X: n,d", "--steps")
    plain = run(python, environment, *base, "--style", "index", "--update", "alpha")
    assert plain.returncode == 0 and "sifting by the delta" in plain.stdout and "w ← w" not in plain.stdout
    assert "wⱼ ← wⱼ" in plain.stdout
    page = run(python, environment, *base, "--format", "html", "--standalone")
    assert page.stdout.startswith("<!DOCTYPE html>")
    article = run(
        python, environment, *base, "--format", "latex", "--standalone", "--rename", r"w=\theta", "--nabla", "--transpose", "T"
    )
    assert r"\documentclass" in article.stdout and r"\nabla_{\theta} L" in article.stdout and "^T" in article.stdout
    wrong = run(python, environment, *base, "--rename", "w")
    assert wrong.returncode == 2 and "NAME=TEX" in wrong.stderr


def test_options_that_were_not_understood_are_refused() -> None:
    from symderiv.errors import InputError

    r = answer("sigmoid")
    for wrong in (
        {"transpose": r"\foo}"}, {"update": "a b"}, {"update": "X"}, {"rename": {"v": "z"}},
        {"rename": {"w": "y"}}, {"rename": {"w": " "}},
        {"rename": {"w": r"\input{/etc/passwd}"}}, {"derivative": "slope"}, {"layout": "mixed"}, {"colour": True},
    ):  # fmt: skip
        with pytest.raises(InputError) as caught:
            r.latex(steps=True, **wrong)
        assert caught.value.code == "SD105" and caught.value.hint


def test_names_are_renamed_everywhere() -> None:
    r = answer("sigmoid")
    text = r.text(steps=True, rename={"w": r"\hat{\beta}", "n": "N"}, shapes=True)
    assert "w" not in re.findall(r"\b\w\b", text) and "β̂" in text and "ℝ^(N×d)" in text
    html = r.html(steps=True, rename={"w": r"\theta"})
    assert "θ" in html and "<mi>w</mi>" not in html


def test_entries_of_bold_vectors_are_not_bold() -> None:
    latex = answer("sigmoid").latex(steps=True, style="index", bold=True, samples=True)
    assert r"\mathbf{w}" in latex and "w_{j}" in latex and r"\mathbf{w}_{j}" not in latex
    assert r"\mathbf{x}_{i}" in latex and "x_{ij}" in latex


def test_what_was_declared_is_said() -> None:
    text = sd.derive("n/2*logdet(S) + lam*trace(S)", "S", vars={"S": "d,d psd", "lam": "scalar positive"}).text(steps=True)
    assert "symmetric and positive definite" in text and "λ > 0" in text
    assert "Not differentiable where X w = 0 (ReLU)" in sd.derive("sum(relu(X @ w))", "w", vars={"X": "n,d", "w": "d"}).text(
        steps=True, detail="normal"
    ).replace("u = 0", "X w = 0")


def test_mathml_spaces_functions_and_signs() -> None:
    assert '<mo form="prefix" lspace="0" rspace="0">−</mo>' in to_mathml("x = -y")
    assert '<mo form="prefix"' not in to_mathml("x - y")
    assert to_mathml(r"y \log x").count("<mspace") == 2 and "<mspace" not in to_mathml(r"\log(x)")
    assert to_mathml("x", large=True).startswith('<math displaystyle="true">')


def test_several_sections_tell_names_and_reasons_once() -> None:
    text = sd.derive("sum((tanh(X @ W + b) - Y)**2)", ["W", "b"], vars={"X": "n,d", "W": "d,k", "b": "k", "Y": "n,k"}).text(
        steps=True, style="index"
    )
    assert text.count("with the intermediate values") == 1 and text.count("Written out by entries") == 1
    assert text.count("With respect to") == 2


def test_options_of_steps_need_steps(python: str, environment: dict[str, str]) -> None:
    done = run(python, environment, "sum(x)", "--wrt", "x", "--var", "x: n", "--nabla")
    assert done.returncode == 2 and "--steps" in done.stderr


def test_pdf_on_the_command_line_without_an_engine(python: str, environment: dict[str, str], tmp_path: Path) -> None:
    bare = {**environment, "PATH": str(tmp_path)}
    done = run(python, bare, "sum(x)", "--wrt", "x", "--var", "x: n", "--pdf", str(tmp_path / "x.pdf"))
    assert done.returncode == 2 and "SD509" in done.stderr and "TeX" in done.stderr
