"""A virtual biopsy: one upright section through a tissue of single cells, and the figures a pathologist reports."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from collagensim.errors import in_range, plain
from collagensim.notice import NOTICE
from collagensim.response.basal import seats_met
from collagensim.response.orientation import coherency, in_section, inside
from collagensim.skin import Skin
from collagensim.treatment import Channels, Protocol, injure

if TYPE_CHECKING:
    from collagensim.response.tissue import Tissue

Array = NDArray[Any]
Row = tuple[str, str, float, str, str]

# Collagen in a stained bundle with the gaps between its fibrils [mg/mL], assumed: resting reticular dermis is then
# two thirds collagen by area. Range 220, hardly more than the tissue's mean, to 530, that of a single wet fibril.
BUNDLE_COLLAGEN = 300.0
# Elastin in an elastic fibre [mg/mL], assumed: half microfibrils and water around it; range 150 to 500.
FIBRE_ELASTIN = 200.0
COLLAGEN_I, COLLAGEN_III = ("collagen_i", "collagen_mature"), "collagen_iii"
# Mean caliper diameter of a nucleus [um], borrowed from human lung: 8.3 of macrophages, 8.8 of endothelium, less of
# interstitial cells (Crapo et al. 1982, doi:10.1164/arrd.1982.126.2.332, read in BioNumbers 113410), these 7.6 in the
# rat (Crapo & Greeley 1978, abstract read). One for all kinds, range 6, for the lobes of neutrophils, to 10.
NUCLEUS_UM = 8.0
THIN_CUT_UM = 5.0  # of a usual section
DERMIS, ALL_CELLS = "dermis", "cells"
# Order of fibres times cos 2a and sin 2a, with a their angle to the surface in the section.
ALONG, ASLANT = "fibre_order_along", "fibre_order_aslant"


class Track(NamedTuple):
    """The tissue that a channel killed, where the section cuts it.

    Attributes
    ----------
    day : of the session [day]; x_um : the channel's axis [um].
    depth_um, half_width_um : (m,) its outline: half its width at depths from the top of the dermis to its end [um].
    """

    day: float
    x_um: float
    depth_um: Array
    half_width_um: Array


@dataclass(frozen=True, eq=False, repr=False)
class Biopsy:
    """An upright section through a tissue on one day.

    Attributes
    ----------
    day : when it is taken [day]; y_um : the middle of the section [um]; thickness_um : its thickness [um].
    fields : xarray.Dataset
        What is dissolved or laid down, over ``z`` and ``x`` [um] from the top of the dermis, with the ``layer`` of each
        row; what the epidermis carries, over ``x``. Where fibres have a direction: ``fibre_order_along`` and
        ``fibre_order_aslant`` [1], order times cos 2a and sin 2a of their angle a to the surface, as the section shows
        them.
    cells : pandas.DataFrame
        Cells whose centre lies in the section: ``kind``, ``z``, ``x`` [um], ``identity``.
    kinds : every kind of cell that there can be.
    vessels : pandas.DataFrame or None
        Pieces of vessel whose middle lies in the section, as of `Tissue.vessels`; None where vessels are a density.
    tracks : channels of earlier sessions that cross the section.
    basal_cells : pandas.DataFrame or None
        Seats of the basal sheet that a thin cut would meet: ``x`` [um], ``taken``, ``leading`` (a cell on its way,
        behind a front) and ``struck`` (new since the latest session that struck any); None where epidermis is a cover.
    seed : that of the tissue, from which a picture takes what it adds.
    """

    day: float
    y_um: float
    thickness_um: float
    fields: xr.Dataset
    cells: pd.DataFrame
    kinds: tuple[str, ...]
    tracks: tuple[Track, ...]
    seed: int
    vessels: pd.DataFrame | None = None
    basal_cells: pd.DataFrame | None = None

    @property
    def layers(self) -> tuple[str, ...]:
        """Names of the layers in the section, top first."""
        return tuple(dict.fromkeys(str(name) for name in self.fields["layer"].values))

    @property
    def voxel_um(self) -> float:
        """Edge of a voxel [um]."""
        return 2.0 * float(self.fields["z"][0])

    @property
    def size_um(self) -> tuple[float, float]:
        """Height and width of the dermis in the section [um]."""
        return self.voxel_um * self.fields.sizes["z"], self.voxel_um * self.fields.sizes["x"]

    def rows(self, layer: str) -> Array:
        """Which rows (nz,) belong to a layer; all of them to ``"dermis"``."""
        names = self.fields["layer"].values
        return np.ones(names.size, dtype=bool) if layer == DERMIS else names == layer

    def total(self, names: Sequence[str]) -> Array | None:
        """Sum (nz, nx) of the fields that there are of some names; None when there is none."""
        known = [self.fields[name].values.astype(float) for name in names if name in self.fields]
        return np.sum(known, axis=0) if known else None

    def collagen_fraction(self) -> Array | None:
        """Share of the section under stained collagen (nz, nx) [1]: concentration over that of a bundle, at most 1."""
        collagen = self.total((*COLLAGEN_I, COLLAGEN_III))
        return None if collagen is None else np.minimum(collagen / BUNDLE_COLLAGEN, 1.0)

    def elastic_fraction(self) -> Array | None:
        """Share of the section under elastic fibres (nz, nx) [1]."""
        elastin = self.total(("elastin",))
        return None if elastin is None else np.minimum(elastin / FIBRE_ELASTIN, 1.0)

    def fibre_tensors(self) -> Array | None:
        """Tensors (2, nz, nx) of the fibres in the section's plane; None where they have no direction."""
        if ALONG not in self.fields:
            return None
        return np.stack([self.fields[name].values for name in (ALONG, ASLANT)])

    def figures(self) -> pd.DataFrame:
        """The figures a pathologist reports.

        Returns
        -------
        pandas.DataFrame
            ``quantity``, ``layer`` (each, then the whole dermis), ``value``, ``unit``, ``definition``. Figures of which
            the model has no field are left out. Areas and volumes are those of the tissue at rest: swelling does not
            dilute. Shares of area rest on an assumed content of bundles, so compare them between simulated sections,
            not with a stain. Of cells there are two counts: those with their centre in the section, and the profiles of
            nuclei that a cut of 5 um would show, which a pathologist counts.
        """
        found = [*self._epidermis()]
        for layer in (*self.layers, DERMIS):
            found += [*self._matrix(layer), *self._cells(layer)]
        return pd.DataFrame(found, columns=["quantity", "layer", "value", "unit", "definition"])

    def summary(self) -> pd.DataFrame:
        """The figures side by side: a row for each quantity with its unit, a column for each layer; NaN where none."""
        found = self.figures()
        # Rows and columns are told, for a table spread out without sorting is wrong in some releases of pandas.
        wide = found.pivot(index="quantity", columns="layer", values="value")
        told = found.drop_duplicates("quantity").set_index("quantity")[["unit"]]
        return told.join(wide[list(dict.fromkeys(found["layer"]))])

    def _epidermis(self) -> Iterator[Row]:
        if "epidermal_cover" not in self.fields:
            return
        cover = self.fields["epidermal_cover"].values
        yield "epidermal cover", "epidermis", float(cover.mean()), "1", "share of the surface under epidermis"
        if "epidermal_thickness" in self.fields and cover.sum() > 0.0:
            mean = float(np.average(self.fields["epidermal_thickness"].values, weights=cover))
            yield (
                "epidermal thickness",
                "epidermis",
                mean,
                "um",
                "mean where there is epidermis, with corneum",
            )

    def _matrix(self, layer: str) -> Iterator[Row]:
        rows = self.rows(layer)
        share, elastic = self.collagen_fraction(), self.elastic_fraction()
        of_i, of_iii = self.total(COLLAGEN_I), self.total((COLLAGEN_III,))
        if share is not None:
            definition = (
                f"mean of collagen / {BUNDLE_COLLAGEN:g} mg/mL, the assumed content of stained bundles"
            )
            yield "collagen area fraction", layer, float(share[rows].mean()), "1", definition
        if of_i is not None and of_iii is not None and of_iii[rows].sum() > 0.0:
            ratio = float(of_i[rows].sum() / of_iii[rows].sum())
            yield (
                "collagen I:III ratio",
                layer,
                ratio,
                "1",
                "mass of collagen I, new and mature, over that of III",
            )
        yield from self._fibres(layer)
        if elastic is not None:
            definition = f"mean of elastin / {FIBRE_ELASTIN:g} mg/mL, the assumed content of elastic fibres"
            yield "elastic fibre area fraction", layer, float(elastic[rows].mean()), "1", definition
        yield from self._vessels(layer, rows)

    def _vessels(self, layer: str, rows: Array) -> Iterator[Row]:
        """Profiles of vessels per area; of a network half its length per volume, as of lines that run every way."""
        if self.vessels is not None:
            z = 0.5 * (self.vessels["z0"] + self.vessels["z1"]).to_numpy()
            inside = rows[np.clip((z / self.voxel_um).astype(int), 0, rows.size - 1)]
            mm3 = rows.sum() * self.voxel_um * self.size_um[1] * self.thickness_um * 1e-9
            mean = float(self.vessels["length"].to_numpy()[inside].sum()) / 2000.0 / mm3
            definition = "capillary profiles per area of section: half the length of vessels per volume"
            yield "capillaries", layer, mean, "1/mm^2", definition
        elif "capillary_density" in self.fields:
            mean = float(self.fields["capillary_density"].values[rows].mean())
            yield "capillaries", layer, mean, "1/mm^2", "capillary profiles per area of section"

    def _fibres(self, layer: str) -> Iterator[Row]:
        """How parallel collagen fibres lie, and which way; of a model whose fibres have no direction, their order."""
        collagen, tensors, rows = (
            self.total((*COLLAGEN_I, COLLAGEN_III)),
            self.fibre_tensors(),
            self.rows(layer),
        )
        if collagen is None or "fibre_alignment" not in self.fields or collagen[rows].sum() <= 0.0:
            return
        order = float(np.average(self.fields["fibre_alignment"].values[rows], weights=collagen[rows]))
        meaning = "weighted by collagen: 0 without direction, 1 all parallel"
        if tensors is None:
            yield "orientation index", layer, order, "1", f"fibre alignment {meaning}"
            return
        yield "local fibre order", layer, order, "1", f"mean order of the fibres of a voxel, {meaning}"
        struck = inside(self.tracks, self.fields["z"].values, self.fields["x"].values)
        places = {"": np.ones_like(struck), " in tracks": struck, " outside tracks": ~struck}
        for where, mask in places.items() if self.tracks else [("", places[""])]:
            at = mask & rows[:, None]
            if collagen[at].sum() > 0.0:
                index, angle = coherency(tensors[:, at], collagen[at])
                yield f"orientation index{where}", layer, index, "1", f"coherency of all fibres, {meaning}"
                definition = "mean angle to the surface, positive where fibres descend along x"
                yield f"fibre direction{where}", layer, angle, "degree", definition

    def _cells(self, layer: str) -> Iterator[Row]:
        rows = self.rows(layer)
        area_mm2 = rows.sum() * self.voxel_um * self.size_um[1] * 1e-6
        at = np.minimum((self.cells["z"].to_numpy() / self.voxel_um).astype(int), rows.size - 1)
        inside = self.cells["kind"].to_numpy()[rows[at]]
        section = f"the {plain(self.thickness_um)} um section"
        # Abercrombie 1946 (Anatomical Record 94:239-247): a cut meets what has its centre in it or less than half a
        # nucleus beyond.
        thin = (THIN_CUT_UM + NUCLEUS_UM) / self.thickness_um
        seen = (
            f"nuclei that a cut of {THIN_CUT_UM:g} um meets, whole or in part: {thin:.3g} times the cells of "
            f"{section}, for nuclei of {NUCLEUS_UM:g} um (Abercrombie 1946)"
        )
        per_mm2 = {ALL_CELLS: inside.size / area_mm2}
        per_mm2 |= {kind: np.count_nonzero(inside == kind) / area_mm2 for kind in self.kinds}
        for name, found in per_mm2.items():
            which = "all cells but those of epidermis and vessel walls," if name == ALL_CELLS else "cells"
            definition = f"{which} with their centre in {section}, per area of the layer"
            yield name, layer, found, "cell/mm^2", definition
        for name, found in per_mm2.items():
            yield f"{name}, profiles in {THIN_CUT_UM:g} um", layer, thin * found, "1/mm^2", seen

    def __repr__(self) -> str:
        tracks = "1 needle track" if len(self.tracks) == 1 else f"{len(self.tracks)} needle tracks"
        return f"<Biopsy of day {plain(self.day)}, {len(self.cells)} cells, {tracks}. {NOTICE}>"


def cut(tissue: Tissue, day: float, y_um: float | None = None) -> Biopsy:
    """Return the section of a tissue; see `Tissue.biopsy`."""
    edges, everything = tissue.snapshot(day).edges_um, tissue.fields(day)
    n_rows = everything.sizes["y"]
    breadth = float(n_rows * edges[1])
    asked = in_range("y_um", 0.5 * breadth if y_um is None else y_um, 0.0, breadth, "um")
    row = min(int(asked / edges[1]), n_rows - 1)
    middle = (row + 0.5) * float(edges[1])
    names = np.array(tissue.data["layer"].values, dtype=object)
    # What rounding has added below the dermis is no part of the section.
    bottom = 1000.0 * float(tissue.data["layer_thickness"].sum())
    n_dermis = round(bottom / float(edges[0]))
    fields = everything.isel(y=row, z=slice(0, n_dermis), drop=True)
    fields = fields.assign_coords(layer=("z", names[fields["layer"].values]))
    fibres = tissue.snapshot(day).structures.get("fibres")
    if fibres is not None:
        tensors = in_section(fibres["orientation"][:, :n_dermis, row])
        fields = fields.assign({name: (("z", "x"), tensors[k]) for k, name in enumerate((ALONG, ASLANT))})
    cells = tissue.cells(day)
    inside = np.minimum((cells["y"].to_numpy() / edges[1]).astype(int), n_rows - 1) == row
    inside &= np.minimum((cells["z"].to_numpy() / edges[0]).astype(int), everything.sizes["z"] - 1) < n_dermis
    vessels = tissue.vessels(day) if "vessels" in tissue.snapshot(day).structures else None
    if vessels is not None:
        y = 0.5 * (vessels["y0"] + vessels["y1"]).to_numpy()
        above = 0.5 * (vessels["z0"] + vessels["z1"]).to_numpy() < bottom
        vessels = vessels[above & (np.floor(y / edges[1]).astype(int) % n_rows == row)]
    # A slice is injured where its channels cross a plane at the middle of a voxel as thick as it is high.
    plane = 0.5 * float(edges[0]) if n_rows == 1 else middle
    return Biopsy(
        float(day), middle, float(edges[1]), fields, cells.loc[inside, ["kind", "z", "x", "identity"]],
        tuple(tissue.snapshot(day).kinds), tuple(_tracks(tissue, day, plane)),
        int(tissue.provenance.get("seed", 0)), vessels, _basal_cells(tissue, day, middle),
    )  # fmt: skip


def _basal_cells(tissue: Tissue, day: float, plane_um: float) -> pd.DataFrame | None:
    sheet = tissue.snapshot(day).structures.get("epithelium")
    return None if sheet is None else seats_met(sheet, plane_um, 0.5 * (THIN_CUT_UM + NUCLEUS_UM))


def _tracks(tissue: Tissue, day: float, plane_um: float) -> Iterator[Track]:
    """Channels whose killed tissue the plane at ``plane_um`` cuts; none of sessions of which nothing is known."""
    described, protocol = tissue.provenance.get("skin"), tissue.provenance.get("protocol")
    if described is None or protocol is None:
        return
    skin = Skin.from_dict(described)
    sessions = dict(Protocol.from_dict(protocol).sessions)
    for when, places in tissue.channels:
        past = day - when > 1e-6 and when in sessions  # on its own day the tissue is still that before it
        needles = injure(skin, sessions[when]).channels if past else None
        for y, x, reach in places if needles is not None else ():
            assert needles is not None
            found = _outline(needles, abs(y - plane_um), reach, 1000.0 * skin.layers[0].top_mm)
            if found is not None:
                yield Track(when, float(x), *found)


def _outline(needles: Channels, off: float, reach: float, top: float) -> tuple[Array, Array] | None:
    """Depths below ``top`` and half widths of what a plane ``off`` the axis of a channel shows of it, all in um."""
    needle, crush = 1000.0 * needles.needle_radius_mm, 1000.0 * needles.crush_mm
    tip = 1000.0 * needles.tip_length_mm
    # the tip is a cone: beside its axis the plane leaves it before it ends
    end = reach - tip * max(off - crush, 0.0) / needle
    if off >= needle + crush or end <= top:
        return None
    depth = np.unique(np.clip([top, *np.linspace(reach - tip, end, 9)], top, end))
    radius = needle * np.clip((reach - depth) / tip, 0.0, 1.0) + crush
    return depth - top, np.sqrt(np.maximum(radius**2 - off**2, 0.0))
