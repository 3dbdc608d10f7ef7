"""How fast a soluble species crosses between the zone around channels, the tissue between, and the layers.

Derivation: docs/derivations/exchange.md. Nothing is fitted: the rates follow from diffusion, decay and geometry.

Leading axes are members. Everything acts element by element, and sums have a fixed length and order, so a member's
rates never depend on the others. Diffusion and decay may be complex: a first-order imaginary part then carries a
derivative through (a complex step).
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from collagensim.errors import InputError, one_of

Floats: TypeAlias = npt.NDArray[Any]  # float64, or complex128 where a derivative is carried
Integers: TypeAlias = npt.NDArray[np.int64]

LAYOUTS = ("random", "lattice", "whole")

# With 32 nodes the shares differ by less than 1e-6 from those with 200 for lambda / r of 0.02 to 50 and any w.
_N_NODES = 32
# K0(40) < 1e-18: nothing further away is felt.
_REACH = 40.0
# Under this radius in units of lambda the lattice's S - w drowns in rounding; it is proportional to a^2 there.
_SMALL = 1e-3
# What is left between zones shrinks to slivers as w -> 1 and their exchange grows without bound; w stops here.
_ALMOST_ALL = 1.0 - 1e-4

# Abramowitz and Stegun, Handbook of Mathematical Functions, 9.8.1, 9.8.5 and 9.8.6, highest power first.
_I0 = (0.0045813, 0.0360768, 0.2659732, 1.2067492, 3.0899424, 3.5156229, 1.0)
_K0_SMALL = (0.00000740, 0.00010750, 0.00262698, 0.03488590, 0.23069756, 0.42278420, -0.57721566)
_K0_LARGE = (0.00053208, -0.00251540, 0.00587872, -0.01062446, 0.02189568, -0.07832358, 1.25331414)


def bessel_k0(z: Floats) -> Floats:
    """Modified Bessel function K0 for z > 0, to 2e-7 relative.

    Written out because the import of scipy's would take a tenth of a cached run.
    """
    near = np.minimum(z, 2.0)
    far = np.maximum(z, 2.0)
    small = np.polyval(_K0_SMALL, (near / 2.0) ** 2) - np.log(near / 2.0) * np.polyval(
        _I0, (near / 3.75) ** 2
    )
    large = np.polyval(_K0_LARGE, 2.0 / far) * np.exp(-far) / np.sqrt(far)
    return np.where(z.real <= 2.0, small, large)


@lru_cache(maxsize=4)
def _nodes(n: int) -> tuple[Floats, Floats]:
    """Gauss-Legendre nodes and weights on [0, 1]."""
    x, weight = np.polynomial.legendre.leggauss(n)
    return (x + 1.0) / 2.0, weight / 2.0


def _overlap(xi: Floats) -> Floats:
    """Area common to two unit discs whose centres are ``2 xi`` apart; pi at 0, 0 at 1."""
    return np.asarray(2.0 * np.arccos(xi) - 2.0 * xi * np.sqrt(1.0 - xi**2))


def _kept_random(w: Floats, a: Floats, n_nodes: int = _N_NODES) -> Floats:
    """Excess share q = (S - w) / (1 - w) for discs of radius ``a`` (in lambda) at random places; q in (0, 1].

    q = integral of rho(z) K0(z) z over [0, 2a], rho the zone's normalised autocovariance. z = z_max t^2 tames the
    logarithm of K0 at 0.
    """
    t, weight = _nodes(n_nodes)
    z_max = np.minimum(2.0 * a, _REACH)[..., None]
    z = z_max * t**2
    overlap = _overlap(z / (2.0 * a[..., None]))
    w = np.clip(w, 1e-9, _ALMOST_ALL)[..., None]
    rho = (1.0 - w) / w * np.expm1(-np.log1p(-w) / np.pi * overlap)
    return _sum(rho * bessel_k0(z) * z * 2.0 * z_max * t * weight)


def _sum(values: Floats) -> Floats:
    """Sum over the last axis by halves: NumPy's own order of adding depends on the array around."""
    while values.shape[-1] > 1:
        if values.shape[-1] % 2:
            values = np.concatenate([values, np.zeros_like(values[..., :1])], axis=-1)
        half = values.shape[-1] // 2
        values = values[..., :half] + values[..., half:]
    return np.asarray(values[..., 0])


def _kept_lattice(w: Floats, a: Floats) -> Floats:
    """The same share q for a disc of radius ``a`` in a closed round cell of radius a / sqrt(w)."""
    w = np.clip(w, 1e-9, _ALMOST_ALL)
    safe = np.maximum(a, _SMALL)
    edge = safe / np.sqrt(w)
    back = _scaled_i1(safe) / _scaled_i1(edge) * _scaled_k1(edge) * np.exp(2.0 * (safe - edge))
    lost = 2.0 * _scaled_i1(safe) * (_scaled_k1(safe) - back)
    return np.asarray((1.0 - lost / (1.0 - w)) * (a / safe) ** 2)


def _scaled_i1(z: Floats) -> Floats:
    """exp(-z) I1(z), to first order in an imaginary part (SciPy scales by exp(-|Re z|), which has no derivative)."""
    from scipy.special import ive

    x = np.asarray(z.real, order="C")
    value = np.asarray(ive(1, x))
    if not np.iscomplexobj(z):
        return value
    return np.asarray(value + 1j * z.imag * (ive(0, x) - value / x - value))


def _scaled_k1(z: Floats) -> Floats:
    """exp(z) K1(z), to first order in an imaginary part."""
    from scipy.special import kve

    x = np.asarray(z.real, order="C")
    value = np.asarray(kve(1, x))
    if not np.iscomplexobj(z):
        return value
    return np.asarray(value + 1j * z.imag * (value - kve(0, x) - value / x))


def escape(
    w: npt.ArrayLike, radius_um: npt.ArrayLike, diffusion: npt.ArrayLike, decay: npt.ArrayLike, layout: str
) -> Floats:
    """Exchange per w (1 - w), k (1 / q - 1) [1/day]; finite where either compartment vanishes.

    Arguments as in `horizontal`.
    """
    one_of("layout", layout, LAYOUTS)
    share, spread, loss = np.broadcast_arrays(np.asarray(w, dtype=float), *_numbers(diffusion, decay))
    if np.any(~(share >= 0.0) | ~(share <= 1.0)):
        raise InputError(f"zone fraction {share.min():g} to {share.max():g} is outside 0 to 1")
    radius = np.asarray(radius_um, dtype=float)
    if np.any(~(loss.real > 0.0)) or np.any(~(spread.real >= 0.0)) or np.any(~(radius > 0.0)):
        raise InputError(
            "exchange needs a positive decay and zone radius and a diffusion that is not negative"
        )
    if layout == "whole":
        return np.zeros(share.shape)
    # Where nothing diffuses nothing is exchanged; 1e-12 mm2/day stands in so that lambda is not zero.
    a = radius * 1e-3 / np.sqrt(np.maximum(spread, 1e-12) / loss)
    kept = _kept_random(share, a) if layout == "random" else _kept_lattice(share, a)
    rate = loss * np.maximum(1.0 / np.maximum(kept, 1e-12) - 1.0, 0.0)
    return np.asarray(np.where(spread.real > 0.0, rate, 0.0))


def _numbers(*values: npt.ArrayLike) -> list[Floats]:
    """Values as floating arrays, complex ones kept complex, along contiguous memory as transcendentals need it."""
    arrays = (np.asarray(value, order="C") for value in values)
    return [array if np.iscomplexobj(array) else np.asarray(array, dtype=np.float64) for array in arrays]


def horizontal(
    w: npt.ArrayLike, radius_um: npt.ArrayLike, diffusion: npt.ArrayLike, decay: npt.ArrayLike, layout: str
) -> Floats:
    """Exchange E between zone and between, per volume of tissue [1/day]; the arguments are broadcast.

    Parameters
    ----------
    w : array_like
        Share of the layer inside the zone [1].
    radius_um : array_like
        Radius of the zone around one channel [um].
    diffusion : array_like
        [mm^2/day].
    decay : array_like
        Clearance, > 0 [1/day].
    layout : {"random", "lattice", "whole"}
        Channels at random places, on a stamp's lattice, or one wound that leaves nothing between (E = 0).
    """
    share = np.asarray(w, dtype=float)
    return np.asarray(share * (1.0 - share) * escape(w, radius_um, diffusion, decay, layout))


def vertical(
    diffusion: npt.ArrayLike, decay: npt.ArrayLike, upper_mm: npt.ArrayLike, lower_mm: npt.ArrayLike
) -> Floats:
    """Conductance g between the means of two layers, per area [mm/day]; the arguments are broadcast.

    g = D / (L_upper + L_lower), L = lambda coth(h / lambda) - lambda^2 / h; ``upper_mm`` and ``lower_mm`` are the
    thicknesses h [mm], diffusion is in mm^2/day, decay in 1/day.
    """
    spread, loss = _numbers(diffusion, decay)
    inverse = np.sqrt(loss / np.maximum(spread, 1e-12))
    lengths = [_resistance(np.asarray(h, dtype=float), inverse) for h in (upper_mm, lower_mm)]
    return np.asarray(spread / (lengths[0] + lengths[1]))


def _resistance(h: Floats, inverse: Floats) -> Floats:
    """L = h (coth x - 1/x) / x [mm] at x = h * inverse; h / 3 as x -> 0."""
    x = h * inverse
    safe = np.maximum(x, 0.02)
    # Under 0.02 the difference loses digits and the next term of the series, 2 x^4 / 945, is below 1e-9.
    return np.asarray(
        h * np.where(x.real < 0.02, 1.0 / 3.0 - x**2 / 45.0, (1.0 / np.tanh(safe) - 1.0 / safe) / safe)
    )


def _pairs(n_layers: int) -> list[tuple[int, int]]:
    """Blocks that may exchange: zone with between in each layer, then all four pairs at each interface."""
    beside = [(2 * i, 2 * i + 1) for i in range(n_layers)]
    across = [(2 * i + a, 2 * i + 2 + b) for i in range(n_layers - 1) for a in (0, 1) for b in (0, 1)]
    return beside + across


def link_states(species: npt.ArrayLike, *, m: int, n_layers: int) -> tuple[Integers, Integers]:
    """States joined by links, the same for every treatment.

    Parameters
    ----------
    species : array_like
        (n_species,) place within a block of each transported species.
    m : int
        States of a block.
    n_layers : int
        Blocks are ordered ``layer * 2 + compartment``, zone before between.

    Returns
    -------
    link_to, link_from : numpy.ndarray
        (n_links,) in the order of `link_rates`: pair of blocks, direction, species.
    """
    local = np.asarray(species, dtype=np.int64)
    pairs = np.array(_pairs(n_layers), dtype=np.int64)
    to = m * pairs[:, :, None] + local
    return to.ravel(), to[:, ::-1].ravel()


def _facing(own: Floats, other: Floats) -> Floats:
    """Share of the area ``own`` that faces ``other`` when the two lie over each other as far as they can.

    A compartment without area gets its limit and so follows its neighbours; without volume it acts on nothing.
    """
    share = np.ones_like(own)
    np.divide(np.minimum(own, other), own, out=share, where=own > 0.0)
    share[~(other > 0.0)] = 0.0
    return share


def contact(w: Floats) -> Floats:
    """Shares of each block's area that face a block across an interface; (..., n_layers - 1, 4 pairs, 2 sides) [1].

    Pairs: zone-zone, zone-between, between-zone, between-between (upper first); sides: as seen from the upper block,
    from the lower one. Zones lie over each other as far as they can, so the common areas are min(w), the excess of
    the wider zone, and 1 - max(w). Zones of one session nest downward; after a shallow session over an older deep one
    the lower zone can be the wider.
    """
    areas = np.empty((2, 2, *w.shape[:-1], w.shape[-1] - 1))  # zone or between, upper or lower
    areas[0, 0], areas[0, 1] = w[..., :-1], w[..., 1:]
    areas[1] = 1.0 - areas[0]
    same = _facing(areas, areas[:, ::-1])
    zone, between = same
    found = np.empty((*zone.shape[1:], 4, 2))
    for side in (0, 1):
        found[..., 0, side], found[..., 3, side] = zone[side], between[side]
    found[..., 1, 0], found[..., 1, 1] = 1.0 - zone[0], 1.0 - between[1]
    found[..., 2, 0], found[..., 2, 1] = 1.0 - between[0], 1.0 - zone[1]
    return found


def link_rates(
    w: npt.ArrayLike,
    thickness_mm: npt.ArrayLike,
    diffusion: npt.ArrayLike,
    decay: npt.ArrayLike,
    *,
    layouts: npt.ArrayLike,
    radius_um: npt.ArrayLike,
) -> Floats:
    """Rate of each link of `link_states` (..., n_links) [1/day]: d y[to] / dt gains rate (y[from] - y[to]).

    What leaves one block arrives in the other: volume * rate is equal both ways.

    Parameters
    ----------
    w : array_like
        (..., n_layers) share of each layer inside the zone [1].
    thickness_mm : array_like
        (..., n_layers) [mm].
    diffusion, decay : array_like
        (..., n_species) [mm^2/day], [1/day].
    layouts : array_like of str
        (..., n_layers), each one of `LAYOUTS`.
    radius_um : array_like
        Radius of the zone around one channel [um], one or (...,).
    """
    share, h = np.asarray(w, dtype=float), np.asarray(thickness_mm, dtype=float)
    spread, loss = _numbers(diffusion, decay)
    if np.any(~(h > 0.0)):
        raise InputError(f"layer thicknesses {h.tolist()} mm must be positive")
    out = _escapes(share, np.asarray(layouts), np.asarray(radius_um, dtype=float), spread, loss)
    beside = np.stack([(1.0 - share)[..., None] * out, share[..., None] * out], axis=-2)
    conductance = vertical(spread[..., None, :], loss[..., None, :], h[..., :-1, None], h[..., 1:, None])
    per_area = contact(share) / np.stack([h[..., :-1], h[..., 1:]], axis=-1)[..., None, :]
    across = per_area[..., None] * conductance[..., None, None, :]
    return np.concatenate([part.reshape(*out.shape[:-2], -1) for part in (beside, across)], axis=-1)


def _escapes(
    share: Floats, layouts: npt.NDArray[np.str_], radius_um: Floats, spread: Floats, loss: Floats
) -> Floats:
    """`escape` of every layer and species (..., n_layers, n_species), each different one computed once."""
    shape = np.broadcast_shapes(share[..., None].shape, spread[..., None, :].shape)
    kinds = [LAYOUTS.index(one_of("layout", name, LAYOUTS)) for name in layouts.ravel().tolist()]
    places = np.reshape(np.array(kinds, dtype=float), layouts.shape)
    columns = (
        share[..., None],
        radius_um[..., None, None],
        places[..., None],
        spread[..., None, :],
        loss[..., None, :],
    )
    rows = np.empty((*shape, len(columns)), np.result_type(spread, loss))
    for k, column in enumerate(columns):
        rows[..., k] = column
    flat = rows.reshape(-1, len(columns))
    found: dict[bytes, int] = {}
    which = [found.setdefault(row, len(found)) for row in _rows(flat)]
    first = flat[np.unique(which, return_index=True)[1]]
    rates = np.empty(first.shape[0], rows.dtype)
    for layout in sorted(set(kinds)):
        here = first[:, 2].real == layout
        some = first[here]
        rates[here] = escape(some[:, 0].real, some[:, 1].real, some[:, 3], some[:, 4], LAYOUTS[layout])
    return rates[which].reshape(shape)


def _rows(values: npt.NDArray[Any]) -> list[bytes]:
    """The bytes of each row of a two-dimensional array."""
    flat = np.ascontiguousarray(values)
    rows: list[bytes] = flat.view(f"V{flat.itemsize * flat.shape[1]}")[:, 0].tolist()
    return rows


class Memory:
    """`link_rates` of members, each different set of arguments computed once.

    Equal sessions, and members that differ in nothing that has to do with transport, share their rates.
    """

    def __init__(self, size: int = 4096) -> None:
        self.size = size
        self.known: dict[tuple[bytes, bytes], Floats] = {}

    def rates(
        self,
        w: Floats,
        thickness_mm: Floats,
        diffusion: Floats,
        decay: Floats,
        *,
        layouts: npt.NDArray[np.str_],
        radius_um: Floats,
    ) -> Floats:
        """As `link_rates`, with one leading axis for the members in every argument."""
        arguments = (w, thickness_mm, diffusion, decay, layouts, radius_um)
        numbers = np.concatenate([w, thickness_mm, radius_um[:, None], diffusion, decay], axis=1)
        keys = list(zip(_rows(numbers), _rows(layouts), strict=True))
        # A copy of what is needed: another thread may clear the memory meanwhile.
        found = {key: self.known.get(key) for key in keys}
        wanted = {key: i for i, key in enumerate(keys) if found[key] is None}
        if wanted:
            some = [argument[list(wanted.values())] for argument in arguments]
            rows = link_rates(*some[:4], layouts=some[4], radius_um=some[5])
            found.update(zip(wanted, rows, strict=True))
            if len(self.known) > self.size:
                self.known.clear()
            self.known.update(zip(wanted, rows, strict=True))
        return np.array([found[key] for key in keys])


def links(
    w: npt.ArrayLike,
    thickness_mm: npt.ArrayLike,
    diffusion: npt.ArrayLike,
    decay: npt.ArrayLike,
    species: npt.ArrayLike,
    *,
    layouts: npt.ArrayLike,
    radius_um: npt.ArrayLike,
    m: int,
) -> tuple[Integers, Integers, Floats]:
    """(link_to, link_from, link_rate) of `link_states` and `link_rates`, whose arguments it takes."""
    to, source = link_states(species, m=m, n_layers=np.shape(w)[-1])
    return to, source, link_rates(w, thickness_mm, diffusion, decay, layouts=layouts, radius_um=radius_um)
