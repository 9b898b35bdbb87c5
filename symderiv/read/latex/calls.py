r"""Functions: `\log x`, `\operatorname{softmax}(X, \mathrm{axis}=1)`, `\max(0, z)`, `\sigma(z)`, `\sigma'(z)`, `\log\det X`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ...errors import InputError
from ...expr.nodes import Call, Node, Num
from ...expr.op import OPS
from .. import names as language
from ..text import build
from . import bigops
from .arguments import Arguments, build_call, read_arguments
from .conditions import has_relation, indicator
from .grammar import missing, product_ends
from .lookup import read_named
from .naming import GREEK, Key, label_text
from .scripts import Scripts, read_scripts
from .tree import Cursor, Group, Item, Token, is_char, is_macro, letter_run, plain_text
from .undefined import UNDEFINED, undefined
from .values import Value, power, value_of

if TYPE_CHECKING:
    from .reader import Definition, LatexReader

# commands with an argument -> the word of the language
MACROS = {
    **{f: f for f in ("exp", "log", "sin", "cos", "tan", "arcsin", "arccos", "arctan", "sinh", "cosh", "tanh", "det", "max", "min")},
    "ln": "log", "lg": "lg", "tr": "trace", "Tr": "trace", "trace": "trace", "diag": "diag", "sgn": "sign", "sign": "sign", "softmax": "softmax",
    "relu": "relu", "ReLU": "relu", "sigmoid": "sigmoid", "erf": "erf", "vect": "vec", "softplus": "softplus", "sec": "sec", "csc": "csc",
    "cot": "cot", "coth": "coth",
}  # fmt: skip
# words in \operatorname or \mathrm that the language spells otherwise
_WORDS = {
    "Tr": "trace", "tr": "trace", "Trace": "trace", "Diag": "diag", "Vec": "vec", "ReLU": "relu", "Relu": "relu", "RELU": "relu", "KL": "kl",
    "chol": "cholesky", "sgn": "sign", "Softmax": "softmax", "SoftMax": "softmax", "sigm": "sigmoid", "Sigmoid": "sigmoid", "LSE": "logsumexp",
    "lse": "logsumexp", "H": "heaviside", "Var": "var", "Softplus": "softplus", "GELU": "gelu", "SiLU": "silu", "ELU": "elu", "SELU": "selu",
    "LayerNorm": "layer_norm", "mat": "", "I": "",
}  # fmt: skip
# letters without a backslash that are read as a function
_BARE = frozenset({
    "log", "ln", "exp", "max", "min", "sin", "cos", "tan", "tanh", "sinh", "cosh", "det", "diag", "tr", "Tr", "softmax", "sigmoid", "relu",
    "ReLU", "sign", "sgn", "vec", "trace", "softplus", "arctan", "erf", "Softmax",
})  # fmt: skip
_INFIX = frozenset({"add", "neg", "mul", "div", "pow", "gt", "ge", "lt", "le", "eq", "ne", "einsum", "where", "square"})
_FUNCTION_LETTERS = frozenset("fghFGHJLQRKDEPVNO")
RECIPROCALS = {"sec": "cos", "csc": "sin", "cot": "tan", "sech": "cosh", "csch": "sinh", "coth": "tanh"}
_TRIGONOMETRIC = frozenset({"sin", "cos", "tan", "sinh", "cosh", "tanh"})


def word_of(text: str) -> str:
    """The word of the language, "" where there is none."""
    if text in RECIPROCALS:
        return text
    name = _WORDS.get(text, text)
    if name not in OPS:
        name = language.canonical(name)
    return name if name in OPS and name not in language.INTERNAL and name not in _INFIX else "lg" if text == "lg" else ""


def is_function_macro(name: str) -> bool:
    return name in MACROS


def is_function_word(r: LatexReader, text: str, command: str = "") -> bool:
    """Whether the letters are the name of a function; without a command around them only well-known ones are."""
    if not command:
        return text in _BARE
    if text in r.functions:
        return True
    if len(text) == 1 and command != "operatorname":
        return False
    return bool(word_of(text))


def read_function(r: LatexReader, c: Cursor, word: str, start: int) -> Value:
    """A function by its word, with the scripts and the argument that follow.

    Raises:
        InputError: SD132 when the argument has no clear end.
    """
    word = r.functions.get(word, word)
    word = word_of(word) or word
    if word in RECIPROCALS:
        return _reciprocal(r, c, RECIPROCALS[word], start)
    scripts = read_scripts(r, c)
    if word in ("max", "min") and scripts.sub is not None:
        return bigops.over(r, c, word, scripts, start)
    if word == "log" and scripts.sub is not None:
        word = _logarithm(r, scripts, start)
        scripts = replace(scripts, sub=None)
    if word == "lg":
        word = "log10"
    if scripts.sub is not None:
        raise r.error(
            f"`{r.text(start, scripts.stop)}`: a subscript on a function",
            start,
            scripts.stop,
            "SD135",
            "take the entry of its value",
        )
    following = c.peek()
    if (
        word == "log"
        and is_macro(following, "Gamma")
        and isinstance(c.peek(1), Group)
        and not r.known(Key("Gamma"), start, c.last)
    ):
        c.next()
        word = "lgamma"
        following = c.peek()
    if isinstance(following, Group) and following.opener in ("(", "[", "{") and following.closer in (")", "]", "}"):
        c.next()
        given = read_arguments(r, word, following)
        x = apply(r, word, given, scripts, start, c.last)
        from .lookup import scripts_on_value

        return scripts_on_value(r, c, x)
    argument = _bare_argument(r, c, word, start)
    return apply(r, word, Arguments([argument], {}, start, argument.stop), scripts, start, argument.stop, bare=True)


def _reciprocal(r: LatexReader, c: Cursor, word: str, start: int) -> Value:
    r"""`\operatorname{sech}^2 x` is `1/\cosh^2 x`."""
    if isinstance(c.peek(), Token) and c.peek().kind == "prime":  # type: ignore[union-attr]
        raise r.error(f"the derivative of 1/{word} is not read", start, c.last, "SD135", "write it out")
    x = read_function(r, c, word, start)
    return Value(r.make("div", Num(1), x.node, start=start, stop=x.stop), x.kind, start, x.stop)


def _logarithm(r: LatexReader, scripts: Scripts, start: int) -> str:
    base = label_text(scripts.sub or ())
    if base not in ("2", "10", "e"):
        raise r.error(
            f"`{r.text(start, scripts.stop)}`: this base is not read",
            start,
            scripts.stop,
            "SD135",
            "divide by the logarithm of the base",
        )
    return {"2": "log2", "10": "log10", "e": "log"}[base]


def _bare_argument(r: LatexReader, c: Cursor, word: str, start: int) -> Value:
    """One factor: `\\log x`, `\\log \\sum_k e^{s_k}`, `\\log\\det X`. More than one is told."""
    from .atoms import read_factor

    if product_ends(c):
        if c.peek() is None or not is_char(c.peek(), "+", "-"):
            raise r.error(f"the function `{r.text(start, c.last)}` lacks its argument", start, c.last, "SD130")
        raise missing(r, c)
    first = c.peek()
    x = read_factor(r, c)
    if word in _TRIGONOMETRIC and isinstance(first, Token) and first.kind == "number" and not product_ends(c):
        from .values import multiply

        y = read_factor(r, c)
        x = multiply(r, [("", x), ("", y)])
    following = c.peek()
    if (
        word == "log"
        and isinstance(x.node, Call)
        and x.node.name in ("softmax", "sigmoid")
        and r.source[x.stop - 1 : x.stop] == ")"
    ):
        return x  # log σ(x) y: the bracket ends it
    if product_ends(c) or _starts_function(c, following) or is_macro(following, "cdot", "times") or is_char(following, "*"):
        return x
    assert following is not None
    what = f"`{r.text(start, following.stop)}`: where does the argument of the function end?"
    raise r.error(what, start, following.stop, "SD132", "put brackets around the argument")


def _starts_function(c: Cursor, item: Item | None) -> bool:
    """Whether a function, a fraction of its own or a sum begins here: the argument before it is over."""
    if is_macro(item, *MACROS) or is_macro(item, "sum", "prod"):
        return True
    if isinstance(item, Token) and item.kind == "char" and item.text.isalpha():
        return "".join(t.text for t in letter_run(c)) in _BARE
    inner = c.peek(1)
    return is_macro(item, "operatorname", "mathrm") and isinstance(inner, Group) and bool(word_of(label_text(inner.items) or ""))


def apply(r: LatexReader, word: str, given: Arguments, scripts: Scripts, start: int, stop: int, bare: bool = False) -> Value:
    """The value of a function: its derivative for a prime, its power for an exponent."""
    if scripts.primes:
        x = derivative_of(r, word, given, scripts.primes, start, stop)
    else:
        x = build_call(r, word, given, start, stop)
        x = _logs(r, word, x, given, start, stop)
    if not scripts.raised:
        return x
    (one, *more) = scripts.raised
    number = one.items[0].text if len(one.items) == 1 and isinstance(one.items[0], Token) else ""
    if more or one.kind != "power" or not number.isdigit() or scripts.primes:
        what = f"`{r.text(start, stop)}`: this exponent on a function is not read"
        raise r.error(what, start, stop, "SD135", "write the exponent behind the brackets, and arcsin for the inverse function")
    exponent = value_of(Num(int(number)), one.start, one.stop)
    if x.is_array and word in OPS and OPS[word].elementwise:
        return Value(r.make("pow", x.node, exponent.node, start=start, stop=stop), x.kind, start, stop)
    return power(r, x, exponent, stop)


def _logs(r: LatexReader, word: str, x: Value, given: Arguments, start: int, stop: int) -> Value:
    """`log det A` and `log |A|` are log |det A|; `log softmax` and `log σ` have words of their own."""
    if word != "log" or len(given.values) != 1:
        return x
    inner = given.values[0].node
    if (
        isinstance(inner, Call)
        and inner.name == "abs"
        and isinstance(inner.operands[0], Call)
        and inner.operands[0].name == "det"
    ):
        inner = inner.operands[0]
    if not isinstance(inner, Call):
        return x
    if inner.name == "det":
        return Value(r.make("logdet", *inner.operands, start=start, stop=stop), "scalar", start, stop)
    other = {"softmax": "log_softmax", "sigmoid": "logsigmoid"}.get(inner.name)
    if other:
        return Value(r.make(other, *inner.operands, start=start, stop=stop, **inner.params), x.kind, start, stop)
    return x


def derivative_of(r: LatexReader, word: str, given: Arguments, order: int, start: int, stop: int) -> Value:
    """`σ'(z)`: the derivative of an elementwise function of one variable, at z.

    Raises:
        InputError: SD135 for other functions.
    """
    op = OPS.get(word)
    if op is None or not op.elementwise or order > 1 or len(given.values) != 1 or given.named:
        what = f"`{r.text(start, stop)}`: a prime is read on elementwise functions of one variable"
        raise r.error(what, start, stop, "SD135", "write the derivative out")
    x = given.values[0]
    operands: dict[str, Node] = {op.operands[0]: x.node}
    for name in op.operands[1:]:
        if name not in op.defaults:
            raise r.error(f"`{word}` needs its parameters here", start, stop, "SD135")
        operands[name] = Num(op.defaults[name])
    if op.partials:
        node = build(op.partials[0], operands) if op.partials[0] else Num(0)
    else:
        raise r.error(f"the derivative of `{word}` is not known in one formula", start, stop, "SD135", "write it out")
    r.places.setdefault(node, (start, stop))
    kind = x.kind if node.rank else "scalar"
    if x.is_array and not node.rank:
        raise r.error(f"the derivative of `{word}` is constant", start, stop, "SD135", "write it out")
    return Value(node, kind, start, stop)


# names before brackets
# -----------------------------------------------------------------------------------------------------------


def apply_named(r: LatexReader, c: Cursor, key: Key, scripts: Scripts, g: Group, start: int) -> Value | None:
    """A name before a bracket: the function of that name, or None where it is a product.

    Raises:
        InputError: SD133 when both can be meant.
    """
    stop = g.stop
    if r.iteration and f"({label_text(g.items)})" in r.iteration:
        c.next()
        return read_named(r, key, scripts, start)  # w(t) is w at step t
    full = key.labelled(label_text(scripts.sub) or "") if scripts.sub is not None else key
    known = bool(r.known(key, start, stop) or r.is_defined(key) or (key.base in r.scope and key == Key(key.base)))
    d = r.definitions.get(full) or r.definitions.get(key)
    if d is not None and d.fixed is not None and d.fixed == plain_text(g.items).replace(" ", ""):
        c.next()
        return read_named(r, key, scripts, start)
    if d is not None and d.parameters:
        c.next()
        return _apply_definition(r, d, scripts, g, start)
    if key == Key("sigma") and scripts.sub is None and not _primed_power(scripts):
        if known or scripts.raised:
            reads = (
                "the logistic function applied to the bracket, or the product by the declared σ"
                if known
                else "a power of the value, or of σ"
            )
            raise r.error(
                f"`{r.text(start, stop)}` can mean {reads}",
                start,
                stop,
                "SD133",
                r"write the product with \cdot, the function \operatorname{sigmoid}",
            )
        r.assumptions.setdefault("sigma(", "σ(z) is the logistic function 1/(1 + e^(-z)), for every entry")
        return _activation(r, c, "sigmoid", scripts, g, start)
    own = r.known(full, start, stop)
    if own and (own in r.applied or UNDEFINED in r.declared.where.get(own, "")):
        after = c.peek(2) if isinstance(c.peek(1), Token) and c.peek(1).kind == "sub" else None  # type: ignore[union-attr]
        c.next()
        return undefined(r, key, scripts, g, start, after)
    if known:
        after = c.peek(1)
        if not (scripts.sub is not None and isinstance(after, Token) and after.kind == "sub"):  # X_{ij} (W_1)_{jk} is a product
            _check_product(r, key, scripts, g, start, own, c.peek(1))
        return None
    written = key.base if key.base not in GREEK else "\\" + key.base
    if written in r.functions or key.base in r.functions:
        return _activation(r, c, r.functions.get(written) or r.functions[key.base], scripts, g, start)
    if key.base in ("I", "delta", "chi") and has_relation(g.items) and not scripts:
        c.next()
        return indicator(r, g, start)
    if key == Key("psi") and len(scripts.raised) == 1 and scripts.raised[0].kind == "bracket" and scripts.sub is None:
        return _polygamma(r, c, scripts, g, start)
    if r.known(full, start, stop) or r.is_defined(full) or (scripts.raised and scripts.raised[0].kind in ("bracket", "star")):
        return None
    if scripts.sub is not None and key.base not in _FUNCTION_LETTERS:
        return None
    try:
        return _unknown_name(r, key, scripts, g, start)  # type: ignore[func-returns-value]
    except InputError:
        after = c.peek(2) if isinstance(c.peek(1), Token) and c.peek(1).kind == "sub" else None  # type: ignore[union-attr]
        c.next()
        found = undefined(r, key, scripts, g, start, after)
        if found is None:
            raise
        return found


def _check_product(r: LatexReader, key: Key, scripts: Scripts, g: Group, start: int, name: str, after: Item | None) -> None:
    """`y(x)` of a declared y: nobody writes a product so; `y (B y)^\\top` of a declared vector is the outer product.

    Raises:
        InputError: SD133.
    """
    if scripts.raised or scripts.primes or key.base in r.scope:
        return
    names = [i for i in g.items if not is_char(i, ",", ";")]
    bare = bool(names) and all(
        (isinstance(i, Token) and (i.kind in ("sub",) or i.text.isalpha() or (g.opener == "[" and i.kind == "number")))
        or (isinstance(names[k - 1], Token) and names[k - 1].kind == "sub")  # type: ignore[union-attr]
        for k, i in enumerate(names)
    )
    told = bool(name) and name in r.declared.vars and not r.is_guess(r.declared.vars[name])
    power = isinstance(after, Token) and after.kind == "sup" and len(names) > 1
    if bare and not (told and power and r.declared.vars[name].rank):
        what = f"`{r.text(start, g.stop)}`: a product, or a function of what is in the brackets?"
        raise r.error(what, start, g.stop, "SD133", "leave out the brackets, or write the product with \\cdot")


def _primed_power(scripts: Scripts) -> bool:
    return bool(scripts.raised) and scripts.raised[0].kind in ("bracket", "star")


def _unknown_name(r: LatexReader, key: Key, scripts: Scripts, g: Group, start: int) -> None:
    """An undeclared letter before a bracket: a sum in the bracket makes a product, unless the letter usually is a function."""
    loose = any(is_char(i, "+", "-") for i in g.items)
    functional = (
        key.base in _FUNCTION_LETTERS or key.base in ("phi", "varphi", "psi", "Phi", "Psi", "ell", "Gamma") or scripts.primes
    )
    if g.opener == "[" and not functional:
        return None
    if loose and not functional and not any(is_char(i, ",", ";") for i in g.items):
        return None
    name = r.text(start, g.start).strip() or key.identifier
    what = f"`{r.text(start, g.stop)}`: is `{name}` a function or a factor?"
    hint = f"declare `{key.identifier}: …` if it is a factor, or define {name}(z) = … in the text if it is a function"
    raise r.error(what, start, g.stop, "SD133", hint)


def _activation(r: LatexReader, c: Cursor, word: str, scripts: Scripts, g: Group, start: int) -> Value:
    c.next()
    given = read_arguments(r, word, g)
    return apply(r, word, given, replace(scripts, sub=None), start, g.stop)


def _polygamma(r: LatexReader, c: Cursor, scripts: Scripts, g: Group, start: int) -> Value | None:
    inner = scripts.raised[0].items[0]
    order = label_text(inner.items) if isinstance(inner, Group) else None
    if order is None or not order.isdigit():
        return None
    c.next()
    given = read_arguments(r, "digamma", g)
    r.assumptions.setdefault("psi(", "ψ with a bracketed number above is the polygamma function")
    if order == "0":
        return build_call(r, "digamma", given, start, g.stop)
    x = given.values[0]
    return Value(r.make("polygamma", Num(int(order)), x.node, start=start, stop=g.stop), x.kind, start, g.stop)


def _apply_definition(r: LatexReader, d: Definition, scripts: Scripts, g: Group, start: int) -> Value:
    """`f(a)` with `f(x) = …` in the text: the parameters stand for the arguments.

    Raises:
        InputError: SD135 for another number of arguments and for functions that use themselves.
    """
    from .reader import Definition, constant

    given = read_arguments(r, d.key.identifier, g)
    if len(given.values) != len(d.parameters) or given.named:
        raise r.error(f"`{d.key.identifier}` takes {len(d.parameters)} arguments", start, g.stop, "SD135")
    if d.busy:
        raise r.error(f"`{d.key.identifier}` is defined by itself", start, g.stop, "SD135")
    if scripts.primes or scripts.raised:
        raise r.error(
            f"`{r.text(start, g.stop)}`: a derivative or power of a defined function is not read", start, g.stop, "SD135"
        )
    outer, scope = r.definitions, r.scope
    bound = {p: Definition(p, constant(x), value=x) for p, x in zip(d.parameters, given.values, strict=True)}
    r.definitions, d.busy, d.used = {**outer, **bound}, True, True
    r.scope = {}
    try:
        x = d.read()
    finally:
        r.definitions, d.busy, r.scope = outer, False, scope
    return replace(x, start=start, stop=g.stop, literal=False)
