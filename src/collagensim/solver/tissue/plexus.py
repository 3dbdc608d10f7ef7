"""The vessels of tissue at rest: evenly spaced, joined, and as long in each layer as their resting density says."""

from __future__ import annotations

import hashlib
from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import minimum_spanning_tree

from collagensim.solver.tissue.network import Vessels, around, inside, lay_lines, lengths, pieces_of, tree_of
from collagensim.solver.tissue.space import Block

Floats: TypeAlias = npt.NDArray[np.float64]
Integers: TypeAlias = npt.NDArray[np.int64]
Mask: TypeAlias = npt.NDArray[np.bool_]

LOOPED = (
    2  # rows of places in the uppermost layer at the least: vessels along its bottom and what rises from them
)
JITTER = 0.3  # of a spacing, by which places leave their lattice: even, yet without rows
NEIGHBOURS = 10  # that a place may be joined to
TREE_SHARE = 0.9  # of all length; the rest closes loops
SHORTEST_LOOP = 5  # lines in it
ROUNDS = 12
BLIND = 8  # pieces of a blind vessel at the most


def resting_vessels(
    block: Block, wanted_um: Floats, *, piece_um: float, uprightness: float, seed: int
) -> Vessels:
    """Return vessels whose length in each layer is ``wanted_um`` (n_layers,), to within a piece.

    Places on a jittered lattice, denser where vessels are, are joined by the shortest tree that reaches all of them;
    then the shortest lines are added that close loops, until the length is reached. In the uppermost layer meshes are
    ``uprightness`` times as high as wide, a line upwards counts as so many times shorter, and one near the surface as
    up to twice as long: vessels run along its bottom, and others rise from them.
    """
    lines = _lines(block, wanted_um, piece_um, uprightness, seed)
    chosen = _fitted(lines, wanted_um)
    none = np.zeros(0, dtype=np.int64)
    vessels = Vessels(
        lines.places, np.zeros((0, 2), dtype=np.int64), none.astype(np.uint64), none.astype(np.uint64), none,
        np.zeros((0, 3)),
    )  # fmt: skip
    lay_lines(vessels, lines.pairs[chosen], piece_um, block.size_um)
    _fill_up(block, vessels, wanted_um, piece_um)
    vessels.keep(np.ones(vessels.number.size, dtype=bool))
    return vessels


class _Lines(NamedTuple):
    """Straight lines that may be vessels.

    ``places`` (n, 3); of ``pairs`` (m, 2) of them the ``cost`` of joining them, whether the cheapest tree does, and the
    length ``per_layer`` (m, n_layers) [um].
    """

    places: Floats
    pairs: Integers
    cost: Floats
    in_tree: Mask
    per_layer: Floats


def _lines(block: Block, wanted_um: Floats, piece_um: float, uprightness: float, seed: int) -> _Lines:
    """Lines between places that lie so far apart that their tree is nearly as long as wanted in each layer."""
    drawn = np.random.Generator(np.random.Philox(_seed(seed))).integers(2**62, size=wanted_um.size)
    aim = np.maximum(TREE_SHARE * wanted_um, 1e-9)
    spacing = np.where(wanted_um > 0.0, _spacing(block, aim), np.inf)
    found: list[tuple[float, _Lines]] = []
    for _ in range(ROUNDS):
        places = _places(block, spacing, uprightness, drawn)
        pairs, cost, in_tree = _candidates(block, places, uprightness)
        lines = _Lines(places, pairs, cost, in_tree, _by_layer(block, places, pairs, piece_um))
        ratio = np.where(wanted_um > 0.0, lines.per_layer[in_tree].sum(axis=0) / aim, 1.0)
        found.append((float(np.abs(ratio - 1.0).sum()), lines))
        spacing = spacing * np.clip(ratio, 0.5, 2.0) ** (0.7 if block.is_slice else 0.4)
    return min(found, key=lambda each: each[0])[1]


def length_by_layer(block: Block, vessels: Vessels) -> Floats:
    """Length of vessels in each layer (n_layers,) [um]; a piece lies where its middle does."""
    vector = vessels.vectors(block.size_um)
    z = vessels.node[vessels.ends[:, 0], 0] + 0.5 * vector[:, 0]
    return _in_layers(block, z, lengths(vector))


def _in_layers(block: Block, z: Floats, length: Floats) -> Floats:
    layer = block.layer[_row(block, z)]
    return np.asarray(np.bincount(layer, length, minlength=int(block.layer.max()) + 1), dtype=np.float64)


def _row(block: Block, z: Floats) -> Integers:
    found: Integers = np.minimum((z / block.edges_um[0]).astype(np.int64), block.shape[0] - 1)
    return found


def _seed(seed: int) -> int:
    return int.from_bytes(hashlib.sha256(f"{seed} vessels".encode()).digest()[:8])


def _spacing(block: Block, wanted_um: Floats) -> Floats:
    """Distance of places in each layer at which a tree is about as long as wanted [um]."""
    height: Floats = _heights(block)
    if block.is_slice:
        return np.asarray(0.7 * height * block.size_um[2] / wanted_um, dtype=np.float64)
    deep: Floats = np.sqrt(0.6 * height * block.size_um[1] * block.size_um[2] / wanted_um)
    return deep


def _places(block: Block, spacing: Floats, uprightness: float, seeds: Integers) -> Floats:
    """Places (n, 3) on a jittered lattice, so far apart as told for each layer; one above the other in the first."""
    height, size = _heights(block), block.size_um
    tops = np.cumsum(height) - height
    found = [np.zeros((0, 3))]
    for k in np.flatnonzero(np.isfinite(spacing)):
        up = uprightness if k == 0 else 1.0
        flat = spacing[k] / up ** (0.5 if block.is_slice else 1.0 / 3.0)
        n = [
            max(round(length / way), 1)
            for length, way in zip((height[k], *size[1:]), (flat * up, flat, flat), strict=True)
        ]
        n = [max(n[0], LOOPED) if k == 0 else n[0], 1 if block.is_slice else n[1], n[2]]
        shake = JITTER * (2.0 * np.random.Generator(np.random.Philox(int(seeds[k]))).random((3, *n)) - 1.0)
        if k == 0:
            shake[1:] = shake[1:, :1]
        else:
            shake[2] += 0.25 * (-1.0) ** np.arange(n[0])[:, None, None]
        lattice = (np.indices(n) + 0.5 + shake).reshape(3, -1).T
        places = lattice / n * [height[k], size[1], size[2]]
        places[:, 0] += tops[k]
        found.append(places)
    places = inside(np.concatenate(found), size)
    if block.is_slice:
        places[:, 1] = 0.5 * size[1]
    return places


def _heights(block: Block) -> Floats:
    """Thickness (n_layers,) of what the block has of each layer [um]."""
    found: Floats = np.bincount(block.layer) * block.edges_um[0]
    return found


def _candidates(block: Block, places: Floats, uprightness: float) -> tuple[Integers, Floats, Mask]:
    """Pairs (n, 2) of places that may be joined, their cost, and whether the cheapest tree joins them."""
    n, size = places.shape[0], block.size_um
    top = float(np.count_nonzero(block.layer == 0) * block.edges_um[0])
    squeezed, box = places.copy(), size.copy()
    squeezed[:, 0] = np.minimum(places[:, 0], top) / uprightness + np.maximum(places[:, 0] - top, 0.0)
    if n < 2:
        return np.zeros((0, 2), dtype=np.int64), np.zeros(0), np.zeros(0, dtype=bool)
    k = min(NEIGHBOURS + 1, n)
    distance, other = tree_of(squeezed, box).query(squeezed, k)
    one = np.repeat(np.arange(n), k)
    pairs = np.sort(np.column_stack([one, other.ravel()]), axis=1)
    real = pairs[:, 0] != pairs[:, 1]
    pairs, first = np.unique(pairs[real], axis=0, return_index=True)
    above = np.maximum(top - places[pairs, 0].mean(axis=1), 0.0) / top
    cost = np.maximum(distance.ravel()[real][first], 1e-6) * (1.0 + above)
    tree = minimum_spanning_tree(coo_array((cost, (pairs[:, 0], pairs[:, 1])), shape=(n, n)).tocsr()).tocoo()
    joined = np.sort(np.column_stack([tree.row, tree.col]), axis=1).astype(np.int64)
    return pairs, cost, np.isin(pairs @ [n, 1], joined @ [n, 1])


def _by_layer(block: Block, places: Floats, pairs: Integers, piece_um: float) -> Floats:
    """Length (n, n_layers) of straight lines in each layer [um], each of their pieces where its middle is."""
    n_layers = int(block.layer.max()) + 1
    start = places[pairs[:, 0]]
    vector = around(places[pairs[:, 1]] - start, block.size_um)
    n = pieces_of(vector, piece_um)
    line = np.repeat(np.arange(n.size), n)
    rank = np.arange(line.size) - np.repeat(np.cumsum(n) - n, n)
    z = start[line, 0] + vector[line, 0] * (rank + 0.5) / n[line]
    at = line * n_layers + block.layer[_row(block, z)]
    found = np.bincount(at, (lengths(vector) / n)[line], minlength=n.size * n_layers)
    return np.asarray(found.reshape(n.size, n_layers), dtype=np.float64)


def _fitted(lines: _Lines, wanted: Floats) -> Mask:
    """Which lines (m,) to lay, so that no layer has more than wanted."""
    _, pairs, cost, in_tree, per_layer = lines
    chosen, so_far = in_tree.copy(), per_layer[in_tree].sum(axis=0)
    while np.any(so_far > wanted):
        k = int(np.argmax(so_far - wanted))
        longest = int(np.argmax(np.where(chosen, per_layer[:, k], -1.0)))
        chosen[longest] = False
        so_far = so_far - per_layer[longest]
    beside: dict[int, list[int]] = {}
    for a, b in pairs[chosen].tolist():
        beside.setdefault(a, []).append(b)
        beside.setdefault(b, []).append(a)
    for i in np.argsort(cost, kind="stable"):
        a, b = pairs[i].tolist()
        if chosen[i] or np.any(so_far + per_layer[i] > wanted) or _near(beside, a, b, SHORTEST_LOOP - 2):
            continue
        chosen[i] = True
        so_far = so_far + per_layer[i]
        beside.setdefault(a, []).append(b)
        beside.setdefault(b, []).append(a)
    return chosen


def _near(beside: dict[int, list[int]], a: int, b: int, steps: int) -> bool:
    """Whether b is no more than so many lines away from a."""
    seen, front = {a}, [a]
    for _ in range(steps):
        front = [other for each in front for other in beside.get(each, ()) if other not in seen]
        if b in front:
            return True
        seen.update(front)
    return False


def _fill_up(block: Block, vessels: Vessels, wanted: Floats, piece_um: float) -> None:
    """Give each layer what it lacks as blind vessels along the surface, each where it is farthest from all others."""
    height = _heights(block)
    tops = np.cumsum(height) - height
    for k in np.flatnonzero(wanted > 0.0):
        while (n := int((wanted[k] - length_by_layer(block, vessels)[k]) / piece_um)) > 0:
            here = np.flatnonzero(
                (vessels.node[:, 0] >= tops[k]) & (vessels.node[:, 0] < tops[k] + height[k])
            )
            if here.size == 0:
                middle = [tops[k] + 0.5 * height[k], *(0.5 * block.size_um[1:])]
                here = vessels.add_nodes(np.array([middle]))
            _add_blind(block, vessels, here, min(n, BLIND), piece_um)


def _add_blind(block: Block, vessels: Vessels, here: Integers, n: int, piece_um: float) -> None:
    """Add a blind vessel of n pieces that begins at one of the nodes ``here``."""
    ways = [(0.0, 0.0, 1.0), (0.0, 0.0, -1.0)]
    ways += [] if block.is_slice else [(0.0, 1.0, 0.0), (0.0, -1.0, 0.0)]
    start, way = np.repeat(here, len(ways)), np.tile(np.array(ways), (here.size, 1))
    end = inside(vessels.node[start] + way * (n * piece_um), block.size_um)
    best = int(np.argmax(vessels.tree(block.size_um).query(end)[0]))
    along = way[best] * piece_um * np.arange(1, n + 1)[:, None]
    new = vessels.add_nodes(inside(vessels.node[start[best]] + along, block.size_um))
    vessels.add_pieces(np.column_stack([np.append(start[best], new[:-1]), new]))
