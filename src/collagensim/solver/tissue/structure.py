"""What a tissue has that is neither a field nor a single cell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Self, TypeAlias

import numpy.typing as npt

Array: TypeAlias = npt.NDArray[Any]


@dataclass(eq=False)
class Structure:
    """Something in a tissue that is neither a field nor a single cell, as arrays; a base for dataclasses of arrays."""

    def arrays(self) -> dict[str, Array]:
        """The arrays by name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def copy(self) -> Self:
        """Return a structure of its own."""
        return type(self)(**{name: values.copy() for name, values in self.arrays().items()})

    @classmethod
    def restored(cls, arrays: Mapping[str, Array]) -> Self:
        """Return the structure of which these were the arrays."""
        return cls(**{name: values.copy() for name, values in arrays.items()})
