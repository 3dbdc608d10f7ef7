"""Vessels as a graph: nodes in the tissue and straight pieces between them, with the geometry of both."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from collagensim.errors import InputError
from collagensim.response import Snapshot
from collagensim.solver.compiled import kernels_of
from collagensim.solver.tissue.structure import Structure

Floats: TypeAlias = npt.NDArray[np.float64]
Integers: TypeAlias = npt.NDArray[np.int64]
Names: TypeAlias = npt.NDArray[np.uint64]
Mask: TypeAlias = npt.NDArray[np.bool_]
T = TypeVar("T")

kernels = kernels_of("network")

# Elements of `Vessels.ledger`, lengths [um]: what the laws have asked for; what was drawn behind tips, as twigs and by
# joining, and what stayed though it was to be pruned; what was pruned and cut.
ASKED, TRAILED, TWIGS, JOINED, SPARED, PRUNED, CUT = range(7)
OF_PIECES = (
    "of pieces"  # what is known, see `once`, as arrays (m,) of each piece for itself: it outlasts the others
)


@dataclass(eq=False)
class Vessels(Structure):
    """Vessels as pieces between nodes.

    Attributes
    ----------
    node : (n, 3) z, y, x of nodes [um]. Every node has a piece, or a tip that has not drawn one yet.
    ends : (m, 2) the nodes of each piece, straight and the short way around the sides.
    number : (m,) uint64 of each piece, in the order in which they were made, never used twice.
    tip : (k,) uint64 identities of the cells that draw vessels; tip_node : (k,) the last node that each has drawn, the
        end of its trail; tip_place : (k, 3) where it was last [um].
    ledger : (7,) lengths so far [um]; see the names above.
    met : (2,) tips that were to join a vessel: those that found one, and those that found none within reach.
    """

    node: Floats
    ends: Integers
    number: Names
    tip: Names
    tip_node: Integers
    tip_place: Floats
    ledger: Floats = field(default_factory=lambda: np.zeros(7))
    met: Integers = field(default_factory=lambda: np.zeros(2, dtype=np.int64))
    made: Names = field(default_factory=lambda: np.zeros(1, dtype=np.uint64))

    def __post_init__(self) -> None:
        self._known: tuple[Any, Any, dict[str, Any]] = (None, None, {})

    def told(self) -> dict[str, float]:
        """What has been drawn, pruned and cut so far [um], and how many tips found a vessel to join or none."""
        names = ("asked_um", "trails_um", "twigs_um", "joins_um", "spared_um", "pruned_um", "cut_um")
        lengths_ = zip(names, np.round(self.ledger, 1).tolist(), strict=True)
        return {**dict(lengths_), "joined": int(self.met[0]), "joined_none": int(self.met[1])}

    def add_nodes(self, places: Floats) -> Integers:
        """Append nodes at places (n, 3); return their indices."""
        first = self.node.shape[0]
        self.node = np.concatenate([self.node, places])
        return np.arange(first, first + places.shape[0])

    def add_pieces(self, ends: Integers) -> None:
        """Append pieces between nodes, (n, 2)."""
        numbers = self.made[0] + np.arange(ends.shape[0], dtype=np.uint64)
        self.ends = np.concatenate([self.ends, ends])
        self.number = np.concatenate([self.number, numbers])
        self.made += np.uint64(ends.shape[0])

    def keep(self, left: Mask) -> None:
        """Leave only those pieces (m,), and the nodes that they or tips need, in their order."""
        of_pieces = self._all_known().get(OF_PIECES)
        n, new, nodes = (
            int(np.count_nonzero(left)),
            np.empty(self.node.shape[0], np.int64),
            np.empty_like(self.node),
        )
        pieces, numbers, tip_node = np.empty((n, 2), np.int64), np.empty(n, np.uint64), self.tip_node.copy()
        n_nodes = kernels.keep(left, self.node, self.ends, self.number, tip_node, new, nodes, pieces, numbers)
        self.node, self.ends, self.number, self.tip_node = nodes[:n_nodes].copy(), pieces, numbers, tip_node
        if of_pieces is not None:
            self._all_known()[OF_PIECES] = tuple(each[left] for each in of_pieces)

    def begin_trails(self, tip: Names, node: Integers, place: Floats) -> None:
        """Let tips (n,) begin at nodes (n,), where they are (n, 3)."""
        self.tip = np.concatenate([self.tip, tip])
        self.tip_node = np.concatenate([self.tip_node, node])
        self.tip_place = np.concatenate([self.tip_place, place])

    def forget_tips(self, left: Mask) -> None:
        """Leave only those tips (k,); nodes that stood for nothing else stay until `keep`."""
        self.tip, self.tip_node = self.tip[left], self.tip_node[left]
        self.tip_place = np.ascontiguousarray(self.tip_place[left])

    def vectors(self, size_um: Floats) -> Floats:
        """From the first to the second end of each piece (m, 3) [um], in a block of that size."""
        return around(self.node[self.ends[:, 1]] - self.node[self.ends[:, 0]], size_um)

    def branches(self) -> Integers:
        """Which branch each piece belongs to, (m,): pieces that follow each other from junction to junction or end."""

        def found() -> Integers:
            out, n = np.empty(self.number.size, dtype=np.int64), self.node.shape[0]
            kernels.branches(self.ends, np.empty(n, dtype=np.int64), np.empty(n, dtype=np.int64), out)
            return out

        return self.once("branches", found)

    def square_gaps(self, place: Floats, size_um: Floats) -> Floats:
        """Squares (n,) of the distances of all nodes from a place (3,) in the block [um^2].

        For a few places, which is what a step asks for: a tree takes as long to build as hundreds of these.
        """
        found = np.empty(self.node.shape[0])
        kernels.square_gaps(place, self.node, size_um, found)
        return found

    def nearest(self, place: Floats, size_um: Floats, barred: Integers) -> int:
        """The node nearest to a place (3,) that is not among those barred (k,), -1 where there is none."""
        return int(kernels.nearest(place, self.node, size_um, barred))

    def nearest_to_each(self, places: Floats, size_um: Floats) -> Integers:
        """The node nearest to each of some places (m, 3), (m,)."""
        found, nobody = np.empty(len(places), dtype=np.int64), np.zeros(0, dtype=np.int64)
        kernels.nearest_to_each(places, self.node, size_um, nobody, found)
        return found

    def walked(self, size_um: Floats) -> Floats:
        """How far each tip (k,) is from the last node of its trail [um]."""
        found = np.empty(self.tip.size)
        kernels.walked(self.tip_place, self.node, self.tip_node, size_um, found)
        return found

    def tree(self, size_um: Floats) -> cKDTree:
        """Nodes for a search of the nearest to many places."""
        return self.once("tree", lambda: tree_of(self.node, size_um))

    def once(self, name: str, find: Callable[[], T]) -> T:
        """Return what follows from nodes and pieces alone; found anew when these have changed."""
        known = self._all_known()
        if name not in known:
            known[name] = find()
        found: T = known[name]
        return found

    def _all_known(self) -> dict[str, Any]:
        """What is known of these nodes and pieces."""
        if self._known[0] is not self.node or self._known[1] is not self.ends:
            self._known = (self.node, self.ends, {})
        return self._known[2]


def columns_of(found: Snapshot) -> dict[str, npt.NDArray[Any]]:
    """Return the columns of the table of the pieces of vessel of a moment; see `Tissue.vessels`."""
    if "vessels" not in found.structures:
        raise InputError(
            "this tissue has no pieces of vessel, its vessels are a density: its architecture has no Network"
        )
    here = Vessels.restored(found.structures["vessels"])
    vector = here.vectors(found.edges_um * next(iter(found.fields.values())).shape)
    start = here.node[here.ends[:, 0]]
    ends = {
        f"{axis}{k}": place[:, i]
        for k, place in enumerate((start, start + vector))
        for i, axis in enumerate("zyx")
    }
    return {
        **ends, "length": lengths(vector), "branch": here.branches(),
        "has_tip": np.asarray(np.isin(here.ends, here.tip_node).any(axis=1)), "number": here.number,
    }  # fmt: skip


def around(vector: Floats, size_um: Floats) -> Floats:
    """The short way around the sides for vectors (n, 3) in a block that repeats itself in y and x."""
    found = vector.copy()
    found[:, 1:] -= size_um[1:] * np.round(found[:, 1:] / size_um[1:])
    return found


def inside(places: Floats, size_um: Floats) -> Floats:
    """Bring places (n, 3) back into a block: around the sides, mirrored at top and bottom."""
    # Most lie in it. Adding nothing makes a negative zero a plain one, as the remainder of a division is.
    beyond, found = (places < 0.0) | (places >= size_um), places + 0.0
    rows = np.flatnonzero(beyond[:, 0] | beyond[:, 1] | beyond[:, 2])
    if rows.size:
        found[rows] = _brought_back(places[rows], size_um)
    return found


def _brought_back(places: Floats, size_um: Floats) -> Floats:
    """As `inside`, for places wherever they are."""
    z = np.mod(places[:, 0], 2.0 * size_um[0])
    found = np.column_stack([np.minimum(z, 2.0 * size_um[0] - z), np.mod(places[:, 1:], size_um[1:])])
    # What lies just below 0 is rounded up to the length.
    found[:, 1:][found[:, 1:] >= size_um[1:]] = 0.0
    return np.asarray(np.minimum(found, np.nextafter(size_um, 0.0)))


def lengths(vectors: Floats) -> Floats:
    """Lengths (n,) of vectors (n, 3)."""
    found: Floats = np.sqrt((vectors**2).sum(axis=1))
    return found


def tree_of(places: Floats, size_um: Floats) -> cKDTree:
    """Places (n, 3) for a search of the nearest, around the sides; z does not repeat itself."""
    return cKDTree(
        inside(places, size_um), boxsize=np.array([0.0, size_um[1], size_um[2]]), compact_nodes=False
    )


def touching(node: Mask, ends: Integers) -> Mask:
    """Which pieces (m, 2) have one of those nodes (n,) at an end, (m,)."""
    return np.asarray(node[ends[:, 0]] | node[ends[:, 1]])


def reachable(ends: Integers, n_nodes: int, start: int, steps: int) -> Mask:
    """Which nodes (n_nodes,) are no more than so many pieces away from one."""
    found = np.empty(n_nodes, dtype=bool)
    kernels.reachable(ends, start, steps, np.empty(n_nodes, dtype=np.int64), found)
    return found


def pieces_of(vector: Floats, piece_um: float) -> Integers:
    """In how many equal pieces, none longer than ``piece_um``, straight lines (n, 3) are laid, (n,)."""
    return np.maximum(np.ceil(lengths(vector) / piece_um - 1e-9).astype(np.int64), 1)


def split(start: Floats, vector: Floats, piece_um: float) -> tuple[Floats, Integers, Integers]:
    """Cut straight lines (n, 3) into equal pieces no longer than ``piece_um``.

    Returns
    -------
    places : inner nodes (k, 3), not brought back into the block; line : (k,) to which line each belongs.
    n_pieces : (n,) of each line.
    """
    n = pieces_of(vector, piece_um)
    line = np.repeat(np.arange(n.size), n - 1)
    rank = np.arange(line.size) - np.repeat(np.cumsum(n - 1) - (n - 1), n - 1) + 1
    return start[line] + vector[line] * (rank / n[line])[:, None], line, n


def lay_lines(vessels: Vessels, pairs: Integers, piece_um: float, size_um: Floats) -> Floats:
    """Add vessels between pairs (n, 2) of nodes, in pieces; return their lengths (n,)."""
    if pairs.shape[0] == 0:
        return np.zeros(0)
    start = vessels.node[pairs[:, 0]]
    vector = around(vessels.node[pairs[:, 1]] - start, size_um)
    places, _, n = split(start, vector, piece_um)
    inner = vessels.add_nodes(inside(places, size_um))
    chain = np.empty(inner.size + 2 * n.size, dtype=np.int64)
    first = np.cumsum(n + 1) - (n + 1)
    rank = np.ones(chain.size, dtype=bool)
    rank[first] = rank[first + n] = False
    chain[first], chain[first + n], chain[rank] = pairs[:, 0], pairs[:, 1], inner
    follows = np.ones(chain.size - 1, dtype=bool)
    follows[(first + n)[:-1]] = False
    vessels.add_pieces(np.column_stack([chain[:-1], chain[1:]])[follows])
    return lengths(vector)
