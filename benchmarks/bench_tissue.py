"""A tissue of 2 x 3 mm at 10 um with twelve fields and ten thousand cells: what a step costs, and so a month.

The short form times steps of five minutes in the first day after a session, when cells are busiest, and states what
28 days would take at that cost, with the steps that a course takes. ``python benchmarks/bench_tissue.py`` runs the
month.
"""

import time

import numpy as np
import pytest

import collagensim as cs
from collagensim.biology import dermal_architecture
from collagensim.solver.tissue.course import PACE
from collagensim.solver.tissue.space import block_of
from collagensim.solver.tissue.stages import new_senses, step
from collagensim.solver.tissue.world import TICKS, resting_state, world_of
from collagensim.solver.tissue.wound import wound
from collagensim.treatment import injure

SKIN = cs.Skin(site="back")
SESSION = cs.Session(device="pen", depth_mm=1.5, density_per_cm2=1000)
WIDTH_MM, DEPTH_MM, CELLS = 3.0, 2.0, 10_000


def slab():
    """Thickness [um] with which the slice holds ten thousand cells at rest."""
    block = block_of(SKIN, width_mm=WIDTH_MM, depth_mm=depth())
    world = world_of(cs.dermal_healing(), SKIN, block, dermal_architecture(), 1)
    per_um = resting_state(world).n_cells / block.slab_um
    return CELLS / per_um


def depth():
    return min(DEPTH_MM, SKIN.dermal_thickness_mm)


def steps_in(days):
    """Steps that a course of one session on day 0 takes."""
    found, start = 0, 0.0
    for until, ticks in PACE:
        end = min(until, days)
        found += round(max(end - start, 0.0) * TICKS / ticks)
        start = max(start, end)
    return found


def struck():
    block = block_of(SKIN, width_mm=WIDTH_MM, depth_mm=depth(), slab_um=slab())
    world = world_of(cs.dermal_healing(), SKIN, block, dermal_architecture(), 1)
    state = resting_state(world)
    wound(world, state, injure(SKIN, SESSION), 0)
    return world, state


def figures(n_steps=40):
    """Milliseconds of each stage, the least of several steps, and what follows from them."""
    world, state = struck()
    senses, seconds = new_senses(world), []
    for _ in range(n_steps):
        seconds.append(step(world, state, senses, 1))
    stages = {name: 1e3 * min(row[name] for row in seconds[5:]) for name in seconds[0]}
    total = sum(stages.values())
    return {
        "voxels": world.block.n_voxels, "fields": int(world.soluble.size), "cells": state.n_cells,
        "ms_a_step": round(total, 2), **{f"ms_{name}": round(value, 2) for name, value in stages.items()},
        "ns_a_voxel_and_field": round(1e6 * stages["diffuse"] / world.block.n_voxels / world.soluble.size, 2),
        "steps_of_28_days": steps_in(28.0), "s_of_28_days": round(1e-3 * total * steps_in(28.0), 1),
        "s_of_a_year": round(1e-3 * total * steps_in(365.0), 1),
    }  # fmt: skip


@pytest.mark.timeout(300)
def test_a_step_of_a_tissue(benchmark):
    found = benchmark.pedantic(figures, rounds=1)
    benchmark.extra_info.update(found)
    print(f"\ntissue: {found}")
    assert found["voxels"] >= 30_000
    assert found["cells"] >= 0.5 * CELLS


def month():
    """Seconds of a whole month."""
    begun = time.perf_counter()
    tissue = cs.simulate_tissue(
        SKIN, cs.Protocol([(0, SESSION)]), days=28, width_mm=WIDTH_MM, depth_mm=depth(), slab_um=slab()
    )
    return time.perf_counter() - begun, tissue.statistics


if __name__ == "__main__":
    print(figures())
    seconds, statistics = month()
    print(f"28 days: {seconds:.1f} s", {k: statistics[k] for k in ("steps", "cells", "seconds")})
    print(np.round(seconds / statistics["steps"] * 1e3, 2), "ms a step")
