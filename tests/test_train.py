"""Training: what it reaches, that the script stands alone, that data are refused with their place."""

from __future__ import annotations

import builtins
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import symderiv as sd
from symderiv.cli.main import run
from symderiv.learn.models import ACTIVATIONS, models
from symderiv.learn.train import load_data, load_model, split, train
from symderiv.learn.train.script import _split_top

NETWORK = {"epochs": 40, "batch": 32, "step": 0.1, "momentum": 0.9, "l2": 1e-3}


def clouds(n: int = 120, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    y = rng.integers(3, size=n)
    return rng.standard_normal((n, 4)) + 4 * np.eye(3, 4)[y], y


@pytest.fixture(scope="module")
def digits():
    pytest.importorskip("sklearn", reason="scikit-learn is not installed: the digits cannot be trained on")
    return load_data("digits")


def test_softmax_regression_on_digits(digits) -> None:
    first, second = (train("softmax", data=digits) for _ in range(2))
    assert first.test_accuracy >= 0.95 and first.gradient_error < 1e-6
    assert first.losses == second.losses


def test_two_layers_on_digits(digits) -> None:
    first, second = (train("perceptron-2", data=digits, **NETWORK) for _ in range(2))
    assert first.test_accuracy >= 0.97 and first.gradient_error < 1e-6
    assert first.test_accuracy == second.test_accuracy


def test_time_against_a_loop_by_hand(digits) -> None:
    X, y = digits.X, digits.y
    Y, n = np.eye(10)[y], len(X)

    def by_hand() -> tuple[float, float]:
        W, b, loss = np.zeros((64, 10)), np.zeros(10), 0.0
        start = time.perf_counter()
        for _ in range(300):
            S = X @ W + b
            S = S - S.max(axis=1, keepdims=True)
            E = np.exp(S)
            P = E / E.sum(axis=1, keepdims=True)
            loss = -np.mean(np.log(P[np.arange(n), y]))
            G = (P - Y) / n
            W -= 0.5 * X.T @ G
            b -= 0.5 * G.sum(axis=0)
        return time.perf_counter() - start, float(loss)

    ours, theirs = [], []
    for _ in range(4):
        result = train("softmax", data=digits, every=300)
        ours.append(result.seconds)
        seconds, loss = by_hand()
        theirs.append(seconds)
    assert np.isclose(result.losses[-1], loss, rtol=1e-9)
    assert min(ours) < 1.5 * min(theirs) + 0.02


@pytest.mark.parametrize("name", [n for n, m in models.items() if m.task])
def test_every_model_learns(name: str) -> None:
    X, y = clouds()
    task = models[name].task
    y = (y == 0).astype(int) if task == "binary" else y if task == "classes" else X @ np.array([1.0, -2, 0.5, 0]) + 1
    result = train(name, X, y, epochs=200, step=0.2, hidden=8)
    assert result.test_accuracy > 0.85
    assert result.losses[-1] < result.losses[0]
    assert np.isclose(
        result.accuracy(X, y), (len(X) - 30) / len(X) * result.train_accuracy + 30 / len(X) * result.test_accuracy
    ) or (task == "regression")


@pytest.mark.parametrize("settings", [{"batch": None}, {"batch": 16}, {"batch": 1}, {"decay": 0.1},
                                      {"momentum": 0.9, "step": 0.05}, {"l1": 0.01}, {"l2": 0.1},
                                      {"l1": 0.01, "l2": 0.01}], ids=str)  # fmt: skip
def test_ways_to_descend(settings: dict) -> None:
    X, y = clouds()
    result = train("softmax", X, y, epochs=40, **{"step": 0.1, **settings})
    assert result.test_accuracy > 0.9 and result.gradient_error < 1e-6


def test_penalties_shrink() -> None:
    X, y = clouds()
    plain, ridge, lasso = (train("softmax", X, y, **s) for s in ({}, {"l2": 1.0}, {"l1": 0.1}))
    assert np.linalg.norm(ridge.parameters["W"]) < 0.5 * np.linalg.norm(plain.parameters["W"])
    assert np.abs(lasso.parameters["W"][3]).max() < 0.1  # the column that tells nothing


def test_momentum_is_the_formula() -> None:
    X, y = clouds(20)
    result = train("linear", X, y.astype(float), epochs=3, step=0.1, momentum=0.5, decay=1.0, test=0.0)
    A, t = result.data.X, result.data.y  # type: ignore[union-attr]
    w, b, vw, vb = np.zeros(4), 0.0, np.zeros(4), 0.0
    for epoch in range(3):
        error = A @ w + b - t
        rate = 0.1 / (1 + epoch)
        vw, vb = 0.5 * vw - rate * 2 * A.T @ error / len(A), 0.5 * vb - rate * 2 * error.mean()
        w, b = w + vw, b + vb
    assert np.allclose(result.parameters["w"], w) and np.isclose(result.parameters["b"], b)


@pytest.mark.parametrize("name", ["softmax", "logistic", "linear", "svm", "perceptron-3"])
def test_the_script_runs_alone(name: str, tmp_path: Path) -> None:
    X, y = clouds()
    task = models[name].task
    result = train(name, X, y if task == "classes" else (y == 0).astype(int), epochs=20, hidden=8, l2=0.01)
    script, data = tmp_path / "alone.py", tmp_path / "data.npz"
    script.write_text(result.script, encoding="utf-8")
    np.savez(data, X=X, y=y if task == "classes" else (y == 0))
    imports = {line.split()[1] for line in result.script.splitlines() if line.startswith(("import ", "from "))}
    assert imports <= {"sys", "numpy"}
    guard = "import sys, runpy; sys.modules['symderiv'] = None; sys.argv = sys.argv[1:]"
    guard += "; runpy.run_path(sys.argv[0], run_name='__main__')"
    for arguments in ([], [str(data)]):
        done = subprocess.run([sys.executable, "-W", "error", "-I", "-c", guard, str(script), *arguments], cwd=tmp_path,
                              capture_output=True, text=True, encoding="utf-8", timeout=60, env={"PYTHONUTF8": "1"})  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert "gradient check: worst relative difference" in done.stdout and (tmp_path / "trained.npz").exists()
    assert max(map(len, result.script.splitlines())) < 240


def test_saved_and_loaded(tmp_path: Path) -> None:
    X, y = clouds()
    result = train("perceptron-2", X, np.array(["cat", "dog", "frog"])[y], epochs=10, hidden=5, l2=0.1)
    result.save(tmp_path / "model.npz")
    again = load_model(tmp_path / "model.npz")
    assert again.classes == ("cat", "dog", "frog") and np.array_equal(again.predict(X), result.predict(X))
    (tmp_path / "not.npz").write_text("no")
    with pytest.raises(sd.SymDerivError, match="not a model"):
        load_model(tmp_path / "not.npz")
    with pytest.raises(sd.SymDerivError, match="rows of 4 values"):
        result.predict(X[:, :2])


def test_a_text_of_ones_own() -> None:
    X, y = clouds()
    text = "X: n, d\nW: d, k\ny: n integer\nS = X @ W\nL = cross_entropy(S, y) + 0.01*sum(W**2)"
    assert train(text, X, y, epochs=50).test_accuracy > 0.9
    tied = "X: n, d\nW: d, h\nV: h, k\ny: n integer\nS = tanh(X @ W) @ V\nL = cross_entropy(S, y)"
    assert train(tied, X, y, epochs=50, hidden=7).parameters["W"].shape == (4, 7)


def torch_loss(torch, name: str, activation: str, X, y, p: dict):
    """The same losses in PyTorch, by hand."""
    F, S = torch.nn.functional, X
    if name.startswith("perceptron-"):
        layers = int(name[-1])
        words = {"identity": lambda z: z, "leaky_relu": lambda z: F.leaky_relu(z, 0.01), "gelu": F.gelu, "prelu": None}
        for i in range(1, layers + 1):
            S = S @ p[f"W{i}"] + p[f"b{i}"]
            if i < layers:
                apply = words.get(activation) or getattr(F, activation, None)
                S = torch.where(S > 0, S, p[f"a{i}"] * S) if activation == "prelu" else apply(S)  # type: ignore[misc]
        return F.cross_entropy(S, y)
    S = X @ p["W" if "W" in p else "w"] + p["b"]
    if name == "softmax":
        return F.cross_entropy(S, y)
    if name == "svm":
        margins = torch.clamp(S - S[torch.arange(len(y)), y][:, None] + 1, min=0)
        return (margins.sum() - len(y)) / len(y)
    t = y.double()
    return {"linear": lambda: ((t - S) ** 2).mean(), "absolute": lambda: (t - S).abs().mean(),
            "squared-sigmoid": lambda: ((t - torch.sigmoid(S)) ** 2).mean(),
            "logistic": lambda: F.binary_cross_entropy_with_logits(S, t)}[name]()  # fmt: skip


NETWORKS = [(f"perceptron-{layers}", "tanh") for layers in (1, 2, 3, 5)] + [("perceptron-3", a) for a in ACTIVATIONS]


@pytest.mark.parametrize("name, activation", [*((n, "relu") for n, m in models.items() if m.task and "perc" not in n), *NETWORKS])
def test_gradients_of_the_first_step_agree_with_autograd(name: str, activation: str) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: no autograd to compare with")
    X, y = clouds()
    y = y if models[name].task == "classes" else (y == 0).astype(int)
    chosen = activation if name.startswith("perceptron-") else None
    result = train(name, X, y, epochs=1, hidden=6, activation=chosen, l1=0.01, l2=0.1, test=0.0)
    names, data = result._names, result.data
    assert data is not None
    start = names["initial"](*names["sizes"](data.X, data.y), seed=0)
    p = {n: torch.tensor(np.asarray(v), dtype=torch.float64, requires_grad=True) for n, v in start.items()}
    loss = torch_loss(torch, name, activation, torch.tensor(data.X), torch.tensor(data.y.astype(int)), p)
    for n in (n for n in p if n.startswith(("W", "w"))):
        loss = loss + 0.01 * p[n].abs().sum() + 0.05 * (p[n] ** 2).sum()
    loss.backward()
    mine = names["loss_and_gradients"](data.X, data.y, **start, lam1=0.01, lam2=0.1)
    assert abs(mine[0] - loss.item()) < 1e-10
    for n, v in p.items():
        assert np.abs(mine[1][n] - v.grad.numpy()).max() < 1e-10


@pytest.mark.parametrize("name", ["softmax", "perceptron-2"])
def test_the_script_trains_to_the_same_numbers(name: str, digits, tmp_path: Path) -> None:
    """The script on the raw data, by itself: the split, the scale and the result are those of `train`."""
    X, y = digits.raw
    order = np.argsort(np.random.default_rng(0).permutation(len(X)))  # the rows as they were before they were shuffled
    held = len(digits.X_test)
    shuffled = np.concatenate([np.arange(held) + len(X) - held, np.arange(len(X) - held)])
    result = train(name, data=digits, epochs=5, batch=64, step=0.1)
    np.savez(tmp_path / "data.npz", X=X[shuffled][order], y=y[shuffled][order])
    (tmp_path / "script.py").write_text(result.script, encoding="utf-8")
    done = subprocess.run([sys.executable, "-I", "script.py", "data.npz"], cwd=tmp_path, capture_output=True, text=True,
                          encoding="utf-8", timeout=60, env={"PYTHONUTF8": "1"})  # fmt: skip
    assert f"accuracy {result.train_accuracy:.4f}  on held out data {result.test_accuracy:.4f}" in done.stdout, done.stderr
    with np.load(tmp_path / "trained.npz") as stored:
        for n, v in result.parameters.items():
            assert np.allclose(stored[n], v, atol=1e-9)


def test_the_script_reads_csv_files(tmp_path: Path) -> None:
    X, y = clouds()
    script = train("softmax", X, y, epochs=20).script
    (tmp_path / "s.py").write_text(script, encoding="utf-8")
    rows = [",".join([*map(str, x), "cdf"[c]]) for x, c in zip(X, y, strict=True)]

    def outcome(text: str) -> subprocess.CompletedProcess[str]:
        (tmp_path / "d.csv").write_text(text)
        return subprocess.run([sys.executable, "-I", "s.py", "d.csv"], cwd=tmp_path, capture_output=True, text=True, timeout=60,
                              env={"PYTHONUTF8": "1"})  # fmt: skip

    for head in ("", "p,q,r,s,kind\n"):
        done = outcome(head + "\n".join(rows))
        assert done.returncode == 0 and "on held out data 1.0000" in done.stdout, done.stderr
    with np.load(tmp_path / "trained.npz") as stored:
        assert stored["classes"].tolist() == ["c", "d", "f"]
    for text, says in (("\n".join([*rows, "1,,2,3,c"]), "no number"), ("\n".join([*rows, "1,2,3,4,"]), "no target"),
                       ("\n".join([*rows, "1,nan,3,4,c"]), "finite")):  # fmt: skip
        done = outcome(text)
        assert done.returncode == 1 and says in done.stderr and "Traceback" not in done.stderr


@pytest.mark.parametrize("seed", [1, 2])
def test_accuracy_does_not_hang_on_one_split(seed: int) -> None:
    pytest.importorskip("sklearn", reason="scikit-learn is not installed: the digits cannot be trained on")
    data = load_data("digits", seed=seed)
    assert train("softmax", data=data, seed=seed, every=300).test_accuracy >= 0.95
    assert train("perceptron-2", data=data, seed=seed, every=40, **NETWORK).test_accuracy >= 0.97


def test_points_of_the_plane() -> None:
    data = load_data("xor")
    X, y = data.raw
    assert X.shape == (400, 2) and np.array_equal(y, (X[:, 0] * X[:, 1] < 0).astype(int))
    assert load_data("bulls-eye").classes == ("0", "1")


BAD_FILES = {
    "": "is empty",
    "a,b,c\n": "no rows under the header",
    "a,b,c\n1,2,x\n3,,y\n": "line 3, b: the cell is empty",
    "a,b,c\n1,2,x\n3,red,y\n": "line 3, b: 'red' is not a finite number",
    "a,b,c\n1,2,x\n3,y\n": "line 3: 2 cells; line 1 has 3",
    "a,b,c\n1,nan,x\n3,4,y\n": "'nan' is not a finite number",
    "a,b,c\n1,2,x\n3,4,x\n5,6,x\n": "only one class",
    "a\nx\ny\n": "one column",
    "a,b\n1,x\n2,y\n": "leaves too little",
    'a,b\n1,"x\n2,y\n': "not CSV",
    "a,b,c\n1,2,x\n3,4,\n5,6,y\n": "line 3: the target is empty",
    "a,b,c\n1,2,0.5\n3,4,1.5\n5,6,2.25\n": "3 different labels in 3 rows",
    "a;b;c\n0,5;2;x\n3;4;y\n": "decimal point",
    "a,b\n1e308,x\n-1e308,y\n1e308,x\n-1e308,y\n": "too large to be standardised",
}


@pytest.mark.parametrize("text", BAD_FILES, ids=repr)
def test_bad_files_are_told_with_their_place(text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "data.csv"
    path.write_text(text)
    assert run(["train", "softmax", "--data", str(path), "--test", "0.5"]) == 2
    assert BAD_FILES[text] in capsys.readouterr().err


def test_csv_files(tmp_path: Path) -> None:
    X, y = clouds()
    path = tmp_path / "a.csv"
    rows = [f"{'abc'[c]};{';'.join(map(str, x))}" for x, c in zip(X, y, strict=True)]
    path.write_text("\ufeffkind;p;q;r;s\n" + "\n".join(rows) + "\n\n", encoding="utf-8")
    data = load_data(str(path), target="kind")
    assert data.classes == ("a", "b", "c") and data.features == ("p", "q", "r", "s") and len(data.X) + len(data.X_test) == 120
    assert train("softmax", data=data, epochs=50).test_accuracy > 0.9
    with pytest.raises(sd.SymDerivError, match="has no column 'sort'"):
        load_data(str(path), target="sort")
    with pytest.raises(sd.SymDerivError, match="tells two apart"):
        load_data(str(path), "binary", "kind")
    path.write_bytes(b"\xff\xfe\x00a")
    with pytest.raises(sd.SymDerivError, match="UTF-8"):
        load_data(str(path))
    with pytest.raises(sd.SymDerivError, match="no data set and no file"):
        load_data("digit")


def test_settings_are_checked() -> None:
    X, y = clouds(30)
    for wrong in (
        {"epochs": 0},
        {"batch": 0},
        {"batch": "many"},
        {"step": 0},
        {"step": float("nan")},
        {"momentum": 1.0},
        {"l2": -1},
    ):
        with pytest.raises(sd.SymDerivError) as caught:
            train("softmax", X, y, **wrong)  # type: ignore[arg-type]
        assert caught.value.code == "SD157"
    with pytest.raises(sd.SymDerivError, match="does not say 2 sizes"):
        train("perceptron-3", X, y, hidden=(3, 4, 5))
    with pytest.raises(sd.SymDerivError, match="no data to train on"):
        train("l2", X, y)
    with pytest.raises(sd.SymDerivError, match="smaller step"):
        train("linear", X, y.astype(float), step=1e3)
    with pytest.raises(sd.SymDerivError, match="row 1, column 2 is nan"):
        split(np.array([[0, 0, 0], [0, 0, np.nan], [1, 1, 1]]), np.array([0, 1, 0]))


def test_missing_extras_are_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    real = builtins.__import__

    def without(name: str, *args, **more):
        if name.partition(".")[0] in ("sklearn", "matplotlib"):
            raise ImportError(f"No module named {name!r}", name=name)
        return real(name, *args, **more)

    for name in [m for m in sys.modules if m.partition(".")[0] in ("sklearn", "matplotlib")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr("importlib.import_module", lambda name: without(name))
    from symderiv.learn.extras import need

    with pytest.raises(sd.SymDerivError, match=r"symderiv\[data\]"):
        need("sklearn.datasets", "digits")
    with pytest.raises(sd.SymDerivError, match=r"symderiv\[plot\]"):
        need("matplotlib", "drawing")


def test_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    X, y = clouds()
    path = tmp_path / "a.csv"
    np.savetxt(path, np.column_stack([X, y]), delimiter=",")
    arguments = ["train", "softmax", "--data", str(path), "--epochs", "30", "--batch", "16", "--l2", "0.01"]
    assert run([*arguments, "--script", str(tmp_path / "t.py"), "--save", str(tmp_path / "t.npz")]) == 0
    out = capsys.readouterr().out
    assert "epoch    30" in out and "held out" in out and "worst relative difference" in out
    assert load_model(tmp_path / "t.npz").predict(X).shape == (120,)
    assert run(["train", "linear", "--data", str(path), "--epochs", "5"]) == 0
    assert "full-batch steps below 2/λ_max" in capsys.readouterr().out
    assert run([*arguments, "--script", str(tmp_path / "no" / "t.py")]) == 2
    assert "cannot write" in capsys.readouterr().err


def test_curves(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="matplotlib is not installed: nothing can be drawn")
    X, y = clouds()
    result = train("softmax", X, y, epochs=20)
    for name in ("a.png", "a.svg"):
        result.plot(tmp_path / name)
        assert (tmp_path / name).stat().st_size > 5000
    with pytest.raises(sd.SymDerivError, match="cannot write"):
        result.plot(tmp_path / "a.xyz")


def test_templates_and_regions(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("matplotlib", reason="matplotlib is not installed: nothing can be drawn")
    arguments = ["train", "softmax", "--data", "xor", "--epochs", "5"]
    assert run([*arguments, "--regions", str(tmp_path / "r.png")]) == 0 and (tmp_path / "r.png").stat().st_size > 5000
    assert run([*arguments, "--templates", str(tmp_path / "t.png")]) == 2  # two weights are no square image
    capsys.readouterr()
    for wrong in ("t.xyz", "no/t.png"):  # told before the work, not after it
        assert run([*arguments, "--plot", str(tmp_path / wrong)]) == 2
        out, err = capsys.readouterr()
        assert "cannot write" in err and not out
    assert run([*arguments, "--test", "0"]) == 0 and "no rows held out" in capsys.readouterr().out


def test_splitting_values() -> None:
    assert _split_top("f(a, b), {'x': ','}, -c") == ["f(a, b)", "{'x': ','}", "-c"]
