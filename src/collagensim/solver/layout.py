"""How the states of a member lie in memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from collagensim.kernels.numbers import WIDTH

Array = npt.NDArray[Any]
Integers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Layout:
    """Blocks one after the other, or, so that one member's blocks fill the lanes, alternating and padded to eight.

    Attributes
    ----------
    n_blocks, m : blocks, and states of one.
    alternating : state i of block b lies at i * 8 + b; else at b * m + i.
    """

    n_blocks: int
    m: int
    alternating: bool

    @property
    def width(self) -> int:
        """Blocks, padding included."""
        return WIDTH if self.alternating else self.n_blocks

    @property
    def n(self) -> int:
        """States, padding included."""
        return self.width * self.m

    @property
    def strides(self) -> tuple[int, int]:
        """Distance of a block's states, and of like states of two blocks."""
        return (WIDTH, 1) if self.alternating else (1, self.m)

    def place(self, values: Array, padding: float | None = None) -> Array:
        """Lay out values (N, n_blocks, k) as (N, width * k); padding repeats the first block unless it is given."""
        if not self.alternating:
            return values.reshape(values.shape[0], -1)
        padded = np.repeat(values[:, :1], self.width, axis=1)
        if padding is not None:
            padded[:] = padding
        padded[:, : self.n_blocks] = values
        return padded.transpose(0, 2, 1).reshape(values.shape[0], -1)

    def everywhere(self, values: Array) -> Array:
        """Lay out values (N, k) that all blocks read."""
        return np.repeat(values, WIDTH, axis=1) if self.alternating else values

    def blocks(self, flat: Array) -> Array:
        """View of laid-out states (..., n) as (..., n_blocks, m)."""
        if not self.alternating:
            return flat.reshape(*flat.shape[:-1], self.n_blocks, self.m)
        return np.swapaxes(flat.reshape(*flat.shape[:-1], self.m, WIDTH), -1, -2)[..., : self.n_blocks, :]

    def index(self, states: Integers) -> Integers:
        """Where states, counted block after block, lie."""
        b, i = np.divmod(states, self.m)
        one, other = self.strides
        places: Integers = i * one + b * other
        return places

    def states_of_blocks(self, local: Integers) -> Integers:
        """Where states of every block, padding included, lie, in the order in which their terms are written."""
        one, other = self.strides
        places = local[:, None] * one + np.arange(self.width) * other
        return places.ravel() if self.alternating else places.T.ravel()

    def named(self, index: int) -> tuple[int, int]:
        """(block, state) at a place."""
        if self.alternating:
            return index % WIDTH, index // WIDTH
        return index // self.m, index % self.m
