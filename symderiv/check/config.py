"""Configuration: `symderiv.toml`, `[tool.symderiv.check]` of `pyproject.toml`, and a sidecar `paper.sd` beside `paper.tex`."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ..errors import InputError, SymDerivError
from .options import Options

KEYS = ("vars", "layout", "ignore", "select", "exclude", "jobs", "strict")
LAYOUTS = ("any", "numerator", "denominator")


def find_config(path: str) -> tuple[str, dict[str, Any]]:
    """The configuration that holds for a file: of its folder or the nearest one above; ("", {}) where there is none.

    Raises:
        InputError: SD163 for a file that cannot be read or says something unknown.
    """
    folder = os.path.dirname(os.path.abspath(path))
    while True:
        for name, keys in (("symderiv.toml", ()), ("pyproject.toml", ("tool", "symderiv"))):
            full = os.path.join(folder, name)
            if not os.path.isfile(full):
                continue
            data: Any = _load(full)
            for key in keys:
                data = data.get(key, {}) if isinstance(data, Mapping) else {}
            if isinstance(data, Mapping) and (name == "symderiv.toml" or data.get("check") is not None):
                return full, checked(data.get("check", data if name == "symderiv.toml" else {}), full)
        above = os.path.dirname(folder)
        if above == folder:
            return "", {}
        folder = above


def _load(path: str) -> Any:
    try:
        with open(path, "rb") as f:
            return tomllib.load(f)
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: {str(error)[:200]}", code="SD163", hint="the file is TOML") from None


def checked(data: Any, path: str) -> dict[str, Any]:
    """The configuration as it is, if it says nothing unknown.

    Raises:
        InputError: SD163.
    """
    if not isinstance(data, Mapping):
        raise InputError(f"{path}: `check` is a table", code="SD163", hint="[tool.symderiv.check]")
    for key, value in data.items():
        if key not in KEYS:
            import difflib

            near = difflib.get_close_matches(key, KEYS, 1)
            hint = f"did you mean {near[0]}?" if near else "the keys are " + ", ".join(KEYS)
            raise InputError(f"{path}: `{key}` is no key of [check]", code="SD163", hint=hint)
        good = {
            "vars": isinstance(value, Mapping) and all(isinstance(v, str) for v in value.values()) if key == "vars" else True,
            "layout": value in LAYOUTS, "jobs": isinstance(value, int) and not isinstance(value, bool) and value >= 0,
            "strict": isinstance(value, bool),
        }.get(key, isinstance(value, list) and all(isinstance(v, str) for v in value))  # fmt: skip
        if not good:
            raise InputError(
                f"{path}: `{key}` cannot be {str(value)[:60]!r}", code="SD163", hint=f"see the documentation of {key}"
            )
    return dict(data)


def merged(options: Options, config: Mapping[str, Any]) -> Options:
    """Options with what the configuration adds; the command line wins."""
    return replace(
        options,
        vars={**config.get("vars", {}), **options.vars},
        layout=options.layout if options.layout != "any" else config.get("layout", "any"),
        ignore=(*options.ignore, *config.get("ignore", ())),
        select=options.select or tuple(config.get("select", ())),
    )


def sidecar(path: str) -> dict[str, str]:
    """The declarations of `paper.sd` beside `paper.tex`: one a line, as in a problem file; its definitions are left alone.

    Raises:
        InputError: SD1xx for a line that is no declaration.
    """
    beside = os.path.splitext(path)[0] + ".sd"
    if not os.path.isfile(beside):
        return {}
    from ..read.declarations import declarations_from
    from .load import read_text
    from .scope import _named

    out: dict[str, str] = {}
    for number, line in enumerate(read_text(beside).split("\n"), 1):
        line = line.split("#")[0].strip()
        if not line or ":" not in line or "=" in line:
            continue
        try:
            declarations_from(_named(line))
        except SymDerivError as error:
            raise InputError(f"{beside}:{number}: {error.message}", code=error.code, hint=error.hint) from None
        for entry in (e for e in line.split(";") if e.strip()):
            names, _, spec = entry.partition(":")
            out.update(dict.fromkeys((n.strip() for n in names.split(",")), spec.strip()))
    return out


__all__ = ["find_config", "merged", "sidecar"]
