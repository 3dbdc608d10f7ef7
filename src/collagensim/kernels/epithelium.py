"""A sheet of cells on a surface: how far bare ground lies from the rim, and who sets out to cover it.

The ground is a grid of small squares, (ny, nx), that repeats itself; a square is COVERED, BARE, or REMOTE: not covered,
but no ground that a front comes to. Cells rest on seats (y, x) [um], in rows; seat number row * columns + column.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from collagensim.kernels.draws import child, entrant, uniform
from collagensim.kernels.numbers import kept
from collagensim.kernels.places import nearest_image, wrapped

if TYPE_CHECKING:
    from typing import TypeAlias

    import numpy.typing as npt

    Floats: TypeAlias = npt.NDArray[np.float64]
    Integers: TypeAlias = npt.NDArray[np.int64]
    Steps: TypeAlias = npt.NDArray[np.int32]
    Ground: TypeAlias = npt.NDArray[np.int8]
    Identities: TypeAlias = npt.NDArray[np.uint64]
    Mask: TypeAlias = npt.NDArray[np.bool_]

__all__ = [
    "BARE",
    "COVERED",
    "NOBODY",
    "REMOTE",
    "mark_discs",
    "recruit",
    "rim",
    "rim_along",
    "take",
    "unevenness",
]

COVERED, BARE, REMOTE = range(3)
NOBODY = np.uint64(0)
NONE = np.int32(2**30)
ABOUT = 3  # seats around one among which its mother is looked for


@kept
def mark_discs(discs: Floats, y: Floats, edge: float, marked: Mask) -> None:
    """Mark the squares (ny, nx) whose middle lies in one of the ``discs`` (n, 3): y, x and radius [um].

    ``y`` (ny,) are the middles of the rows [um], ``edge`` that of a square along x.
    """
    for i in range(discs.shape[0]):
        for row in range(y.size):
            off = y[row] - discs[i, 0]
            square = discs[i, 2] * discs[i, 2] - off * off
            if square <= 0.0:
                continue
            half = np.sqrt(square)
            first = max(int(np.ceil((discs[i, 1] - half) / edge - 0.5)), 0)
            end = min(int(np.floor((discs[i, 1] + half) / edge - 0.5)), marked.shape[1] - 1) + 1
            for column in range(first, end):
                marked[row, column] = True


@kept
def rim_along(ground: Ground, steps: Steps) -> None:
    """Steps (ny, nx) along x from each square to the nearest covered one, negative to the left; NONE in a bare row."""
    ny, nx = ground.shape
    for row in range(ny):
        for column in range(nx):
            steps[row, column] = NONE
        # Twice round: the first time finds the last covered square before the seam.
        since = NONE
        for k in range(2 * nx):
            column = k if k < nx else k - nx
            since = np.int32(0) if ground[row, column] == COVERED else min(since + np.int32(1), NONE)
            if since < NONE:
                steps[row, column] = -since
        since = NONE
        for k in range(2 * nx - 1, -1, -1):
            column = k if k < nx else k - nx
            since = np.int32(0) if ground[row, column] == COVERED else min(since + np.int32(1), NONE)
            if since < NONE and since < abs(steps[row, column]):
                steps[row, column] = since


@kept
def rim(steps: Steps, edge: float, squares: Integers, gap: Floats, way: Floats) -> None:
    """How far the middle of each of the ``squares`` (n,) lies from the nearest covered one.

    Exact distances to squares with edges of ``edge`` [um], straight and around the sides: the way of a front that
    moves at one speed everywhere (Huygens). It is what the nearest row says that lies no farther than the best so far.

    Parameters
    ----------
    steps : (ny, nx), as of `rim_along`
    gap : (n,) [um]
        Written; infinite where nothing is covered.
    way : (n, 2)
        Written: y, x of the unit vector from the rim to the square.
    """
    ny, nx = steps.shape
    for i in range(squares.size):
        row, column = squares[i] // nx, squares[i] % nx
        best, best_y, best_x = np.inf, 0.0, 0.0
        for off in range(ny // 2 + 1):
            across = max(off - 0.5, 0.0) * edge
            if across >= best:
                break
            for side in range(-1, 2, 2):
                step = steps[wrapped(row + side * off, ny), column]
                if step == NONE:
                    continue
                along = max(abs(step) - 0.5, 0.0) * edge
                distance = np.sqrt(across * across + along * along)
                if distance < best:
                    best = distance
                    best_y = -side * across / distance
                    best_x = -along / distance if step > 0 else along / distance
        gap[i] = best
        way[i, 0], way[i, 1] = best_y, best_x


@kept
def unevenness(seed: int, event: int, share: float, out: Floats) -> None:
    """How far each seat lies off its place in the rows, (n, 2), uniform within ``share`` either way."""
    for i in range(out.shape[0]):
        for axis in range(2):
            out[i, axis] = share * (2.0 * uniform(seed, event, axis, np.uint64(i)) - 1.0)


@kept
def take(waiting: Integers, cover: Floats, seed: int, event: int, taken: Mask) -> None:
    """Which of the seats ``waiting`` (n,) for no front are taken: those whose luck is below the ``cover`` (n,)."""
    for i in range(waiting.size):
        taken[i] = uniform(seed, event, 2, np.uint64(waiting[i])) < cover[i]


@kept
def recruit(
    who: Integers, divide: Mask, columns: int, place: Floats, origin: Floats, left: Floats, identity: Identities,
    births: Integers, size: Floats, tick: int, event: int, new: Identities,
) -> int:  # fmt: skip
    """Identity of the cells that set out for the seats ``who`` (n,); returns how many of them are daughters.

    Where cells ``divide`` (n,), it is a daughter of the cell with the seat nearest to ``origin`` (n, 2) [um], where it
    sets out, among those some seats around that are nearer to rest; where there is none, and else, it enters.

    Parameters
    ----------
    place : (n_seats, 2) of seats [um], ``columns`` in a row
    left : (n_seats,) how far each is from rest [um]
    identity, births : (n_seats,)
        Who is there, and the daughters that she has had, which are counted on.
    size : (2,) edges of the surface [um]
    new : (n,)
        Written.
    """
    rows, n_daughters = place.shape[0] // columns, 0
    for i in range(who.size):
        seat = who[i]
        mother = -1
        if divide[i]:
            best = np.inf
            for row in range(seat // columns - ABOUT, seat // columns + ABOUT + 1):
                for column in range(seat % columns - ABOUT, seat % columns + ABOUT + 1):
                    other = wrapped(row, rows) * columns + wrapped(column, columns)
                    if identity[other] == NOBODY or left[other] >= left[seat]:
                        continue
                    y = nearest_image(place[other, 0] - origin[i, 0], size[0])
                    x = nearest_image(place[other, 1] - origin[i, 1], size[1])
                    if y * y + x * x < best:
                        best, mother = y * y + x * x, other
        if mother >= 0:
            new[i] = child(identity[mother], births[mother])
            births[mother] += 1
            n_daughters += 1
        else:
            new[i] = entrant(seat, tick, event, 0)
    return n_daughters
