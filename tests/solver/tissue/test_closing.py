"""Openings close from their rims at the speed of the front, whatever the grid and the step, and no cell is lost."""

import dataclasses

import numpy as np
import pytest

import collagensim as cs
from collagensim.biology import dermal_architecture
from collagensim.solver.compiled import kernels_of
from collagensim.solver.mean_field import Happening
from collagensim.solver.tissue.closing import cover, cover_of, crawling, open_sheet, open_surface, tell_cover
from collagensim.solver.tissue.course import Running
from collagensim.solver.tissue.epithelium import UNEVEN, ground_of
from collagensim.solver.tissue.space import block_of
from collagensim.solver.tissue.stages import new_senses, step
from collagensim.solver.tissue.state import BECAME, BORN, DIED, ENTERED, LEFT, State
from collagensim.solver.tissue.world import TICKS, resting_state, world_of
from collagensim.solver.tissue.wound import wound
from collagensim.treatment import injure

SKIN = cs.Skin()
ARCHITECTURE = dermal_architecture()
SHEET = ARCHITECTURE.sheet
WIDTH = SHEET.width_um
HOUR = 1.0 / 24.0
kernels = kernels_of("epithelium")


def a_world(seed=1, architecture=ARCHITECTURE, **given):
    block = block_of(SKIN, **{"depth_mm": 0.1, "width_mm": 0.32, **given})
    return world_of(cs.dermal_healing(), SKIN, block, architecture, seed)


class Skinful:
    """A world, its state, and the ground under its sheet."""

    def __init__(self, **given):
        self.world = a_world(**given)
        self.state: State = resting_state(self.world)
        self.cells, self.ground = self.state.epithelium, ground_of(self.world.block, SHEET)
        self.speed = crawling(self.world, SHEET)
        edge = self.ground.edge_um
        self.y, self.x = ((np.arange(n) + 0.5) * edge for n in self.ground.shape)
        self.edge = edge

    @property
    def cover(self):
        return cover_of(self.world, SHEET, self.state.surface)

    def open(self, *discs):
        """Open round holes (y, x, radius) [um], slits in a slice, as a session would."""
        opened = np.zeros(self.ground.shape, dtype=bool)
        y = np.zeros(1) if self.world.block.is_slice else self.y
        kernels.mark_discs(np.array(discs, dtype=float), y, self.edge, opened)
        open_sheet(self.world, self.state, opened)
        (ny, nx), (across, along) = self.world.block.shape[1:], self.ground.per_column
        self.cover[:] *= 1.0 - opened.reshape(ny, across, nx, along).mean(axis=(1, 3))
        tell_cover(self.world, self.state)
        return opened

    def go(self, ticks=1):
        cover(self.world, self.state, None, ticks / TICKS)
        self.state.tick += ticks

    @property
    def days(self):
        return self.state.tick / TICKS

    def bare(self):
        found = np.zeros(self.ground.shape, dtype=bool)
        found.reshape(-1)[self.cells.bare] = True
        return found

    def away(self):
        """How far each cell is from its seat [um]."""
        off, size = self.cells.place - self.cells.position, self.world.block.size_um[1:]
        return np.hypot(*(off - size * np.round(off / size)).T)

    def check_books(self):
        made, alive = self.cells.made, self.cells.identity[self.cells.identity != 0]
        assert alive.size == made[ENTERED] + made[BORN] - made[DIED]
        assert made[BECAME] == made[LEFT] == 0
        assert np.unique(alive).size == alive.size


def test_a_front_creeps_at_half_the_speed_at_which_round_holes_close():
    skin = Skinful()
    values = {p.name: p.value for p in cs.dermal_healing().parameters.values()}
    closing = values["keratinocyte_speed"]
    # The area of a hole of radius r falls by 2 pi r v a day, by 2 v / r of itself.
    slowed = skin.speed / (0.5 * closing)
    assert 0.5 < slowed <= 1.0  # by age alone
    skin.world.change({"care.occlusion": 1.0, "care.nsaid": 1.0})
    slower = (1.0 + values["occlusion_cover_delay"]) * (1.0 + values["nsaid_delay"])
    assert crawling(skin.world, SHEET) == pytest.approx(skin.speed / slower, rel=1e-12)


@pytest.mark.parametrize("voxel", [4.0, 10.0, 25.0])
@pytest.mark.parametrize("ticks", [1, 12])
def test_a_slit_closes_after_half_its_width_over_the_speed_of_the_front(voxel, ticks):
    skin = Skinful(voxel_um=voxel)
    half, width = 80.0, skin.world.block.size_um[2]
    skin.open((0.0, 0.5 * width, half))
    while skin.cells.bare.size:
        skin.go(ticks)
        # Each rim is known to half a square: the middles of squares are covered, not their areas.
        open_um = width * (1.0 - skin.cover.mean())
        assert open_um == pytest.approx(max(2.0 * (half - skin.speed * skin.days), 0.0), abs=2.0 * skin.edge)
        assert skin.days < 2.0
    expected = half / skin.speed
    assert expected - skin.edge / skin.speed <= skin.days <= expected + skin.edge / skin.speed + ticks / TICKS
    assert np.all(skin.cover == 1.0)


@pytest.mark.parametrize("voxel", [10.0, 20.0])
@pytest.mark.parametrize("ticks", [1, 12])
def test_a_round_hole_stays_round_and_closes_after_its_radius_over_the_speed(voxel, ticks):
    skin = Skinful(voxel_um=voxel, breadth_mm=0.32)
    middle, radius = 160.0, 90.0
    skin.open((middle, middle, radius))
    from_middle = np.hypot(skin.y[:, None] - middle, skin.x - middle)
    # The nearest covered square may begin half its diagonal before the circle, and does within as much beyond it.
    error = skin.edge / np.sqrt(2.0)
    while skin.cells.bare.size:
        skin.go(ticks)
        front, bare = radius - skin.speed * skin.days, skin.bare()
        assert np.all(bare[from_middle < front - error])
        assert not np.any(bare[from_middle > front + error])
        columns = bare.reshape(skin.cover.shape[0], skin.ground.per_column[0], skin.cover.shape[1], -1)
        np.testing.assert_allclose(skin.cover, 1.0 - columns.mean(axis=(1, 3)), atol=1e-15)
    # The last squares to be covered meet at the centre of the hole: their own middles are half a diagonal off it.
    assert radius - 2.0 * error <= skin.speed * skin.days <= radius + error + skin.speed * ticks / TICKS


def test_cells_go_with_the_front_and_leave_none_behind():
    skin = Skinful(breadth_mm=0.32)
    skin.open((160.0, 150.0, 90.0))
    opened, size = skin.bare(), skin.world.block.size_um[1:]
    spacing = np.sqrt(size.prod() / skin.cells.place.shape[0])
    # Behind every covered place one lies so far inside the sheet that a seat, at most 0.625 of the spacing of a
    # pavement and its unevenness away, is taken, by a cell no farther off than half a width and a square.
    reach = (0.625 + np.sqrt(2.0) * UNEVEN) * spacing
    most = 2.0 * reach + 0.5 * WIDTH + skin.edge
    led = 0
    while skin.cells.left.any():
        before, names = skin.cells.position.copy(), skin.cells.identity.copy()
        skin.go(3)
        same = (names != 0) & (names == skin.cells.identity)
        moved = np.hypot(*(skin.cells.position - before)[same].T)
        # Nobody goes faster than the front, and whoever leads all through a step just as fast.
        assert moved.max() <= skin.speed * 3 / TICKS * (1.0 + 1e-9)
        leading = skin.cells.leading[same]
        np.testing.assert_allclose(moved[leading], skin.speed * 3 / TICKS, rtol=1e-9)
        led += int(leading.sum())
        covered = opened & ~skin.bare()
        alive = skin.cells.position[skin.cells.identity != 0]
        for row, column in np.argwhere(covered)[::37]:
            off = np.abs(alive - [skin.y[row], skin.x[column]])
            assert np.hypot(*np.minimum(off, size - off).T).min() <= most
        skin.check_books()
        assert skin.days < 2.0
    assert led > 0
    # Contact: where fronts meet they stop, and the sheet is what it was.
    assert np.all(skin.cells.identity != 0)
    np.testing.assert_array_equal(skin.cells.position, skin.cells.place)


def test_nothing_moves_in_a_closed_sheet():
    skin = Skinful(breadth_mm=0.32)
    before = skin.state.digest()
    cover(skin.world, skin.state, None, 1.0)
    assert skin.state.digest() == before


def test_cells_come_from_above_until_others_begin_to_divide():
    early = dataclasses.replace(SHEET, lag=dataclasses.replace(SHEET.lag, low=0.0, value=0.0))
    made = {}
    for sheet in (SHEET, early):
        skin = Skinful(architecture=dataclasses.replace(ARCHITECTURE, sheet=sheet), breadth_mm=0.32)
        start = skin.cells.made.copy()
        skin.open((160.0, 160.0, 60.0))
        while skin.cells.left.any():
            skin.go(3)
        skin.check_books()
        assert skin.days < SHEET.lag_days
        made[sheet] = skin.cells.made - start
        assert made[sheet][DIED] > 0
    assert made[SHEET][BORN] == made[early][ENTERED] == 0
    assert made[SHEET][ENTERED] == made[early][BORN] == made[early][DIED]


def test_a_later_session_opens_what_it_hits_and_the_rest_closes_on():
    skin = Skinful(breadth_mm=0.48, width_mm=0.48)
    skin.open((160.0, 160.0, 90.0))
    for _ in range(60):
        skin.go()
    old, gap = skin.cells.bare.copy(), skin.cells.gap.copy()
    assert old.size
    assert skin.cells.leading.any()
    alive = set(skin.cells.identity[skin.cells.identity != 0].tolist())
    at = skin.ground.at(skin.cells.position, skin.world.block.size_um[1:])
    standing = {int(who): int(square) for who, square in zip(skin.cells.identity, at, strict=True) if who}
    across = [(160.0, 215.0, 30.0), (215.0, 160.0, 25.0), (105.0, 160.0, 20.0)]  # where cells lead
    second = skin.open((330.0, 330.0, 50.0), *across)
    now = set(skin.cells.identity[skin.cells.identity != 0].tolist())
    assert now < alive
    assert alive - now == {who for who, square in standing.items() if second.flat[square]}
    # Measured anew from the squares still bare, the old front is where it was to a diagonal of a square; nowhere is it
    # nearer for the new holes.
    again = dict(zip(skin.cells.bare.tolist(), skin.cells.gap.tolist(), strict=True))
    assert set(old.tolist()) <= set(again)
    change = np.array([again[int(square)] for square in old]) - gap
    row, column = np.divmod(old, skin.ground.shape[1])
    untouched = np.abs(skin.y[row] - 160.0) < 0.5 * (160.0 - skin.x[column])
    assert untouched.sum() > 10
    assert np.abs(change[untouched]).max() <= skin.edge * np.sqrt(2.0)
    assert change.min() >= -skin.edge * np.sqrt(2.0)
    while skin.cells.left.any():
        before, names = skin.away(), skin.cells.identity.copy()
        skin.go(1 if skin.state.tick < 72 else 12)
        skin.check_books()
        # Who waits for a front that is farther off than before waits where it is.
        same = (names != 0) & (names == skin.cells.identity)
        assert np.all(skin.away()[same] <= before[same] + 1e-9)
    assert np.all(skin.cover == 1.0)
    assert skin.cells.n_cells == skin.cells.place.shape[0]


def test_without_a_rim_the_law_of_the_columns_acts_and_cells_come_as_it_covers():
    world = a_world(breadth_mm=0.32)
    state, senses = resting_state(world), new_senses(world)
    injury = injure(SKIN, cs.Session(device="punch", diameter_mm=4.0))
    world.change({"injury.opening_radius": injury.opening_radius_um})
    wound(world, state, injury, 0)
    cells = state.epithelium
    n = cells.place.shape[0]
    assert np.all(cover_of(world, SHEET, state.surface) == 0.0)
    assert cells.n_cells == 0
    assert cells.bare.size == 0
    distance = injury.opening_radius_um + cs.dermal_healing().parameters["closure_distance"].value
    rate, bare = 2.0 * crawling(world, SHEET) / distance, 1.0
    for _ in range(40):
        step(world, state, senses, 12)
        # The law of the reaction, as fields that stay take it.
        x = rate * 12 / TICKS
        bare /= 1.0 + x + 0.5 * x**2
        np.testing.assert_allclose(1.0 - cover_of(world, SHEET, state.surface), bare, rtol=1e-9)
    assert cells.made[ENTERED] + cells.made[BORN] - cells.made[DIED] == cells.n_cells
    # Each seat is taken with the probability of the cover: five standard deviations of a binomial.
    assert abs(cells.n_cells / n - (1.0 - bare)) < 5.0 * np.sqrt(bare * (1.0 - bare) / n)


@pytest.mark.parametrize(("closed", "is_rim"), [(0.3, False), (0.7, True)])
def test_what_the_law_has_covered_is_a_rim_from_a_half_on(closed, is_rim):
    skin = Skinful(breadth_mm=0.32)
    skin.open((160.0, 160.0, 1000.0))
    assert skin.cells.n_cells == skin.cells.bare.size == 0
    skin.cover[:] = closed
    skin.go()
    assert 0 < skin.cells.n_cells < skin.cells.place.shape[0]
    opened = skin.open((160.0, 160.0, 60.0))
    assert skin.cells.bare.size == (opened.sum() if is_rim else 0)
    inside = opened.flat[skin.ground.at(skin.cells.place, skin.world.block.size_um[1:])]
    assert np.all(np.isfinite(skin.cells.left[inside]) == is_rim)


def test_ground_that_the_law_has_covered_in_part_stays_covered_in_part_under_a_front():
    """A front covered whole columns of which the law had covered but a half, as soon as it came to any of them."""
    skin = Skinful(breadth_mm=0.32)
    skin.open((160.0, 160.0, 1000.0))
    skin.cover[:] = 0.6
    opened = skin.open((160.0, 160.0, 60.0))
    part = opened.reshape(skin.cover.shape[0], skin.ground.per_column[0], skin.cover.shape[1], -1).mean(
        axis=(1, 3)
    )
    # The law covers the same share of what the session has left.
    np.testing.assert_allclose(skin.cover, 0.6 * (1.0 - part), rtol=1e-14)
    assert np.any((part > 0.0) & (part < 1.0))
    before, lack = part, 0.4 * (1.0 - part)
    # A second session across the front of the first.
    for again in (False, True):
        if again:
            skin.open((160.0, 225.0, 25.0))
            bare = skin.bare().reshape(
                *skin.cover.shape[:1], skin.ground.per_column[0], skin.cover.shape[1], -1
            )
            now = bare.mean(axis=(1, 3))
            lack *= (1.0 - now) / np.where(before < 1.0, 1.0 - before, 1.0)
            np.testing.assert_allclose(skin.cover, 1.0 - now - lack, rtol=1e-13)
        for _ in range(5):
            skin.go()
            # Meanwhile the law covers a hundredth of what is bare, wherever it is.
            bare = skin.bare().reshape(
                skin.cover.shape[0], skin.ground.per_column[0], skin.cover.shape[1], -1
            )
            before = bare.mean(axis=(1, 3))
            np.testing.assert_allclose(skin.cover, 1.0 - before - lack, rtol=1e-12)
            skin.cover[:] = 1.0 - 0.99 * (1.0 - skin.cover)
            lack *= 0.99
            skin.go(0)
    while skin.cells.bare.size:
        skin.go(12)
    # Where the front has been there is none of it left to cover, and what the law had left it is to cover still.
    np.testing.assert_allclose(skin.cover, 1.0 - lack, rtol=1e-12)
    assert skin.cells.shared.size == skin.cells.lack.size == 0


def test_after_a_second_session_cover_is_what_of_the_ground_is_covered():
    skin = Skinful(breadth_mm=0.32)
    injury = injure(SKIN, cs.Session(device="pen", depth_mm=0.6, density_per_cm2=4000))
    for session in range(2):
        wound(skin.world, skin.state, injury, session)
        columns = skin.bare().reshape(skin.cover.shape[0], skin.ground.per_column[0], skin.cover.shape[1], -1)
        # Also where a session opens what is open.
        assert columns.any()
        np.testing.assert_array_equal(skin.cover, 1.0 - columns.mean(axis=(1, 3)))
        assert skin.cells.shared.size == 0
        skin.go(12)


@pytest.mark.parametrize(("after_days", "closes_at"), [(1.0, "punch"), (200.0, "pen")])
def test_the_law_closes_a_punch_at_its_radius_whatever_pricks_it_since(after_days, closes_at):
    """A pen on a fresh punch made all of it close at the speed of holes of a tenth of a millimetre."""
    session = cs.Session(device="pen", depth_mm=0.5, density_per_cm2=400)
    punch = cs.Session(device="punch", diameter_mm=4.0)
    radius = {"punch": injure(SKIN, punch).opening_radius_um, "pen": injure(SKIN, session).opening_radius_um}
    assert radius["punch"] > 10.0 * radius["pen"]
    world = a_world()
    plan = [Happening(0.0, injure(SKIN, punch), {}), Happening(after_days, injure(SKIN, session), {})]
    course = Running(world, plan, [0.0], [])
    course._happen()
    assert course.inputs["injury.opening_radius"] == radius["punch"]
    assert np.isinf(course.state.epithelium.left).all()
    if closes_at == "pen":
        course.state.epithelium.left[:] = 0.0  # every seat is taken again
    course.state.tick = round(after_days * TICKS)
    course._happen()
    assert course.inputs["injury.opening_radius"] == radius[closes_at]
    assert radius[closes_at] in world.bound.inputs["injury.opening_radius"][0]


def test_a_session_opens_the_surface_along_its_holes():
    world = a_world(breadth_mm=0.8, width_mm=0.8, voxel_um=25.0)
    state = resting_state(world)
    before = state.epithelium.n_cells
    injury = injure(SKIN, cs.Session(device="pen", depth_mm=0.6, density_per_cm2=2000))
    drawn = injury.field(world.block.shape, 25.0, seed=3, top_um=world.block.top_um)
    channels, radius = injury.channels, drawn.openings_um[:, 2]
    tips = np.minimum(drawn.channels_um[:, 2] / (1000.0 * channels.tip_length_mm), 1.0)
    np.testing.assert_allclose(radius, 1000.0 * channels.recoil * channels.needle_radius_mm * tips)
    assert len(radius) > 3
    share = open_surface(world, state, drawn)
    # The holes on a raster of 0.5 um, 5 x 5 of it in a square of ground: only squares that a rim cuts can be wrong.
    fine = (np.arange(1600) + 0.5) * 0.5
    union = np.zeros((1600, 1600), dtype=bool)
    for at_y, at_x, r in drawn.openings_um:
        union |= (fine[:, None] - at_y) ** 2 + (fine - at_x) ** 2 <= r * r
    squares = union.reshape(320, 5, 320, 5).mean(axis=(1, 3))
    cut = (squares > 0.0) & (squares < 1.0)
    expected, error = (each.reshape(32, 10, 32, 10).mean(axis=(1, 3)) for each in (squares, cut))
    assert np.all(np.abs(share - expected) <= error)
    # One cell in the square of its width dies: Poisson scatter, five standard deviations.
    lost, expected = before - state.epithelium.n_cells, share.sum() * 25.0**2 / WIDTH**2
    assert abs(lost - expected) < 5.0 * np.sqrt(expected)


def test_a_sheet_of_what_the_model_lacks_is_refused():
    other = dataclasses.replace(SHEET.front.species, name="epidermal_covers")
    sheet = dataclasses.replace(SHEET, front=dataclasses.replace(SHEET.front, species=other))
    with pytest.raises(
        cs.ModelError, match="covers 'epidermal_covers', which 'dermal_healing' lacks; did you mean"
    ):
        Skinful(architecture=dataclasses.replace(ARCHITECTURE, sheet=sheet))


def test_without_a_sheet_openings_close_by_the_law_of_their_columns():
    world = a_world(breadth_mm=0.32, architecture=dataclasses.replace(ARCHITECTURE, sheet=None))
    state, senses = resting_state(world), new_senses(world)
    assert state.epithelium is None
    injury = injure(SKIN, cs.Session(device="pen", depth_mm=0.15, density_per_cm2=4000))
    wound(world, state, injury, 0)
    opened = cover_of(world, SHEET, state.surface) == 0.0
    assert 0.0 < opened.mean() < 1.0
    for _ in range(3):
        step(world, state, senses, 1)
    bare = 1.0 - cover_of(world, SHEET, state.surface)
    assert np.ptp(bare[opened]) == 0.0
    assert 0.0 < bare[opened].max() < 1.0
    assert np.all(bare[~opened] == 0.0)


def test_a_tissue_tells_its_keratinocytes_and_one_without_a_sheet_says_that_it_has_none():
    session = cs.Session(device="pen", depth_mm=0.15, density_per_cm2=4000)
    small = {"days": HOUR, "width_mm": 0.32, "depth_mm": 0.15, "progress": False}
    tissue = cs.simulate_tissue(SKIN, cs.Protocol([(0, session)]), kept_days=[0.0, HOUR], **small)
    start, later = tissue.keratinocytes(0.0), tissue.keratinocytes(HOUR)
    assert list(start) == ["y", "x", "identity", "leading"]
    assert not start["leading"].any()
    assert later["leading"].any()
    assert later["x"].between(0.0, 320.0).all()
    bare = dataclasses.replace(tissue.snapshot(HOUR), structures={})
    with pytest.raises(cs.InputError, match="has no Sheet"):
        dataclasses.replace(tissue, snapshots={HOUR: bare}).keratinocytes(HOUR)
