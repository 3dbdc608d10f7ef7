"""A tissue of 2 x 3 mm at 10 um with ten thousand cells, and a block of it: what a step costs, and so a month.

The short form times steps of 15 minutes in the first day after a session, when cells are busiest, states what 28 days
would take at that cost with the steps that a course takes, and lays the laws beside the same text on NumPy's arrays.
``python benchmarks/bench_tissue.py`` records that; ``month`` or ``year`` after it run a whole month, or a year with
five sessions.
"""

import sys
import time

import numpy as np
import pytest
from long import load_average, recorded, write

import collagensim as cs
from collagensim.biology import dermal_architecture
from collagensim.solver.tissue.course import PACE, timetable
from collagensim.solver.tissue.space import block_of
from collagensim.solver.tissue.stages import STAGES, new_senses, sense
from collagensim.solver.tissue.world import TICKS, resting_state, world_of
from collagensim.solver.tissue.wound import wound
from collagensim.treatment import injure

SKIN = cs.Skin(site="back")
SESSION = cs.Session(device="pen", depth_mm=1.5, density_per_cm2=1000)
WIDTH_MM, DEPTH_MM, CELLS = 3.0, 2.0, 10_000
BLOCK = {"width_mm": 0.64, "breadth_mm": 0.64, "depth_mm": 0.64}
SERIES = (0, 30, 60, 90, 120)  # days of the sessions of a year
AGENTS = ("fate", "move")  # stages that work cell by cell


def slab():
    """Thickness [um] with which the slice holds ten thousand cells at rest."""
    block = block_of(SKIN, width_mm=WIDTH_MM, depth_mm=depth())
    world = world_of(cs.dermal_healing(), SKIN, block, dermal_architecture(), 1)
    per_um = resting_state(world).n_cells / block.slab_um
    return CELLS / per_um


def depth():
    return min(DEPTH_MM, SKIN.dermal_thickness_mm)


def steps_in(days, sessions=(0,)):
    """Steps that a course with sessions on those days takes."""
    return len(timetable(cs.Protocol([(day, SESSION) for day in sessions]), days))


def struck(**piece):
    """World and state just after a session, by default of the whole slice."""
    piece = piece or {"width_mm": WIDTH_MM, "depth_mm": depth(), "slab_um": slab()}
    world = world_of(cs.dermal_healing(), SKIN, block_of(SKIN, **piece), dermal_architecture(), 1)
    state = resting_state(world)
    wound(world, state, injure(SKIN, SESSION), 0)
    return world, state


def timed(world, state, senses, n_steps):
    """CPU seconds of each stage, the least of several steps: what else runs on the machine only adds."""
    found = {stage.__name__: [] for stage in STAGES}
    for _ in range(n_steps):
        for stage in STAGES:
            begun = time.process_time()
            stage(world, state, senses, PACE[0][1] / TICKS)
            found[stage.__name__].append(time.process_time() - begun)
        state.tick += PACE[0][1]
    return {name: min(seconds[5:]) for name, seconds in found.items()}


def laws_by_numpy(world, senses):
    """Seconds of the laws' text on NumPy's arrays over all voxels."""
    known = {"np": np, "root": lambda x: np.sqrt(np.abs(x)), "smaller": np.minimum}
    exec(world.laws.plan.text, known)  # noqa: S102 - our own text
    p, u, out = world.laws._p[:, 0], world.laws._u[0, :, 0], [None] * world.laws.n_out
    rows = [np.asarray(senses.levels[i], dtype=np.float64) for i in range(len(world.model.species))]
    found = []
    for _ in range(5):
        begun = time.process_time()
        known["voxel_rates"](rows, senses.actors, p, u, out)
        found.append(time.process_time() - begun)
    return min(found)


def figures(n_steps=40):
    """Milliseconds of each stage, the least of several steps, and what follows from them."""
    world, state = struck()
    senses = new_senses(world)
    seconds = timed(world, state, senses, n_steps)
    total = sum(seconds.values())
    sense(world, state, senses, 1.0 / TICKS)
    readings = []
    for _ in range(20):
        begun = time.process_time()
        world.laws.act(senses.levels, senses.actors, 1.0 / TICKS, senses.acts)
        readings.append(time.process_time() - begun)
    return {
        "load": load_average(), "voxels": world.block.n_voxels, "fields": int(world.soluble.size),
        "cells": state.n_cells, "ms_a_step": round(1e3 * total, 2),
        **{f"ms_{name}": round(1e3 * value, 2) for name, value in seconds.items()},
        "ns_a_voxel_and_field": round(1e9 * seconds["diffuse"] / world.block.n_voxels / world.soluble.size, 2),
        "laws_by_numpy_over_ours": round(laws_by_numpy(world, senses) / min(readings), 1),
        "steps_of_28_days": steps_in(28.0), "s_of_28_days": round(total * steps_in(28.0), 1),
        "steps_of_a_year": steps_in(365.0, SERIES), "s_of_a_year": round(total * steps_in(365.0, SERIES), 1),
    }  # fmt: skip


def block_figures(n_steps=20):
    """What a step of a small block costs for a voxel and for a cell."""
    world, state = struck(**BLOCK)
    seconds = timed(world, state, new_senses(world), n_steps)
    of_cells = sum(seconds[name] for name in AGENTS)
    total = sum(seconds.values())
    return {
        "shape": list(world.block.shape), "cells": state.n_cells, "ms_a_step": round(1e3 * total, 2),
        "ns_a_voxel": round(1e9 * (total - of_cells) / world.block.n_voxels, 1),
        "ns_a_cell": round(1e9 * of_cells / state.n_cells, 1),
    }  # fmt: skip


@pytest.mark.timeout(300)
def test_a_step_of_a_tissue(benchmark):
    found = benchmark.pedantic(figures, rounds=1)
    benchmark.extra_info.update(found)
    print(f"\ntissue: {found}")
    assert found["voxels"] >= 30_000
    assert found["cells"] >= 0.5 * CELLS
    assert found["laws_by_numpy_over_ours"] > 0.5 * recorded("tissue")["laws_by_numpy_over_ours"]


@pytest.mark.timeout(300)
def test_a_step_of_a_block(benchmark):
    found = benchmark.pedantic(block_figures, rounds=1)
    benchmark.extra_info.update({name: str(value) for name, value in found.items()})
    print(f"\nblock of tissue: {found}")
    assert found["shape"] == [32, 32, 32]
    assert found["cells"] >= 100


def course(days=28, sessions=(0,)):
    """Seconds of a whole course of the slice, and where they went."""
    begun, load = time.perf_counter(), load_average()
    tissue = cs.simulate_tissue(
        SKIN, cs.Protocol([(day, SESSION) for day in sessions]), days=days, width_mm=WIDTH_MM, depth_mm=depth(),
        slab_um=slab(), progress=False,
    )  # fmt: skip
    seconds, told = time.perf_counter() - begun, tissue.statistics
    return {
        "load": [load, load_average()], "seconds": round(seconds, 1), "steps": told["steps"], "cells": told["cells"],
        "ms_a_step": round(1e3 * seconds / told["steps"], 2), "seconds_of_stages": told["seconds"],
    }  # fmt: skip


def month():
    """One session, 28 days."""
    return course()


def year():
    """Five sessions 30 days apart, 365 days."""
    return course(365, SERIES)


if __name__ == "__main__":
    for asked in sys.argv[1:]:
        write(f"tissue_{asked}", {"month": month, "year": year}[asked]())
    if not sys.argv[1:]:
        write("tissue", {**figures(), "block": block_figures()})
