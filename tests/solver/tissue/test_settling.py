"""What settles at once: the steady level that supply, use and diffusion agree on, from wherever it starts."""

import dataclasses

import numpy as np
import pytest
from scipy.sparse import diags, identity, kron
from scipy.sparse.linalg import spsolve

import collagensim as cs
from collagensim.biology import dermal_architecture
from collagensim.errors import SolveError
from collagensim.model import (
    Architecture,
    Model,
    Motion,
    Parameter,
    Relaxation,
    Settled,
    Source,
    Species,
    evaluate,
)
from collagensim.solver.tissue import settling
from collagensim.solver.tissue.diffusion import Diffuser
from collagensim.solver.tissue.laws import Levels
from collagensim.solver.tissue.space import block_of
from collagensim.solver.tissue.stages import diffuse, new_senses, secrete, sense, step
from collagensim.solver.tissue.world import resting_state, world_of

SKIN = cs.Skin()
SMALL = {"width_mm": 0.32, "depth_mm": 0.32, "slab_um": 200.0}
GUESS = Source("", kind="assumed")


def parameter(name, unit, value):
    return Parameter(name, value, unit, 0.0, 1e9, GUESS, "assumed")


def dermal_world(**given):
    return world_of(cs.dermal_healing(), SKIN, block_of(SKIN, **{**SMALL, **given}), dermal_architecture(), 1)


REACH, SOURCE, USE, LINEAR = 80.0, 100.0, 1.5, 1e6


def gas_world(voxel_um):
    """A tissue of eaters and vessels alone; the use of its gas is linear at any level that it can have."""
    eaters = Species("eaters", "cell/mm^3", "cell", 1000.0)
    vessels = Species("vessels", "1", "matrix", 1.0)
    use = parameter("use_of_one", "mmHg*mm^3/cell", USE * LINEAR / 1000.0)
    gas = Settled(
        "gas", "mmHg", "a gas", supply=vessels, source=parameter("in_blood", "mmHg", SOURCE),
        use=use * eaters, half_use=parameter("half", "mmHg", LINEAR),
    )  # fmt: skip
    still = [parameter(name, unit, 0.0) for name, unit in (("still", "um/day"), ("no_pull", "um"))]
    keeps, unled = parameter("keeps", "day", 1.0), parameter("unled", "1", 0.0)
    motion = Motion(eaters, still[0], keeps, still[1], unled, {})
    spreads = Relaxation(
        gas, parameter("pace", "1/day", 100.0), parameter("spread", "um^2/day", 100.0 * REACH**2)
    )
    model = Model(
        "gas_alone", [eaters, vessels], [gas], zone_radius=parameter("zone", "um", 250.0),
    )  # fmt: skip
    lies = Architecture([motion], parameter("senses", "um", 0.0), relaxations=[spreads])
    block = block_of(SKIN, width_mm=0.48, depth_mm=0.48, voxel_um=voxel_um)
    return world_of(model, SKIN, block, lies, 1)


def feel(world, levels):
    """Senses of a tissue where every species has the level (n_species, nz, ny, nx) that is given, and its laws."""
    senses, n = new_senses(world), world.block.n_voxels
    flat = levels.reshape(-1, n)
    n_columns = n // world.block.shape[0]
    senses.levels = Levels(
        flat[world.cells], flat[world.matrix], flat[world.soluble].astype(np.float32),
        np.ascontiguousarray(flat[world.surface, :n_columns]), world.order,
    )  # fmt: skip
    senses.actors[:] = flat[world.cells]
    world.laws.act(senses.levels, senses.actors, 0.01, senses.acts)
    return senses


def resting_levels(world):
    rows = world.resting[world.block.layer]
    return np.ascontiguousarray(
        np.broadcast_to(rows.T[:, :, None, None], (rows.shape[1], *world.block.shape))
    )


def settled(world, levels):
    """The level that is found, (nz, ny, nx)."""
    state, senses = resting_state(world), feel(world, levels)
    settling.settle_fields(world, state, senses)
    return state.soluble[world.settlings[0].field]


def laplacian(shape):
    """Differences to the neighbours in z and x of a slice, as a matrix."""

    def along(n, ends):
        found = diags([np.ones(n - 1), np.full(n, -2.0), np.ones(n - 1)], [-1, 0, 1]).tolil()
        if ends == "closed":
            found[0, 0] = found[-1, -1] = -1.0
        else:
            found[0, -1] = found[-1, 0] = 1.0
        return found

    nz, _, nx = shape
    return (kron(along(nz, "closed"), identity(nx)) + kron(identity(nz), along(nx, "periodic"))).tocsr()


def by_newton(world, levels):
    """The slow twin: Newton's method on the whole equation at once, damped where a level would turn negative."""
    block, each, spreads = world.block, world.settlings[0], world.architecture.relaxations[0]
    values = {name: float(np.ravel(value)[0]) for name, value in world.bound.parameters.items()}
    values |= {name: value.ravel() for name, value in world.inputs().items()}
    values |= {s.name: levels[i].ravel() for i, s in enumerate(world.model.species)}
    supply, source, use, half = (
        np.broadcast_to(evaluate(getattr(each.of, part).node, values), block.n_voxels)
        for part in ("supply", "source", "use", "half_use")
    )
    spread = laplacian(block.shape) * (spreads.um2_per_day / block.voxel_um**2 / spreads.per_day)
    rest = np.repeat(each.rest, block.shape[2])
    share = np.full(block.n_voxels, 0.5)
    for _ in range(200):
        level = share * rest
        lacks = spread @ share + (supply * (source - level) - use * level / (level + half)) / rest
        slope = spread - diags(supply + use * half / (level + half) ** 2)
        change = spsolve(slope.tocsc(), -lacks)
        share = np.where(share + change < 0.0, 0.1 * share, share + change)
        if np.abs(change).max() < 1e-13:
            return (share * rest).reshape(block.shape)
    raise AssertionError("the reference has not converged")


def patchy(world, seed):
    """Levels of a wound: vessels here and there, a crowd on one side, a start of the field far from its balance."""
    random, levels = np.random.default_rng(seed), resting_levels(world).copy()
    names = list(world.model.species_names)
    shape = world.block.shape
    levels[names.index("capillary_density")] *= random.random(shape) < 0.3
    crowd = random.lognormal(7.0, 1.5, shape) * (np.arange(shape[2]) < shape[2] // 3)
    levels[names.index("neutrophils")] = crowd
    levels[world.settlings[0].species] *= random.uniform(0.0, 2.0, shape)
    return levels


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_field_found_solves_the_steady_equation_from_any_start(seed):
    world = dermal_world()
    levels = patchy(world, seed)
    found, expected = settled(world, levels), by_newton(world, levels)
    assert expected.min() < 1.0  # there is want ...
    assert expected.max() > 5.0  # ... and plenty, compared with the half-use of 1 mmHg
    # The last tangent leaves no more than this, by what it has changed.
    assert np.abs(found - expected).max() < settling.CLOSE * world.settlings[0].rest.max()


def test_it_comes_as_near_as_it_is_asked_to(monkeypatch):
    monkeypatch.setattr(settling, "CLOSE", 1e-5)
    world = dermal_world()
    levels = patchy(world, 4)
    # And single precision: levels are differences of numbers of the size of the source.
    close = 1e-5 * world.settlings[0].rest.max() + 10 * np.finfo(np.float32).eps * 95.0
    assert np.abs(settled(world, levels) - by_newton(world, levels)).max() < close


@pytest.mark.parametrize(("shape", "edge"), [((48, 1, 64), 10.0), ((16, 16, 32), 20.0)])
@pytest.mark.parametrize("reach", [30.0, 90.0, 250.0])
def test_a_cycle_leaves_less_than_a_fifth_to_go(shape, edge, reach):
    random = np.random.default_rng(1)
    field, source = (random.uniform(0.0, 2.0, (1, *shape)) for _ in range(2))
    loss = random.lognormal(0.0, 1.0, (1, *shape))
    diffuser = Diffuser(shape, edge, [reach**2], np.float64)
    steady = field.copy()
    diffuser.steady(steady, source, loss, tolerance=1e-12)
    for _ in range(5):
        before = np.linalg.norm(field - steady)
        diffuser.approach(field, source, loss)
        # Of what a coarser grid cannot see a red-black sweep leaves 1/4 in a plane and 4/9 in space; a cycle has two.
        assert np.linalg.norm(field - steady) < 0.2 * before


def test_rest_is_rest_although_layers_rest_at_different_levels():
    world = dermal_world(depth_mm=0.8)
    assert np.ptp(world.settlings[0].rest) > 1.0
    found = settled(world, resting_levels(world))
    rest = world.settlings[0].rest[:, None, None]
    # Roundings of single precision, of numbers up to three times the level at rest.
    assert np.abs(found / rest - 1.0).max() < 10 * 3 * np.finfo(np.float32).eps


def exact(world):
    """Where vessels supply the upper half alone: (nz,) at the middles of the rows, by hand.

    Above, REACH^2 f'' + (L - f) - u f = 0, below REACH^2 f'' - u f = 0, no flux at top and bottom, level and slope the
    same where they meet.
    """
    height = world.block.size_um[0] / 2.0
    z = (np.arange(world.block.shape[0]) + 0.5) * world.block.voxel_um
    above, below = REACH / np.sqrt(1.0 + USE), REACH / np.sqrt(USE)
    far = SOURCE / (1.0 + USE)
    a, b = height / above, height / below
    # far - p cosh(a) = q cosh(b) and p sinh(a) / above = q sinh(b) / below.
    q = far / (np.cosh(b) + np.sinh(b) / np.sinh(a) * above / below * np.cosh(a))
    p = q * np.sinh(b) / np.sinh(a) * above / below
    return np.where(z < height, far - p * np.cosh(z / above), q * np.cosh((2.0 * height - z) / below))


def test_its_error_falls_with_the_square_of_the_voxel(monkeypatch):
    monkeypatch.setattr(settling, "CLOSE", 1e-6)
    errors = []
    for voxel_um in (15.0, 7.5, 3.75):
        world = gas_world(voxel_um)
        assert world.block.size_um[0] == 480.0
        levels = resting_levels(world).copy()
        levels[list(world.model.species_names).index("vessels"), world.block.shape[0] // 2 :] = 0.0
        errors.append(np.abs(settled(world, levels)[:, 0, 0] - exact(world)).max())
    # Central differences are of order two, also across a jump of the supply that lies between voxels.
    orders = np.log2(np.array(errors[:-1]) / errors[1:])
    assert np.all((orders > 1.8) & (orders < 2.1))


def test_a_step_leaves_the_field_in_balance_with_what_was_sensed():
    world = dermal_world()
    state, senses = resting_state(world), new_senses(world)
    for _ in range(3):
        step(world, state, senses, 1)
    for days in (1.0 / 288.0, 1.0 / 24.0):
        sense(world, state, senses, 0.0)
        rows = [np.array(senses.levels[i]) for i in range(len(world.model.species))]
        levels = np.stack(rows).reshape(-1, *world.block.shape)
        secrete(world, state, senses, days)
        diffuse(world, state, senses, days)
        found = state.soluble[world.settlings[0].field]
        # As above: it knows no length of a step.
        close = 0.5 * settling.CLOSE * world.settlings[0].rest.max()
        assert np.abs(found - by_newton(world, levels)).max() < close


def test_a_field_that_finds_no_balance_is_told_of(monkeypatch):
    monkeypatch.setattr(settling, "MOST_TANGENTS", 1)
    world = dermal_world()
    with pytest.raises(SolveError, match="'oxygen' has found no balance in 1 tangents"):
        settled(world, patchy(world, 5))


def test_a_cell_counts_as_much_as_its_unit_says():
    """With a unit in which a cell per mm^3 is worth 0.25, four times as many cells make the same densities."""
    world = dermal_world(slab_um=2000.0)
    quarter = dataclasses.replace(world, per_cell=np.full(world.n_kinds, 0.25))
    numbers = []
    for each in (world, quarter):
        state, senses = resting_state(each), new_senses(each)
        sense(each, state, senses, 0.0)
        volume = each.block.n_voxels * each.block.voxel_mm3
        counted = np.bincount(state.kind, minlength=each.n_kinds)
        np.testing.assert_allclose(senses.actors.mean(axis=1), counted / volume * each.per_cell, rtol=1e-12)
        numbers.append(counted.sum())
    # Both are Poisson: five standard deviations of the difference.
    assert abs(numbers[1] - 4 * numbers[0]) < 5.0 * np.sqrt(numbers[1] + 16 * numbers[0])
