"""Names in mathematics: `lam` is λ, `W1` is W₁, `b_hat` is b̂, `x_new` has the subscript "new"."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

GREEK: dict[str, tuple[str, str]] = {
    **{
        name: (char, "\\" + name)
        for name, char in {
            "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "zeta": "ζ", "eta": "η", "theta": "θ", "iota": "ι",
            "kappa": "κ", "lambda": "λ", "mu": "μ", "nu": "ν", "xi": "ξ", "pi": "π", "rho": "ρ", "sigma": "σ", "tau": "τ",
            "upsilon": "υ", "phi": "ϕ", "varphi": "φ", "chi": "χ", "psi": "ψ", "omega": "ω", "epsilon": "ϵ",
            "varepsilon": "ε", "Gamma": "Γ", "Delta": "Δ", "Theta": "Θ", "Lambda": "Λ", "Xi": "Ξ", "Pi": "Π", "Sigma": "Σ",
            "Upsilon": "Υ", "Phi": "Φ", "Psi": "Ψ", "Omega": "Ω", "ell": "ℓ",
        }.items()
    },
    "lam": ("λ", r"\lambda"),
    "lamda": ("λ", r"\lambda"),
    "eps": ("ε", r"\varepsilon"),
}  # fmt: skip

ACCENTS: dict[str, tuple[str, str]] = {  # combining character, LaTeX command
    "hat": ("\u0302", r"\hat"),
    "bar": ("\u0304", r"\bar"),
    "tilde": ("\u0303", r"\tilde"),
    "dot": ("\u0307", r"\dot"),
}

SUPERSCRIPTS = dict(zip("0123456789+-−=()nik", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁼⁽⁾ⁿⁱᵏ", strict=True))
SUBSCRIPTS = dict(zip("0123456789+-−=()aehijklmnoprstuvx", "₀₁₂₃₄₅₆₇₈₉₊₋₋₌₍₎ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓ", strict=True))


@dataclass(frozen=True)
class Name:
    """A name taken apart: `W1_hat` is base W, subscript ("1",), accents ("hat",)."""

    base: str
    subscripts: tuple[str, ...]
    accents: tuple[str, ...]


def parts(name: str, others: frozenset[str] = frozenset()) -> Name:
    """Take a name apart. Digits stay where they are if `others` has the name without them (x1 beside x: x₁ is an entry)."""
    base, *rest = name.strip("_").split("_") if name.strip("_") else [name]
    accents = tuple(r for r in rest if r in ACCENTS)
    subscripts = tuple(r for r in rest if r and r not in ACCENTS)
    found = re.fullmatch(r"([^\W\d]+)(\d+)", base)
    if found and found[1] not in others:
        base, subscripts = found[1], (found[2], *subscripts)
    elif subscripts and base in others:
        return Name(name, (), ())
    return Name(base, subscripts, accents)


def lowered(text: str) -> str | None:
    """The text in Unicode subscripts; None where a character has none."""
    out = [SUBSCRIPTS.get(c) for c in text]
    return "".join(c for c in out if c) if all(out) else None


def raised(text: str) -> str | None:
    """The text in Unicode superscripts; None where a character has none."""
    out = [SUPERSCRIPTS.get(c) for c in text]
    return "".join(c for c in out if c) if all(out) else None


def unicode_name(name: str, others: frozenset[str] = frozenset()) -> tuple[str, bool]:
    """The name in Unicode, and whether it carries a subscript."""
    p = parts(name, others)
    text = GREEK[p.base][0] if p.base in GREEK else p.base
    text += "".join(ACCENTS[a][0] for a in p.accents)
    for s in p.subscripts:
        text += lowered(s) or "_" + (GREEK[s][0] if s in GREEK else s)
    return unicodedata.normalize("NFC", text), bool(p.subscripts)


def latex_name(name: str, others: frozenset[str] = frozenset(), bold: bool = False) -> tuple[str, bool]:
    """The name in LaTeX, and whether it carries a subscript."""
    p = parts(name, others)
    if p.base in GREEK:
        text = rf"\boldsymbol{{{GREEK[p.base][1]}}}" if bold else GREEK[p.base][1]
    elif len(p.base) == 1:
        text = rf"\mathbf{{{p.base}}}" if bold else p.base
    else:
        text = rf"\{'mathbf' if bold else 'mathrm'}{{{escape(p.base)}}}"
    for a in p.accents:
        text = f"{ACCENTS[a][1]}{{{text}}}"
    if not p.subscripts:
        return text, False
    inner = [GREEK[s][1] if s in GREEK else s if len(s) == 1 or s.isdigit() else rf"\mathrm{{{escape(s)}}}" for s in p.subscripts]
    return f"{text}_{{{','.join(inner)}}}", True


def escape(text: str) -> str:
    """Text with LaTeX's special characters escaped."""
    return re.sub(r"([#$%&_{}])", r"\\\1", text.replace("\\", "/")).replace("^", r"\wedge ").replace("~", " ")


__all__ = ["ACCENTS", "GREEK", "Name", "escape", "latex_name", "lowered", "parts", "raised", "unicode_name"]
