"""The same seed gives the same bits: for any number of threads, and from machine code that is new or kept.

Alone or beside other seeds: `tests/analysis/test_replicates.py`; straight on or gone on with: `test_branch.py`;
whatever is written down: `test_run.py`.
"""

import os
import subprocess
import sys

import numpy as np
import pytest

import collagensim as cs
from collagensim.biology import dermal_architecture
from collagensim.solver.compiled import kernels_of
from collagensim.solver.tissue.diffusion import Diffuser
from collagensim.solver.tissue.space import block_of
from collagensim.solver.tissue.stages import GROUPED, fate, new_senses, secrete, sense, step
from collagensim.solver.tissue.workers import Workers
from collagensim.solver.tissue.world import TICKS, resting_state, world_of
from collagensim.solver.tissue.wound import wound
from collagensim.treatment import injure

SKIN = cs.Skin()
SESSION = cs.Session(device="pen", depth_mm=0.5, density_per_cm2=4000)
COURSE = """
import collagensim as cs
session = cs.Session(device="pen", depth_mm=0.3, density_per_cm2=4000)
tissue = cs.simulate_tissue(
    cs.Skin(), cs.Protocol([(0, session)]), days=0.1, width_mm=0.32, depth_mm=0.32, slab_um=200.0, progress=False
)
print(tissue.statistics["digest"])
"""


def struck(threads):
    block = block_of(SKIN, width_mm=0.6, depth_mm=0.6, slab_um=200.0)
    world = world_of(cs.dermal_healing(), SKIN, block, dermal_architecture(), 1, threads=threads)
    state = resting_state(world)
    assert len(wound(world, state, injure(SKIN, SESSION), 0))
    return world, state


def digest_after(n_steps, threads):
    world, state = struck(threads)
    senses = new_senses(world)
    for k in range(n_steps):
        step(world, state, senses, 1 if k < n_steps // 2 else 6)
    return state.digest()


def test_a_tissue_has_the_same_bits_for_any_number_of_threads():
    # Three do not part a grid of 40 rows evenly.
    assert len({digest_after(12, threads) for threads in (1, 2, 3)}) == 1


def test_the_order_of_cells_matters_in_no_bit():
    """They are laid out anew by kind and voxel from time to time, so that neighbours in memory read the same voxels."""
    found = []
    for mixed in (False, True):
        world, state = struck(1)
        if mixed:
            state.renew(np.random.default_rng(5).permutation(state.n_cells))
        senses = new_senses(world)
        for _ in range(4):
            step(world, state, senses, GROUPED // 2)
        by_name = np.argsort(state.identity)
        cells = state.kind, state.position, state.direction, state.identity, state.births
        fields = state.soluble, state.matrix, state.surface, state.made, state.fibres.orientation
        found.append([*(values[by_name] for values in cells), *fields])
    for one, other in zip(*found, strict=True):
        np.testing.assert_array_equal(one, other)


def test_cells_are_grouped_by_kind_and_voxel_at_their_tick_alone():
    for tick, grouped in ((GROUPED - 2, False), (GROUPED - 1, True)):
        world, state = struck(1)
        state.renew(np.random.default_rng(6).permutation(state.n_cells))
        senses, state.tick = new_senses(world), tick
        for stage in (sense, secrete, fate):
            stage(world, state, senses, 1.0 / TICKS)
        # Newcomers stand behind, in no order.
        voxel = np.empty(state.n_cells, dtype=np.int64)
        kernels_of("cells").voxels_of(
            state.position, world.block.edges_um, np.array(world.block.shape), voxel
        )
        falls = np.count_nonzero(np.diff(state.kind * world.block.n_voxels + voxel) < 0)
        assert (falls < 20) == grouped


# Of 48 rows the planes' packs are odd in number, and the last has no partner.
@pytest.mark.parametrize(("how", "rows"), [("by waves", 128), ("by waves", 48), ("by cycles", 128)])
def test_fields_have_the_same_bits_whoever_steps_them(how, rows):
    """A thread's memory holds what another field left there."""
    random, shape = np.random.default_rng(3), (5, rows, 1, 128)
    source, loss = (random.random(shape).astype(np.float32) for _ in range(2))
    if how == "by waves":
        loss[:] = loss[:, :1, :, :1]
    start = random.random(shape).astype(np.float32)
    found = []
    for threads, which in ((1, [0, 1, 2, 3, 4]), (1, [4, 2, 0, 3, 1]), (4, [0, 1, 2, 3, 4])):
        diffuser = Diffuser(shape[1:], 10.0, np.geomspace(1e4, 1e6, 5), workers=Workers(threads))
        fields = start.copy()
        for _ in range(12):
            diffuser.step(fields, source, loss, 0.01, which=which)
        found.append(fields)
    np.testing.assert_array_equal(found[1], found[0])
    np.testing.assert_array_equal(found[2], found[0])


def digest_of_a_process(cache):
    run = subprocess.run(
        [sys.executable, "-c", COURSE], capture_output=True, text=True, check=True,
        env={**os.environ, "COLLAGENSIM_CACHE": str(cache), "NUMBA_CACHE_DIR": str(cache)},
    )  # fmt: skip
    return run.stdout.strip(), "compiling" in run.stderr


@pytest.mark.long
@pytest.mark.timeout(1200)
def test_machine_code_that_is_new_and_kept_gives_the_same_bits(tmp_path):
    new, compiles = digest_of_a_process(tmp_path)
    kept, compiles_again = digest_of_a_process(tmp_path)
    assert compiles
    assert not compiles_again
    assert new == kept
