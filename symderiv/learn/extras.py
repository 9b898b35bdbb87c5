"""Optional libraries, imported when they are needed, with an error that names the extra to install."""

from __future__ import annotations

import importlib
from typing import Any

from ..errors import CodeError

EXTRA_OF = {"matplotlib": "plot", "sklearn": "data"}


def need(module: str, what: str) -> Any:
    """The module, or an error that says which extra brings it.

    Raises:
        CodeError: SD520 when it is not installed.
    """
    package = module.partition(".")[0]
    try:
        return importlib.import_module(module)
    except ImportError as error:
        if error.name and error.name.partition(".")[0] != package:
            raise
        extra = EXTRA_OF[package]
        hint = f'pip install "symderiv[{extra}]"'
        raise CodeError(f"{what} needs {package}, which is not installed", code="SD520", hint=hint) from None


def pyplot() -> Any:
    """`matplotlib.pyplot`, drawing to files only."""
    need("matplotlib", "drawing").use("Agg")
    return need("matplotlib.pyplot", "drawing")


def check_picture(path: str) -> None:
    """Refuse a picture that could not be written, before the work and not after it.

    Raises:
        CodeError: SD510 for an ending that is no picture, or a folder that does not exist; SD520 without matplotlib.
    """
    from pathlib import Path

    need("matplotlib", "drawing")
    if Path(path).suffix.lower() not in (".png", ".svg", ".pdf"):
        raise CodeError(f"cannot write {path}: its ending says no picture", code="SD510", hint="use .png, .svg or .pdf")
    if not Path(path).parent.is_dir():
        raise CodeError(f"cannot write {path}: there is no folder {Path(path).parent}", code="SD510")


def save_figure(figure: Any, path: str) -> None:
    """Write a picture and close it.

    Raises:
        CodeError: SD510 when it cannot be written, with the formats that exist.
    """
    plt = pyplot()
    try:
        figure.savefig(path, dpi=130, bbox_inches="tight")
    except ValueError as error:
        raise CodeError(f"cannot write {path}: {error}", code="SD510", hint="use .png, .svg or .pdf") from None
    except OSError as error:
        raise CodeError(f"cannot write {path}: {error.strerror}", code="SD510") from None
    finally:
        plt.close(figure)


def write_text(path: str, text: str) -> None:
    """Write a text file.

    Raises:
        CodeError: SD510 when it cannot be written.
    """
    try:
        with open(path, "w", encoding="utf-8") as stream:
            stream.write(text)
    except OSError as error:
        raise CodeError(f"cannot write {path}: {error.strerror}", code="SD510") from None
