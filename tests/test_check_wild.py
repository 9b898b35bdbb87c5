r"""Documents from the wild: what is no mathematics is passed over, what is broken is told, nothing crashes and nothing is accused."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

import symderiv as sd
from symderiv.check import check_document

WRONG = r"\[ L = \|Xw - y\|^2, \qquad \nabla_w L = X^\top (Xw - y) \]"
VARS = "X: n,d; w: d; y: n"

PASSED = {  # a mistake inside is not seen, because it is no formula
    "comment": "% " + WRONG,
    "verbatim": "\\begin{verbatim}\n" + WRONG + "\n\\end{verbatim}",
    "lstlisting": "\\begin{lstlisting}[language=TeX]\n" + WRONG + "\n\\end{lstlisting}",
    "comment environment": "\\begin{comment}\n" + WRONG + "\n\\end{comment}",
    "tikz": "\\begin{tikzpicture}\n\\node {" + "$L = 1$, $\\nabla_w L = 7$" + "};\n\\end{tikzpicture}",
    "verb": "\\verb|" + WRONG + "|",
    "escaped dollars": r"It costs \$5, \$ \nabla_w x = 3 \$ and more. \(1 + 1 = 2\)",
}
KEPT = {  # the mistake is seen through what is around it
    "proof": "\\begin{proof}\n\\begin{itemize}\\item text\n" + WRONG + "\n\\end{itemize}\\end{proof}",
    "theorem": "\\begin{theorem}[Name $x$]\\label{a}\n" + WRONG + "\n\\end{theorem}",
    "carriage returns": "Text.\r\n\r\n" + WRONG + "\r\n",
    "align": "\\begin{align}\nL &= \\|Xw - y\\|^2 \\label{eq:a}\\\\[2pt]\n\\nabla_w L &= X^\\top (Xw - y) \\tag{3}\n\\end{align}",
    "subequations": "\\begin{subequations}\\begin{alignat}{2}\nL &= \\|Xw - y\\|^2, \\\\\n\\nabla_w L &= X^\\top (Xw - y)"
    "\\end{alignat}\\end{subequations}",
    "gather": "\\begin{gather*}\nL = \\|Xw - y\\|^2 \\\\ \\nabla_w L = X^\\top (Xw - y)\n\\end{gather*}",
    "multline": "\\[L = \\|Xw - y\\|^2\\]\n\\begin{multline}\n\\nabla_w L = \\\\ X^\\top (Xw - y)\n\\end{multline}",
    "eqnarray": "\\begin{eqnarray}\nL &=& \\|Xw - y\\|^2 \\nonumber\\\\\n\\nabla_w L &=& X^\\top (Xw - y)\n\\end{eqnarray}",
    "split": "\\begin{equation}\\begin{split}\nL &= \\|Xw - y\\|^2 \\\\ \\nabla_w L &= X^\\top (Xw - y)\n\\end{split}\\end{equation}",
    "boxed": "\\[L = \\|Xw - y\\|^2\\] \\[\\boxed{\\nabla_w L = X^\\top (Xw - y)}\\]",
    "underbrace": "\\[L = \\|Xw - y\\|^2\\] \\[\\nabla_w L = X^\\top \\underbrace{(Xw - y)}_{\\text{residual}}\\]",
    "words in the formula": "\\[L = \\|Xw - y\\|^2 \\quad\\text{and so}\\quad \\nabla_w L = X^\\top (Xw - y) \\quad \\text{(chain rule)}\\]",
    "macro with arguments": "\\newcommand{\\grad}[2][w]{\\nabla_{#1} #2}\\newcommand\\nrm[1]{\\left\\|#1\\right\\|}\n"
    "\\[L = \\nrm{Xw - y}^2, \\qquad \\grad{L} = X^\\top (Xw - y)\\]",
    "operator": "\\DeclareMathOperator{\\T}{T}\\def\\res{(Xw - y)}\n\\[L = \\|\\res\\|^2, \\qquad \\nabla_w L = X^\\top \\res\\]",
    "own display": "\\newcommand{\\be}{\\begin{equation}}\\newcommand{\\ee}{\\end{equation}}\n\\be L = \\|Xw - y\\|^2 \\ee \\be \\nabla_w L = X^\\top (Xw - y) \\ee",
    "dollars": "$$L = \\|Xw - y\\|^2$$ and $$\\nabla_w L = X^\\top (Xw - y)$$",
    "comment inside": "\\[L = % the loss $ \\[ \n\\|Xw - y\\|^2\\]\n\\[\\nabla_w L = % \\] \nX^\\top (Xw - y)\\]",
    "inline in text": "Then $L = \\|Xw - y\\|^2$ is the loss, and its gradient is $\\nabla_w L = X^\\top (Xw - y)$, as is well known.",
    "no dollars": "L = \\|Xw - y\\|^2, \\qquad \\nabla_w L = X^\\top (Xw - y)",
}
BROKEN = {
    "dollar": "An open $x = 1 dollar.\n\nNext.",
    "display": "\\[ x = 1",
    "environment": "\\begin{align} x &= 1",
    "brace": "\\[ \\frac{1}{2 = x \\]",
    "left": "\\[ \\left( x \\right \\]",
    "end": "\\end{align} \\] $$",
    "empty": "",
    "macro loop": "\\newcommand{\\a}{\\b}\\newcommand{\\b}{\\a}\\[ \\a = 1 \\]",
    "macro bomb": "\\def\\a{\\b\\b\\b\\b\\b\\b\\b\\b}\\def\\b{\\c\\c\\c\\c\\c\\c\\c\\c}\\def\\c{\\d\\d\\d\\d\\d\\d\\d\\d}\\def\\d{xxxxxxxxxx}\\[ \\a\\a\\a\\a = 1 \\]",
    "programming": "\\expandafter\\def\\csname x\\endcsname{3}\\[ \\x = 3 \\]",
    "deep": "\\[ " + "{" * 300 + "x" + "}" * 300 + " = 1 \\]",
    "signs": "\\[ = = = \\] \\[ a = \\] \\[ = b \\] \\[ \\Rightarrow \\]",
    "only signs": "\\begin{align} & = \\\\ & \\leq \\\\ & \\end{align}",
    "table": "\\begin{tabular}{c|c} $a = 1$ & $b$ \\\\ \\hline & \\end{tabular}",
    "array": "\\[ \\begin{array}{cc} a = b & c \\\\ d & e \\end{array} \\]",
    "control": "\\[ x\x00 = \x07 1 \\]".replace("\x00", ""),
    "emoji": "\\[ 🙂 = x \\] $$ α² + β = ∇f $$",
    "question": "\\[ x \\stackrel{?}{=} y \\]",
    "remark": "% symderiv: nonsense without sense\n% symderiv: X: n,,d\n% symderiv: ignore\n\\[ x = x \\]",
}


@pytest.mark.parametrize("text", PASSED.values(), ids=PASSED)
def test_passed_over(text: str) -> None:
    assert check_document(text + "\n\nEnd.", VARS).ok


@pytest.mark.parametrize("text", KEPT.values(), ids=KEPT)
def test_seen_through(text: str) -> None:
    found = check_document(text, VARS)
    assert [f.code for f in found.findings] == ["SD602"], str(found)
    assert "X^" in found.findings[0].caret


@pytest.mark.parametrize("text", BROKEN.values(), ids=BROKEN)
def test_broken_is_no_crash_and_no_accusation(text: str) -> None:
    found = check_document(text)
    assert found.ok, str(found)
    str(found)


@pytest.mark.parametrize(
    "text",
    [
        r"% two sections with letters of their own"
        "\n"
        r"\section{A} \[ L = x^2, \quad \frac{dL}{dx} = 2x \] \section{B} \[ L = x^3, \quad \frac{dL}{dx} = 3x^2 \]",
        r"\[ y = m x + b \] \[ E = m c^2 \] \[ F = m a \]",
        r"\[ p(x) \propto e^{-x^2} \] \[ f(x) \approx f(a) + f'(a)(x - a) \]",
        r"\[ x_{t+1} = x_t - \eta \nabla f(x_t) \]",
        r"\[ \mathbb{E}[X + Y] = \mathbb{E}[X] + \mathbb{E}[Y] \]",
        r"\[ \int_0^1 x \, dx = \frac12 \]",
        r"\[ \lim_{n \to \infty} \frac1n = 0 \]",
        r"Let $\Sigma_C = \sum_d e^{z_d}$. \[ \frac{\partial y_i}{\partial z_j} = -y_i y_j \]",
        r"For $x = 0$ and $x = 1$ we have \[ x^2 = x . \]",
        r"\[ \|x\|_1 \leq \sqrt{n} \|x\|_2 \]",
        r"\[ \hat\theta = \arg\max_\theta \ell(\theta) \]",
        r"\[ (A + B)^2 = A^2 + 2AB + B^2 \]",
        r"\[ \nabla_\theta J = \frac{1}{m} X^T (X\theta - y) \]",
        r"Consider the hyperplane \[ a^\top x = \beta . \] The normal equations are \[ X^\top X w = X^\top y . \]",
        r"We look for a root: \[ e^x = 3 x . \]",
        r"% symderiv: A: n,n; x: n; b: n" "\n" r"\[ A x = b \] \[ x^\top x = 1 \] \[ A^\top A = A \]",
        r"\[ 0.1 + 0.2 = 0.3 \] \[ \pi \approx 3.14 \] \[ \frac{1}{3} = 0.333 \]",
    ],
)
def test_what_may_be_right_is_not_accused(text: str) -> None:
    found = check_document(text)
    assert [f for f in found.findings if "0.333" not in text or f.line != 1] == [], str(found)


def test_files(tmp_path: Path) -> None:
    (tmp_path / "a.tex").write_text("\\input{b} \\include{missing} \\input{a}\n" + WRONG, encoding="utf-8")
    (tmp_path / "b.tex").write_text("% symderiv: X: n,d; w: d; y: n\n\\input{b}\\input{a.tex}", encoding="utf-8")
    found = check_document(tmp_path / "a.tex")
    assert [f.code for f in found.findings] == ["SD602"]
    assert sorted(t.reason.split(" ")[-1] for t in found.troubles) == ["found", "in", "in", "in"]
    (tmp_path / "latin.tex").write_bytes("% à la française\n".encode("latin-1") + b"\\[ \\nabla_x (x^\\top x) = x \\]")
    assert check_document(tmp_path / "latin.tex", "x: n").wrong == 1
    (tmp_path / "wide.tex").write_text("\\[ \\nabla_x (x^\\top x) = x \\]", encoding="utf-16")
    assert check_document(tmp_path / "wide.tex", "x: n").wrong == 1
    with pytest.raises(sd.InputError) as caught:
        check_document(tmp_path / "gone.tex")
    assert caught.value.code == "SD110"


def test_notebooks(tmp_path: Path) -> None:
    path = tmp_path / "n.ipynb"
    cells = [
        {"cell_type": "markdown", "source": ["<!-- symderiv: x: n -->\n", "The loss is $$f = x^\\top x$$\n"]},
        {"cell_type": "code", "source": "f = '$$\\\\nabla_x f = 7$$'", "outputs": []},
        {"cell_type": "markdown", "source": "so\n$$\\nabla_x f = x$$"},
        {"cell_type": "markdown"},
        "no cell",
    ]
    path.write_text(json.dumps({"cells": cells, "nbformat": 4}), encoding="utf-8")
    found = check_document(path)
    assert [(f.code, f.place.cell, f.line) for f in found.findings] == [("SD602", 3, 2)]
    for broken in ("{", "[]", '{"cells": 3}', "null", ""):
        path.write_text(broken, encoding="utf-8")
        with pytest.raises(sd.InputError):
            check_document(path)


def test_a_huge_file_is_refused_or_read_in_time(tmp_path: Path) -> None:
    path = tmp_path / "huge.tex"
    path.write_text("Words and $x$ more words. " * 4_000, encoding="utf-8")
    began = time.process_time()
    assert check_document(path).ok
    assert time.process_time() - began < 30
    path.write_bytes(b"a" * 20_000_001)
    with pytest.raises(sd.LimitError):
        check_document(path)


def test_a_sidecar_and_what_is_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from symderiv.cli.main import run

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "p.sd").write_text("# names\nX: n, d\nw: d\ny: n\n", encoding="utf-8")
    (tmp_path / "p.tex").write_text(WRONG, encoding="utf-8")
    assert run(["check", str(tmp_path / "p.tex")]) == 1
    (tmp_path / "p.tex").write_text("% symderiv: off\n" + WRONG + "\n% symderiv: on\n", encoding="utf-8")
    assert run(["check", str(tmp_path / "p.tex")]) == 0
