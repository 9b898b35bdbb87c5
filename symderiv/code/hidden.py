"""Words that only emitted code has: calls of functions of the runtime, with a shape and operands like any word."""

from __future__ import annotations

from sympy import Tuple
from sympy.core.symbol import Str

from ..expr.nodes import Node
from ..expr.sizes import Shape


class Hidden(Node):
    """`_name(operands)` of a known shape; `more` is text that follows the operands."""

    __slots__ = ()

    def __new__(cls, name, shape, operands, more=""):
        name = name if isinstance(name, Str) else Str(name)
        more = more if isinstance(more, Str) else Str(more)
        self, new = cls._intern((name, Tuple(*shape), Tuple(*operands), more))
        if new:
            self.shape = tuple(self.args[1].args)
            self = cls._keep(self)
        return self

    @property
    def name(self) -> str:
        return self.args[0].name

    @property
    def operands(self) -> tuple[Node, ...]:
        return self.args[2].args

    @property
    def more(self) -> str:
        return self.args[3].name

    def with_operands(self, operands) -> Hidden:
        """The same word on other operands."""
        return Hidden(self.args[0], self.shape, operands, self.args[3])


def hidden(name: str, *operands: Node, shape: Shape | None = None, more: str = "") -> Hidden:
    """A hidden word; of the shape of its first operand unless told otherwise."""
    return Hidden(name, operands[0].shape if shape is None else shape, operands, more)
