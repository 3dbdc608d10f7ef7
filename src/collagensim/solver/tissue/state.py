"""Everything that a tissue is at one moment: fields, surface and cells, with a digest of all of it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from collagensim.solver.compiled import kernels_of
from collagensim.solver.tissue.epithelium import Epithelium
from collagensim.solver.tissue.fibres import Fibres
from collagensim.solver.tissue.network import Vessels
from collagensim.solver.tissue.structure import Structure

Array: TypeAlias = npt.NDArray[Any]
Floats: TypeAlias = npt.NDArray[np.float64]
Integers: TypeAlias = npt.NDArray[np.int64]
# Cells of one kind: position and direction (n, 3), identity (n,).
Newcomers: TypeAlias = tuple[int, Floats, Floats, npt.NDArray[np.uint64]]

agents = kernels_of("cells")


@dataclass(eq=False)
class State:
    """A tissue at one moment; stages change it in place.

    Attributes
    ----------
    tick : time in ticks of the fixed grid that all draws are made on.
    soluble : (n_soluble, nz, ny, nx) float32, what diffuses.
    matrix : (n_matrix, nz, ny, nx), what stays where it is.
    surface : (n_surface, ny, nx), what the epidermis carries.
    kind : (n,) cell species of each cell; position : (n, 3) z, y, x [um]; direction : (n, 3)
        velocity over speed, of length 1 in the mean square.
    identity : (n,) uint64, never twice; births : (n,) daughters that a cell has had.
    made : (n_kinds, 5) how many cells of each kind have entered, been born, become it, left it, died.
    fibres : which way fibres lie, where they have a direction.
    epithelium : the cells that cover the surface, where they are cells.
    vessels : the vessels, where they are a network.
    """

    tick: int
    soluble: npt.NDArray[np.float32]
    matrix: Floats
    surface: Floats
    kind: Integers
    position: Floats
    direction: Floats
    identity: npt.NDArray[np.uint64]
    births: Integers
    made: Integers
    fibres: Fibres | None = None
    epithelium: Epithelium | None = None
    vessels: Vessels | None = None

    @property
    def n_cells(self) -> int:
        """Cells alive."""
        return int(self.kind.size)

    def present(self, n_kinds: int) -> Integers:
        """Cells alive of each kind, (n_kinds,)."""
        return np.bincount(self.kind, minlength=n_kinds)

    def digest(self) -> str:
        """SHA-256 of the whole state."""
        found, structured = hashlib.sha256(str(self.tick).encode()), self.structures()
        of_structures = {f"{s}.{name}": v for s in structured for name, v in structured[s].arrays().items()}
        for name, values in (self.arrays() | of_structures).items():
            found.update(f"{name}{values.dtype}{values.shape}".encode())
            found.update(np.ascontiguousarray(values).tobytes())
        return found.hexdigest()

    def arrays(self) -> dict[str, Array]:
        """The arrays by name, those of structures apart."""
        return {name: value for name, value in self._parts() if isinstance(value, np.ndarray)}

    def structures(self) -> dict[str, Structure]:
        """The structures that the tissue has, by name."""
        return {name: value for name, value in self._parts() if isinstance(value, Structure)}

    def copy(self) -> State:
        """Return a state of its own."""
        parts: dict[str, Any] = {**self.arrays(), **self.structures()}
        return State(self.tick, **{name: part.copy() for name, part in parts.items()})

    def _parts(self) -> list[tuple[str, Any]]:
        return [(field.name, getattr(self, field.name)) for field in fields(self)]

    def keep(self, alive: npt.NDArray[np.bool_]) -> None:
        """Leave only those cells, in their order."""
        self.renew(np.flatnonzero(alive))

    def add(self, newcomers: Newcomers) -> None:
        """Append cells that have had no daughter yet."""
        self.renew(np.arange(self.n_cells), [newcomers])

    def renew(self, which: Integers, newcomers: Sequence[Newcomers] = ()) -> None:
        """Leave only the cells ``which``, in that order, and append cells that have had no daughter yet."""
        n = which.size
        total = n + sum(identity.size for *_, identity in newcomers)
        old = self.kind, self.position, self.direction, self.identity, self.births
        new = [np.empty((total, *values.shape[1:]), values.dtype) for values in old]
        agents.pick(which, *old, *new)
        for kind, position, direction, identity in newcomers:
            end = n + identity.size
            for values, given in zip(new, (kind, position, direction, identity, 0), strict=True):
                values[n:end] = given
            n = end
        self.kind, self.position, self.direction, self.identity, self.births = new


# What a saved state may have besides fields and cells: attributes of `State` by name.
STRUCTURES: dict[str, type[Structure]] = {"epithelium": Epithelium, "fibres": Fibres, "vessels": Vessels}

# Columns of `State.made`.
ENTERED, BORN, BECAME, LEFT, DIED = range(5)
