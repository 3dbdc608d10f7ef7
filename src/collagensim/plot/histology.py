"""What is drawn of a section's dermis: fibre bundles, clot, vessels and cells, as outlines in a stain's colours.

How many there are, and where, follows the section's fields and cells; their shapes are drawn.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from collagensim.plot.outlines import (
    Shapes,
    angle_of,
    areas,
    between,
    drift,
    flat,
    marks,
    marks_of,
    ovals,
    ribbons,
    scores,
    shade,
)
from collagensim.plot.stains import ALONG_VESSEL, CLOTTED_FIBRIN, COLLAGEN, CUT_VESSEL, ELASTIC_FIBRE, Stain
from collagensim.response import Biopsy
from collagensim.response.biopsy import COLLAGEN_I, COLLAGEN_III

Array = NDArray[Any]

BUNDLES, FIBRES, CLOT, VESSELS, TRIALS = 0, 1, 2, 3, 100  # streams of numbers
ABOVE_UM = 24.0  # papillae that rise above the mean border of the dermis
FULLEST = 0.97  # of an area; a random pattern never covers all
WEAVING_UM = 45.0  # over which bundles keep their direction
BLUR_UM = 14.0  # over which one layer's bundles give way to the next one's
MOST_CAPILLARIES = 250.0  # per mm2
TUBE_UM, SWING_UM, WINDING_UM = 6.0, 7.0, 40.0  # capillaries: width, how far they swing, over which length
FIBRIN_SHARE = 0.11  # of area under clot fibres for each mg/mL, drawn
# Strands of a bundle across its width; each reaches below the next, or the ground would shine through between them.
STRANDS = ((-1.0, -0.1), (-0.33, 0.55), (0.33, 1.0))
WHOLE = ((-1.0, 1.0),)
N_MARKS = 12
THIN = 1.6  # above 1: more thin bundles than thick ones, in the gaps between these


@dataclass(frozen=True)
class Weave:
    """Bundles of a layer: range of width and length [um], their swing over their length."""

    width: tuple[float, float]
    length: tuple[float, float]
    swing: float


# Papillary fibres are thin, reticular bundles thick, thickest below: in sections 2 to 15 um.
WEAVES = (
    Weave((1.3, 3.0), (16.0, 42.0), 0.07),
    Weave((2.0, 12.0), (25.0, 130.0), 0.045),
    Weave((2.2, 15.0), (30.0, 180.0), 0.04),
)
OXYTALAN, ELASTIC = Weave((0.7, 1.3), (14.0, 40.0), 0.1), Weave((1.0, 2.2), (25.0, 90.0), 0.09)
FIBRIN = Weave((0.9, 2.2), (12.0, 34.0), 0.12)


@dataclass(frozen=True)
class Look:
    """A cell in a section: axes of nucleus and body [um], lobes of the nucleus, whether it lies along fibres."""

    name: str
    nucleus: tuple[float, float]
    body: tuple[float, float]
    n_lobes: int = 1
    along: bool = False
    uneven: float = 0.08


LOOKS = {
    "fibroblasts": Look("fibroblast", (12.0, 3.2), (24.0, 3.9), along=True),
    "myofibroblasts": Look("myofibroblast", (15.0, 5.0), (46.0, 9.0), along=True),
    "neutrophils": Look("neutrophil", (4.0, 3.4), (10.5, 9.5), n_lobes=3),
    "apoptotic_neutrophils": Look("dying neutrophil", (3.6, 3.4), (7.5, 7.0)),
    "macrophages_m1": Look("M1 macrophage", (8.5, 6.0), (17.0, 13.0), uneven=0.22),
    "endothelial_tips": Look("tip of a vessel", (9.0, 4.0), (22.0, 6.0), uneven=0.15),
    "macrophages_m2": Look("M2 macrophage", (8.5, 5.5), (24.0, 9.0), along=True, uneven=0.2),
}
OTHER = Look("other cell", (7.0, 6.0), (11.0, 10.0))


def look_of(kind: str) -> Look:
    """How cells of a kind are drawn."""
    return LOOKS.get(kind, Look(kind.replace("_", " "), OTHER.nucleus, OTHER.body))


def dermis(biopsy: Biopsy, stain: Stain) -> list[Shapes]:
    """Everything below the epidermis, in the order in which it is painted."""
    return [
        *bundles(biopsy, stain), *elastic_fibres(biopsy, stain), *clot(biopsy, stain), *cells(biopsy, stain),
        *vessels(biopsy, stain),
    ]  # fmt: skip


def bundles(biopsy: Biopsy, stain: Stain) -> list[Shapes]:
    """Collagen: layer by layer so many random bundles that they cover, on average, the section's collagen fraction."""
    share, total = biopsy.collagen_fraction(), biopsy.total((*COLLAGEN_I, COLLAGEN_III))
    if share is None or total is None:
        return []
    (lie, order), total = _fibres(biopsy), np.maximum(total, 1e-12)
    of_iii, of_new = _field(biopsy, COLLAGEN_III) / total, _field(biopsy, COLLAGEN_I[0]) / total
    found = []
    for k in range(len(biopsy.layers)):
        weave = WEAVES[min(k, len(WEAVES) - 1)]
        u, at = _thrown(biopsy, BUNDLES, k, weave, share)
        # neighbours run side by side; together they keep the order that the voxel has
        score = 0.8 * drift(u[0], u[1], biopsy.seed, WEAVING_UM) + 0.6 * scores(u[3], u[4])
        strands = _outline(weave, lie[at] + angle_of(order[at], score), u)
        found.append(_painted(stain, strands, u, of_iii[at], of_new[at]))
    return found


def elastic_fibres(biopsy: Biopsy, stain: Stain) -> list[Shapes]:
    """Elastic fibres, where the stain shows them: upright twigs in the first layer, longer ones below."""
    share = biopsy.elastic_fraction()
    if share is None or stain.elastic is None:
        return []
    found = []
    for k in range(len(biopsy.layers)):
        weave, upright = (OXYTALAN, 0.5 * np.pi) if k == 0 else (ELASTIC, 0.0)
        u, _ = _thrown(biopsy, FIBRES, k, weave, share)
        turn = angle_of(np.full(u[0].size, 0.4), scores(u[3], u[4]))
        found.append(_plain(_outline(weave, upright + turn, u), stain.elastic, ELASTIC_FIBRE))
    return found


def clot(biopsy: Biopsy, stain: Stain) -> list[Shapes]:
    """Fibrin threads without direction, where there is provisional matrix."""
    share = FIBRIN_SHARE * _field(biopsy, "provisional_matrix")
    found = []
    for k in range(len(biopsy.layers)):
        u, _ = _thrown(biopsy, CLOT, k, FIBRIN, share)
        found.append(_plain(_outline(FIBRIN, np.pi * u[3], u), stain.fibrin, CLOTTED_FIBRIN))
    return found


def _thrown(
    biopsy: Biopsy, stream: int, k: int, weave: Weave, share: Array
) -> tuple[Array, tuple[Array, Array]]:
    """Throw ribbons at random into a layer, so many that they cover a share (nz, nx) of the area on average.

    A random pattern of n ribbons per area of mean area a leaves exp(-n a) uncovered. Places are drawn for the fullest
    pattern and a mark decides which of them are kept, so that pictures of several days show the same bundles.

    Returns
    -------
    marks (N_MARKS, n): x, z [um] and uniform numbers; row and column of each one's voxel.
    """
    names, layer = biopsy.fields["layer"].values, biopsy.layers[k]
    rows = np.flatnonzero(names == layer)
    margin, rim = 0.5 * weave.length[1], ABOVE_UM if k == 0 else BLUR_UM
    top, bottom = rows[0] * biopsy.voxel_um - rim, (rows[-1] + 1) * biopsy.voxel_um + margin
    size = np.array([biopsy.size_um[1] + 2.0 * margin, bottom - top])
    trial = marks(biopsy.seed, TRIALS + 10 * stream + k, 4096, N_MARKS)
    mean = float(areas(_outline(weave, np.zeros(4096), trial, WHOLE)).mean())
    u = marks(biopsy.seed, 10 * stream + k, int(-np.log1p(-FULLEST) / mean * size.prod()), N_MARKS)
    u[0], u[1] = u[0] * size[0] - margin, u[1] * size[1] + top
    at = _voxel(biopsy, u[1], u[0])
    # a ribbon belongs to the layer a little off its own depth, or layers would end as if cut
    owner, _ = _voxel(biopsy, u[1] + BLUR_UM * (2.0 * u[10] - 1.0), u[0])
    wanted = np.log1p(-np.minimum(share[at], FULLEST)) / np.log1p(-FULLEST)
    kept = (names[owner] == layer) & (u[2] < wanted)
    return u[:, kept], (at[0][kept], at[1][kept])


def _outline(weave: Weave, angle: Array, u: Array, parts: tuple[tuple[float, float], ...] = STRANDS) -> Array:
    """Strands (n, len(parts), m, 2) of ribbons, which the section cuts at any slant."""
    width = between(*weave.width, u[5] ** THIN)
    length = np.maximum(between(*weave.length, np.sqrt(u[5] * u[6])) * np.sqrt(1.0 - u[7] ** 2), 1.3 * width)
    wave, phase = weave.swing * length, 2.0 * np.pi * u[8]
    return np.stack(
        [ribbons(u[0], u[1], angle, length, width, wave=wave, phase=phase, across=part) for part in parts],
        axis=1,
    )


def _plain(strands: Array, colour: str, of: str) -> Shapes:
    outlines = strands.reshape(-1, *strands.shape[2:])
    return Shapes(outlines, flat(colour, outlines.shape[0]), of)


def _painted(stain: Stain, strands: Array, u: Array, of_iii: Array, of_new: Array) -> Shapes:
    """Colour bundles by their type, one bundle after the other, its strands a little unlike."""
    tone = np.repeat(0.15 + 0.7 * u[9], len(STRANDS)) + np.tile([0.2, -0.15, 0.1], u[9].size)
    third, fresh = np.repeat(u[11] < of_iii, len(STRANDS)), np.repeat(u[11] < of_iii + of_new, len(STRANDS))
    colours = shade(*stain.collagen_i, tone)
    colours[fresh] = shade(*stain.collagen_new, tone)[fresh]
    colours[third] = shade(*stain.collagen_iii, tone)[third]
    outlines = strands.reshape(-1, *strands.shape[2:])
    if stain.polarised:
        run = outlines[:, 1] - outlines[:, 0]  # what lies along either filter turns no light
        bright = 0.3 + 0.7 * np.sin(2.0 * np.arctan2(run[:, 1], run[:, 0]) + 0.9) ** 2
        colours = colours * bright[:, None]
    return Shapes(outlines, colours, COLLAGEN)


def vessels(biopsy: Biopsy, stain: Stain) -> list[Shapes]:
    """Capillaries: so many per area as the section has, cut at any slant, with blood inside."""
    if biopsy.vessels is not None:
        return [*_tubes(biopsy, stain), *_profiles(stain, *_cut_pieces(biopsy, biopsy.vessels))]
    if "capillary_density" not in biopsy.fields:
        return []
    high, wide = biopsy.size_um
    u = marks(biopsy.seed, 10 * VESSELS, int(MOST_CAPILLARIES * high * wide * 1e-6), 8)
    x, z = u[0] * wide, u[1] * high
    row, column = _voxel(biopsy, z, x)
    kept = u[2] * MOST_CAPILLARIES < biopsy.fields["capillary_density"].values[row, column]
    x, z, u = x[kept], z[kept], u[:, kept]
    return _profiles(stain, x, z, np.pi * u[5], u[[3, 4, 6]])


def _cut_pieces(biopsy: Biopsy, pieces: pd.DataFrame) -> tuple[Array, Array, Array, Array]:
    """Where a cut meets pieces of vessel, their angle, and uniform numbers (3, n).

    A cut meets a piece of length l in a section of thickness t with probability l / 2t, as if it ran any way: then
    there are as many profiles per area as are half the length per volume. Which it meets, their numbers say, the same
    on every day.
    """
    who = pieces["number"].to_numpy()
    met = marks_of(who, 7) < pieces["length"].to_numpy() / (2.0 * biopsy.thickness_um)
    x0, z0, x1, z1 = _swung(biopsy, pieces[met])
    x = np.mod(0.5 * (x0 + x1), biopsy.size_um[1])
    u = np.stack([marks_of(who[met], stream) for stream in (8, 9, 10)])
    return x, 0.5 * (z0 + z1), np.arctan2(z1 - z0, x1 - x0), u


def _swung(biopsy: Biopsy, pieces: pd.DataFrame) -> Iterator[Array]:
    """Ends x0, z0, x1, z1 of pieces of vessel, a little off their straight lines; where two meet they swing alike."""
    for k in "01":
        x, z = pieces[f"x{k}"].to_numpy(), pieces[f"z{k}"].to_numpy()
        at = x % biopsy.size_um[1]
        yield x + SWING_UM * drift(at, z, biopsy.seed, WINDING_UM)
        yield z + SWING_UM * drift(z, at, biopsy.seed, WINDING_UM)


def _tubes(biopsy: Biopsy, stain: Stain) -> list[Shapes]:
    """Vessels as the whole thickness of the section shows them, where the stain does."""
    if stain.tube is None or biopsy.vessels is None:
        return []
    x0, z0, x1, z1 = _swung(biopsy, biopsy.vessels)
    n, length = x0.size, np.hypot(x1 - x0, z1 - z0)
    none = np.zeros(n)
    lines = ribbons(
        0.5 * (x0 + x1), 0.5 * (z0 + z1), np.arctan2(z1 - z0, x1 - x0), length + 0.8 * TUBE_UM, np.full(n, TUBE_UM),
        wave=none, phase=none,
    )  # fmt: skip
    return [Shapes(lines, flat(stain.tube, n), ALONG_VESSEL)]


def _profiles(stain: Stain, x: Array, z: Array, angle: Array, u: Array) -> list[Shapes]:
    """Rings of wall around blood, each with a nucleus."""
    short = between(8.0, 12.0, u[0])
    long = short * between(1.0, 3.0, u[1] ** 2)
    uneven = 0.12 * u[2]
    n = x.size
    wall = ovals(x, z, angle, long + 2.4, short + 2.4, uneven=uneven)
    lumen = ovals(x, z, angle, long - 2.2, short - 2.2, uneven=uneven)
    nuclei = ovals(
        x - np.sin(angle) * 0.5 * (short + 1.6), z + np.cos(angle) * 0.5 * (short + 1.6), angle,
        np.full(n, 7.0), np.full(n, 2.4),
    )  # fmt: skip
    return [
        Shapes(wall, flat(stain.vessel, n), CUT_VESSEL), Shapes(lumen, flat(stain.blood, n)),
        Shapes(nuclei, flat(stain.nucleus, n)),
    ]  # fmt: skip


def cells(biopsy: Biopsy, stain: Stain) -> list[Shapes]:
    """Every cell of the section where it is: a body, and on top of all bodies the nuclei."""
    lie, order = _fibres(biopsy)
    bodies, nuclei = [], []
    for kind in biopsy.kinds:
        look, here = look_of(kind), biopsy.cells[biopsy.cells["kind"] == kind]
        if here.empty:
            continue
        x, z, who = (here[name].to_numpy() for name in ("x", "z", "identity"))
        at = _voxel(biopsy, z, x)
        angle = np.pi * marks_of(who, 2)
        if look.along:
            angle = lie[at] + angle_of(order[at], scores(marks_of(who, 2), marks_of(who, 3)))
        size = 0.85 + 0.3 * marks_of(who, 4)
        body = _body(look, x, z, angle, size)
        bodies.append(Shapes(body, flat(stain.cytoplasm, x.size)))
        nucleus = nucleus_of(look, x, z, angle, size)
        nuclei.append(Shapes(nucleus, flat(stain.nucleus, nucleus.shape[0])))
    return bodies + nuclei


def _body(look: Look, x: Array, z: Array, angle: Array, size: Array) -> Array:
    long, short = look.body
    if look.along:
        return ribbons(x, z, angle, long * size, short * size, wave=0.05 * long * size, phase=6.0 * size)
    return ovals(x, z, angle, long * size, short * size, uneven=0.1 * size)


def nucleus_of(look: Look, x: Array, z: Array, angle: Array, size: Array) -> Array:
    """Outlines of nuclei: one for each lobe."""
    long, short = look.nucleus
    if look.n_lobes == 1:
        return ovals(x, z, angle, long * size, short * size, uneven=look.uneven * size)
    lobes = []
    for i in range(look.n_lobes):
        way = angle + 2.0 * np.pi * i / look.n_lobes
        lobes.append(
            ovals(
                x + 0.6 * short * np.cos(way), z + 0.6 * short * np.sin(way), way, long * size, short * size
            )
        )
    return np.concatenate(lobes)


def _voxel(biopsy: Biopsy, z: Array, x: Array) -> tuple[Array, Array]:
    """Row and column of places; those beyond the section take what is at its edge."""
    n_z, n_x = biopsy.fields.sizes["z"], biopsy.fields.sizes["x"]
    row, column = (np.floor(place / biopsy.voxel_um).astype(int) for place in (z, x))
    return np.clip(row, 0, n_z - 1), np.clip(column, 0, n_x - 1)


def _fibres(biopsy: Biopsy) -> tuple[Array, Array]:
    """Mean angle to the surface [rad] and order (nz, nx) of fibres; along the surface where they have no direction."""
    tensors = biopsy.fibre_tensors()
    if tensors is None:
        order = _field(biopsy, "fibre_alignment")
        return np.zeros_like(order), order
    return 0.5 * np.arctan2(tensors[1], tensors[0]), np.hypot(tensors[0], tensors[1])


def _field(biopsy: Biopsy, name: str) -> Array:
    """A field (nz, nx), or nothing everywhere where the model has none."""
    shape = (biopsy.fields.sizes["z"], biopsy.fields.sizes["x"])
    found: Array = biopsy.fields[name].values if name in biopsy.fields else np.zeros(shape)
    return found
