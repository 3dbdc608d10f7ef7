"""Arithmetic on NumPy arrays written down while it runs, as straight-line text that becomes machine code."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

__all__ = ["Named", "Traced", "function_text"]

Array: TypeAlias = npt.NDArray[Any]


class Traced:
    """A number that is not known yet: what is done with it becomes a statement, one operation each.

    One operation a statement leaves nothing to fuse: machine code gives the bits that NumPy gives, but of exp and log,
    where it asks the system's library.

    Parameters
    ----------
    name : what it is called in the text
    lines : the statements so far, of all numbers of one trace
    """

    __slots__ = ("lines", "name")

    def __init__(self, name: str, lines: list[str]) -> None:
        self.name, self.lines = name, lines

    def written(self, expression: str) -> Traced:
        """Give an expression a name."""
        name = f"t{len(self.lines)}"
        self.lines.append(f"{name} = {expression}")
        return Traced(name, self.lines)

    def __add__(self, other: Any) -> Traced:
        return self.written(f"{self.name} + {_name(other)}")

    def __radd__(self, other: Any) -> Traced:
        return self.written(f"{_name(other)} + {self.name}")

    def __sub__(self, other: Any) -> Traced:
        return self.written(f"{self.name} - {_name(other)}")

    def __rsub__(self, other: Any) -> Traced:
        return self.written(f"{_name(other)} - {self.name}")

    def __mul__(self, other: Any) -> Traced:
        return self.written(f"{self.name} * {_name(other)}")

    def __rmul__(self, other: Any) -> Traced:
        return self.written(f"{_name(other)} * {self.name}")

    def __truediv__(self, other: Any) -> Traced:
        return self.written(f"{self.name} / {_name(other)}")

    def __rtruediv__(self, other: Any) -> Traced:
        return self.written(f"{_name(other)} / {self.name}")

    def __abs__(self) -> Traced:
        return self.written(f"abs({self.name})")

    def sqrt(self) -> Traced:
        """The root; NumPy asks for it by this name. The text knows that of |x|, and x is one."""
        return self.written(f"root({self.name})")

    def exp(self) -> Traced:
        """The exponential."""
        return self.written(f"np.exp({self.name})")

    def log(self) -> Traced:
        """The natural logarithm."""
        return self.written(f"np.log({self.name})")

    def smaller(self, other: Any) -> Traced:
        """The smaller of two."""
        return self.written(f"smaller({self.name}, {_name(other)})")

    def where_positive(self, a: Any, b: Any) -> Traced:
        """The number a where this one is positive, b elsewhere."""
        return self.written(f"where_positive({self.name}, {_name(a)}, {_name(b)})")


def _name(value: Any) -> str:
    """What stands for a number in the text."""
    return value.name if isinstance(value, Traced) else repr(float(value))


class Named(dict[str, Any]):
    """Elements of an array by name, numbered when they are first read, each an array of one element."""

    def __init__(self, array: str, lines: list[str], n_axes: int) -> None:
        super().__init__()
        self.array, self.lines, self.n_axes = array, lines, n_axes

    def __missing__(self, name: str) -> Array:
        self[name] = found = elements(self.array, self.lines, [len(self)], self.n_axes)
        return found


def elements(array: str, lines: list[str], places: Iterable[int], n_axes: int = 1) -> Array:
    """Return elements of an array as an array of that many axes, the last of which runs over them."""
    found = np.array([Traced(f"{array}[{k}]", lines) for k in places], dtype=object)
    return found.reshape((1,) * (n_axes - 1) + found.shape)


def function_text(signature: str, lines: Iterable[str], results: Iterable[Any]) -> str:
    """Return the text of a function that fills ``out`` with what was traced."""
    body = [*lines, *(f"out[{k}] = {_name(value)}" for k, value in enumerate(results))]
    return "\n".join([f"def {signature}:", *(f"    {line}" for line in body), ""])
