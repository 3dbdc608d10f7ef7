"""Which way the fibres of a section lie: the figures that image analysis reads off a picture of it.

A picture is described by a tensor in its plane, of which the coherency tells how far fibres are parallel, 0 to 1, and
the first axis their mean direction (Rezakhaniha et al. 2012, doi:10.1007/s10237-011-0325-z). It is kept as the two
numbers order * cos 2a and order * sin 2a, with a the angle of fibres to the surface, positive where they descend along
x. Means of them over places are tensors again.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collagensim.response.biopsy import Track

Array = NDArray[Any]


def in_section(parts: Array) -> Array:
    """Return what an upright section shows (2, ...) of orientation tensors (2 or 5, ...), numbered as the tissue's.

    Those of a slice are of a section already. Of a block's fibres a section shows the stretch that lies in its plane,
    each counted by the square of it, as gradients of a picture count.
    """
    if parts.shape[0] == 2:
        return parts
    root = np.sqrt(3.0)
    along_x, down = (1.0 + 2.0 * parts[0]) / 3.0, (1.0 - parts[0] - root * parts[1]) / 3.0
    seen = along_x + down
    shown = np.stack([along_x - down, 2.0 / root * parts[3]])
    some = seen > 1e-9  # fibres across the plane show nothing but rounding
    found: Array = np.where(some, shown / np.where(some, seen, 1.0), 0.0)
    return found


def coherency(tensors: Array, weight: Array) -> tuple[float, float]:
    """Return coherency [1] and mean direction [degree] of tensors (2, n), each with its weight (n,)."""
    along, aslant = (float(np.average(part, weights=weight)) for part in tensors)
    return float(np.hypot(along, aslant)), float(np.degrees(0.5 * np.arctan2(aslant, along)))


def inside(tracks: Iterable[Track], depth_um: Array, x_um: Array) -> Array:
    """Which places (nz, nx) lie in a track, from the depths (nz,) and places (nx,) of voxels [um]."""
    found = np.zeros((depth_um.size, x_um.size), dtype=bool)
    for track in tracks:
        half = np.interp(depth_um, track.depth_um, track.half_width_um, left=-1.0, right=-1.0)
        found |= np.abs(x_um - track.x_um) <= half[:, None]
    return found
