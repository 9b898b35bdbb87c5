"""Every contender of the benchmarks computes the hand-written closed form (at small sizes: times are not asserted)."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))
if not (ROOT / "benchmarks").is_dir():
    pytest.skip("benchmarks are beside the package", allow_module_level=True)

from benchmarks.problems import WORKS  # noqa: E402
from benchmarks.run import configure_jax, run_one  # noqa: E402

PEERS = [name for name in ("jax", "torch", "numba") if importlib.util.find_spec(name)]


@pytest.fixture(autouse=True)
def double_precision():
    """As the command sets it, and back."""
    back = []
    if "jax" in PEERS:
        import jax

        before = jax.config.jax_enable_x64
        configure_jax()
        back.append(lambda: jax.config.update("jax_enable_x64", before))
    if "torch" in PEERS:
        import torch

        kind = torch.get_default_dtype()
        torch.set_default_dtype(torch.float64)
        back.append(lambda: torch.set_default_dtype(kind))
    yield
    for restore in back:
        restore()


@pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated:DeprecationWarning")  # by torch.func
@pytest.mark.parametrize("work", WORKS, ids=lambda w: f"{w.name}, {w.kind}")
def test_contenders_agree(work) -> None:
    size = {s: {"n": 12, "m": 9, "d": 5, "k": 10 if "W1" in work.vars else 3, "h": 4}[s] for s in work.sizes[0]}
    row = run_one(work, size, ("numpy", "structured", *PEERS), seconds=0.01, slow=60)
    assert not row["disagree"], row["errors"]
    assert row["errors"]["symderiv numpy"] < 1e-10
