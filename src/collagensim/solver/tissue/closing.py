"""Keratinocytes close an epidermis: sessions open the sheet, and fronts creep in from the rims.

The ground is divided into squares of a quarter of a cell. How far each bare one lies from the rim is found when the
surface is opened; the front then comes closer at its speed, straight and equally fast in every direction, and covers
a square when it reaches it. Cells go with it: a leading cell's front edge is the front.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from collagensim.model import Sheet, evaluate
from collagensim.solver.compiled import kernels_of
from collagensim.solver.resting import SPACE
from collagensim.solver.tissue.epithelium import BORN, DIED, ENTERED, Epithelium, Ground, ground_of, seats_of
from collagensim.solver.tissue.state import State
from collagensim.solver.tissue.world import TICKS, World
from collagensim.treatment import InjuryField

Floats: TypeAlias = npt.NDArray[np.float64]
Integers: TypeAlias = npt.NDArray[np.int64]
Mask: TypeAlias = npt.NDArray[np.bool_]

fates, kernels = kernels_of("fates"), kernels_of("epithelium")

LAW = 0.5  # cover below which a column that is closed by the law for want of a rim is no rim either


def crawling(world: World, sheet: Sheet) -> float:
    """Return the speed of the front [um/day] under today's inputs."""
    block = int(world.block.layer[0]) * SPACE.n_compartments
    speed, bound = sheet.front.crawling, world.bound
    names = [leaf.name for leaf in speed.symbols]
    values = {n: bound.inputs[n][0, block] if n in bound.inputs else bound.parameters[n] for n in names}
    return float(evaluate(speed, values)) * sheet.front.um_per_day


def cover_of(world: World, sheet: Sheet, surface: Floats) -> Floats:
    """Return what of the ``surface`` (n_surface, ny, nx) is the cover (ny, nx), not a copy."""
    species = world.model.species.index(sheet.front.species)
    found: Floats = surface[int(np.flatnonzero(world.surface == species)[0])]
    return found


def cover(world: World, state: State, senses: object, days: float) -> None:
    """Let fronts creep over bare ground, and cells with them.

    Where an opening has no rim the law of the reaction has acted already, column by column; there cells settle as it
    covers.
    """
    sheet, cells = world.architecture.sheet, state.epithelium
    if sheet is None or cells is None or not (cells.bare.size or cells.left.any()):
        return
    path = crawling(world, sheet) * days
    _close(ground_of(world.block, sheet), cells, cover_of(world, sheet, state.surface), path)
    moving = np.flatnonzero((cells.left > 0.0) & np.isfinite(cells.left))
    cells.left[moving] = np.maximum(cells.left[moving] - path, 0.0)
    setting_out = moving[(cells.identity[moving] == 0) & (cells.left[moving] <= sheet.width_um)]
    if setting_out.size:
        _set_out(world, state, cells, setting_out)
    _settle(world, state, cells)
    _follow(cells, moving[cells.identity[moving] != 0], world.block.size_um[1:])


def _close(ground: Ground, cells: Epithelium, covered: Floats, path: float) -> None:
    """Move the front on by a path [um] and tell columns what share of them is covered."""
    if cells.bare.size == 0:
        return
    touched = np.unique(ground.column(cells.bare))
    if cells.shared.size:
        # The law has acted on all that was bare in a column alike. What it has left of it is left of its own ground.
        was_bare = cells.lack + _bare(ground, cells, covered.size)[cells.shared]
        cells.lack = cells.lack * ((1.0 - covered.reshape(-1)[cells.shared]) / was_bare)
    cells.gap = cells.gap - path
    still = cells.gap > 0.0
    cells.bare, cells.gap = cells.bare[still], cells.gap[still]
    _tell(ground, cells, covered, touched)
    bare = _bare(ground, cells, covered.size)[cells.shared] > 0.0
    cells.shared, cells.lack = cells.shared[bare], cells.lack[bare]


def _bare(ground: Ground, cells: Epithelium, n_columns: int) -> Floats:
    """Share of each column (n_columns,) to which a front still has to come."""
    found: Floats = np.bincount(ground.column(cells.bare), minlength=n_columns) / ground.squares
    return found


def _tell(ground: Ground, cells: Epithelium, covered: Floats, touched: Integers) -> None:
    """Tell columns to which a front comes or has come what share of them is covered."""
    found = 1.0 - _bare(ground, cells, covered.size)
    found[cells.shared] -= cells.lack
    covered.reshape(-1)[touched] = found[touched]


def tell_cover(world: World, state: State) -> None:
    """Set the cover of columns with fronts to what of their ground is covered."""
    sheet, cells = world.architecture.sheet, state.epithelium
    if sheet is not None and cells is not None and cells.bare.size:
        ground = ground_of(world.block, sheet)
        _tell(ground, cells, cover_of(world, sheet, state.surface), np.unique(ground.column(cells.bare)))


def _set_out(world: World, state: State, cells: Epithelium, who: Integers, *, alone: bool = False) -> None:
    """Let cells set out for seats, from as far off as the front still has to go; ``alone`` those no front brings."""
    sheet, size = world.architecture.sheet, world.block.size_um[1:]
    assert sheet is not None
    away = np.where(np.isfinite(cells.left[who]), cells.left[who], 0.0)
    origin = (cells.place[who] - away[:, None] * cells.way[who]) % size
    divide = np.full(who.size, False) if alone else (state.tick - cells.lost[who]) >= sheet.lag_days * TICKS
    new = np.empty(who.size, dtype=np.uint64)
    n_born = kernels.recruit(
        who, divide, seats_of(world.block, sheet)[1], cells.place, origin, cells.left, cells.identity, cells.births,
        size, state.tick, 64 * fates.SEAT, new,
    )  # fmt: skip
    cells.identity[who], cells.births[who], cells.position[who] = new, 0, origin
    cells.made[BORN] += n_born
    cells.made[ENTERED] += who.size - n_born


def _settle(world: World, state: State, cells: Epithelium) -> None:
    """Let cells come to seats without a front: as many of them as the law covers."""
    sheet, waiting = world.architecture.sheet, np.flatnonzero(np.isinf(cells.left))
    if sheet is None or waiting.size == 0:
        return
    ground = ground_of(world.block, sheet)
    column = ground.column(ground.at(cells.place[waiting], world.block.size_um[1:]))
    taken = np.empty(waiting.size, dtype=bool)
    kernels.take(
        waiting, cover_of(world, sheet, state.surface).reshape(-1)[column], world.seed, fates.SEAT, taken
    )
    if taken.any():
        cells.left[waiting[taken]] = 0.0
        _set_out(world, state, cells, waiting[taken], alone=True)


def _follow(cells: Epithelium, who: Integers, size: Floats) -> None:
    """Bring cells as close to their seats as the front lets them."""
    off = cells.place[who] - cells.position[who]
    off -= size * np.round(off / size)
    away = np.sqrt((off**2).sum(axis=1))
    coming = cells.left[who] < away
    who, off, away = who[coming], off[coming], away[coming]
    rest = (cells.left[who] / away)[:, None] * off
    arrived = (cells.left[who] == 0.0)[:, None]
    cells.position[who] = np.where(arrived, cells.place[who], (cells.place[who] - rest) % size)


def open_surface(world: World, state: State, drawn: InjuryField) -> Floats:
    """Return the share (ny, nx) of each column that a session opens; the sheet there, if any, loses its cells.

    A sheet is opened along the holes themselves, to a square of its ground; without one a column is open or not. The
    cover of columns is left to the jump of its species.
    """
    sheet, cells, block = world.architecture.sheet, state.epithelium, world.block
    columns = drawn.opened.reshape(block.shape[1:])
    if sheet is None or cells is None:
        return columns.astype(np.float64)
    ground = ground_of(block, sheet)
    opened = ground.spread(columns)
    if drawn.openings_um.size:
        opened = np.zeros(ground.shape, dtype=bool)
        # The plane of a slice lies in the middle of a voxel.
        y = 0.5 * block.voxel_um if block.is_slice else ground.edge_um * (np.arange(ground.shape[0]) + 0.5)
        kernels.mark_discs(drawn.openings_um, np.atleast_1d(y), ground.edge_um, opened)
    if opened.any():
        open_sheet(world, state, opened)
    (ny, nx), (across, along) = columns.shape, ground.per_column
    share: Floats = opened.reshape(ny, across, nx, along).mean(axis=(1, 3))
    return share


def open_sheet(world: World, state: State, opened: Mask) -> None:
    """Take the cells from squares of ground that are ``opened`` (ny, nx), and find the way of new fronts.

    What is still bare of earlier openings goes on from where it is. Where nothing is left that could be a rim, no
    front comes: there the law of the reaction goes on by itself.
    """
    sheet, cells, size = world.architecture.sheet, state.epithelium, world.block.size_um[1:]
    assert sheet is not None
    assert cells is not None
    ground = ground_of(world.block, sheet)
    covered = cover_of(world, sheet, state.surface)
    squares, before = _squares(ground, cells, opened, covered), _bare(ground, cells, covered.size)
    dead = (cells.identity != 0) & opened.reshape(-1)[ground.at(cells.position, size)]
    cells.made[DIED] += np.count_nonzero(dead)
    cells.identity[dead], cells.births[dead], cells.lost[dead] = 0, 0, state.tick
    cells.position[dead] = cells.place[dead]
    bare = np.flatnonzero(squares.reshape(-1) == kernels.BARE)
    steps = np.empty(ground.shape, dtype=np.int32)
    kernels.rim_along(squares, steps)
    gap, way = np.empty(bare.size), np.empty((bare.size, 2))
    kernels.rim(steps, ground.edge_um, bare, gap, way)
    seat = ground.at(cells.place, size)
    losing = np.flatnonzero(squares.reshape(-1)[seat] == kernels.BARE)
    under = np.searchsorted(bare, seat[losing])
    cells.left[losing], cells.way[losing] = gap[under] + 0.5 * sheet.width_um, way[under]
    comes, lack = np.isfinite(gap), _lacks(cells, covered, before)
    cells.bare, cells.gap = bare[comes], gap[comes]
    # Whatever the law had covered of a column, as much of what is left in it is covered.
    now = _bare(ground, cells, covered.size)
    cells.shared = np.flatnonzero((lack > 0.0) & (now > 0.0) & (now < 1.0))
    cells.lack = (lack * (1.0 - now))[cells.shared]


def _lacks(cells: Epithelium, covered: Floats, bare: Floats) -> Floats:
    """Share of what of each column (n_columns,) is no front's that waits for the law."""
    found = np.where(bare > 0.0, 0.0, 1.0 - covered.reshape(-1))
    found[cells.shared] = cells.lack / (1.0 - bare[cells.shared])
    return found


def _squares(ground: Ground, cells: Epithelium, opened: Mask, covered: Floats) -> npt.NDArray[np.int8]:
    """Return what the squares are: bare, covered, or remote, where the law closes and too little is covered yet."""
    has_front = np.zeros(covered.size, dtype=bool)
    has_front[ground.column(cells.bare)] = True
    remote = (covered < LAW) & ~has_front.reshape(covered.shape)
    squares: npt.NDArray[np.int8] = np.where(ground.spread(remote), kernels.REMOTE, kernels.COVERED).astype(
        np.int8
    )
    squares[opened] = kernels.BARE
    squares.reshape(-1)[cells.bare] = kernels.BARE
    return squares
