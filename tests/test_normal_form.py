"""The core normal form: reached in one step, independent of the order in which things are written and of the process."""

from __future__ import annotations

import itertools
import string
import subprocess
import sys

import numpy as np
import pytest
from test_engine import CASES, title

import symderiv as sd
from symderiv.calculus.derive import gradients
from symderiv.expr.nodes import Add, Call, Einsum, Node, Num, Shared, Var, var
from symderiv.expr.walk import postorder, variables
from symderiv.notation.words import to_words
from symderiv.simplify.add import add
from symderiv.simplify.lower import normal
from symderiv.simplify.product import einsum

# once is enough -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", CASES, ids=title)
def test_normal_of_the_words_is_the_core(case: dict) -> None:
    problem = sd.parse(case["expr"], case["vars"])
    core = normal(problem.expr)
    assert normal(to_words(core)) is core
    r = sd.derive(problem, case["wrt"], order=case.get("order", 1), check=False)
    assert isinstance(r, sd.Derivative)
    again = normal(to_words(r.core))
    if case.get("prints") is not False:  # what a person would write comes back as it is
        assert to_words(again) is to_words(r.core)
    assert normal(to_words(again)) is again


@pytest.mark.parametrize("case", CASES[::3], ids=title)
def test_core_and_words_are_made_of_their_own_nodes(case: dict) -> None:
    r = sd.derive(case["expr"], case["wrt"], order=case.get("order", 1), vars=case["vars"], check=False)
    assert isinstance(r, sd.Derivative)
    named = {"add", "neg", "mul", "div", "matmul", "T", "sum", "mean", "trace", "outer", "dot", "isum", "einsum"}
    assert not any(isinstance(n, Call) and n.name in named for n in postorder(r.core))
    assert not any(isinstance(n, (Add, Einsum, Shared)) for n in postorder(r.expr))
    assert r.expr.shape == r.core.shape


# whatever the order -----------------------------------------------------------------------------------------------------------

SAME = [
    ["x + y - z", "y - z + x", "-(z - x) + y", "x - (z - y)"],
    ["x*y*z", "z*x*y", "(z*y)*x", "x*(y*z)"],
    ["2*(x + y)", "2*y + 2*x", "x + y + x + y", "(x + y)*2", "(x + y)/0.5"],
    ["A @ (B @ C)", "(A @ B) @ C", "A @ B @ C", "((C.T @ B.T) @ A.T).T"],
    ["trace(A @ B @ C)", "trace(C @ A @ B)", "trace(B @ C @ A)", "trace(C.T @ B.T @ A.T)", "sum(A.T*(B @ C))"],
    ["x @ A @ y", "y @ A.T @ x", "sum(outer(x, y)*A)", "trace(A @ outer(y, x))", "(x @ A) @ y", "x @ (A @ y)"],
    ["sum(x*y)", "x @ y", "dot(x, y)", "trace(outer(x, y))", "sum(x[i]*y[i] for i in range(n))", "sum(y*x, axis=0)"],
    ["norm(x)**2", "x @ x", "sum(x**2)", "sum(x*x)", "sum(square(x))", "norm(x)*norm(x)"],
    ["mean(x)", "sum(x)/n", "x @ ones(n)/n", "ones(n) @ x/n", "sum(x/n)"],
    ["sigmoid(x)", "1/(1 + exp(-x))", "exp(x)/(1 + exp(x))"],
    ["softmax(x)", "exp(x)/sum(exp(x))", "exp(x - logsumexp(x))"],
    ["logsumexp(x)", "log(sum(exp(x)))"],
    ["softplus(x)", "log(1 + exp(x))", "log1p(exp(x))"],
    ["inv(A).T", "inv(A.T)"],
    ["A.T.T", "A", "eye(n) @ A", "A @ eye(n)", "A + zeros((n, n))", "1*A"],
    ["diag(x) @ y", "x*y", "y*x"],
    ["diag(x) @ A", "x[:, None]*A", "(A.T*x).T"],
    ["A @ diag(x)", "A*x"],
    ["sum(A, axis=1)", "A @ ones(n)"],
    ["x/norm(x)", "x*(x @ x)**(-1/2)", "x/sqrt(sum(x**2))"],
    ["sin(-x)", "-sin(x)"],
    ["exp(x)*exp(y)", "exp(y)*exp(x)"],
    ["x**2*x**3", "x**5"],
    ["solve(A, x)", "inv(A) @ x"],
]


@pytest.mark.parametrize("texts", SAME, ids=[t[0] for t in SAME])
def test_spellings_of_one_value_are_one_core(texts: list[str]) -> None:
    vars = "x: n; y: n; z: n; A: n,n; B: n,n; C: n,n"
    cores = {t: normal(sd.parse(t, vars).expr) for t in texts}
    first = cores[texts[0]]
    assert [t for t, core in cores.items() if core is not first] == []


def random_product(rng: np.random.Generator) -> tuple[list[tuple[Node, list[int]]], list[int]]:
    """Factors with labels that meet at random, of few different variables, so that there are symmetries."""
    pool = [var("A", "n,n"), var("S", "n,n", "symmetric"), var("x", "n"), var("T", "n,n,n"), var("B", "n,n")]
    labels = int(rng.integers(2, 6))
    items = []
    for _ in range(int(rng.integers(2, 6))):
        v = pool[int(rng.integers(len(pool)))]
        items.append((v, [int(k) for k in rng.integers(0, labels, size=v.rank)]))
    used = sorted({k for _, ls in items for k in ls})
    out = [k for k in used if rng.random() < 0.4][:3]
    return items, out


@pytest.mark.parametrize("seed", range(150))
def test_factors_and_labels_in_any_order(seed: int) -> None:
    rng = np.random.default_rng(seed)
    items, out = random_product(rng)
    first = einsum(items, out)
    for _ in range(6):
        names = rng.permutation(20)
        shuffled = [(x, [int(names[k]) for k in ls]) for x, ls in (items[k] for k in rng.permutation(len(items)))]
        assert einsum(shuffled, [int(names[k]) for k in out]) is first
        turned = [(x, ls[::-1]) if isinstance(x, Var) and x.is_a("symmetric") else (x, ls) for x, ls in items]
        assert einsum(turned, out) is first


def test_factors_nested_in_any_way() -> None:
    A, B, x = var("A", "n,n"), var("B", "n,n"), var("x", "n")
    flat = einsum([(A, "ij"), (B, "jk"), (x, "k"), (A, "li")], "l")
    inner = einsum([(A, "ij"), (B, "jk")], "ik")
    assert einsum([(inner, "ik"), (x, "k"), (A, "li")], "l") is flat
    right = einsum([(B, "jk"), (x, "k")], "j")
    assert einsum([(einsum([(A, "li"), (A, "ij")], "lj"), "lj"), (right, "j")], "l") is flat


@pytest.mark.parametrize("seed", range(20))
def test_terms_in_any_order(seed: int) -> None:
    rng = np.random.default_rng(seed)
    terms = []
    for _ in range(6):
        items, _ = random_product(rng)
        labels = sorted({k for _, ls in items for k in ls})[:1]
        terms.append(einsum(items, labels, {}))
    first = add(terms)
    for _ in range(4):
        mixed = [terms[k] for k in rng.permutation(6)]
        assert add(mixed) is first
        assert add([add(mixed[:2]), add([mixed[2], add(mixed[3:])])]) is first
    assert add([*terms, *(einsum([(t, "i")], "i", coef=Num(-1).value) for t in terms)]).coef == 0  # type: ignore[attr-defined]


def test_einsum_letters_do_not_matter() -> None:
    vars = "A: n,n; B: n,n"
    cores = {
        normal(sd.parse(f"einsum('{a}{b},{b}{c}->{a}{c}', A, B)", vars).expr)
        for a, b, c in itertools.islice(itertools.permutations(string.ascii_lowercase[:5], 3), 20)
    }
    assert cores == {normal(sd.parse("A @ B", vars).expr)}


def test_a_sum_index_by_any_name_is_the_same() -> None:
    texts = [f"sum(x[{i}]*sum(A[{i}, {j}]*x[{j}] for {j} in range(n)) for {i} in range(n))" for i, j in ("ij", "ab", "ji", "kl")]
    assert len({normal(sd.parse(t, "x: n; A: n,n").expr) for t in texts}) == 1


# whatever the process -----------------------------------------------------------------------------------------------------------

SCRIPT = """
import sys, tomllib, pathlib
sys.path.insert(0, sys.argv[1])
import symderiv as sd
for path in sorted(pathlib.Path(sys.argv[1], "tests", "cases").glob("*.toml")):
    for case in tomllib.loads(path.read_text(encoding="utf-8"))["case"][::4]:
        r = sd.derive(case["expr"], case["wrt"], order=case.get("order", 1), vars=case["vars"], check=False)
        print(r, "|", r.text(), "|", r.latex(), "|", r.core.key.hex())
print(sd.derive("sum((X @ tanh(W @ V) - Y)**2) + sum(W**2)", ["W", "V", "X"], check=False))
"""


def test_results_do_not_depend_on_the_hash_seed(root, environment) -> None:
    def printed(seed: str) -> str:
        env = {**environment, "PYTHONHASHSEED": seed}
        done = subprocess.run([sys.executable, "-c", SCRIPT, str(root)], env=env, capture_output=True, timeout=120, check=True)
        return done.stdout.decode("utf-8")

    first = printed("0")
    assert first.count("\n") > 30
    assert printed("12345") == first


def test_results_do_not_depend_on_what_was_derived_before() -> None:
    """Caches hold values, not decisions: the same text after other work, and by the engine directly."""
    text, vars = "sum((X @ w - y)**2)/n + lam*norm(w)**2", "X: n,d; w: d; y: n; lam: scalar"
    first = str(sd.derive(text, "w", vars=vars))
    for case in CASES[:20]:
        sd.derive(case["expr"], case["wrt"], vars=case["vars"], check=False)
    assert str(sd.derive(text, "w", vars=vars)) == first
    core = normal(sd.parse(text, vars).expr)
    (w,) = (v for v in variables(core) if v.name == "w")
    assert str(to_words(gradients(core, [w])[0][w])) == first
