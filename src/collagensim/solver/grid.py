"""The order in which coupled blocks are eliminated, as operations on a grid of small matrices; found once per model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from collagensim.kernels import coupled
from collagensim.kernels.numbers import WIDTH
from collagensim.solver.layout import Layout
from collagensim.solver.tables import packed

Integers = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class GridPlan:
    """What `collagensim.kernels.coupled` needs to know, as a table; ``n_lu`` is the length of its array of factors."""

    table: Integers
    n_lu: int


def pivot_order(
    joined_nodes: set[tuple[int, int]], n_nodes: int, t: int
) -> list[tuple[int, list[int], bool]]:
    """Choose the cheapest node first, until none is left.

    Returns
    -------
    list of (node, the nodes it is still coupled to, whether all those couplings are still as links made them)
    """
    near: list[set[int]] = [{j for i, j in joined_nodes if i == b} for b in range(n_nodes)]
    full: set[tuple[int, int]] = set()
    left, order = set(range(n_nodes)), []

    def cost(b: int) -> tuple[int, int]:
        d = len(near[b])
        diagonal = all((b, j) not in full for j in near[b])
        return (t**3 + 2 * d * d * t**2 if diagonal else t**3 * (1 + d + d * d)), b

    while left:
        b = min(left, key=cost)
        left.remove(b)
        beside = sorted(near[b])
        order.append((b, beside, all((b, j) not in full for j in beside)))
        for i in beside:
            near[i] = (near[i] | near[b]) - {i, b}
            full |= {(i, j) for j in beside if j != i}
    return order


def grid_plan(
    link_to: Integers,
    link_from: Integers,
    layout: Layout,
    *,
    n_terms: int,
    n_factors: int,
    joined: tuple[int, ...],
) -> GridPlan:
    """Plan the elimination of equal blocks.

    Parameters
    ----------
    link_to, link_from : numpy.ndarray
        (n_links,) states, counted block after block, joined by links, all that can ever occur; each joins like states
        of two blocks.
    n_terms, n_factors : int
        Jacobian terms and local factors of one block.
    joined
        The states that links may join.
    """
    m, n_blocks, t = layout.m, layout.n_blocks, len(joined)
    at_once = WIDTH if layout.alternating else 1
    # By twos, as compartments of a layer are: half as many steps that wait for each other.
    sides = 2 if n_blocks % 2 == 0 else 1
    n_nodes, size = n_blocks // sides, -(-sides * t // 2) * 2
    # Plain floats are worked on a register at a time.
    stride = -(-size // WIDTH) * WIDTH if layout.alternating else size
    to, source = np.divmod(link_to, m), np.divmod(link_from, m)
    joins = [(int(i) // sides, int(j) // sides) for i, j in zip(to[0], source[0], strict=True)]
    pairs = sorted({(i, j) for i, j in joins if i != j})
    order = pivot_order(set(pairs), n_nodes, size)
    place: dict[tuple[int, int], int] = {(b, b): b for b in range(n_nodes)}
    pair = {key: k for k, key in enumerate(pairs)}
    operations: list[tuple[int, int, int, int, int]] = []
    for b, beside, is_diagonal in order:
        operations.append((coupled.SWEEP, b, 0, 0, 0))
        for j in () if is_diagonal else beside:
            # A coupling that is still as links made it is written out beside one that is full.
            for way in ((b, j), (j, b)):
                place.setdefault(way, len(place))
            operations.append((coupled.MULTIPLY, place[b, j], b, 0, 0))
        for i in beside:
            for j in beside:
                key = place.setdefault((i, j), len(place))
                if is_diagonal:
                    operations.append((coupled.SPREAD, key, pair[b, j], pair[i, b], b))
                else:
                    operations.append((coupled.SUBTRACT, key, place[b, j], place[i, b], 0))
    for where in place:
        if where[0] != where[1]:
            pair.setdefault(where, len(pair))
    filled = [(place[key], pair[key]) for key in place if key[0] != key[1]]
    first = -(-n_blocks // at_once) * at_once * n_factors
    vectors = first + (len(place) + 1) * size * stride
    # Where each link stands: on the diagonal, and between its states.
    state = {s: c for c, s in enumerate(joined)}
    links = []
    for k, (i, j) in enumerate(joins):
        into, out = (state[int(to[1][k])] * sides + int(end[0][k]) % sides for end in (to, source))
        own = first + (i * size + into) * stride + into
        if i == j:
            links.append((own, first + (i * size + out) * stride + into))
        else:
            links.append((own, vectors + (2 * (n_nodes + pair[i, j]) + (into != out)) * stride + into))
    moves = _moves(order, place, pair, n_nodes)
    numbers = {
        coupled.STATES: m, coupled.TERMS: n_terms, coupled.FACTORS: n_factors, coupled.JOINED: t,
        coupled.BLOCKS: n_blocks, coupled.SIDES: sides, coupled.SIZE: size, coupled.STRIDE: stride,
        coupled.NODES: n_nodes, coupled.MATRICES: len(place) + 1, coupled.PAIRS: len(pair), coupled.GRID: first,
        coupled.AT_ONCE: at_once, coupled.N_LINKS: len(links), coupled.N_FILLED: len(filled),
        coupled.N_OPERATIONS: len(operations), coupled.N_MOVES: len(moves),
    }  # fmt: skip
    lists: dict[int, Any] = {
        coupled.LINKS: links, coupled.FILLED: filled, coupled.OPERATIONS: operations, coupled.MOVES: moves,
    }  # fmt: skip
    n_vectors = 2 * (n_nodes + len(pair)) + coupled.SCRATCH
    n_lu = vectors + n_vectors * stride + (coupled.STAGED + t * t) * at_once
    return GridPlan(packed(coupled.N_ENTRIES, numbers, lists), n_lu)


def _moves(
    order: list[tuple[int, list[int], bool]], place: dict[tuple[int, int], int], pair: dict[tuple[int, int], int],
    n_nodes: int,
) -> list[tuple[int, int, int, int]]:  # fmt: skip
    """Operations on vectors: the right side of node b is vector b, its solution becomes vector n_nodes + b."""
    moves = []
    for b, beside, is_diagonal in order:
        moves.append((coupled.APPLY, n_nodes + b, b, b))
        for i in beside:
            kind, what = (
                (coupled.LESS_COUPLED, pair[i, b]) if is_diagonal else (coupled.LESS_MATRIX, place[i, b])
            )
            moves.append((kind, i, what, n_nodes + b))
    for b, beside, is_diagonal in reversed(order):
        if is_diagonal and beside:
            # What is left of the right side without the others.
            moves += [(coupled.LESS_COUPLED, b, pair[b, j], n_nodes + j) for j in beside]
            moves.append((coupled.APPLY, n_nodes + b, b, b))
        else:
            moves += [(coupled.LESS_MATRIX, n_nodes + b, place[b, j], n_nodes + j) for j in beside]
    return moves
