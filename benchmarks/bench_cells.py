"""Updates of single cells per CPU second on one core, in a slice of 200 x 300 voxels of 10 um, and Mesa's beside them.

An update is a cell's whole share of a step: it walks, up a gradient and along fibres, is found in its voxel, sorted and
counted, reads its hazards there and lives, dies or divides; with pushing it also gives way to neighbours. As in a
tissue kinds share what they climb, and cells are laid out anew by kind and voxel every few steps, which counts too.
Mesa's agents walk without gradient or fibres, read a field, die or divide. The best of the rounds is taken: what else
runs on the machine only adds.
"""

import importlib.metadata
import math
import time

import numpy as np
import pytest
from long import load_average, recorded, write

from collagensim.kernels import cells, fates, fibres
from collagensim.solver.tissue.stages import GROUPED

SHAPE, EDGE_UM, N_KINDS, N_CELLS = (200, 1, 300), 10.0, 6, 10_000
DAYS, SEED, WALK = 10.0 / 1440.0, 1, 8
RADIUS_UM, SENSING_UM = 6.0, 50.0
ROUNDS = 300
CLIMBS, ROOMS, N_FIELDS = [0, 1, 1, 2, 2, 3], [0, 0, 0, 1, 1, 0], 4
SENSITIVITY = 4.0
RATE = 0.2  # 1/day, at which cells die, and divide, where the field is 1


class Slice:
    """Cells in a slice and all memory that a step needs."""

    def __init__(self, n=N_CELLS):
        random = np.random.default_rng(SEED)
        n_voxels = math.prod(SHAPE)
        self.edges = np.full(3, EDGE_UM)
        self.kind = random.integers(0, N_KINDS, n)
        self.position = random.random((n, 3)) * SHAPE * self.edges
        self.direction = random.normal(size=(n, 3))
        self.direction /= np.linalg.norm(self.direction, axis=1)[:, None]
        self.identity = random.integers(1, 2**64, n, dtype=np.uint64)
        self.speed, self.persistence = np.full(N_KINDS, 360.0), np.full(N_KINDS, 0.125)
        self.strength, self.guided = np.full(N_KINDS, 50.0), np.full(N_KINDS, 0.5)
        self.climbs, self.attraction = np.array(CLIMBS), random.random((N_FIELDS, *SHAPE))
        self.fibres = random.uniform(-0.5, 0.5, (2, n_voxels))
        self.rooms, self.room = np.array(ROOMS), np.ones((2, *SHAPE))
        self.axes, self.who = np.empty((n, 3)), np.empty(fibres.CHUNK, np.int64)
        self.noted = np.empty((fibres.N_NOTED, fibres.CHUNK))
        self.voxel, self.order = np.empty(n, np.int64), np.empty(n, np.int64)
        self.start, self.counts = np.empty(n_voxels + 1, np.int64), np.empty((N_KINDS, *SHAPE))
        self.shift, self.felt = np.empty((n, 3)), np.empty_like(self.counts)
        self.begin, self.by_kind = np.empty(N_KINDS + 1, np.int64), np.empty(n, np.int64)
        self.walks, self.names = np.empty(cells.N_WALK), np.empty(cells.CHUNK, np.uint64)
        self.paths = np.empty((cells.N_NOTED, cells.CHUNK))
        self.weights = cells.sight(SENSING_UM / EDGE_UM, 2)
        self.padded = np.empty(SHAPE[2] + 2 * (self.weights.size - 1))
        self.scratch = np.empty(SHAPE)
        # Of each kind the first event is its death, the second its division.
        self.hazard, self.first = RATE * random.random((2 * N_KINDS, n_voxels)), 2 * np.arange(N_KINDS + 1)
        self.chosen, self.births = np.empty(n, np.int64), np.zeros(n, np.int64)
        self.luck, self.per = np.empty((fates.N_NOTED, fates.CHUNK)), np.ones(N_KINDS)
        self.tick = 0
        self.find()
        self.group()

    def arrays(self):
        return self.kind, self.position, self.direction, self.identity, self.births

    def group(self):
        order = np.argsort(self.kind * (self.start.size - 1) + self.voxel, kind="stable")
        found = [np.empty_like(values) for values in self.arrays()]
        cells.pick(order, *self.arrays(), *found)
        self.kind, self.position, self.direction, self.identity, self.births = found

    def walk(self):
        fibres.axes_at(
            self.fibres, self.kind, self.voxel, self.guided, SENSITIVITY, self.axes, self.who, self.noted
        )
        cells.sort_cells(self.kind, N_KINDS, self.begin, self.by_kind)
        for k in range(N_KINDS):
            who = self.by_kind[self.begin[k] : self.begin[k + 1]]
            cells.move(
                who, self.position, self.direction, self.identity, self.speed[k], self.persistence[k], self.climbs[k],
                self.attraction, self.strength[k], self.axes[who], self.guided[k], self.rooms[k], self.room, DAYS, 1,
                SEED, WALK, self.tick, 1, self.edges, self.walks, self.paths, self.names,
            )  # fmt: skip
        self.tick += 1

    def find(self):
        cells.voxels_of(self.position, self.edges, SHAPE, self.voxel)
        cells.sort_cells(self.voxel, self.start.size - 1, self.start, self.order)
        cells.count(self.kind, self.voxel, N_KINDS, self.counts.reshape(N_KINDS, -1))

    def live(self):
        """Find who dies and divides, lay out the survivors and the daughters; the cells stay those they are."""
        fates.choose_fates(
            self.kind, self.voxel, self.identity, self.hazard, self.first, SEED, self.tick, DAYS, self.chosen, self.luck
        )  # fmt: skip
        struck = np.flatnonzero(self.chosen >= 0)
        divides, alive = self.chosen[struck] % 2 == 1, np.ones(self.kind.size, dtype=bool)
        mothers, alive[struck[~divides]] = struck[divides], False
        n = mothers.size
        born = np.empty((n, 3)), np.empty((n, 3)), np.empty(n, np.uint64)
        fates.bear(
            mothers, self.identity, self.births, self.position, self.direction, SEED, self.tick, SHAPE[1], *born
        )  # fmt: skip
        left = np.flatnonzero(alive)
        found = [np.empty((left.size + n, *values.shape[1:]), values.dtype) for values in self.arrays()]
        cells.pick(left, *self.arrays(), *found)
        for values, new in zip(found, (self.kind[mothers], *born, 0), strict=True):
            values[left.size :] = new
        return found

    def push(self):
        cells.repel(self.position, self.start, self.order, RADIUS_UM, 0.5, 2.0, self.edges, SHAPE, self.shift)
        cells.displace(self.position, self.direction, self.shift, self.edges, SHAPE)

    def sense(self):
        present = np.bincount(self.kind, minlength=N_KINDS)
        cells.sense(self.counts, present, self.per, self.weights, self.felt, self.scratch, self.padded)


def mesa_step(n=N_CELLS):
    """One step of cells in Mesa's continuous space: they walk, read a field where they are, die or divide.

    None where Mesa is not installed.
    """
    try:
        import mesa
        from mesa.space import ContinuousSpace
    except ImportError:
        return None

    field = np.random.default_rng(SEED).random((SHAPE[0], SHAPE[2])).tolist()  # indexed faster than an array

    class Cell(mesa.Agent):
        def __init__(self, model, place):
            super().__init__(model)
            self.angle = model.random.uniform(0.0, 2.0 * math.pi)
            model.space.place_agent(self, place)

        def step(self):
            random, space = self.model.random, self.model.space
            self.angle += random.gauss(0.0, 0.3)
            z, x = self.pos
            pace = 360.0 * DAYS
            space.move_agent(self, (z + pace * math.cos(self.angle), x + pace * math.sin(self.angle)))
            z, x = self.pos
            chance, luck = RATE * DAYS * field[int(z / EDGE_UM)][int(x / EDGE_UM)], random.random()
            if luck < chance:
                space.remove_agent(self)
                self.remove()
            elif luck < 2.0 * chance:
                Cell(self.model, self.pos)

    model = mesa.Model(seed=SEED)
    model.space = ContinuousSpace(SHAPE[0] * EDGE_UM, SHAPE[2] * EDGE_UM, torus=True)
    for _ in range(n):
        Cell(
            model,
            (model.random.uniform(0.0, model.space.width), model.random.uniform(0.0, model.space.height)),
        )
    return lambda: model.agents.do("step")


def best(step, rounds=ROUNDS):
    """CPU seconds of the fastest of some rounds, after one that compiles."""
    step()
    found = []
    for _ in range(rounds):
        begun = time.process_time()
        step()
        found.append(time.process_time() - begun)
    return min(found)


def compare(rounds=ROUNDS):
    """Figures of all parts of a step, per cell and per second."""
    tissue = Slice()
    parts = {
        name: best(getattr(tissue, name), rounds)
        for name in ("group", "walk", "find", "live", "push", "sense")
    }
    alone = parts["group"] / GROUPED + parts["walk"] + parts["find"] + parts["live"]
    pushed = alone + parts["push"]
    figures = {"load": load_average()}
    for name in ("group", "walk", "find", "live", "push"):
        figures[f"{name}_ns_per_cell"] = round(1e9 * parts[name] / N_CELLS, 1)
    figures["sense_ms"] = round(1e3 * parts["sense"], 2)
    figures["updates_per_s"] = round(N_CELLS / alone)
    figures["updates_per_s_with_pushing"] = round(N_CELLS / pushed)
    peer = mesa_step()
    if peer is None:
        figures["mesa"] = "not installed"
    else:
        seconds = best(peer, rounds=3)
        figures["mesa"] = importlib.metadata.version("mesa")
        figures["mesa_updates_per_s"] = round(N_CELLS / seconds)
        figures["over_mesa"] = round(seconds / alone)
    return figures


def test_updates_of_cells(benchmark):
    figures = compare(rounds=50)
    benchmark.extra_info.update(figures)
    tissue = Slice()
    benchmark.pedantic(lambda: (tissue.walk(), tissue.find(), tissue.live()), rounds=20, warmup_rounds=1)
    print(f"\n{N_CELLS} cells on one core: {figures}")
    if figures["mesa"] == "not installed":
        pytest.skip("Mesa is not installed: nothing to compare with")
    assert figures["over_mesa"] > 0.5 * recorded("cells")["over_mesa"]


if __name__ == "__main__":
    write("cells", compare())
