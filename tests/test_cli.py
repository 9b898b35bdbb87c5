"""The command line: start-up, outputs, exit codes, errors."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import click
import pytest

from symderiv.cli import main as cli_main
from symderiv.cli.main import COMMANDS, cli, run
from symderiv.cli.options import names, parse_declarations

LOSS = "sum((X @ w - y)**2)"
DECLARED = ["--var", "X: n,d; w: d", "--var", "y: n"]


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]):
    """Run a command line in this process: exit code, standard output, standard error."""

    def invoke(*args: str) -> tuple[int, str, str]:
        code = run(list(args))
        out, err = capsys.readouterr()
        return code, out, err

    return invoke


def process(args: list[str], environment: dict[str, str], **options) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([sys.executable, "-m", "symderiv", *args], env=environment, capture_output=True, timeout=60, **options)


# start-up -------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("args", [["--help"], ["--version"], *([name, "--help"] for name in COMMANDS)], ids=" ".join)
def test_help_imports_nothing_heavy(args: list[str], environment: dict[str, str]) -> None:
    script = (
        "import sys\nfrom symderiv.cli.main import run\n"
        f"code = run({args!r})\n"
        "print([m for m in ('sympy', 'numpy', 'rich', 'pylatexenc', 'mpmath') if m in sys.modules], code)"
    )
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, timeout=60)
    assert done.stdout.decode().splitlines()[-1] == "[] 0", done.stderr


def test_importing_the_package_is_light(environment: dict[str, str]) -> None:
    heavy = "[m for m in ('sympy', 'numpy', 'rich', 'click') if m in sys.modules]"
    script = f"import sys, symderiv; print({heavy}, 'derive' in dir(symderiv))"
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, timeout=60)
    assert done.stdout.decode().strip() == "[] True"


def test_help_is_quick(environment: dict[str, str]) -> None:
    """Against the processor time that Python itself takes: what --help adds is far under 0.2 s."""
    resource = pytest.importorskip("resource")

    def used() -> float:
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        return usage.ru_utime + usage.ru_stime

    def seconds(args: list[str]) -> float:
        start = used()
        subprocess.run([sys.executable, *args], env=environment, capture_output=True, timeout=60, check=True)
        return used() - start

    bare = min(seconds(["-c", "pass"]) for _ in range(3))
    assert min(seconds(["-m", "symderiv", "derive", "--help"]) for _ in range(5)) - bare < 0.2


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_examples(name: str, call) -> None:
    code, out, _ = call(name, "--help")
    assert code == 0
    assert "Examples:" in out and f"symderiv {name} " in out


def test_the_list_of_commands_is_their_help(call) -> None:
    _, out, _ = call("--help")
    context = click.Context(cli)
    for name, (_, _, line) in COMMANDS.items():
        command = cli.get_command(context, name)
        assert command is not None and line in out
        assert command.name == name


# derive ---------------------------------------------------------------------------------------------------------------------


def test_derive_text(call) -> None:
    code, out, err = call("derive", LOSS, "--wrt", "w", *DECLARED)
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0] == "∂f/∂w = 2 Xᵀ(X w − y)"
    assert lines[2:7] == [
        "shape    (d,)",
        "code     2*X.T @ (X @ w - y)",
        "symbols  X: n, d",
        "         w: d",
        "         y: n",
    ]
    assert lines[7].startswith("check    certified against")
    assert len(lines) == 8


def test_derive_assumptions_and_kinks(call) -> None:
    _, out, _ = call("derive", "sum(relu(X @ w))", "--wrt", "w")
    assert "assumed  X is a matrix" in out
    assert "kinks    relu(X @ w): X @ w = 0" in out


def test_derive_without_check(call) -> None:
    code, out, _ = call("derive", LOSS, "--wrt", "w", "--no-check")
    assert code == 0 and "check    not checked" in out


def test_derive_several(call) -> None:
    code, out, _ = call("derive", LOSS, "--wrt", "w,X", "--wrt", "y", *DECLARED)
    assert code == 0
    assert [line.split(" = ")[0] for line in out.splitlines()[:3]] == ["∂f/∂w", "∂f/∂X", "∂f/∂y"]


def test_derive_hessian_and_layout(call) -> None:
    assert call("derive", LOSS, "--wrt", "w", "--order", "2", *DECLARED)[1].startswith("∂²f/∂w² = 2 Xᵀ X\n")
    out = call("derive", "X @ w", "--wrt", "w", "--layout", "denominator", *DECLARED)[1]
    assert out.startswith("∂f/∂w = Xᵀ\n") and "(d, n)" in out


def test_derive_symmetric(call) -> None:
    _, out, _ = call("derive", "x @ A @ x", "--wrt", "A", "--var", "A: n,n symmetric", "--symmetric", "constrained")
    assert "constrained" in out and "diag" in out


def test_derive_latex(call) -> None:
    assert call("derive", "logdet(A)", "--wrt", "A", "--format", "latex") == (
        0,
        "\\frac{\\partial f}{\\partial A} = A^{-\\top}\n",
        "",
    )


def test_derive_markdown(call) -> None:
    code, out, _ = call("derive", LOSS, "--wrt", "w", "--format", "markdown", *DECLARED)
    assert code == 0
    assert out.startswith("### Derivative of f by w\n\n$$\n\\frac{\\partial f}{\\partial w} = 2 X^\\top (X w - y)\n$$\n")
    assert "```python\n2*X.T @ (X @ w - y)\n```" in out and "| `X` | n, d |" in out


def test_derive_json(call) -> None:
    code, out, _ = call("derive", LOSS, "--wrt", "w", "--format", "json", *DECLARED)
    data = json.loads(out)
    assert code == 0
    (d,) = data["derivatives"]
    assert d["wrt"] == ["w"] and d["shape"] == ["d"] and d["certificate"]["ok"] is True
    assert d["expression"] == {"text": "2*X.T @ (X @ w - y)", "definitions": []}
    assert data["problem"]["variables"]["X"] == {"shape": ["n", "d"], "attributes": []}


def test_derive_file(call, tmp_path: Path) -> None:
    path = tmp_path / "ridge.sd"
    path.write_text("X: n, d\nw: d\ny: n\nlam: scalar positive\nr = X @ w - y\nL = sum(r**2) + lam*sum(w**2)\n", encoding="utf-8")
    assert call("derive", str(path), "--wrt", "w")[1].startswith("∂L/∂w = ")
    assert call("derive", str(path), "--wrt", "w", "--name", "r")[1].startswith("∂r/∂w = X\n")
    code, _, err = call("derive", str(path), "--wrt", "w", "--name", "q")
    assert code == 2 and "`q`" in err


def test_derive_standard_input(environment: dict[str, str]) -> None:
    done = process(["derive", "-", "--wrt", "x"], environment, input=b"sum(x**3)\n")
    assert done.returncode == 0 and done.stdout.decode().startswith("∂f/∂x = 3 x²\n")
    done = process(["derive", "-", "--wrt", "x"], environment, input=b"\xff\xfe\x00")
    assert done.returncode == 2 and b"SD110" in done.stderr and b"Traceback" not in done.stderr


def test_expression_that_begins_with_a_minus_sign(call) -> None:
    code, out, _ = call("derive", "-sum(x*log(x))", "--wrt", "x", "--var", "x: n positive")
    assert code == 0 and out.startswith("∂f/∂x = −log(x) − 1\n")


# shape and codegen ------------------------------------------------------------------------------------------------------------


def test_shape(call) -> None:
    code, out, _ = call("shape", "W @ x", "--wrt", "W", "--var", "W: m,n; x: n")
    assert code == 0
    for line in (
        "shape        (m, m, n)   (numerator layout)",
        "axes         0: m   axis 0 of the expression",
        "             2: n   axis 1 of W",
        "denominator  (m, n, m)",
    ):
        assert line in out.splitlines()


def test_shape_of_a_scalar_and_second_order(call) -> None:
    assert "rule     a scalar by a scalar: " in call("shape", "a*b", "--wrt", "a")[1]
    assert "(d, d)   (the same in both layouts)" in call("shape", LOSS, "--wrt", "w", "--order", "2", *DECLARED)[1]


def test_codegen(call, tmp_path: Path, environment: dict[str, str]) -> None:
    path = tmp_path / "gradient.py"
    code, out, err = call("codegen", LOSS, "--wrt", "w", "-o", str(path), "--function", "gradient", *DECLARED)
    assert (code, out) == (0, "") and "wrote" in err
    script = "import numpy as np, gradient; print(gradient.gradient(X=np.eye(2), w=np.array([1., 2.]), y=np.zeros(2)).tolist())"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, env={**environment, "PYTHONPATH": "."}, capture_output=True
    )
    assert done.stdout.decode().strip() == "[2.0, 4.0]", done.stderr
    assert "import numpy" in call("codegen", LOSS, "--wrt", "w", *DECLARED)[1]


# errors -----------------------------------------------------------------------------------------------------------------------

BAD: list[tuple[list[str], str]] = [
    (["derive", "sum((X @ w", "--wrt", "w"], "SD1"),
    (["derive", "X @ w + z", "--wrt", "w", "--var", "X: n,d; w: d; z: d"], "SD201"),
    (["derive", "sum(x)", "--wrt", "q"], "SD303"),
    (["derive", "nope.sd", "--wrt", "x"], "SD110"),
    (["derive", "", "--wrt", "x"], "SD1"),
    (["derive", "sum(x)"], "--wrt"),
    (["derive", "sum(x)", "--wrt", "x", "--var", "x n"], "declaration"),
    (["derive", "sum(x)", "--wrt", "x", "--var", "x: n; x: d"], "twice"),
    (["derive", "sum(x)", "--wrt", " "], "--wrt"),
    (["derive", "sum(x)", "--wrt", "x", "--order", "0"], "--order"),
    (["derive", "sum(x)", "--wrt", "x", "--format", "pdf"], "--format"),
    (["derive", "__import__('os').system('true')", "--wrt", "x"], "SD1"),
    (["codegen", "sum(x)", "--wrt", "x", "--function", "1x"], "--function"),
    (["codegen", "sum(x)", "--wrt", "x", "--backend", "fortran"], "SD501"),
    (["codegen", "sum(x)", "--wrt", "x", "-o", "/no/such/folder/x.py"], "SD510"),
    (["dreive", "sum(x)"], "Did you mean 'derive'?"),
    (["--bogus"], "--bogus"),
]


@pytest.mark.parametrize(("args", "expected"), BAD, ids=[" ".join(a) for a, _ in BAD])
def test_what_is_not_understood(args: list[str], expected: str, call) -> None:
    code, out, err = call(*args)
    assert code == 2
    assert expected in err
    assert out == "" and "Traceback" not in err


def test_errors_show_the_place(call) -> None:
    _, _, err = call("derive", "X @ w + z", "--wrt", "w", "--var", "X: n,d; w: d; z: d")
    assert "^^^" in err and "hint: " in err and err.startswith("error: input:1:")


def test_unexpected_exceptions_are_told_in_one_line(call, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError("by zero\nand more")

    monkeypatch.setattr(cli_main.cli, "main", fail)
    code, out, err = call("derive", "x", "--wrt", "x")
    assert (code, out) == (2, "")
    assert len(err.splitlines()) == 1 and "SD999" in err and "ZeroDivisionError: by zero and more" in err and "report" in err
    _, _, err = call("--debug", "derive", "x", "--wrt", "x")
    assert "Traceback" in err


@pytest.mark.parametrize(("error", "code"), [("SD401", 1), ("SD402", 2)])
def test_a_contradicted_result_fails(error: str, code: int, call, monkeypatch: pytest.MonkeyPatch) -> None:
    from symderiv.errors import CertificateError

    def fail(*_: object, **__: object) -> None:
        raise CertificateError("differs", code=error)

    monkeypatch.setattr(cli_main.cli, "main", fail)
    assert call("derive", "x", "--wrt", "x")[0] == code


def test_interrupt_is_quiet(call, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli_main.cli, "main", interrupt)
    assert call("derive", "x", "--wrt", "x") == (130, "", "")


@pytest.mark.skipif(os.name != "posix", reason="pipes of a POSIX shell")
def test_broken_pipe_is_quiet(environment: dict[str, str]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        args = [sys.executable, "-m", "symderiv", "codegen", LOSS, "--wrt", "w"]
        done = subprocess.run(args, env=environment, stdout=writing, stderr=subprocess.PIPE, timeout=60)
    finally:
        os.close(writing)
    assert done.stderr == b""


def test_a_terminal_without_unicode(environment: dict[str, str]) -> None:
    env = {**environment, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    done = process(["derive", "sum(x**2)", "--wrt", "x"], env)
    assert done.returncode == 0 and b"Traceback" not in done.stderr and b"2*x" in done.stdout


@pytest.mark.skipif(os.name != "posix", reason="needs a pseudo-terminal")
def test_rich_output_on_a_terminal(environment: dict[str, str]) -> None:
    import pty

    main_end, terminal = pty.openpty()
    env = {**{k: v for k, v in environment.items() if k != "NO_COLOR"}, "TERM": "xterm-256color", "COLUMNS": "60"}
    args = [sys.executable, "-m", "symderiv", "derive", LOSS, "--wrt", "w"]
    child = subprocess.Popen(args, env=env, stdin=subprocess.DEVNULL, stdout=terminal, stderr=terminal)
    os.close(terminal)
    out = b""
    while True:
        try:
            chunk = os.read(main_end, 4096)
        except OSError:  # Linux tells the end so
            break
        if not chunk:
            break
        out += chunk
    os.close(main_end)
    assert child.wait(60) == 0
    text = out.decode()
    assert "\x1b[" in text and "2 Xᵀ(X w − y)" in text


# options ----------------------------------------------------------------------------------------------------------------------


def test_declarations() -> None:
    assert parse_declarations(("X: n,d; w: d", "y: n;", " A : n,n symmetric")) == {
        "X": "n,d", "w": "d", "y": "n", "A": "n,n symmetric"
    }  # fmt: skip
    with pytest.raises(click.BadParameter):
        parse_declarations(("X",))


def test_names() -> None:
    assert names(("w,b", "b", " c ")) == ["w", "b", "c"]
    with pytest.raises(click.BadParameter):
        names((",",))
