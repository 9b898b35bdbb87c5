"""Why the derivatives of the common operations are what they are, in a sentence or two for their pages."""

WHYS: dict[str, str] = {
    "exp": "The exponential is its own derivative: it is the function with f' = f and f(0) = 1.",
    "log": "It is the inverse of the exponential: from exp(log x) = x follows x (log x)' = 1.",
    "abs": "For positive entries it is x, for negative ones −x: the slope is the sign.",
    "relu": "For positive entries it is x, for negative ones 0: the slopes are 1 and 0.",
    "sigmoid": "With σ = 1/(1 + e⁻ˣ) the quotient rule gives e⁻ˣ/(1 + e⁻ˣ)², and 1 − σ is e⁻ˣ/(1 + e⁻ˣ): this is σ(1 − σ).",
    "tanh": "tanh = sinh/cosh, and the quotient rule gives (cosh² − sinh²)/cosh² = 1 − tanh².",
    "softplus": "It is log(1 + eˣ), whose derivative is eˣ/(1 + eˣ): the sigmoid.",
    "logsigmoid": "log σ(x) has the derivative σ'/σ = σ(1 − σ)/σ = 1 − σ.",
    "softmax": "log p = z − log Σ exp(z) gives dp = p ⊙ d log p, and the last term changes by the mean of dz weighted by p.",
    "log_softmax": "It is z − log Σ exp(z), and the last term changes by the mean of dz weighted by the probabilities.",
    "logsumexp": "The chain rule: Σ exp(z) dz over Σ exp(z), which are the weights of softmax.",
    "maximum": "Where one argument is larger the value changes as that one does; the unit step of the difference says which.",
    "minimum": "Where one argument is smaller the value changes as that one does; the unit step of the difference says which.",
    "inv": "A A⁻¹ = I does not change: dA A⁻¹ + A d(A⁻¹) = 0, solved for d(A⁻¹).",
    "det": "det A is linear in every entry, with its cofactor as the slope; the cofactors are det(A) A⁻ᵀ.",
    "logdet": "d det A = det(A) tr(A⁻¹ dA), divided by det A.",
    "sqrtm": "S S = A gives S dS + dS S = dA, a Sylvester equation with one solution where S has positive eigenvalues.",
    "cholesky": "L Lᵀ = A gives L⁻¹ dA L⁻ᵀ = L⁻¹ dL + (L⁻¹ dL)ᵀ: its lower half, with half the diagonal, is L⁻¹ dL.",
    "prod": "The product rule, one factor at a time: what is left is the product over that factor.",
}

__all__ = ["WHYS"]
