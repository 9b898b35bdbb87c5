"""Computations line by line with one mistake in them: a forward and backward pass, and a computation that broadcasts."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from ...api import derive
from ...write.language import to_text
from .expressions import Maker
from .numeric import fits
from .spec import Spec


@dataclass(frozen=True)
class Line:
    """`name = text`, and the shape that it ought to have."""

    name: str
    text: str
    shape: tuple[str, ...]


# declarations of the variables, of all names, the lines, the number of the wrong one, how it would be right, what is wrong
Listing = tuple[dict[str, str], dict[str, str], list[Line], int, str, str]


# a forward and a backward pass ------------------------------------------------------------------------------------------------
def backward(spec: Spec) -> Listing | None:
    """A network of one or two layers and its gradients, with one transpose, order or axis wrong."""
    rng = spec.rng
    layers = 1 if spec.level < 4 else 2
    sizes = Maker(rng).shape(layers + 2)
    n, widths = sizes[0], sizes[1:]
    vars_ = {"X": f"{n}, {widths[0]}"}
    lines: list[Line] = []
    value, back = "X", []
    f = rng.choice(("tanh", "sigmoid", "relu", "softplus", "exp"))
    bias = spec.topic == "broadcasting" or rng.random() < 0.5
    for i in range(layers):
        w, s, b = (f"W{i + 1}", f"S{i + 1}", f"b{i + 1}") if layers > 1 else ("W", "S", "b")
        vars_[w] = f"{widths[i]}, {widths[i + 1]}"
        if bias:
            vars_[b] = widths[i + 1]
        lines.append(Line(s, f"{value} @ {w}" + (f" + {b}" if bias else ""), (n, widths[i + 1])))
        back.append((value, w, b, s))
        if i < layers - 1:
            lines.append(Line("H", f"{f}({s})", (n, widths[i + 1])))
            value = "H"
    lines.append(Line(f"d{back[-1][3]}", "G", (n, widths[-1])))
    vars_["G"] = f"{n}, {widths[-1]}"
    for i in reversed(range(layers)):
        value, w, b, s = back[i]
        passed = _passed(_declared(vars_, lines), value, w, b if bias else "", f"d{s}", widths[i : i + 2], n)
        lines += [x for x in passed if i or x.name != "dX"]
        if i:
            before, known = back[i - 1][3], _declared(vars_, lines)
            partial = to_text(derive(f"sum(D*{f}(Z))", "Z", vars={"D": known["dH"], "Z": known[before]}, check=False).expr)  # type: ignore[union-attr]
            lines.append(Line(f"d{before}", re.sub(r"\bZ\b", before, re.sub(r"\bD\b", "dH", partial)), (n, widths[i])))
    known = _declared(vars_, lines)
    places = [k for k, line in enumerate(lines) if "@" in line.text or line.text.startswith("sum(")]
    rng.shuffle(places)
    for k in places:
        for new, said in _spoiled(lines[k].text, rng):
            if not fits(new, lines[k].shape, known):
                right = f"right is {lines[k].name} = {lines[k].text}"
                return vars_, known, [*lines[:k], replace(lines[k], text=new), *lines[k + 1 :]], k, right, said
    return None


def _declared(vars_: dict[str, str], lines: Sequence[Line]) -> dict[str, str]:
    return {**vars_, **{line.name: ", ".join(line.shape) or "scalar" for line in lines}}


def _passed(known: dict[str, str], x: str, w: str, b: str, d: str, widths: Sequence[str], n: str) -> list[Line]:
    """What a linear layer passes back, from the engine: the derivatives by weights, bias and input."""
    names = {"X": x, "W": w, **({"b": b} if b else {}), "G": d}
    declared = {"X": f"{n}, {widths[0]}", "W": f"{widths[0]}, {widths[1]}", "b": widths[1], "G": f"{n}, {widths[1]}"}
    by = ["W", *(["b"] if b else []), "X"]
    results = derive(f"sum(G*(X @ W{' + b' if b else ''}))", by, vars={v: declared[v] for v in names}, check=False)
    out = []
    for v in by:
        text = to_text(results[v].expr)  # type: ignore[index]
        shape = tuple(s.strip() for s in known[names[v]].split(","))
        out.append(Line(f"d{names[v]}", re.sub(r"\b[XWbG]\b", lambda found: names[found.group()], text), shape))
    return out


def _spoiled(text: str, rng: random.Random) -> list[tuple[str, str]]:
    """The text with one mistake in it: a transpose too many or too few, two factors swapped, the other axis."""
    out = []
    left, at, right = text.partition(" @ ")
    if at and "+" not in text:
        out.append((f"{right} @ {left}", "the two factors are in the wrong order"))
    for found in re.finditer(r"\b([A-Za-z]\w*)(\.T)?(?= @|$| \+)|(?<=@ )([A-Za-z]\w*)(\.T)?", text):
        word = found.group()
        if word.endswith(".T"):
            out.append((text[: found.start()] + word[:-2] + text[found.end() :], f"a transpose is missing: {word}"))
        elif at and not word.startswith("b"):
            out.append((text[: found.start()] + word + ".T" + text[found.end() :], f"{word} must not be transposed"))
    if "axis=0" in text:
        out.append((text.replace("axis=0", "axis=1"), "the sum runs over the wrong axis: the batch must go"))
    rng.shuffle(out)
    return out


# a computation that broadcasts ------------------------------------------------------------------------------------------------
def broadcasting(spec: Spec) -> Listing | None:
    """Rows or columns are reduced and put back: a mean is taken off, a norm divided by; one reduction does not fit any more."""
    rng = spec.rng
    m = Maker(rng)
    n, d = m.shape(2)
    x = m.new((n, d))
    lines: list[Line] = []
    value = x
    for i in range(2 if spec.level < 5 else 3):
        reduced, changed = ("c", "Z") if i == 0 else ("s", "Y") if i == 1 else ("t", "P")
        rows = rng.random() < 0.5
        lines.append(_reduction(rng, reduced, value, rows, n, d))
        lines.append(Line(changed, f"{value} {rng.choice(('-', '/', '*'))} {reduced}", (n, d)))
        value = changed
        if rng.random() < 0.4:
            lines.append(Line(f"{changed}2", f"{m.function()}({value})", (n, d)))
            value = f"{changed}2"
    if rng.random() < 0.6:
        b = m.new((d,))
        lines.append(Line("F", f"{value} {rng.choice('+*')} {b}", (n, d)))
    known = _declared(m.vars, lines)
    places = [k for k, line in enumerate(lines) if line.name in ("c", "s", "t")]
    k = rng.choice(places)
    new, shape, said = _misreduced(lines[k], n, d, rng)
    failing = k + 1
    shown = [*lines]
    shown[k] = replace(lines[k], text=new, shape=shape)
    known[lines[k].name] = ", ".join(shape)
    bad, name = lines[failing], lines[k].name
    told = f"sizes are aligned from the last axis, so {d} meets {n}"
    return dict(m.vars), known, shown, failing, f"{said}: {name} = {lines[k].text}, then {bad.name} = {bad.text}", told


def _reduction(rng: random.Random, name: str, value: str, rows: bool, n: str, d: str) -> Line:
    reduce = rng.choice(("mean", "sum", "max", "mean"))
    inner = value if reduce != "sum" else rng.choice((f"{value}**2", f"exp({value})", f"abs({value})"))
    if rows:
        return Line(name, f"{reduce}({inner}, axis=1, keepdims=True)", (n, "1"))
    keep = rng.random() < 0.3
    return Line(name, f"{reduce}({inner}, axis=0{', keepdims=True' if keep else ''})", ("1", d) if keep else (d,))


def _misreduced(line: Line, n: str, d: str, rng: random.Random) -> tuple[str, tuple[str, ...], str]:
    """A reduction whose result cannot be put back: keepdims forgotten, or the other axis."""
    if "axis=1" in line.text:
        return line.text.replace(", keepdims=True", ""), (n,), f"to work by rows, keep the axis, so that {line.name} is ({n}, 1)"
    return (
        line.text.replace("axis=0", "axis=1").replace(", keepdims=True", ""),
        (n,),
        f"to work by columns, {line.name} must have the axis of {d}",
    )


LISTINGS: dict[str, Callable[[Spec], Listing | None]] = {"backward": backward, "broadcasting": broadcasting}

__all__ = ["LISTINGS", "Line", "Listing"]
