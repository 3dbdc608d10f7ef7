"""The tissue's averages of all species and derived quantities as machine code.

A row of a course is some four hundred operations a layer: NumPy does them for all rows one after the other, through
memory. The text is what `blend` and the model's formulas do with each number, see `trace`.
"""

from __future__ import annotations

import ctypes
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt

from collagensim.kernels.straight import MANY
from collagensim.solver.strike import blend
from collagensim.solver.trace import Named, elements, function_text

if TYPE_CHECKING:
    from types import ModuleType

    from collagensim.solver.outline import Outline

Array: TypeAlias = npt.NDArray[Any]

NAME = "layer_averages"


@dataclass(frozen=True)
class AverageText:
    """The text of one row of a layer, and the names of the parameters and inputs that it reads, in their order."""

    text: str
    parameters: tuple[str, ...]
    inputs: tuple[str, ...]


class _Both(Named):
    """Inputs of zone and between, ``u`` and ``v``, beside each other."""

    def __missing__(self, name: str) -> Array:
        place = [len(self)]
        self[name] = found = np.stack([elements(a, self.lines, place) for a in "uv"], axis=-1)
        return found


def average_text(formulas: ModuleType, outline: Outline, step: int, beside: int) -> AverageText:
    """Return the text for states that lie ``step`` numbers apart, those of the tissue between ``beside`` further."""
    lines: list[str] = []
    parameters, inputs = Named("p", lines, 2), _Both("u", lines, 2)
    places = [side * beside + i * step for side in (0, 1) for i in range(len(outline.place))]
    states = elements("y", lines, places).reshape(1, 2, -1)
    volumes, found = elements("w", lines, (0, 1), 2), dict[str, Any]()

    def weigh(k: int) -> Any:
        return lambda parts: np.asarray(formulas.weights(parameters, inputs, parts)[k])

    means = blend(states, volumes, {i: weigh(k) for k, i in enumerate(outline.weighted)})[0]
    derived = []
    for name in formulas.DERIVED:
        value = find_derived(name, formulas.DERIVED, (parameters, inputs, states), found)
        zone, between = np.broadcast_to(np.asarray(value, dtype=object), (1, 2))[0]
        derived.append(zone * volumes[0, 0] + between * volumes[0, 1])
    text = function_text(f"{NAME}(y, w, p, u, v, out)", lines, [*means, *derived])
    return AverageText(text, tuple(parameters), tuple(inputs))


def find_derived(name: str, table: Mapping[str, Any], given: tuple[Any, ...], found: dict[str, Any]) -> Any:
    """Find a derived quantity and what it reads; no closure that knows itself, which would outlive its arrays."""
    if name not in found:
        function, reads = table[name]
        found[name] = function(*given, {read: find_derived(read, table, given, found) for read in reads})
    return found[name]


@dataclass(frozen=True)
class AverageCode:
    """Machine code of rows.

    Parameters
    ----------
    written : its text and what that reads.
    addresses : of its functions.
    n_found : species and derived quantities.
    """

    written: AverageText
    addresses: Mapping[str, int]
    n_found: int

    def __call__(
        self, rows: Array, stage: npt.NDArray[np.int64], shares: Array, parameters: Array, inputs: Array
    ) -> Array:
        """Averages (n_rows, layer, n_found), species before derived quantities.

        Parameters
        ----------
        rows : (n_rows, layer, compartment, m) states, which lie as the text says.
        stage : (n_rows,) of each row.
        shares : (n_stages, layer) of the zone.
        parameters, inputs : values of those that the text names (k,), and of each stage (n_stages, k, n_blocks).
        """
        n_rows, n_layers = rows.shape[:2]
        out = np.empty((n_rows, n_layers, self.n_found))
        p, n_inputs = np.ascontiguousarray(parameters, dtype=np.float64), len(self.written.inputs)
        u = np.array(
            inputs.reshape(len(shares), n_inputs, 2 * n_layers).swapaxes(1, 2), dtype=np.float64, order="C"
        )
        w = np.stack([shares, 1.0 - shares], axis=-1)
        row, layer = (stride // rows.itemsize for stride in rows.strides[:2])
        steps = np.array([row, 0, 0, 0, 0, n_layers * self.n_found], dtype=np.int64)
        run, size = _FUNCTION(self.addresses[NAME + MANY]), rows.itemsize
        y_at, w_at, p_at, u_at, out_at = (array.ctypes.data for array in (rows, w, p, u, out))
        steps_at = steps.ctypes.data
        ends = [*(np.flatnonzero(np.diff(stage)) + 1).tolist(), n_rows]
        for first, end in zip([0, *ends], ends, strict=False):
            k = int(stage[first])
            for i in range(n_layers):
                own = u_at + (k * n_layers + i) * 2 * n_inputs * size
                run(
                    end - first, steps_at, y_at + (first * row + i * layer) * size,
                    w_at + (k * n_layers + i) * 2 * size, p_at, own, own + n_inputs * size,
                    out_at + (first * n_layers + i) * self.n_found * size,
                )  # fmt: skip
        return out


_FUNCTION = ctypes.CFUNCTYPE(None, ctypes.c_int64, *[ctypes.c_void_p] * 7)
