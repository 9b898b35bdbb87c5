"""Ten correct documents of several pages, and mistakes of the usual kinds planted in them: each is found on its line, nothing elsewhere."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from symderiv.check import Report, check_document
from symderiv.check.checker import Checker
from symderiv.check.load import paper_of
from symderiv.check.options import Options

PAPERS = Path(__file__).resolve().parent / "papers"
NAMES = sorted(p.name for p in PAPERS.iterdir() if p.is_file())

# document, what stands there, the mistake, its kind
PLANTS = [
    ("least_squares.tex", r"&= r^\top \mathrm{d}r \\", r"&= 2 r^\top \mathrm{d}r \\", "factor"),
    ("least_squares.tex", r"\nabla_w L = X^\top r =", r"\nabla_w L = -X^\top r =", "sign"),
    ("least_squares.tex", r"= X^\top X w - X^\top y .", r"= X^\top X w + X^\top y .", "sign"),
    ("least_squares.tex", r"= y - X w .", r"= X w - y .", "sign"),
    ("least_squares.tex", r"&= \sum_{i=1}^n r_i X_{ij} \\"[:-3] + " .", r"&= \sum_{i=1}^n r_i X_{ij} w_j .", "extra_factor"),
    ("least_squares.tex", r"\nabla^2_w L = X^\top X .", r"\nabla^2_w L = 2 X^\top X .", "factor"),
    ("least_squares.tex", r"\frac{2}{n} X^\top (X w - y) + 2 \lambda w .", r"2 X^\top (X w - y) + 2 \lambda w .", "mean_or_sum"),
    ("least_squares.tex", r"(X w - y) + 2 \lambda w ." + "\n", r"(X w - y) + \lambda w ." + "\n", "factor"),
    ("least_squares.tex", r"w = (X^\top X + n \lambda I)^{-1} X^\top y .", r"w = (X^\top X + \lambda I)^{-1} X^\top y .", "consequence"),
    ("least_squares.tex", r"&= 2 X^\top \operatorname{diag}(c) (X w - y)", r"&= 2 X^\top (X w - y)", "missing_factor"),
    ("logistic.tex", r"&= \sig{t} (1 - \sig{t}).", r"&= \sig{t} (1 + \sig{t}).", "sign"),
    ("logistic.tex", r"\nabla_w J &= X^\top (p - y),", r"\nabla_w J &= X^\top (y - p),", "sign"),
    ("logistic.tex", r"&= p_i - y_i . \tag{*}", r"&= p_i . \tag{*}", "missing_term"),
    ("logistic.tex", r"\nabla_w^2 J = X^\top \operatorname{diag}(p \odot (1 - p)) X", r"\nabla_w^2 J = X^\top \operatorname{diag}(p) X", "missing_factor"),
    ("logistic.tex", r"w \leftarrow w - \eta X^\top (p - y) .", r"w \leftarrow w + \eta X^\top (p - y) .", "update"),
    ("softmax.tex", r"&= p_k (\delta_{kj} - p_j), \\", r"&= p_k (\delta_{kj} - p_k), \\", "index"),
    ("softmax.tex", r"&= \operatorname{diag}(p) - p p^\top ." + "\n" + r"\end{align}", r"&= \operatorname{diag}(p) + p p^\top ." + "\n" + r"\end{align}", "sign"),
    ("softmax.tex", r"&= p_j - t_j .", r"&= t_j - p_j .", "sign"),
    ("softmax.tex", r"&= \frac{1}{N} X^\top (P - T) .", r"&= X^\top (P - T) .", "mean_or_sum"),
    ("softmax.tex", r"\frac{\partial A}{\partial s} = p . \]", r"\frac{\partial A}{\partial s} = 2 p . \]", "factor"),
    ("backprop.tex", r"= \frac{1}{n} H^\top E \\", r"= \frac{1}{n} H E \\", "shape"),
    ("backprop.tex", r"\pd{L}{H} \odot (1 - H \odot H) \\", r"\pd{L}{H} \odot (1 - H) \\", "missing_factor"),
    ("backprop.tex", r"&= \frac{1}{n} \operatorname{tr}(E^\top H \, \mathrm{d}V) \\", r"&= \operatorname{tr}(E^\top H \, \mathrm{d}V) \\", "mean_or_sum"),
    ("backprop.tex", r"\pd{\phi}{A} &= \left( v \odot q \odot (1 - q) \right) x^\top, \\", r"\pd{\phi}{A} &= x \left( v \odot q \odot (1 - q) \right)^\top, \\", "transpose"),
    ("backprop.tex", r"\pd{\phi}{x} &= A^\top \left( v \odot q", r"\pd{\phi}{x} &= A^\top \left( q", "missing_factor"),
    ("gaussian.tex", r"&= -S^{-1} C^\top \mathbf{1} \\", r"&= S^{-1} C^\top \mathbf{1} \\", "sign"),
    ("gaussian.tex", r"&= \frac{n}{2} S^{-1} - \frac{1}{2} S^{-1} C^\top C S^{-1} .", r"&= \frac{n}{2} S^{-1} - \frac{1}{2} C^\top C S^{-1} .", "missing_factor"),
    ("gaussian.tex", r"S &= \frac{1}{n} C^\top C .", r"S &= C^\top C .", "consequence"),
    ("gaussian.tex", r"&= -\frac{n}{2} \Lambda^{-1} + \frac{1}{2} C^\top C .", r"&= -\frac{n}{2} \Lambda + \frac{1}{2} C^\top C .", "wrong"),
    ("gaussian.tex", r"&= -\frac{1}{v} \sum_{i=1}^n (x_i - m) \\", r"&= -\frac{2}{v} \sum_{i=1}^n (x_i - m) \\", "factor"),
    ("matrices.tex", r"&= (A + A^\top) x \\", r"&= 2 A x \\", "needs_symmetric"),
    ("matrices.tex", r"&= a b^\top \\", r"&= b a^\top \\", "transpose"),
    ("matrices.tex", r"&=& A B + A B^\top \\", r"&=& A B \\", "missing_term"),
    ("matrices.tex", r"&= -A^{-\top} a b^\top A^{-\top} \\", r"&= A^{-\top} a b^\top A^{-\top} \\", "sign"),
    ("matrices.tex", r"&= A^{-\top} \\", r"&= A^{-1} \\", "transpose"),
    ("matrices.tex", r"(A B)^{-1} &= B^{-1} A^{-1} \\", r"(A B)^{-1} &= A^{-1} B^{-1} \\", "wrong"),
    ("losses.md", r"\nabla_w f &= \frac{2}{n} X^\top r", r"\nabla_w f &= 2 X^\top r", "mean_or_sum"),
    ("losses.md", r"\, y_i X_{ij} + 2 \lambda w_j", r"\, X_{ij} + 2 \lambda w_j", "missing_factor"),
    ("losses.md", r"\sum_{i=1}^n \tanh(r_i) X_{ij}", r"\sum_{i=1}^n \tanh(r_i)", "missing_factor"),
    ("newton.tex", r"- c^\top x + \frac{1}{2} c^\top Q^{-1} c \\", r"- c^\top x + c^\top Q^{-1} c \\", "factor"),
    ("newton.tex", r"&= p^\top Q (x + t p) - c^\top p \\", r"&= p^\top Q (x + t p) \\", "missing_term"),
    ("newton.tex", r"t &= -\frac{p^\top (Q x - c)}{p^\top Q p} .", r"t &= \frac{p^\top (Q x - c)}{p^\top Q p} .", "consequence"),
    ("factors.tex", r"&= -E V + \lambda U \\", r"&= -E V + \lambda V \\", "shape"),
    ("factors.tex", r"- 2 \operatorname{tr}(M^\top U V^\top)", r"- \operatorname{tr}(M^\top U V^\top)", "factor"),
    ("factors.tex", r"\frac{\partial \psi}{\partial x} &= A^\top s \\", r"\frac{\partial \psi}{\partial x} &= A s \\", "shape"),
    ("scalars.tex", r"&= (a - t) a (1 - a) x, \\", r"&= (a - t) (1 - a) x, \\", "missing_factor"),
    ("scalars.tex", r"&= \sigma(x) + x \sigma(x) (1 - \sigma(x)) \\", r"&= \sigma(x) + \sigma(x) (1 - \sigma(x)) \\", "wrong"),
    ("scalars.tex", r"(x + 1)^3 &= x^3 + 3 x^2 + 3 x + 1", r"(x + 1)^3 &= x^3 + 3 x^2 + x + 1", "factor"),
    ("least_squares.tex", r"H X &= X G^{-1} X^\top X = X , \\", r"H X &= X G^{-1} X^\top X = 2 X , \\", "factor"),
    ("least_squares.tex", r"           &= y^\top H y + e^\top e ,", r"           &= y^\top H y - e^\top e ,", "sign"),
    ("least_squares.tex", r"= -g^\top X^\top (X (w - t g) - y) , \\", r"= g^\top X^\top (X (w - t g) - y) , \\", "sign"),
    ("least_squares.tex", r"t &= \frac{g^\top X^\top (X w - y)}{g^\top X^\top X g} .", r"t &= \frac{g^\top X^\top (X w - y)}{g^\top g} .", "consequence"),
    ("least_squares.tex", r"\nabla_w^2 F &= X^\top X + \lambda D^\top D .", r"\nabla_w^2 F &= X^\top X + \lambda D D^\top .", "shape"),
    ("logistic.tex", r"     &= -u_i \, \sig{-u_i q_i} .", r"     &= u_i \, \sig{-u_i q_i} .", "sign"),
    ("logistic.tex", r"\frac{\partial W}{\partial z} &= c \odot (p - y) , \\", r"\frac{\partial W}{\partial z} &= p - y , \\", "missing_factor"),
    ("logistic.tex", r"\nabla_w K &= X^\top (p - y) + \lambda w , \\", r"\nabla_w K &= X^\top (p - y) + 2 \lambda w , \\", "factor"),
    ("logistic.tex", r"&= \frac{1}{4} \left( 1 - \tanh^2 \frac{t}{2} \right) .", r"&= \frac{1}{2} \left( 1 - \tanh^2 \frac{t}{2} \right) .", "factor"),
    ("softmax.tex", r"\nabla_a^2 B &= \frac{1}{\tau} \left( \operatorname{diag}(q) - q q^\top \right) .", r"\nabla_a^2 B &= \operatorname{diag}(q) - q q^\top .", "missing_factor"),
    ("softmax.tex", r"  \nabla_a E &= v - r .", r"  \nabla_a E &= r - v .", "sign"),
    ("softmax.tex", r"\nabla_W Q &= \frac{1}{N} X^\top (P - T) + \mu W .", r"\nabla_W Q &= \frac{1}{N} X^\top (P - T) .", "missing_term"),
    ("backprop.tex", r"\pd{\kappa}{x} &= A^\top \left( v \odot \mathbf{1}[g > 0] \right) .", r"\pd{\kappa}{x} &= A^\top v .", "missing_factor"),
    ("backprop.tex", r"\pd{o}{x} &= I + \operatorname{diag}(1 - \tanh^2(s)) B .", r"\pd{o}{x} &= \operatorname{diag}(1 - \tanh^2(s)) B .", "missing_term"),
    ("backprop.tex", r"\pd{\Omega}{V} &= H^\top (\Phi - Y) , \\", r"\pd{\Omega}{V} &= 2 H^\top (\Phi - Y) , \\", "factor"),
    ("gaussian.tex", r"               &= (T + P) \mu - T z - P m_0 , \\", r"               &= (T + P) \mu - T z + P m_0 , \\", "sign"),
    ("gaussian.tex", r"\mu &= (T + P)^{-1} (T z + P m_0) .", r"\mu &= (T + P)^{-1} (P z + T m_0) .", "consequence"),
    ("gaussian.tex", r"&= 2 F (u - v) (u - v)^\top ,", r"&= 2 (u - v) (u - v)^\top F ,", "wrong"),
    ("matrices.tex", r"\frac{\partial h}{\partial B} &= 2 A^\top (A B - C) , \\", r"\frac{\partial h}{\partial B} &= 2 A (A B - C) , \\", "transpose"),
    ("matrices.tex", r"\frac{\partial g}{\partial b} &= A^{-\top} a \\", r"\frac{\partial g}{\partial b} &= A^{-1} a \\", "transpose"),
    ("matrices.tex", r"&= a \odot \cos(x) \\", r"&= a \odot \sin(x) \\", "wrong"),
    ("newton.tex", r"\frac{\partial m}{\partial s} &= a s - b + \frac{1}{2} s^2 , \\", r"\frac{\partial m}{\partial s} &= a s - b + \frac{1}{3} s^2 , \\", "factor"),
    ("newton.tex", r"v &= (Q + \mu I)^{-1} c .", r"v &= (Q - \mu I)^{-1} c .", "consequence"),
    ("newton.tex", r"\frac{\partial S}{\partial x} &= A^\top \left( (1 - u \odot u) \odot u \right) .", r"\frac{\partial S}{\partial x} &= A^\top u .", "missing_term"),
    ("factors.tex", r"\frac{\partial e}{\partial c} &= -(r - a^\top c) a + \rho c , \\", r"\frac{\partial e}{\partial c} &= -(r - a^\top c) c + \rho c , \\", "wrong"),
    ("factors.tex", r"c &\leftarrow c - \eta \left( \rho c - (r - a^\top c) a \right) ,", r"c &\leftarrow c + \eta \left( \rho c - (r - a^\top c) a \right) ,", "update"),
    ("factors.tex", r"    &= (h^\top h) (l^\top l) ,", r"    &= 2 (h^\top h) (l^\top l) ,", "factor"),
    ("scalars.tex", r"\frac{\partial q}{\partial p} &= 1 - q^2 , \\", r"\frac{\partial q}{\partial p} &= 1 + q^2 , \\", "sign"),
    ("scalars.tex", r"    &= (r - t) v (1 - q^2) x .", r"    &= (r - t) (1 - q^2) x .", "missing_factor"),
    ("scalars.tex", r"g^2 - h^2 &= (g + h) (g - h) , \\", r"g^2 - h^2 &= (g - h) (g - h) , \\", "sign"),
    ("losses.md", r"\nabla_w p &= X^\top \left( \exp(X w) - y \right) \\", r"\nabla_w p &= X^\top \left( y - \exp(X w) \right) \\", "sign"),
    ("losses.md", r"&= \frac{2}{n} \left( X^\top X w - X^\top y \right) + \lambda w", r"&= \frac{2}{n} \left( X^\top X w - X^\top y \right) + 2 \lambda w", "factor"),
]  # fmt: skip
QUICK = PLANTS[::10]


def report(name: str, text: str) -> Report:
    return Checker(paper_of(text, str(PAPERS / name)), Options()).run()


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_wrong(name: str) -> None:
    found = report(name, (PAPERS / name).read_text(encoding="utf-8"))
    assert found.ok, str(found)
    assert not found.troubles
    assert not found.skipped and found.checked >= 18, str(found)


def planted(name: str, old: str, new: str) -> tuple[str, int]:
    """The document with a mistake, and the line on which it is."""
    text = (PAPERS / name).read_text(encoding="utf-8")
    assert text.count(old) == 1, f"{name}: {text.count(old)} times {old}"
    at = text.index(old)
    same = next((k for k, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), min(len(old), len(new)))
    return text.replace(old, new), text.count("\n", 0, at + same) + 1


def check_plant(name: str, old: str, new: str, kind: str) -> None:
    text, line = planted(name, old, new)
    found = report(name, text)
    assert [f.line for f in found.findings] == [line], f"line {line}\n{found}"
    assert found.findings[0].kind == kind, found.findings[0]


def test_a_mistake_in_an_included_file_is_found_there(tmp_path: Path) -> None:
    shutil.copytree(PAPERS, tmp_path / "papers")
    part = tmp_path / "papers" / "parts" / "dropout.tex"
    old = r"\pd{J}{H} &= \frac{1}{n} M \odot"
    text = part.read_text(encoding="utf-8")
    part.write_text(text.replace(old, old.replace(r" M \odot", "")), encoding="utf-8")
    found = check_document(tmp_path / "papers" / "backprop.tex").findings
    line = text.count("\n", 0, text.index(old)) + 1
    assert [(Path(f.file).name, f.line, f.kind) for f in found] == [("dropout.tex", line, "missing_factor")]


def test_there_are_eighty_of_all_documents() -> None:
    assert len(PLANTS) >= 80
    assert {p[0] for p in PLANTS} == set(NAMES)


@pytest.mark.parametrize(("name", "old", "new", "kind"), QUICK, ids=[f"{p[0]}-{p[3]}-{k}" for k, p in enumerate(QUICK)])
def test_a_mistake_is_found(name: str, old: str, new: str, kind: str) -> None:
    check_plant(name, old, new, kind)


@pytest.mark.fuzz
@pytest.mark.parametrize(("name", "old", "new", "kind"), PLANTS, ids=[f"{p[0]}-{p[3]}-{k}" for k, p in enumerate(PLANTS)])
def test_every_mistake_is_found(name: str, old: str, new: str, kind: str) -> None:
    check_plant(name, old, new, kind)
