"""Vessels as a network: as long as their density says, drawn and pruned at the reactions' rates, never broken."""

import dataclasses

import numpy as np
import pytest

import collagensim as cs
from collagensim.biology import dermal_architecture
from collagensim.errors import InputError, ModelError
from collagensim.model import Network
from collagensim.solver.compiled import kernels_of
from collagensim.solver.tissue import trails
from collagensim.solver.tissue import vessels as stage
from collagensim.solver.tissue.network import (
    ASKED,
    CUT,
    JOINED,
    PRUNED,
    TRAILED,
    TWIGS,
    Vessels,
    around,
    lay_lines,
    lengths,
    reachable,
)  # fmt: skip
from collagensim.solver.tissue.plexus import length_by_layer
from collagensim.solver.tissue.space import block_of
from collagensim.solver.tissue.stages import new_senses, sense, step
from collagensim.solver.tissue.web import density_of, felt, lie, nothing_felt
from collagensim.solver.tissue.world import TICKS, resting_state, settle, world_of
from collagensim.solver.tissue.wound import wound
from collagensim.treatment import injure

fates = kernels_of("fates")

SKIN = cs.Skin()
SESSION = cs.Session(device="pen", depth_mm=0.5, density_per_cm2=4000)
SLICE = {"width_mm": 0.6, "depth_mm": 0.3, "slab_um": 200.0}
BLOCK = {"width_mm": 0.4, "breadth_mm": 0.4, "depth_mm": 0.3}
NOBODY = np.zeros(0, dtype=np.uint64)


def small_world(seed=1, **given):
    block = block_of(SKIN, **({**SLICE, **given} if "breadth_mm" not in given else given))
    return world_of(cs.dermal_healing(), SKIN, block, dermal_architecture(), seed)


def bare(nodes, ends):
    """Vessels between places (n, 3), with no tips."""
    found = Vessels(
        np.array(nodes, dtype=float), np.zeros((0, 2), dtype=np.int64), NOBODY, NOBODY, np.zeros(0, dtype=np.int64),
        np.zeros((0, 3)),
    )  # fmt: skip
    found.add_pieces(np.array(ends, dtype=np.int64).reshape(-1, 2))
    return found


def total(world, here):
    return lengths(here.vectors(world.block.size_um)).sum()


def senses_of(world, state):
    senses = new_senses(world)
    sense(world, state, senses, 0.0)
    world.laws.act(senses.levels, senses.actors, 0.0, senses.acts)
    return senses


@pytest.fixture(scope="module")
def healed():
    """A slice ten days after many channels: its world, its state, and its vessels at rest."""
    world = small_world(3, slab_um=1000.0)
    state, senses = resting_state(world), new_senses(world)
    rest = total(world, state.vessels)
    wound(world, state, injure(SKIN, SESSION), 0)
    for _ in range(10 * TICKS // 12):
        step(world, state, senses, 12)
    return world, state, rest


@pytest.mark.parametrize("given", [SLICE, BLOCK, {"depth_mm": 0.84, "slab_um": 800.0}], ids=str)
def test_resting_vessels_are_as_long_in_each_layer_as_their_density_says(given):
    """Profiles per area are half the length per volume (Underwood 1970)."""
    world = small_world(**given)
    block, here = world.block, resting_state(world).vessels
    density = world.resting[:, world.web.species]
    mm3 = np.bincount(block.layer) * block.shape[1] * block.shape[2] * block.voxel_mm3
    lack = 2000.0 * density[: mm3.size] * mm3 - length_by_layer(block, here)
    # A layer is filled up as long as a whole piece fits in; what one layer gains on the way may be another's.
    assert np.all(lack < world.web.piece_um)
    assert np.all(lack > -world.web.piece_um)
    # and this is what is felt
    state = resting_state(world)
    np.testing.assert_array_equal(state.matrix[world.web.place][:, 0, 0], density[block.layer])


def test_another_seed_has_other_vessels_and_the_same_seed_the_same():
    one, again, other = (resting_state(small_world(seed)).vessels for seed in (1, 1, 2))
    np.testing.assert_array_equal(one.node, again.node)
    assert one.node.shape != other.node.shape or not np.array_equal(one.node, other.node)


# A slice; a block; one so small that what is felt reaches around it.
@pytest.mark.parametrize(
    "given",
    [SLICE, BLOCK, {"width_mm": 0.32, "breadth_mm": 0.32, "depth_mm": 0.3, "voxel_um": 10.0}],
    ids=str,
)
def test_what_is_felt_again_is_what_is_felt_for_the_first_time(given):
    """`smooth_anew` renews what has changed; the rest is left as it was, to the bit."""
    world = small_world(**given)
    here, weights = resting_state(world).vessels, world.web.memory.weights
    memory, rng = nothing_felt(weights, world.block.shape), np.random.Generator(np.random.Philox(3))
    for part in (1.0, 0.9, 0.99, 1.0, 0.5, 0.0):
        kept = here.copy()
        kept.keep(rng.random(here.number.size) < part)
        again = felt(world, kept, memory)
        np.testing.assert_array_equal(again, felt(world, kept, nothing_felt(weights, world.block.shape)))
        # Nothing is lost, to rounding: a mean of few hundred numbers.
        np.testing.assert_allclose(again.sum(), total(world, kept), rtol=1e-12)


def test_pieces_that_stay_lie_where_they_did():
    world = small_world()
    here = resting_state(world).vessels
    places = dict(zip(here.number.tolist(), here.node[here.ends].tolist(), strict=True))
    voxel, length = lie(world, here)
    # Longhand: the middle of each piece, and its length, the short way around.
    vector = here.vectors(world.block.size_um)
    middle = (here.node[here.ends[:, 0]] + 0.5 * vector) % world.block.size_um
    index = (middle / world.block.edges_um).astype(int)
    np.testing.assert_array_equal(voxel, np.ravel_multi_index(index.T, world.block.shape))
    np.testing.assert_array_equal(length, lengths(vector))
    left = np.arange(here.number.size) % 3 > 0
    here.begin_trails(np.array([7], dtype=np.uint64), here.ends[:1, 0], here.node[here.ends[0, :1]])
    tip_at = here.node[here.tip_node[0]].copy()
    here.keep(left)
    assert here.number.tolist() == [number for number, stays in zip(places, left, strict=True) if stays]
    for number, ends in zip(here.number.tolist(), here.node[here.ends].tolist(), strict=True):
        assert ends == places[number]
    np.testing.assert_array_equal(here.node[here.tip_node[0]], tip_at)
    # A node for each end and the tip, and none for nobody.
    used = np.unique(np.append(here.ends.ravel(), here.tip_node))
    np.testing.assert_array_equal(used, np.arange(here.node.shape[0]))
    for found, expected in zip(lie(world, here), (voxel[left], length[left]), strict=True):
        np.testing.assert_array_equal(found, expected)
    again = here.copy()
    for found, expected in zip(lie(world, here), lie(world, again), strict=True):
        np.testing.assert_array_equal(found, expected)


def test_half_the_density_is_felt_where_half_the_length_is_left():
    world = small_world(**BLOCK)
    here = resting_state(world).vessels
    # As if there had been twice as much at rest.
    world.__dict__["web"] = dataclasses.replace(world.web, length=2.0 * world.web.length)
    np.testing.assert_array_equal(density_of(world, here), 0.5 * world.web.level)


def test_new_vessels_count_in_full_and_none_make_none():
    world = small_world()
    state = resting_state(world)
    here, web = state.vessels, world.web
    before = density_of(world, here).sum()
    here.ends, here.number = np.repeat(here.ends, 2, axis=0), np.repeat(here.number, 2)
    gain = density_of(world, here).sum() - before
    # Nothing is lost in smoothing: as much again as there was, in profiles per area of a voxel.
    expected = total(world, here) / 2.0 * web.per_um
    np.testing.assert_allclose(gain, expected, rtol=1e-12)
    here.keep(np.zeros(here.number.size, dtype=bool))
    assert not density_of(world, here).any()


def test_tissue_without_any_vessel_has_no_density_of_them():
    # A thin slab has places out of reach of every vessel at rest, too.
    world = small_world(slab_um=20.0)
    state = resting_state(world)
    assert (world.web.length == 0.0).any()
    np.testing.assert_array_equal(density_of(world, state.vessels), world.web.level)
    state.vessels.keep(np.zeros(state.vessels.number.size, dtype=bool))
    assert not density_of(world, state.vessels).any()


def test_tissue_at_rest_keeps_its_vessels():
    """What is pruned and made at rest cancels; what is left of both is chance in the cells that make VEGF."""
    world = small_world(slab_um=1000.0)
    state, senses = resting_state(world), new_senses(world)
    rest = total(world, state.vessels)
    for _ in range(24):
        step(world, state, senses, 12)
    ledger = state.vessels.ledger
    assert ledger[[TRAILED, JOINED, CUT]].sum() == 0.0
    assert ledger[TWIGS] + ledger[PRUNED] < 0.02 * rest


def naive_branches(ends):
    """By following pieces through nodes that have two, one after the other."""
    count = np.bincount(np.ravel(ends))
    names = list(range(len(ends)))
    for _ in ends:
        for i, one in enumerate(ends):
            for j, other in enumerate(ends):
                if any(count[node] == 2 for node in set(one) & set(other)):
                    names[i] = names[j] = min(names[i], names[j])
    return [sorted(set(names)).index(name) for name in names]


def test_branches_end_at_junctions():
    #  0-1-2-3  and at 2 a twig 4-5, a ring 6-7-8, and a lone piece 9-10
    ends = [(1, 2), (0, 1), (2, 3), (4, 2), (5, 4), (6, 7), (8, 6), (7, 8), (10, 9)]
    here = bare(np.zeros((11, 3)), ends)
    assert here.branches().tolist() == [0, 0, 1, 2, 2, 3, 3, 3, 4]
    assert here.branches().tolist() == naive_branches(ends)


def test_branches_agree_with_following_them_one_by_one():
    rng = np.random.Generator(np.random.Philox(5))
    for _ in range(20):
        ends = rng.integers(0, 14, (12, 2))
        ends = ends[ends[:, 0] != ends[:, 1]]
        assert bare(np.zeros((14, 3)), ends).branches().tolist() == naive_branches(ends.tolist())


def test_lines_are_laid_in_short_pieces_the_short_way_around():
    size = np.array([320.0, 200.0, 640.0])
    here = bare([[10.0, 100.0, 5.0], [10.0, 100.0, 600.0], [70.0, 100.0, 5.0]], [])
    laid = lay_lines(here, np.array([[0, 1], [0, 2]]), 20.0, size)
    np.testing.assert_allclose(laid, [45.0, 60.0])
    np.testing.assert_allclose(lengths(here.vectors(size)), [15.0] * 3 + [20.0] * 3)
    assert here.ends[:3].tolist() == [[0, 3], [3, 4], [4, 1]]
    np.testing.assert_allclose(here.node[3:5, 2], [630.0, 615.0])


def test_a_tip_keeps_the_node_that_it_draws_from_when_all_pieces_are_gone():
    here = bare([[0.0, 0.0, 0.0], [0.0, 0.0, 10.0], [0.0, 0.0, 20.0], [5.0, 0.0, 50.0]], [(0, 1), (1, 2)])
    here.begin_trails(np.array([9], dtype=np.uint64), np.array([2]), here.node[[2]])
    here.keep(np.zeros(2, dtype=bool))
    assert here.node.tolist() == [[0.0, 0.0, 20.0]]
    assert here.tip_node.tolist() == [0]


def test_the_graph_of_vessels_stays_whole(healed):
    world, state, _ = healed
    here = state.vessels
    assert here.tip.size > 0
    assert here.ends.min() >= 0
    assert here.ends.max() < here.node.shape[0]
    assert np.unique(here.number).size == here.number.size
    assert here.number.max() < here.made[0]
    assert np.all(here.ends[:, 0] != here.ends[:, 1])
    assert np.unique(np.sort(here.ends, axis=1), axis=0).shape == here.ends.shape
    used = np.zeros(here.node.shape[0], dtype=bool)
    used[here.ends.ravel()] = used[here.tip_node] = True
    assert used.all()
    assert np.all(here.node >= 0.0)
    assert np.all(here.node < world.block.size_um)


def test_tips_are_the_cells_that_draw_and_stand_less_than_a_piece_from_their_trails(healed):
    world, state, _ = healed
    here = state.vessels
    cells = state.kind == world.web.tips
    assert set(here.tip) == set(state.identity[cells])
    place = dict(zip(state.identity[cells], state.position[cells], strict=True))
    now = np.array([place[tip] for tip in here.tip])
    np.testing.assert_array_equal(here.tip_place, now)
    gap = lengths(around(now - here.node[here.tip_node], world.block.size_um))
    assert np.all(gap < world.web.piece_um)


def test_every_length_is_accounted_for(healed):
    world, state, rest = healed
    ledger = state.vessels.ledger
    assert np.all(ledger[[TRAILED, TWIGS, PRUNED, CUT]] > 0.0)
    expected = rest + ledger[[TRAILED, TWIGS, JOINED]].sum() - ledger[[PRUNED, CUT]].sum()
    # Sums of some hundred lengths, each rounded.
    np.testing.assert_allclose(total(world, state.vessels), expected, rtol=1e-12)


def test_what_is_drawn_is_what_the_reactions_ask_for(healed):
    """Trails are shorter than walks, and joining takes more: twigs and pruning make up for it."""
    world, state, _ = healed
    asked = state.vessels.ledger[ASKED]
    assert asked > 50 * world.web.piece_um
    # What is owed is settled to half a piece whenever a twig is due and to half a branch whenever one is pruned.
    # Between these it may grow by what a tip's trail falls short of its walk, and shrink by a join.
    here = state.vessels
    longest = np.bincount(here.branches(), lie(world, here)[1]).max()
    assert abs(stage._owed(world, here)) < 0.5 * longest + world.web.reach_um


def test_a_tip_is_asked_for_the_length_that_its_reaction_makes():
    """dN/dt = g T, with N half the length per volume and T the density of tips in its own unit."""
    world = small_world()
    state, web = resting_state(world), world.web
    rate = np.full(world.block.n_voxels, 40.0)
    settle(world, state, web.tips, rate, world.block.voxel_mm3, fates.PLACE)
    n = state.vessels.tip.size
    mm3 = world.block.n_voxels * world.block.voxel_mm3
    density = n * world.per_cell[web.tips] / mm3
    growth = float(world.model.parameters["capillary_growth"].value)
    days = 0.25
    at = trails._cells(state, web, state.vessels)
    trails.draw_trails(world, state, web, state.vessels, at, days)
    np.testing.assert_allclose(
        state.vessels.ledger[ASKED], 2000.0 * mm3 * growth * density * days, rtol=1e-12
    )


def test_tips_arrive_as_often_as_their_reaction_says():
    """Arrivals in their own unit, 1/mm^2: as many cells as that over what one is."""
    world = small_world(slab_um=1000.0)
    state, web = resting_state(world), world.web
    settle(world, state, web.tips, np.full(world.block.n_voxels, 600.0), world.block.voxel_mm3, fates.PLACE)
    mean = 600.0 * world.block.n_voxels * world.block.voxel_mm3 / world.per_cell[web.tips]
    assert mean > 100.0
    assert abs(state.vessels.tip.size - mean) < 5.0 * np.sqrt(mean)  # Poisson


@pytest.mark.parametrize("kind", ["neutrophils", "macrophages_m1", "endothelial_tips"])
def test_cells_enter_on_the_nearest_vessel_in_the_numbers_of_the_law(kind):
    world = small_world()
    k = [world.model.species[i].name for i in world.cells].index(kind)
    state, free = resting_state(world), resting_state(world)
    free.vessels = None
    known, n = set(state.identity), state.n_cells
    rate = np.full(world.block.n_voxels, 1500.0)
    for each in (state, free):
        settle(world, each, k, rate, world.block.voxel_mm3, fates.PLACE)
    new = np.array([identity not in known for identity in state.identity])
    assert new.sum() == free.n_cells - n > 20
    # The other tissue has no vessels: there they stand where they were drawn.
    drawn = free.position[n:].copy()
    drawn[:, 1] = 0.5 * world.block.size_um[1]
    node = state.vessels.node
    for place, stood in zip(drawn, state.position[new], strict=True):
        gaps = lengths(around(node - place, world.block.size_um))
        np.testing.assert_array_equal(stood, node[np.argmin(gaps)])


def test_fibroblasts_do_not_enter_out_of_vessels():
    world = small_world()
    k = [world.model.species[i].name for i in world.cells].index("fibroblasts")
    assert not world.web.enters[k]


def test_branches_are_pruned_as_a_whole_and_at_the_mean_rate_of_their_pieces():
    world = small_world(slab_um=1000.0)
    state, web = resting_state(world), world.web
    here, days = state.vessels, 0.1
    voxel, length = lie(world, here)
    density = np.full(world.block.n_voxels, 20.0)
    # A hazard that grows across the slice, so that pieces of a branch differ.
    net = -density * np.tile(np.linspace(0.0, 0.4, world.block.shape[2]), world.block.shape[0])
    branch = here.branches()
    hazard = -net[voxel] / density[voxel]
    whole = np.bincount(branch, length)
    chance = -np.expm1(-days * np.bincount(branch, hazard * length) / whole)
    lost, numbers = [], set(here.number.tolist())
    for tick in range(300):
        tried = dataclasses.replace(here.copy())
        state.tick = tick
        stage._prune(world, state, web, tried, net, web.nothing, density, days)
        lost.append(tried.ledger[PRUNED])
        gone = np.isin(here.number, sorted(numbers - set(tried.number.tolist())))
        touched = np.bincount(branch, gone) / np.bincount(branch)
        assert set(touched.tolist()) <= {0.0, 1.0}
    # Branches go independently: four standard errors of the mean of 300.
    error = np.sqrt((chance * (1.0 - chance) * whole**2).sum() / 300)
    assert abs(np.mean(lost) - (chance * whole).sum()) < 4.0 * error
    # and the mean over branches is the sum over pieces but for the curvature of the exponential
    np.testing.assert_allclose((chance * whole).sum(), days * (hazard * length).sum(), rtol=0.5 * 0.4 * days)


def test_what_is_pruned_does_not_depend_on_the_order_of_pieces():
    world = small_world()
    state, web = resting_state(world), world.web
    density = np.full(world.block.n_voxels, 20.0)
    mixed = state.vessels.copy()
    order = np.random.Generator(np.random.Philox(2)).permutation(mixed.number.size)
    mixed.ends, mixed.number = mixed.ends[order], mixed.number[order]
    for here in (state.vessels, mixed):
        stage._prune(world, state, web, here, -2.0 * density, web.nothing, density, 0.2)
    assert 0 < mixed.number.size < order.size
    assert set(mixed.number.tolist()) == set(state.vessels.number.tolist())


def test_a_branch_that_a_tip_draws_stays_and_others_go_the_more():
    world = small_world()
    state, web = resting_state(world), world.web
    here = state.vessels
    length = lie(world, here)[1]
    branch, density = here.branches(), np.full(world.block.n_voxels, 20.0)
    held = int(here.ends[np.argmax(np.bincount(branch, length)[branch]), 0])
    here.begin_trails(np.array([7], dtype=np.uint64), np.array([held]), here.node[[held]])
    mine = np.unique(branch[(here.ends == held).any(axis=1)])
    lost, days = [], 0.05
    for tick in range(400):
        tried = here.copy()
        state.tick = tick
        stage._prune(world, state, web, tried, -density, web.nothing, density, days)
        assert set(here.number[np.isin(branch, mine)].tolist()) <= set(tried.number.tolist())
        lost.append(tried.ledger[PRUNED])
    whole = np.bincount(branch, length)
    free = ~np.isin(np.arange(whole.size), mine)
    chance = np.where(free, -np.expm1(-days * whole.sum() / whole[free].sum()), 0.0)
    error = np.sqrt((chance * (1.0 - chance) * whole**2).sum() / 400)
    assert abs(np.mean(lost) - (chance * whole).sum()) < 4.0 * error


def test_vessels_grow_by_the_length_that_is_gained():
    world = small_world(slab_um=1000.0)
    state, web = resting_state(world), world.web
    gain = np.full(world.block.n_voxels, 5.0)
    mm3 = world.block.n_voxels * world.block.voxel_mm3
    asked, grown, rest = 0.0, 0.0, total(world, state.vessels)
    n_ticks = 40
    for tick in range(n_ticks):
        state.tick = tick
        stage._grow_twigs(world, state, web, state.vessels, gain, web.nothing, 0.02)
    asked, grown = state.vessels.ledger[[ASKED, TWIGS]]
    mean = 2000.0 * mm3 * 5.0 * 0.02 * n_ticks
    # Events are Poisson, a piece each: four standard deviations.
    assert abs(asked - mean) < 4.0 * np.sqrt(mean * web.piece_um)
    # and what they make is what they are asked for, to within half a piece and the surplus of a loop, two pieces
    assert abs(asked - grown) < 2.5 * web.piece_um
    np.testing.assert_allclose(total(world, state.vessels) - rest, grown, rtol=1e-9)


def test_a_piece_grows_from_the_nearest_vessel_towards_a_place_and_closes_loops():
    world = small_world()
    middle = 0.5 * world.block.size_um[1]
    line = [[50.0, middle, x] for x in range(100, 301, 20)]
    here = bare(line, [(i, i + 1) for i in range(10)])
    assert stage._grow(world, world.web, here, np.array([150.0, middle, 205.0])) == pytest.approx(20.0)
    new = here.node[-1]
    np.testing.assert_allclose(lengths(new[None] - here.node[[5]]), 20.0)
    assert here.ends[-1].tolist() == [5, 11]
    assert new[0] > 50.0 + 0.99 * 20.0  # 100 um down and 5 aside
    # Another vessel lies 25 um below the new end: towards a place beyond it, the next piece joins it.
    below = here.add_nodes(np.array([[new[0] + 25.0, middle, x] for x in (180.0, 200.0, 220.0)]))
    here.add_pieces(np.array([[below[0], below[1]], [below[1], below[2]]]))
    made = stage._grow(world, world.web, here, np.array([new[0] + 11.0, middle, new[2]]))
    assert here.ends[-1].tolist() == [11, int(below[1])]
    assert made == pytest.approx(float(lengths((here.node[below[1]] - new)[None])[0]))


def test_a_piece_is_not_laid_twice():
    world = small_world()
    middle = 0.5 * world.block.size_um[1]
    here = bare([[150.0, middle, 100.0], [150.0, middle, 120.0]], [[0, 1]])
    # Nearer to the first node than half a piece: the second piece goes on from where the first ends.
    place = np.array([150.0, middle, 100.0 + 1e-3])
    assert stage._grow(world, world.web, here, place) == pytest.approx(20.0)
    assert here.node[-1] == pytest.approx([150.0, middle, 140.0])
    assert here.ends[-1].tolist() == [1, 2]


def test_gaps_are_the_short_way_around_the_sides_and_not_through_top_and_bottom():
    rng, size = np.random.default_rng(9), np.array([300.0, 200.0, 500.0])
    here, place = bare(size * rng.random((200, 3)), []), size * np.array([0.02, 0.97, 0.03])
    images = [here.node + size * [0, j, i] for j in (-1, 0, 1) for i in (-1, 0, 1)]
    expected = np.min([((image - place) ** 2).sum(axis=1) for image in images], axis=0)
    # Coordinates of up to 1000 um, each rounded a few times: 1e-12 um of gaps of up to 500 um.
    np.testing.assert_allclose(here.square_gaps(place, size), expected, rtol=0.0, atol=1e-9)


def test_a_tip_joins_the_nearest_vessel_that_is_not_its_own():
    world = small_world()
    web, middle = world.web, 0.5 * world.block.size_um[1]
    # A parent along the top, a trail of ten pieces down from its middle, another vessel 60 um beside the trail's end.
    parent = [[20.0, middle, x] for x in range(100, 401, 20)]
    trail = [[z, middle, 260.0] for z in range(40, 221, 20)]
    other = [[240.0, middle, x] for x in range(320, 421, 20)]
    ends = [*((i, i + 1) for i in range(15)), (8, 16), *((i, i + 1) for i in range(16, 25))]
    ends += [(i, i + 1) for i in range(26, 31)]
    here = bare([*parent, *trail, *other], ends)
    here.begin_trails(np.array([5], dtype=np.uint64), np.array([25]), np.array([[230.0, middle, 260.0]]))
    laid = here.copy()
    trails._end(world, web, laid, 0, join=True)
    gap = np.hypot(10.0, 60.0)
    assert laid.met.tolist() == [1, 0]
    np.testing.assert_allclose(laid.ledger[[TRAILED, JOINED]], [10.0, gap])
    assert laid.ends[-1, 1] == 26
    assert np.bincount(laid.ends.ravel())[26] == 2
    # Too far from any other vessel it ends alone, and its trail stays.
    alone = dataclasses.replace(web, reach_um=50.0)
    trails._end(world, alone, here, 0, join=True)
    assert here.met.tolist() == [0, 1]
    assert here.ledger[JOINED] == 0.0
    assert here.number.size == len(ends) + 1


def two_tips_and_one(world):
    """Two tips that head at each other from vessels on both sides, and one far off; with the state's cells."""
    middle, state = 0.5 * world.block.size_um[1], resting_state(world)
    left, right = ([[z, middle, x] for z in range(50, 251, 20)] for x in (100.0, 300.0))
    trails_ = [[150.0, middle, x] for x in (120.0, 140.0, 160.0, 180.0, 280.0, 260.0, 240.0, 220.0)]
    far = [[z, middle, 470.0] for z in (50, 70, 90)]
    ends = [*((i, i + 1) for i in range(10)), *((i, i + 1) for i in range(11, 21))]
    ends += [
        (5, 22),
        (22, 23),
        (23, 24),
        (24, 25),
        (16, 26),
        (26, 27),
        (27, 28),
        (28, 29),
        (30, 31),
        (31, 32),
    ]
    here = bare([*left, *right, *trails_, *far], ends)
    names = np.array([7, 8, 9], dtype=np.uint64)
    # Each 12 um beyond its last node: 28 um from the last node of the other.
    places = here.node[[25, 29, 32]] + np.array([[0.0, 0.0, 12.0], [0.0, 0.0, -12.0], [5.0, 0.0, 0.0]])
    here.begin_trails(names, np.array([25, 29, 32]), places)
    state.vessels = here
    state.keep(np.zeros(state.n_cells, dtype=bool))
    state.add((np.full(3, world.web.tips), places.copy(), np.zeros((3, 3)), names.copy()))
    return state, here


def test_two_tips_that_head_at_each_other_join_and_both_end():
    world = small_world()
    state, here = two_tips_and_one(world)
    length = total(world, here)
    # The reaction says twice that one joins.
    for k in range(2):
        at = trails._cells(state, world.web, here)
        dies = int(np.flatnonzero(here.tip == [7, 8][k])[0])
        state.keep(np.arange(state.n_cells) != at[dies])
        at = trails._cells(state, world.web, here)
        trails._end(world, world.web, here, dies, join=True)
        here.forget_tips(at >= 0)
    assert here.tip.tolist() == [9]
    assert here.met.tolist() == [2, 0]
    # One vessel runs from side to side now: the first joined the end of the other, which had nothing left to do.
    np.testing.assert_allclose(total(world, here) - length, here.ledger[[TRAILED, JOINED]].sum(), rtol=1e-12)
    np.testing.assert_allclose(here.ledger[[TRAILED, JOINED]], [12.0, 28.0], rtol=1e-12)
    assert reachable(here.ends, here.node.shape[0], 0, 60)[20]


def test_the_tip_that_touches_a_vessel_joins_in_the_place_of_one_that_touches_none():
    world = small_world()
    web = dataclasses.replace(world.web, nearness_um=500.0)
    state, here = two_tips_and_one(world)
    place = here.tip_place[2].copy()
    # The lot falls on number 9, which is far from everything. Its nearest fellow at a vessel, number 8, ends for it.
    state.keep(state.identity != 9)
    at = trails._cells(state, web, here)
    assert trails._who_touches(world, web, here, 2, at) == 1
    assert trails._who_touches(world, dataclasses.replace(web, contact_um=10.0), here, 2, at) == 2
    assert trails._who_touches(world, dataclasses.replace(web, nearness_um=50.0), here, 2, at) == 2
    senses, sure = senses_of(world, state), dataclasses.replace(web, joining=-1.0 * web.joining / web.joining)
    senses.found[world.laws.plan.hazard_rows] = 1.0
    left = trails.end_trails(world, state, senses, sure, here, at)
    # As many tips are left as the reaction leaves, and the one that lives on stands where it was.
    assert here.tip.tolist() == [7, 9]
    assert state.identity[left].tolist() == [7, 9]
    np.testing.assert_array_equal(state.position[left[1]], place)
    assert here.met.tolist() == [1, 0]


def test_a_tip_that_splits_makes_a_fork_of_three_vessels():
    world = small_world()
    web = dataclasses.replace(world.web, splitting=1.0, splitting_um=80.0)
    state, here = two_tips_and_one(world)
    world.__dict__["web"] = web
    wanted, new = np.array([[150.0, 0.5 * world.block.size_um[1], 190.0]]), np.array([11], dtype=np.uint64)
    stage.leave_vessels(world, state, web.tips, wanted, new, fates.PLACE)
    assert here.tip.tolist() == [7, 8, 9, 11]
    assert here.tip_node[3] == here.tip_node[0] == 25
    np.testing.assert_array_equal(wanted[0], here.node[25])
    # Both walk a piece on, apart: three pieces meet where they split.
    state.add((np.array([web.tips]), wanted, np.zeros((1, 3)), new))
    at = trails._cells(state, web, here)
    state.position[at[[0, 3]]] = here.node[25] + np.array([[15.0, 0.0, 15.0], [-15.0, 0.0, 15.0]])
    trails.draw_trails(world, state, web, here, at, 0.0)
    assert np.bincount(here.ends.ravel())[25] == 3
    # Neither splits again before it has drawn as much anew, nor does one that has drawn less, nor a third at a fork.
    for splitting_um, ripe in ((80.0, [1]), (20.0, [0, 1, 2, 3]), (100.0, [])):
        asked = dataclasses.replace(web, splitting_um=splitting_um)
        found = trails._ripe(world, asked, here)
        assert found.tolist() == ripe
    # Nor one whose trail another vessel has joined.
    here.add_pieces(np.array([[here.tip_node[1], 20]]))
    assert trails._ripe(world, web, here).tolist() == []


def test_new_tips_split_off_others_in_their_share_and_their_number_is_the_reactions():
    world = small_world()
    state, here = two_tips_and_one(world)
    n = 4000
    names = np.arange(100, 100 + n, dtype=np.uint64)
    place = np.tile(here.node[25], (1, 1))
    web = dataclasses.replace(world.web, splitting_um=80.0)
    split = sum(
        int(trails.splitting_tips(world, state, web, here, place, names[i : i + 1])[0] >= 0) for i in range(n)
    )
    # Binomial: four standard deviations.
    assert abs(split - n * web.splitting) < 4.0 * np.sqrt(n * web.splitting * (1.0 - web.splitting))
    # Two at once never split off one and the same, and where no tip is around all leave walls.
    sure = dataclasses.replace(web, splitting=1.0)
    found = trails.splitting_tips(world, state, sure, here, np.tile(place, (4, 1)), names[:4])
    assert sorted(found.tolist()) == [-1, -1, 25, 29]
    away = place - np.array([0.0, 0.0, web.nearness_um + 90.0])
    assert trails.splitting_tips(world, state, sure, here, away, names[:1]).tolist() == [-1]


def test_tips_join_vessels_in_the_share_of_their_reactions():
    """Of those that end, joining over joining and regressing: at resting density anastomosis / (it + regression)."""
    world = small_world(slab_um=1000.0)
    state, web = resting_state(world), world.web
    settle(world, state, web.tips, np.full(world.block.n_voxels, 900.0), world.block.voxel_mm3, fates.PLACE)
    senses = senses_of(world, state)
    n = state.vessels.tip.size
    assert n > 200
    state.keep(state.kind != web.tips)
    trails.walk_trails(world, state, senses, web, state.vessels, 0.0)
    assert state.vessels.tip.size == 0
    meets, ends = (world.model.parameters[name].value for name in ("anastomosis", "tip_regression"))
    share = meets / (meets + ends)
    assert abs(state.vessels.met.sum() - n * share) < 4.0 * np.sqrt(n * share * (1.0 - share))  # binomial


def test_a_session_cuts_the_pieces_that_needles_pass_and_no_others():
    world = small_world(slab_um=1000.0)
    state, web = resting_state(world), world.web
    injury = injure(SKIN, SESSION)
    before = {n: (v, s) for n, v, s in zip(state.vessels.number, *lie(world, state.vessels), strict=True)}
    wound(world, state, injury, 0)
    here = state.vessels
    left = set(here.number.tolist())
    gone = np.zeros(world.block.n_voxels)
    there = np.zeros(world.block.n_voxels)
    for number, (voxel, length) in before.items():
        there[voxel] += length
        gone[voxel] += 0.0 if int(number) in left else length
    # A voxel is struck as a whole or not at all.
    assert np.all((gone == 0.0) | np.isclose(gone, there, rtol=1e-12))
    assert 0.0 < gone.sum() < there.sum()
    np.testing.assert_allclose(here.ledger[CUT], gone.sum(), rtol=1e-12)
    # Needles kill around them too: no vessel is cut where nothing is dead.
    names = [world.model.species[i].name for i in world.matrix]
    assert np.all(state.matrix[names.index("necrotic_tissue")].ravel()[gone > 0.0] > 0.0)
    np.testing.assert_array_equal(state.matrix[web.place], density_of(world, here))


def test_a_punch_cuts_its_share_of_the_pieces():
    world = small_world(slab_um=1000.0)
    state = resting_state(world)
    injury = injure(SKIN, cs.Session(device="punch", diameter_mm=4))
    voxel, length = lie(world, state.vessels)
    layer = world.block.layer[voxel // world.block.shape[2]]
    share = injury.vessel_fraction[layer]
    wound(world, state, injury, 0)
    spread = np.sqrt((share * (1.0 - share) * length**2).sum())
    assert (
        abs(state.vessels.ledger[CUT] - (share * length).sum()) <= 4.0 * spread + 1e-9
    )  # each piece for itself


def test_the_table_of_pieces_is_what_the_tissue_has():
    tissue = cs.simulate_tissue(
        SKIN, cs.Protocol([(0, SESSION)]), days=1, kept_days=[1], seed=3, width_mm=0.6
    )
    found = tissue.vessels(1)
    ends = found[["z1", "y1", "x1"]].to_numpy() - found[["z0", "y0", "x0"]].to_numpy()
    np.testing.assert_allclose(found["length"], lengths(ends), rtol=1e-9)
    assert found["number"].is_unique
    told = tissue.statistics["vessels"]
    assert told["cut_um"] > 0.0
    drawn = told["trails_um"] + told["twigs_um"] + told["joins_um"]
    rest = resting_state(
        small_world(3, width_mm=0.6, depth_mm=SKIN.dermal_thickness_mm, slab_um=100.0)
    ).vessels
    size = tissue.snapshot(1).edges_um * tissue.fields(1)["collagen_i"].shape
    balance = lengths(rest.vectors(size)).sum() + drawn - told["pruned_um"] - told["cut_um"]
    assert found["length"].sum() == pytest.approx(balance, abs=0.5)  # five figures rounded to 0.1
    assert found["has_tip"].dtype == bool
    figures = tissue.biopsy(1).figures().set_index(["quantity", "layer"])["value"]
    # A section ends with the dermis, the block some rows below.
    bottom = 1000.0 * float(tissue.data["layer_thickness"].sum())
    length = found["length"][0.5 * (found["z0"] + found["z1"]) < bottom].sum()
    mm3 = float(bottom * size[1] * size[2]) * 1e-9
    assert length > 0.0
    assert figures["capillaries", "dermis"] == pytest.approx(length / 2000.0 / mm3)
    bare_tissue = dataclasses.replace(
        tissue, snapshots={1.0: dataclasses.replace(tissue.snapshot(1), structures={})}
    )
    with pytest.raises(InputError, match="has no pieces of vessel"):
        bare_tissue.vessels(1)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"drawn_by": "tips_leave"}, "no reaction 'tips_leave'.*did you mean 'tips_leave_capillaries'"),
        ({"drawn_by": "capillaries_are_pruned"}, "does not change 'capillary_density' in proportion"),
        ({"joined_by": "vessels_sprout"}, "does not change 'endothelial_tips' in proportion"),
    ],
)
def test_a_network_that_the_model_does_not_bear_out_is_refused(given, sentence):
    architecture = dermal_architecture()
    net = dataclasses.replace(architecture.network, **given)
    changed = dataclasses.replace(architecture, network=net)
    block = block_of(SKIN, **SLICE)
    with pytest.raises(ModelError, match=sentence):
        resting_state(world_of(cs.dermal_healing(), SKIN, block, changed, 1))


def test_tips_that_divide_are_refused():
    model = cs.dermal_healing()
    tips = next(species for species in model.species if species.name == "endothelial_tips")
    rate = next(reaction.rate for reaction in model.reactions if reaction.name == "m2_leave")
    divide = cs.model.Reaction("tips_divide", rate, {tips: 1}, actor=tips)
    model = dataclasses.replace(model, reactions=[*model.reactions, divide])
    with pytest.raises(ModelError, match="tips of a network arrive and die"):
        resting_state(world_of(model, SKIN, block_of(SKIN, **SLICE), dermal_architecture(), 1))


def test_a_network_needs_lengths_and_densities():
    net = dermal_architecture().network
    given = {field.name: getattr(net, field.name) for field in dataclasses.fields(Network)}
    for name, value, sentence in (
        ("reach", net.uprightness, "reach of vessels"),
        ("branching_share", net.uprightness, "needs 0 to 1"),
        ("vessels", cs.dermal_healing().species[0], "density of vessels"),
        ("enters", [net.vessels], "enters out of vessels"),
    ):
        with pytest.raises(ModelError, match=sentence):
            Network(**{**given, name: value})
