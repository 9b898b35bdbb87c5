"""`docs/functions.md` is made from the table of operations, so it tells what the engine uses.

python tests/test_functions_page.py --update     write the page
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from symderiv.expr.op import Op
from symderiv.ops import OPS
from symderiv.read import names

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "functions.md"
FAMILIES = {
    "elementwise": "Elementwise functions",
    "reduce": "Reductions",
    "shape": "Arranging entries",
    "linalg": "Linear algebra",
    "nn": "Learning",
    "arith": "Operators",
}
HEAD = """\
# Functions

The words of the input language, from the table of operations (`symderiv/ops`): what they mean, and the derivative that the engine
uses, in the language itself. Operations marked *linear* are differentiated by their meaning as products with named axes; *by
definition* means that the right column defines the word by simpler ones. Names of NumPy, PyTorch and JAX that mean the same are
read as well (`np.linalg.norm`, `torch.sigmoid`, `clamp`).
"""


def family(name: str) -> str:
    """The file of `symderiv/ops` that declares the word."""
    for module in FAMILIES:
        text = (ROOT / "symderiv" / "ops" / f"{module}.py").read_text(encoding="utf-8")
        if re.search(rf'(declare|_function)\(\s*"{name}"', text):
            return module
    return "arith"


def rule(op: Op) -> str:
    """The derivative, as code."""
    if op.partials:
        pairs = zip(op.operands, op.partials, strict=True)
        known = [(x, p) for x, p in pairs if p not in ("", "0")]
        if not known:
            return "0"
        if len(op.operands) == 1:
            return code(known[0][1])
        return ", ".join(f"by {x}: {code(p)}" for x, p in known)
    if op.differential:
        return code(f"d = {op.differential}")
    if op.define:
        return "by definition" if callable(op.define) else f"by definition: {code(op.define)}"
    return "linear" if op.name not in ("norm", "sqrt", "square") else "by definition"


def code(text: str) -> str:
    return "`" + text.replace("|", "\\|") + "`"


def row(op: Op) -> str:
    kinks = op.kinks or "–"
    cells = [code(op.name), op.says.replace("|", "\\|"), rule(op), kinks, code(op.example)]
    return "| " + " | ".join(cells) + " |"


def page() -> str:
    blocks = [HEAD]
    for module, title in FAMILIES.items():
        mine = [op for op in OPS.values() if family(op.name) == module]
        rows = "\n".join(map(row, mine))
        blocks.append(f"## {title}\n\n| word | meaning | derivative | kinks | example |\n|---|---|---|---|---|\n{rows}\n")
    others = ", ".join(f"`{a}` = `{w}`" for a, w in sorted(names.ALIASES.items()))
    blocks.append(f"## Other spellings\n\n{others}\n")
    return "\n".join(blocks)


def test_the_page_is_what_the_table_says() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run: python tests/test_functions_page.py --update"


def test_every_word_is_on_the_page() -> None:
    text = page()
    assert all(f"| `{name}` |" in text for name in OPS)
    assert all(re.match(r"\| `\w+` \| .+ \| .+ \| .+ \| `.+` \|$", row(op)) for op in OPS.values())


if __name__ == "__main__":
    if sys.argv[1:] != ["--update"]:
        sys.exit(__doc__)
    PAGE.write_text(page(), encoding="utf-8")
