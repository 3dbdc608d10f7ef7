"""What a session does to layers as machine code: `strike`, written down while it runs on numbers not known yet.

A session is some hundred operations on three layers, which NumPy takes ten times as long to begin as to do. The text is
what `strike` and the model's formulas do with each number, see `trace`.
"""

from __future__ import annotations

import ctypes
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt

from collagensim.kernels.numbers import WIDTH
from collagensim.solver.strike import Division, strike
from collagensim.solver.trace import Named, elements, function_text

if TYPE_CHECKING:
    from types import ModuleType

    from collagensim.solver.outline import Outline

Array: TypeAlias = npt.NDArray[Any]

NAME = "strike_layer"


@dataclass(frozen=True)
class StrikeText:
    """The text of a session, and the names of the parameters and inputs that it reads, in their order."""

    text: str
    parameters: tuple[str, ...]
    inputs: tuple[str, ...]
    n_jumps: int


def strike_text(formulas: ModuleType, outline: Outline) -> StrikeText:
    """Return a session's text."""
    lines: list[str] = []
    m = len(outline.place)
    parameters, inputs = Named("p", lines, 3), Named("u", lines, 3)
    given = elements("y", lines, range(2 * m + 3))
    states, (old, hit, on_top) = given[: 2 * m].reshape(1, 1, 2, m), given[2 * m :].reshape(3, 1, 1)
    new: list[Any] = []

    def jumped(mean: Array) -> Array:
        found = formulas.jumps(parameters, inputs, mean[..., None, :])
        new[:] = [np.asarray(value, dtype=object).ravel()[0] for value in found]
        hurt = mean.copy()
        for value, i, top in zip(new, outline.jump_place, outline.jump_on_top, strict=True):
            hurt[0, 0, i] = on_top[0, 0].where_positive(value, mean[0, 0, i]) if top else value
        return hurt

    def weigh(k: int) -> Any:
        return lambda parts: np.asarray(formulas.weights(parameters, inputs, parts)[k])

    after = strike(states, old, hit, {i: weigh(k) for k, i in enumerate(outline.weighted)}, jumped)
    share = Division.of(old, hit).share
    text = function_text(f"{NAME}(y, p, u, out)", lines, [*after.ravel(), share.item(), *new])
    return StrikeText(text, tuple(parameters), tuple(inputs), len(new))


@dataclass(frozen=True)
class StrikeCode:
    """Machine code of a session.

    Parameters
    ----------
    written : its text and what that reads.
    address : of the code for lanes, each a layer of a member.
    """

    written: StrikeText
    address: int

    def __call__(
        self,
        states: Array,
        old: Array,
        hit: Array,
        parameters: Mapping[str, Any],
        inputs: Mapping[str, Array],
    ) -> tuple[Array, Array, Array]:
        """States (n, layer, 2, m) after a session, the zone's share (n, layer), and what the jumps made.

        Parameters
        ----------
        states, old, hit : as `strike` takes them.
        parameters : name -> number or (n, 1).
        inputs : name -> (n, n_blocks); those of the zone are taken.
        """
        n, n_layers, _, m = states.shape
        first, size = 2 * m, n * n_layers
        given = np.zeros((first + 3, -(-size // WIDTH) * WIDTH))
        given[:first, :size] = states.reshape(size, first).T
        given[first, :size], given[first + 1, :size] = old.ravel(), hit.ravel()
        given[first + 2, :size:n_layers] = 1.0
        u = np.zeros((len(self.written.inputs), given.shape[1]))
        for row, name in zip(u, self.written.inputs, strict=True):
            row[:size] = inputs[name][:, ::2].ravel()
        p = np.zeros((len(self.written.parameters), given.shape[1]))
        for row, name in zip(p, self.written.parameters, strict=True):
            values = parameters[name]
            row[:size] = values if np.ndim(values) == 0 else np.repeat(values[:, 0], n_layers)
        out = np.empty((first + 1 + self.written.n_jumps, given.shape[1]))
        self._run(given, p, u, out)
        found = out[:, :size]
        after = found[:first].T.reshape(states.shape)
        return after, found[first].reshape(n, n_layers), found[first + 1 :].T.reshape(n, n_layers, -1)

    def _run(self, *arrays: Array) -> None:
        """Call the code for eight columns after the other, the last array being what it fills."""
        code = _FUNCTION(self.address)
        if arrays[0].shape[1] == WIDTH:
            code(*(array.ctypes.data for array in arrays))
            return
        for start in range(0, arrays[0].shape[1], WIDTH):
            here = [np.ascontiguousarray(array[:, start : start + WIDTH]) for array in arrays]
            code(*(array.ctypes.data for array in here))
            arrays[-1][:, start : start + WIDTH] = here[-1]


_FUNCTION = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * 4)
