"""Elementwise functions with broadcasting: names as in NumPy, partial derivatives that reuse the value where they can."""

from __future__ import annotations

from ..expr.op import declare

_KIND = {"positive": "d positive"}


def _function(name: str, derivative: str, says: str, source: str, *, domain: str = "real", **more) -> None:
    """Declare a function of one variable."""
    more.setdefault("numpy", f"np.{name}({{x}})")
    more.setdefault("latex", f"\\operatorname{{{{{name}}}}}\\left({{x}}\\right)")
    if "define" not in more:
        more["partials"] = (derivative,)
    declare(name, "x", domain=(domain,), says=says, source=source,
            example=more.pop("example", f"sum({name}(x))"), example_vars={"x": _KIND.get(domain, "d")}, **more)  # fmt: skip


_function("exp", "exp(x)", "eˣ: the exponential.", "DLMF 4.7", latex="\\exp\\left({x}\\right)")
_function("log", "1/x", "ln x: the natural logarithm.", "DLMF 4.7", domain="positive", latex="\\log\\left({x}\\right)")
_function("log1p", "1/(1 + x)", "ln(1 + x), accurate near 0.", "DLMF 4.7", domain="positive", latex="\\log\\left(1 + {x}\\right)")
_function("expm1", "exp(x)", "eˣ - 1, accurate near 0.", "DLMF 4.7", latex="\\operatorname{{expm1}}\\left({x}\\right)")
_function(
    "log2", "", "log₂ x = ln x / ln 2.", "DLMF 4.7", domain="positive", define="log(x)/log(2)", latex="\\log_2\\left({x}\\right)"
)
_function(
    "log10",
    "",
    "log₁₀ x = ln x / ln 10.",
    "DLMF 4.7",
    domain="positive",
    define="log(x)/log(10)",
    latex="\\log_{{10}}\\left({x}\\right)",
)
_function("sqrt", "", "√x = x^(1/2).", "DLMF 4.7", domain="positive", define="x**(1/2)", latex="\\sqrt{{{x}}}")
_function("square", "", "x².", "power rule", define="x**2", numpy="np.square({x})", parity="even", latex="{x}^{{2}}")
_function("abs", "sign(x)", "|x|; the derivative is 0 at the kink.", "Clarke 1983", kinks="x = 0", analytic=False, parity="even",
          latex="\\left|{x}\\right|")  # fmt: skip
_function(
    "sign", "", "sign x: -1, 0 or 1; piecewise constant.", "piecewise constant", kinks="x = 0", analytic=False, parity="odd"
)

_function("sin", "cos(x)", "sin x.", "DLMF 4.20", parity="odd", latex="\\sin\\left({x}\\right)")
_function("cos", "-sin(x)", "cos x.", "DLMF 4.20", parity="even", latex="\\cos\\left({x}\\right)")
_function("tan", "1 + tan(x)**2", "tan x.", "DLMF 4.20", domain="unit", parity="odd", latex="\\tan\\left({x}\\right)")
_function("arcsin", "(1 - x**2)**(-1/2)", "arcsin x.", "DLMF 4.24", domain="unit", parity="odd", latex="\\arcsin\\left({x}\\right)",
          example="sum(arcsin(tanh(x)))")  # fmt: skip
_function("arccos", "-(1 - x**2)**(-1/2)", "arccos x.", "DLMF 4.24", domain="unit", latex="\\arccos\\left({x}\\right)",
          example="sum(arccos(tanh(x)))")  # fmt: skip
_function("arctan", "1/(1 + x**2)", "arctan x.", "DLMF 4.24", parity="odd", latex="\\arctan\\left({x}\\right)")
_function("sinh", "cosh(x)", "sinh x.", "DLMF 4.34", parity="odd", latex="\\sinh\\left({x}\\right)")
_function("cosh", "sinh(x)", "cosh x.", "DLMF 4.34", parity="even", latex="\\cosh\\left({x}\\right)")
_function("tanh", "1 - tanh(x)**2", "tanh x.", "DLMF 4.34", parity="odd", latex="\\tanh\\left({x}\\right)")
_function("arcsinh", "(1 + x**2)**(-1/2)", "arcsinh x.", "DLMF 4.38", parity="odd", torch="torch.asinh({x})")
_function("arccosh", "(x**2 - 1)**(-1/2)", "arccosh x.", "DLMF 4.38", domain="above_one", torch="torch.acosh({x})",
          example="sum(arccosh(1 + exp(x)))")  # fmt: skip
_function("arctanh", "1/(1 - x**2)", "arctanh x.", "DLMF 4.38", domain="unit", parity="odd", torch="torch.atanh({x})",
          example="sum(arctanh(sin(x)/2))")  # fmt: skip

_function("erf", "2/sqrt(pi)*exp(-x**2)", "erf x = 2/√π ∫₀ˣ e^(-t²) dt.", "DLMF 7.2", parity="odd", numpy="_erf({x})",
          torch="torch.erf({x})", jax="jax.scipy.special.erf({x})")  # fmt: skip
_function("lgamma", "digamma(x)", "ln|Γ(x)|.", "DLMF 5.2", domain="positive", numpy="_lgamma({x})", torch="torch.lgamma({x})",
          jax="jax.scipy.special.gammaln({x})", latex="\\log\\Gamma\\left({x}\\right)")  # fmt: skip
_function("digamma", "polygamma(1, x)", "ψ(x) = Γ'(x)/Γ(x).", "DLMF 5.2", domain="positive", numpy="_digamma({x})",
          torch="torch.digamma({x})", jax="jax.scipy.special.digamma({x})", latex="\\psi\\left({x}\\right)")  # fmt: skip
# The order is a whole number, never a variable: the runtime refuses anything else, so the missing partial cannot pass unseen.
declare("polygamma", "m, x", partials=("", "polygamma(m + 1, x)"), numpy="_polygamma({m}, {x})", torch="torch.polygamma({m}, {x})",
        jax="jax.scipy.special.polygamma({m}, {x})", latex="\\psi^{{({m})}}\\left({x}\\right)", domain=("label", "positive"), analytic=False,
        says="ψ⁽ᵐ⁾(x): the m-th derivative of digamma, m = 1, 2, ….", source="DLMF 5.15",
        example="sum(polygamma(1, x))", example_vars={"x": "d positive"})  # fmt: skip

_PAIR = {"x": "d", "y": "d"}

declare("maximum", "x, y", partials=("heaviside(x - y, 1/2)", "heaviside(y - x, 1/2)"), numpy="np.maximum({x}, {y})",
        latex="\\max\\left({x}, {y}\\right)", domain=("real", "real"), kinks="x = y", analytic=False,
        says="max(x, y), elementwise; a tie shares the derivative equally.", source="JAX, lax.max", example="sum(maximum(x, y))", example_vars=_PAIR)  # fmt: skip
declare("minimum", "x, y", partials=("heaviside(y - x, 1/2)", "heaviside(x - y, 1/2)"), numpy="np.minimum({x}, {y})",
        latex="\\min\\left({x}, {y}\\right)", domain=("real", "real"), kinks="x = y", analytic=False,
        says="min(x, y), elementwise; a tie shares the derivative equally.", source="JAX, lax.min", example="sum(minimum(x, y))", example_vars=_PAIR)  # fmt: skip
declare("where", "c, x, y", partials=("", "where(c, 1, 0)", "where(c, 0, 1)"), numpy="np.where({c}, {x}, {y})",
        domain=("real", "real", "real"), kinks="c changes", analytic=True,
        says="x where c holds (is not 0), else y.", source="piecewise", example="sum(where(x > 0, x**2, y))", example_vars=_PAIR)  # fmt: skip
declare("clip", "x, lo, hi",
        partials=("heaviside(x - lo, 1/2)*heaviside(hi - x, 1/2)", "heaviside(lo - x, 1/2)*heaviside(hi - lo, 1/2)",
                  "heaviside(maximum(x, lo) - hi, 1/2)"),
        numpy="np.clip({x}, {lo}, {hi})", torch="torch.minimum(torch.maximum({x}, {lo}), {hi})", domain=("real", "real", "real"),
        kinks="x = lo, x = hi", analytic=False, says="min(max(x, lo), hi), elementwise.", source="chain rule",
        example="sum(clip(x, -1, 1))", example_vars={"x": "d"})  # fmt: skip
declare("heaviside", "x, h", partials=("", "where(x == 0, 1, 0)"), numpy="np.heaviside({x}, {h})", domain=("real", "real"),
        kinks="x = 0", analytic=False, latex="\\operatorname{{H}}\\left({x}\\right)", says="1 for x > 0, 0 for x < 0, h at 0; piecewise constant.",
        source="piecewise constant", example="sum(heaviside(x, 1/2)*y)", example_vars=_PAIR)  # fmt: skip
declare("logaddexp", "x, y", partials=("sigmoid(x - y)", "sigmoid(y - x)"), numpy="np.logaddexp({x}, {y})", domain=("real", "real"),
        analytic=False, says="ln(eˣ + eʸ), without overflow.", source="chain rule", example="sum(logaddexp(x, y))", example_vars=_PAIR)  # fmt: skip
declare("xlogy", "x, y", partials=("log(y)", "x/y"), numpy="_xlogy({x}, {y})", torch="torch.xlogy({x}, {y})",
        jax="jax.scipy.special.xlogy({x}, {y})", latex="{x} \\log\\left({y}\\right)", domain=("nonnegative", "positive"),
        says="x ln y, and 0 where x = 0.", source="product rule", example="sum(xlogy(x, y))",
        example_vars={"x": "d nonnegative", "y": "d positive"})  # fmt: skip

_function("sigmoid", "sigmoid(x)*(1 - sigmoid(x))", "σ(x) = 1/(1 + e^(-x)).", "Bishop 2006, eq. 4.88", numpy="_sigmoid({x})",
          torch="torch.sigmoid({x})", jax="jax.nn.sigmoid({x})", latex="\\sigma\\left({x}\\right)")  # fmt: skip
_function("logsigmoid", "1 - sigmoid(x)", "ln σ(x) = -softplus(-x).", "chain rule", numpy="_logsigmoid({x})",
          torch="_logsigmoid({x})", jax="_logsigmoid({x})", latex="\\log\\sigma\\left({x}\\right)")  # fmt: skip
_function("softplus", "sigmoid(x)", "ln(1 + eˣ), without overflow.", "Dugas et al. 2001", numpy="_softplus({x})",
          torch="_softplus({x})", jax="_softplus({x})")  # fmt: skip
_function("relu", "where(x > 0, 1, 0)", "max(0, x); the derivative is 0 at the kink.", "Glorot et al. 2011", kinks="x = 0", analytic=False,
          numpy="np.maximum({x}, 0)", torch="torch.relu({x})", jax="jax.nn.relu({x})")  # fmt: skip
declare("leaky_relu", "x, slope=0.01", partials=("where(x > 0, 1, slope)", "where(x > 0, 0, x)"), numpy="_leaky_relu({x}, {slope})",
        jax="_leaky_relu({x}, {slope})", torch="_leaky_relu({x}, {slope})", domain=("real", "positive"),
        kinks="x = 0", analytic=False, says="x where x > 0, else slope·x.", source="Maas et al. 2013",
        example="sum(leaky_relu(x))", example_vars={"x": "d"})  # fmt: skip
declare("prelu", "x, slope", partials=("where(x > 0, 1, slope)", "where(x > 0, 0, x)"), numpy="_leaky_relu({x}, {slope})",
        jax="_leaky_relu({x}, {slope})", torch="_leaky_relu({x}, {slope})", domain=("real", "positive"),
        kinks="x = 0", analytic=False, says="x where x > 0, else slope·x; the slope is learned.", source="He et al. 2015",
        example="sum(prelu(x, a))", example_vars={"x": "d", "a": "scalar"})  # fmt: skip
declare("elu", "x, alpha=1", partials=("where(x > 0, 1, alpha*exp(x))", "where(x > 0, 0, exp(x) - 1)"), numpy="_elu({x}, {alpha})",
        jax="_elu({x}, {alpha})", torch="_elu({x}, {alpha})", domain=("real", "positive"),
        kinks="x = 0 unless alpha = 1", analytic=False, says="x where x > 0, else α(eˣ - 1).", source="Clevert et al. 2015",
        example="sum(elu(x))", example_vars={"x": "d"})  # fmt: skip
_function("selu", "where(x > 0, 1.0507009873554805, 1.7580993408473766*exp(x))", "λx where x > 0, else λα(eˣ - 1).",
          "Klambauer et al. 2017", kinks="x = 0", analytic=False, numpy="_selu({x})", torch="_selu({x})", jax="_selu({x})")  # fmt: skip
_function("gelu", "(1 + erf(x/sqrt(2)))/2 + x*exp(-x**2/2)/sqrt(2*pi)", "x Φ(x), with the normal distribution Φ.",
          "Hendrycks and Gimpel 2016", numpy="_gelu({x})", torch="_gelu({x})",
          jax="_gelu({x})")  # fmt: skip
_function("silu", "sigmoid(x)*(1 + x*(1 - sigmoid(x)))", "x σ(x).", "Elfwing et al. 2018", numpy="_silu({x})",
          torch="torch.nn.functional.silu({x})", jax="jax.nn.silu({x})")  # fmt: skip
_function("hardtanh", "where(abs(x) < 1, 1, 0)", "min(max(x, -1), 1); the derivative is 0 at the kinks.", "Collobert 2004",
          kinks="x = -1, x = 1", analytic=False, parity="odd", numpy="np.clip({x}, -1, 1)", torch="torch.clamp({x}, -1, 1)",
          jax="jnp.clip({x}, -1, 1)")  # fmt: skip
declare("huber", "x, delta=1", define="where(abs(x) <= delta, x**2/2, delta*(abs(x) - delta/2))", numpy="_huber({x}, {delta})",
        domain=("real", "positive"), analytic=False, says="x²/2 where |x| ≤ δ, else δ(|x| - δ/2).",
        source="Huber 1964", example="mean(huber(y - X @ w))", example_vars={"X": "n,d", "w": "d", "y": "n"})  # fmt: skip
