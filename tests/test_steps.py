"""Derivations: every step holds numerically, the last step is the answer, the detail is what was asked for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import symderiv as sd
from symderiv.errors import SymDerivError
from symderiv.expr.nodes import Call, Num
from symderiv.expr.op import OPS
from symderiv.steps.consequences import stationary, update_rules
from symderiv.steps.model import DETAILS, STYLES
from symderiv.steps.rules import RULES, rule_named, rules_with_pages
from symderiv.verify.steps import check_steps, walk_steps

REGRESSION = {"X": "n,d", "w": "d", "y": "n"}
SIGMOID = "sum((y - sigmoid(X @ w))**2)"

# What a derivation must cope with: several paths, several variables, arrays, kinks, properties, labels, explicit indices.
PROBLEMS = [
    ("sum((X @ w - y)**2)", "w", REGRESSION, 1),
    (SIGMOID, "w", REGRESSION, 1),
    ("x @ A @ x", "x", {"A": "n,n"}, 1),
    ("x @ A @ x", "x", {"A": "n,n symmetric"}, 2),
    ("logdet(A)", "A", {"A": "n,n symmetric"}, 1),
    ("trace(A @ X @ B @ X)", "X", {"A": "d,n", "X": "n,d", "B": "d,n"}, 1),
    ("-mean(sum(Y*log_softmax(X @ W + b, axis=1), axis=1)) + lam*sum(W**2)", "W",
     {"X": "n,d", "W": "d,k", "b": "k", "Y": "n,k onehot", "lam": "scalar"}, 1),
    ("sum(softplus(X @ w) - y*(X @ w))", "w", REGRESSION, 2),
    ("softmax(x)", "x", {"x": "n"}, 1),
    ("X.T @ A", "X", {"X": "n,d", "A": "n,m"}, 1),
    ("X/sqrt(sum(X**2, axis=1, keepdims=True))", "X", {"X": "n,d"}, 1),
    ("(x @ y)/(norm(x)*norm(y))", "x", {"x": "n", "y": "n"}, 1),
    ("sum((y[i] - w @ X[i])**2 for i in range(n))", "w", REGRESSION, 1),
    ("mean(logsumexp(X @ W, axis=1) - (X @ W)[arange(n), y])", "W", {"X": "n,d", "W": "d,k", "y": "n integer"}, 1),
    ("exp(a @ x)", "x", {"a": "n", "x": "n"}, 2),
    ("exp(x)*sin(x)/x", "x", {"x": "scalar"}, 3),
    ("sum(x)", "x", {"x": "n"}, 1),
    ("w", "w", {"w": "d"}, 1),
    ("sum(sign(x)*y)", "x", {"x": "n", "y": "n"}, 1),
]  # fmt: skip


def explain(text, wrt, variables, style="differential", detail="normal", order=1, **more):
    answer = sd.derive(text, wrt, order=order, vars=variables, **more)
    return answer, answer.derivation(style, detail)


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize(("text", "wrt", "variables", "order"), PROBLEMS, ids=[f"{p[0]} by {p[1]} {p[3]}" for p in PROBLEMS])
def test_every_step_holds_and_the_last_is_the_answer(text, wrt, variables, order, style) -> None:
    for detail in DETAILS:
        answer, derivation = explain(text, wrt, variables, style, detail, order)
        report = check_steps(derivation, points=2 if detail == "normal" else 1)
        assert report.ok, [(f.step.rule, f.message) for f in report.failures]
        assert derivation.steps[-1].after is answer.expr
        assert all(rule_named(s.rule).title and s.reason for s in walk_steps(derivation.steps))


@pytest.mark.parametrize("name", sorted(n for n, op in OPS.items() if op.example))
def test_every_operation(name: str) -> None:
    """The example of every operation, by its first variable, in all styles."""
    op = OPS[name]
    problem = sd.parse(op.example, dict(op.example_vars))
    wrt = next((v.name for v in problem.vars.values() if not v.is_a("integer")), None)
    if wrt is None:
        return
    try:
        answer = sd.derive(problem, wrt, check=False)
    except SymDerivError as error:
        assert error.code.startswith("SD3"), error
        return
    for style in STYLES:
        derivation = answer.derivation(style)
        report = check_steps(derivation, points=1)
        assert report.ok, (style, [(f.step.rule, f.message) for f in report.failures])
        assert derivation.steps[-1].after is answer.expr


def test_a_wrong_step_is_seen() -> None:
    _, derivation = explain("sum((X @ w - y)**2)", "w", REGRESSION)
    for k, step in enumerate(derivation.steps):
        wrong = replace(step, after=Call("mul", Num(3), step.after))
        section = replace(derivation.sections[0], steps=(*derivation.steps[:k], wrong, *derivation.steps[k + 1 :]))
        assert not check_steps(replace(derivation, sections=(section,))).ok


def test_the_first_line_is_the_problem_as_written() -> None:
    answer, derivation = explain(SIGMOID, "w", REGRESSION)
    assert derivation.sections[0].expr is answer.problem.expr


def test_recognised_forms_are_told() -> None:
    _, derivation = explain("log(sum(exp(A @ x)))", "x", {"A": "n,d", "x": "d"})
    first = derivation.steps[0]
    assert first.rule == "rewrite" and "logsumexp" in str(first.after)


def test_definitions_of_the_user_are_the_names() -> None:
    text = "X: n,d\nw: d\ny: n\ndelta = y - X @ w\nL = sum(delta**2)"
    answer = sd.derive(sd.parse(text), "w")
    lines = [str(s.after) for s in answer.derivation().steps]
    assert lines[0] == "2*delta @ ddelta"
    assert "-2*X.T @ delta" in lines
    index = [str(s.after) for s in answer.derivation("index").steps]
    assert "-2*sum(delta[i]*X[i, j] for i in range(n))" in index


def test_the_delta_sifts() -> None:
    _, derivation = explain("sum((X @ w - y)**2)", "w", REGRESSION, "index")
    rules = [s.rule for s in derivation.steps]
    at = rules.index("kronecker")
    assert rules[at + 1] == "sift" and "k ≠ j" in derivation.steps[at + 1].reason
    assert rules[at + 2] == "reassemble"


def test_paths_are_summed() -> None:
    _, derivation = explain("exp(x @ a)*(x @ x)", "x", {"x": "n", "a": "n"}, "graph")
    assert any(s.rule == "paths" for s in derivation.steps)


def test_several_variables_come_from_one_derivation() -> None:
    text = "mean((relu(X @ W1 + b1) @ W2 + b2 - Y)**2)"
    variables = {"X": "n,d", "W1": "d,h", "b1": "h", "W2": "h,k", "b2": "k", "Y": "n,k"}
    answers = sd.derive(text, ["W1", "b1", "W2", "b2"], vars=variables)
    for style in STYLES:
        derivation = answers.derivation(style)
        assert check_steps(derivation, points=1).ok
        ends = {s.after for s in derivation.steps}
        assert all(a.expr in ends for a in answers.values())
    assert len(answers.derivation("index").sections) == 4
    assert "⋯" in answers.text(steps=True)


@pytest.mark.parametrize(
    ("text", "wrt", "variables", "order", "textbook"),
    [
        # dL = 2(p - y)'dp; dp = p(1-p) du; moved across; du = X dw; gradient
        (SIGMOID, "w", REGRESSION, 1, 5),
        # dL = -tr(Y' d log P)/n; d log P; tr((P - Y)' dZ); dZ = X dW; gradient
        ("-sum(Y*log(softmax(X @ W, axis=1)))/n", "W", {"X": "n,d", "W": "d,k", "Y": "n,k onehot"}, 1, 5),
        # gradient: dL in terms of du twice, du = X dw, collected, read off; Hessian: dg = X'dp, dp, diagonal, du = X dw, read off
        ("sum(softplus(X @ w) - y*(X @ w))", "w", REGRESSION, 2, 10),
    ],
)
def test_not_many_more_steps_than_a_textbook(text, wrt, variables, order, textbook) -> None:
    answer, derivation = explain(text, wrt, variables, order=order)
    steps = [s for s in derivation.steps if s.rule not in ("rewrite", "substitute")]  # names put back: a textbook stops before
    assert len(steps) <= 1.5 * textbook
    assert derivation.steps[-1].after is answer.expr


def test_levels_of_detail() -> None:
    for style in STYLES:
        counts = [len(explain(SIGMOID, "w", REGRESSION, style, detail)[1].steps) for detail in DETAILS]
        assert counts == sorted(counts) and counts[0] < counts[2]
    _, full = explain(SIGMOID, "w", REGRESSION, detail="full")
    assert any(s.children for s in full.steps)
    _, normal = explain(SIGMOID, "w", REGRESSION)
    assert not any(s.children for s in normal.steps)


def deep(layers: int) -> tuple[str, dict[str, str]]:
    text, variables = "X", {"X": "n,d0"}
    for k in range(1, layers + 1):
        text = f"tanh({text} @ W{k} + b{k})"
        variables |= {f"W{k}": f"d{k - 1},d{k}", f"b{k}": f"d{k}"}
    return f"sum(({text} - Y)**2)/n", {**variables, "Y": f"n,d{layers}"}


@pytest.mark.parametrize("style", STYLES)
def test_deep_networks_have_bounded_output(style: str) -> None:
    sizes = []
    for layers in (6, 12):
        text, variables = deep(layers)
        answer = sd.derive(text, "W1", vars=variables, check=False)
        sizes.append(len(answer.text(steps=True, style=style)))
        if layers == 6:
            assert check_steps(answer.derivation(style), points=1).ok
    assert sizes[1] < 2.7 * sizes[0]  # linear in the depth


def test_symmetric_variables() -> None:
    for convention, rule in (("plain", "properties"), ("constrained", "constrained")):
        answer, derivation = explain("logdet(A)", "A", {"A": "n,n symmetric"}, symmetric=convention)
        assert derivation.steps[-1].rule == rule and derivation.steps[-1].after is answer.expr
        assert check_steps(derivation).ok


def test_products_have_no_derivation_of_their_own() -> None:
    product = sd.jvp("sum(x**2)", "x", vars={"x": "n"})
    with pytest.raises(SymDerivError) as caught:
        product.steps  # noqa: B018
    assert caught.value.code == "SD306"


def test_unknown_styles_and_options_are_refused() -> None:
    answer = sd.derive("sum(x**2)", "x", vars={"x": "n"})
    for call in (
        lambda: answer.derivation("prose"),
        lambda: answer.derivation(detail="some"),
        lambda: answer.latex(steps=True, colour="red"),
        lambda: answer.write_steps("docx"),
        lambda: answer.text(steps=True, derivative="prime"),
    ):
        with pytest.raises(SymDerivError) as caught:
            call()
        assert caught.value.code == "SD105"


def test_update_rule_as_in_the_notes() -> None:
    text = "X: n,d\nw: d\ny: n\ndelta = y - X @ w\nL = sum(delta**2)"
    answer = sd.derive(sd.parse(text), "w")
    (rule,) = update_rules(answer.derivation("index"), "alpha")
    assert (str(rule.left), str(rule.right)) == ("w[j]", "w[j] + 2*alpha*sum(delta[i]*X[i, j] for i in range(n))")
    (rule,) = update_rules(answer.derivation(), "alpha")
    assert str(rule.right) == "w + 2*alpha*X.T @ delta"


def test_normal_equations() -> None:
    answer = sd.derive("sum((X @ w - y)**2) + lam*sum(w**2)", "w", vars={**REGRESSION, "lam": "scalar"})
    equations = stationary(answer.derivation())
    assert [str(e.left) for e in equations[1:]] == ["(X.T @ X + lam*eye(d)) @ w", "w"]
    rng = np.random.default_rng(0)
    values = {"X": rng.standard_normal((7, 3)), "y": rng.standard_normal(7), "lam": 0.7}
    best = sd.evaluate(equations[-1].right, **values)
    assert np.allclose(sd.evaluate(answer.expr, w=best, **values), 0, atol=1e-10)


def test_rules_have_what_a_page_needs() -> None:
    for rule in rules_with_pages():
        assert rule.title and rule.says and rule.why and rule.source and rule.example
    assert {"sum", "product", "kronecker", "sift", "upstream", "paths"} <= set(RULES)


@pytest.mark.parametrize("rule", rules_with_pages(), ids=lambda r: r.key)
def test_the_example_of_every_rule_uses_it(rule) -> None:
    answer = sd.derive(rule.example, rule.wrt, order=rule.order, vars=dict(rule.vars), symmetric=rule.symmetric, check=False)
    derivation = answer.derivation(rule.style, rule.detail)
    assert rule.key in {s.rule for s in walk_steps(derivation.steps)}
    assert check_steps(derivation, points=1).ok


# as a person writes -----------------------------------------------------------------------------------------------------------
CLASSIFIER = "X: n,d\nw: d\ny: n\np = sigmoid(X @ w)\n"


def test_terms_are_differentiated_together_and_rearranging_is_one_step() -> None:
    answer = sd.derive(sd.parse(CLASSIFIER + "L = -sum(y*log(p) + (1 - y)*log(1 - p))"), "w")
    rules = [s.rule for s in answer.derivation().steps]
    assert rules == ["linear", "logsigmoid", "transpose", "linear", "read_gradient", "substitute"]
    several = explain("sum(exp(x)) + norm(A @ x)", "x", {"A": "m,n", "x": "n"})[1]
    (terms,) = [s for s in several.steps if s.rule == "terms"]
    assert {c.rule for c in terms.children} == {"exp", "linear"}


def test_the_order_of_the_terms_is_the_users() -> None:
    variables = {**REGRESSION, "lam": "scalar", "mu": "scalar"}
    _, derivation = explain("sum((X @ w - y)**2)/(2*n) + lam*norm(w, 1) + mu/2*sum(w**2)", "w", variables, "index")
    entries = str(derivation.steps[0].after)
    assert entries.index("r[i]**2") < entries.index("abs(w") < entries.index("w[k]**2")


@pytest.mark.parametrize("style", STYLES)
def test_facts_are_told_where_they_are_used(style: str) -> None:
    _, one_hot = explain("-sum(y*log(softmax(z)))", "z", {"z": "k", "y": "k onehot"}, style)
    assert [s for s in one_hot.steps if "entries of `y` sum to 1" in s.reason]
    _, free = explain("-sum(y*log(softmax(z)))", "z", {"z": "k", "y": "k"}, style)
    assert not [s for s in free.steps if "sum to" in s.reason]
    problem = sd.parse("x: n\nc = x - mean(x)\nf = c/norm(c)")
    assert [s for s in sd.derive(problem, "x").derivation(style).steps if "entries of `c` sum to 0" in s.reason]


def test_a_likelihood_becomes_a_cross_entropy() -> None:
    text = "Z: n,k\nY: n,k onehot\nP = softmax(Z, axis=1)\nq = sum(Y*P, axis=1)\nL = -log(prod(q))"
    answer = sd.derive(sd.parse(text), "Z")
    assert str(answer) == "softmax(Z) - Y" and not answer.kinks
    first = answer.derivation().steps[0]
    assert first.rule == "rewrite" and "logarithm of a product" in first.reason and "row of `Y`" in first.reason
    bernoulli = sd.derive(sd.parse(CLASSIFIER + "L = -log(prod(p**y*(1 - p)**(1 - y)))"), "w")
    assert str(bernoulli) == "X.T @ (sigmoid(X @ w) - y)"
    assert "log aᵇ" in bernoulli.derivation().steps[0].reason
    signed = sd.derive("log(prod(x))", "x", vars={"x": "n"})  # two negative factors have a positive product: no logarithm of each
    assert signed.numpy()(x=np.array([-2.0, -4.0])) == pytest.approx([-0.5, -0.25])


@pytest.mark.parametrize("style", STYLES)
def test_a_variable_that_does_not_occur(style: str) -> None:
    for shape in ("n", "scalar", "n,m"):
        answer, derivation = explain("sum(x)", "y", {"x": "n", "y": shape}, style)
        assert derivation.steps[-1].rule == "constant" and derivation.steps[-1].after is answer.expr


def test_products_keep_their_orientation_under_a_norm() -> None:
    for text in ("norm(A @ B)", "sum((A @ B)**2)", "norm(B.T @ A.T)"):
        answer, derivation = explain(text, "A", {"A": "n,k", "B": "k,m"})
        assert "B.T" not in str(answer).replace("B @ B.T", "")
        assert check_steps(derivation, points=1).ok


@pytest.mark.parametrize("style", STYLES)
def test_no_line_is_printed_twice(style: str) -> None:
    from symderiv.steps.options import Options
    from symderiv.write.stepmath import StepMath

    for text, wrt, variables, order in PROBLEMS:
        for detail in ("normal", "full"):
            _, derivation = explain(text, wrt, variables, style, detail, order, check=False)
            math = StepMath(derivation.symbols, Options(), "unicode", derivation.vars)
            last = ""
            for step in derivation.steps:
                line = math.text(step.after)
                assert step.opens or line != last, (text, detail, step.rule, line)
                last = line


SAMPLES = [
    ("sum((y - sigmoid(X @ w))**2)", "w", REGRESSION),
    ("sum((X @ w - y)**2) + lam*sum(w**2)", "w", {**REGRESSION, "lam": "scalar"}),
    ("-sum(Y*log(softmax(X @ W, axis=1)))/n", "W", {"X": "n,d", "W": "d,k", "Y": "n,k onehot"}),
]


@pytest.mark.parametrize(("text", "wrt", "variables"), SAMPLES)
def test_the_gradient_as_a_sum_over_samples(text: str, wrt: str, variables: dict[str, str]) -> None:
    from symderiv.steps.document import _with_samples

    _, derivation = explain(text, wrt, variables, "index")
    (section,) = derivation.sections
    steps = _with_samples(list(section.steps))
    assert len(steps) == len(section.steps) + 1
    assert "for i in range(n)" in str(next(s for s in steps if s.rule == "reassemble").after)
    assert check_steps(replace(derivation, sections=(replace(section, steps=tuple(steps)),)), points=2).ok
