"""The block of skin that a tissue lives in: voxels, layers and what one voxel holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from collagensim.errors import InputError, in_range, plain
from collagensim.skin import Skin

Floats: TypeAlias = npt.NDArray[np.float64]
Integers: TypeAlias = npt.NDArray[np.int64]

# Grids are halved several times while fields are solved.
FACTOR = 16
VOXEL_2D_UM, VOXEL_3D_UM = 10.0, 20.0
MOST_VOXELS = 20_000_000


@dataclass(frozen=True, eq=False)
class Block:
    """A block of dermis in cubes, z downwards from the epidermis, periodic in y and x.

    Attributes
    ----------
    shape : (nz, ny, nx); one voxel in y makes a slice.
    voxel_um : edge of a voxel [um].
    slab_um : thickness of tissue that a slice stands for, or the voxel's edge in a block [um].
    layer : (nz,) layer of each row of voxels, 0 at the top.
    top_um : depth of the first row below the skin's surface [um].
    n_dermis : rows that belong to the dermis; what rounding adds below is there and counts in no mean of a layer.
    """

    shape: tuple[int, int, int]
    voxel_um: float
    slab_um: float
    layer: Integers
    top_um: float
    n_dermis: int

    @property
    def n_voxels(self) -> int:
        """Voxels in all."""
        return int(np.prod(self.shape))

    @property
    def is_slice(self) -> bool:
        """Whether y is one voxel thick and nothing moves along it."""
        return self.shape[1] == 1

    @property
    def voxel_mm3(self) -> float:
        """Tissue of one voxel [mm^3]."""
        return self.voxel_um**2 * self.slab_um * 1e-9

    @property
    def edges_um(self) -> Floats:
        """Edges of a voxel along (z, y, x) [um]."""
        return np.array([self.voxel_um, self.slab_um, self.voxel_um])

    @property
    def size_um(self) -> Floats:
        """Edges of the block along (z, y, x) [um]."""
        return self.edges_um * self.shape

    @property
    def layer_thickness_mm(self) -> Floats:
        """Thickness (n_layers,) of what the block has of each layer [mm]."""
        rows = np.bincount(self.layer[: self.n_dermis])
        return np.asarray(rows * (self.voxel_um / 1000.0), dtype=np.float64)

    def by_layer(self, values: npt.NDArray[Any]) -> Floats:
        """Means (..., layer) of values (..., nz, ny, nx)."""
        return self.mean_of_rows(values.mean(axis=(-2, -1), dtype=np.float64))

    def mean_of_rows(self, rows: Floats) -> Floats:
        """Means (..., layer) of means (..., nz) of horizontal rows."""
        layer, within = self.layer[: self.n_dermis], rows[..., : self.n_dermis]
        each = [np.compress(layer == k, within, axis=-1) for k in range(layer.max() + 1)]
        return np.stack([some.mean(axis=-1) for some in each], axis=-1)


def block_of(
    skin: Skin,
    *,
    width_mm: float = 2.0,
    breadth_mm: float | None = None,
    depth_mm: float | None = None,
    voxel_um: float | None = None,
    slab_um: float = 100.0,
) -> Block:
    """Return a block of a skin's dermis.

    Parameters
    ----------
    skin : Skin
    width_mm, breadth_mm : float
        Along x and y [mm]; without a breadth it is a vertical slice. Rounded up to whole multiples of 16 voxels.
    depth_mm : float, optional
        Dermis from its top [mm]; default all of it. Rounded up too: what then lies below the dermis is made
        of its lowest layer and counts in no mean.
    voxel_um : float, optional
        Edge of a voxel [um]; default 10 in a slice, 20 in a block.
    slab_um : float
        Thickness of tissue that a slice stands for [um]: it sets how many cells a slice holds.

    Raises
    ------
    InputError
        For lengths out of range, or more than 20 million voxels.
    """
    is_slice = breadth_mm is None
    usual = VOXEL_2D_UM if is_slice else VOXEL_3D_UM
    edge = in_range("voxel_um", usual if voxel_um is None else voxel_um, 2, 50, "um")
    slab = in_range("slab_um", slab_um, edge, 2000, "um") if is_slice else edge
    dermis = skin.dermal_thickness_mm
    deep = dermis if depth_mm is None else in_range("depth_mm", depth_mm, 0.1, dermis, "mm")
    wide = in_range("width_mm", width_mm, 0.3, 20, "mm")
    broad = 0.0 if breadth_mm is None else in_range("breadth_mm", breadth_mm, 0.3, 20, "mm")
    nz, ny, nx = (_voxels(length, edge) for length in (deep, broad, wide))
    shape = (nz, 1 if is_slice else ny, nx)
    if np.prod(shape) > MOST_VOXELS:
        raise InputError(
            f"{nz} x {shape[1]} x {nx} voxels of {plain(edge)} um are {np.prod(shape) / 1e6:.0f} million, more than "
            f"{MOST_VOXELS / 1e6:.0f} million: give a smaller block or larger voxels"
        )
    depths = (np.arange(nz) + 0.5) * edge / 1000.0
    bottoms = np.cumsum([layer.thickness_mm for layer in skin.layers])
    layer = np.minimum(np.searchsorted(bottoms, depths), len(bottoms) - 1)
    n_dermis = int(np.searchsorted(depths, bottoms[-1]))
    return Block(shape, edge, slab, layer.astype(np.int64), 1000.0 * skin.layers[0].top_mm, n_dermis)


def _voxels(length_mm: float, edge_um: float) -> int:
    return int(np.ceil(1000.0 * length_mm / edge_um / FACTOR - 1e-9)) * FACTOR
