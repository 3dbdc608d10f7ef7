"""The sheet of keratinocytes upon a tissue: seats, cells and the ground beneath; `closing` tells what happens to it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt

from collagensim.errors import ModelError, nearest
from collagensim.model import Sheet
from collagensim.model.expression import text
from collagensim.solver.compiled import kernels_of
from collagensim.solver.tissue.structure import Structure

if TYPE_CHECKING:
    from collagensim.solver.tissue.space import Block
    from collagensim.solver.tissue.world import World

Floats: TypeAlias = npt.NDArray[np.float64]
Integers: TypeAlias = npt.NDArray[np.int64]
Mask: TypeAlias = npt.NDArray[np.bool_]

fates, kernels = kernels_of("fates"), kernels_of("epithelium")

SQUARES_PER_CELL = 4  # along an edge: cover is known to a quarter of a cell
UNEVEN = 0.15  # how far a seat lies off its row, as a share of the width of a cell
ENTERED, BORN, BECAME, LEFT, DIED = range(5)  # as of `State.made`


@dataclass(eq=False)
class Epithelium(Structure):
    """The basal sheet of an epithelium: a seat for each cell, with whoever rests there or is on the way to it.

    Attributes
    ----------
    place : (n, 2) y, x where the cell of a seat rests [um]; position : (n, 2) where it is.
    identity : (n,) uint64 of the cell, 0 where there is none; births : (n,) daughters that it has had.
    left : (n,) how far a front still has to go until the cell is at rest [um]: 0 where one is, infinite where none
        comes because the opening has no rim.
    way : (n, 2) unit vector y, x along which a cell comes.
    lost : (n,) tick at which the seat lost its last cell, -1 where it never did.
    bare : (m,) numbers of the squares of ground that are bare; gap : (m,) how far the front still has to go [um].
    made : (5,) how many cells have entered, been born, become one, left it (none does either), died.
    shared : (k,) columns to which a front comes while the law covers others of their ground; lack : (k,) the share of
        each that waits for the law.
    """

    place: Floats
    position: Floats
    identity: npt.NDArray[np.uint64]
    births: Integers
    left: Floats
    way: Floats
    lost: Integers
    bare: Integers
    gap: Floats
    made: Integers
    shared: Integers = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    lack: Floats = field(default_factory=lambda: np.zeros(0))

    @property
    def n_cells(self) -> int:
        """Cells alive."""
        return int(np.count_nonzero(self.identity))

    @property
    def leading(self) -> Mask:
        """Seats (n,) whose cell is on its way."""
        found: Mask = (self.identity != 0) & (self.left > 0.0)
        return found


@dataclass(frozen=True)
class Ground:
    """The squares of ground under a surface.

    Attributes
    ----------
    shape : (ny, nx) of the squares; per_column : how many a column has along y and x; edge_um : of a square along x.
    """

    shape: tuple[int, int]
    per_column: tuple[int, int]
    edge_um: float

    @property
    def squares(self) -> int:
        """Squares in a column."""
        return self.per_column[0] * self.per_column[1]

    def column(self, square: Integers) -> Integers:
        """Column of the surface in which squares lie."""
        row, along = np.divmod(square, self.shape[1])
        found: Integers = (
            row // self.per_column[0] * (self.shape[1] // self.per_column[1]) + along // self.per_column[1]
        )
        return found

    def at(self, place: Floats, size: Floats) -> Integers:
        """Square in which places (n, 2) [um] lie."""
        y, x = (
            np.minimum((place[:, k] / size[k] * self.shape[k]).astype(np.int64), self.shape[k] - 1)
            for k in (0, 1)
        )
        found: Integers = y * self.shape[1] + x
        return found

    def spread(self, columns: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Values (ny, nx) of squares from those of columns."""
        return columns.repeat(self.per_column[0], axis=0).repeat(self.per_column[1], axis=1)


def ground_of(block: Block, sheet: Sheet) -> Ground:
    """Return the squares of ground of a block; those of a slice are as broad as its slab."""
    along = max(int(np.ceil(SQUARES_PER_CELL * block.voxel_um / sheet.width_um)), 1)
    across = 1 if block.is_slice else along
    _, ny, nx = block.shape
    return Ground((ny * across, nx * along), (across, along), block.voxel_um / along)


def seats_of(block: Block, sheet: Sheet) -> tuple[int, int]:
    """Return how many seats there are along y and x."""
    across, along = np.maximum(np.round(block.size_um[1:] / sheet.width_um), 1.0)
    return int(across), int(along)


def resting_sheet(world: World) -> Epithelium | None:
    """Return the closed sheet of a tissue at rest; None for one whose architecture has none."""
    sheet, size = world.architecture.sheet, world.block.size_um[1:]
    if sheet is None:
        return None
    if sheet.front.species not in world.model.species:
        name = sheet.front.species.name
        raise ModelError(
            f"the sheet covers {name!r}, which {world.model.name!r} lacks{nearest(name, world.model.species_names)}"
        )
    rows, columns = seats_of(world.block, sheet)
    n = rows * columns
    place = np.empty((n, 2))
    kernels.unevenness(world.seed, fates.SEAT, UNEVEN, place)
    place[:, 0] += np.repeat(np.arange(rows), columns) + 0.5
    # Every other row lies half a cell further, as in a pavement.
    place[:, 1] += np.tile(np.arange(columns), rows) + 0.25 + 0.5 * np.repeat(np.arange(rows) % 2, columns)
    place = place * (size / (rows, columns)) % size
    identity, none = np.empty(n, dtype=np.uint64), np.zeros(n, dtype=np.int64)
    made = np.zeros(5, dtype=np.int64)
    made[ENTERED] = n
    left, nobody = np.zeros(n), np.zeros(n, dtype=np.uint64)
    kernels.recruit(
        np.arange(n), np.zeros(n, dtype=bool), columns, place, place, left, nobody, none, size, 0,
        64 * fates.SEAT + 1, identity,
    )  # fmt: skip
    return Epithelium(
        place,
        place.copy(),
        identity,
        none,
        left,
        np.zeros((n, 2)),
        none - 1,
        none[:0].copy(),
        np.zeros(0),
        made,
    )


def sheet_told(sheet: Sheet | None) -> dict[str, Any] | None:
    """Return what covers the surface, as plain values."""
    if sheet is None:
        return None
    front = {"species": sheet.front.species.name, "crawling": text(sheet.front.crawling)}
    return {**front, "width_um": sheet.width_um, "lag_days": sheet.lag_days}
