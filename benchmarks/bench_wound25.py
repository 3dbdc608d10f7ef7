"""One trajectory of wound25: this package against libRoadRunner and SciPy's LSODA at equal error, interleaved.

For each solver the coarsest tolerance of its ladder whose error is at most `TARGET` is taken. What can be done once is
done before the clock starts, on all sides: compiling, binding parameters, tolerances. ``engine`` is the stepper with
the jumps of the sessions; ``cs.solve`` also checks, binds, labels and writes down where all came from.
"""

import statistics
import time

import numpy as np
import peers
import pytest
from long import load_average, recorded, write
from problems import wound25

import collagensim as cs
from collagensim.solver.engine import Engine, Limits
from collagensim.solver.system import Bound, Space

TARGET = 1e-5
ROUNDS = 15
# Rungs lie a sixth apart where the solvers meet the target.
LADDER = (1e-4, 5e-5, 3e-5, 2.5e-5, 2.1e-5, 1.8e-5, 1.5e-5, 1.3e-5, 1.1e-5, 1e-5, 7e-6, 5e-6, 3e-6, 1e-6)
PEER_LADDER = (
    3e-6, 2.5e-6, 2.1e-6, 1.8e-6, 1.5e-6, 1e-6, 7e-7, 5e-7, 4.3e-7, 3.6e-7, 3e-7, 2.5e-7, 2e-7, 1.5e-7, 1e-7, 5e-8,
)  # fmt: skip
KEPT, ADDED = np.ones(len(wound25.STATES)), np.zeros(len(wound25.STATES))
for name, share in {"K": 0.7, "EC": 0.9, "CX": 0.98}.items():
    KEPT[list(wound25.STATES).index(name)] = share
for name, amount in {"D": 0.6, "DA": 1.0}.items():
    ADDED[list(wound25.STATES).index(name)] = amount
NAMES = ("libRoadRunner", "SciPy odeint", "SciPy solve_ivp LSODA")


class Trajectory:
    """The six sessions through an engine that is built once; a call returns daily states (366, 25) and seconds."""

    def __init__(self, rtol):
        bound = Bound(wound25.model(), Space(), {})
        bound.renew()
        self.engine = Engine(bound, peers.NO_LINKS, Limits(rtol=rtol))
        self.start = wound25.start()
        self.rows = np.empty((1, wound25.TIMES.size, len(wound25.STATES)))
        self.spans = [
            (days[-1:], days[None], self.rows[:, int(days[0]) : int(days[-1]) + 1])
            for _, days in peers.spans()
        ]

    def __call__(self):
        begun = time.perf_counter()
        engine = self.engine
        engine.time[:] = 0.0
        state = engine.state[0, 0]
        state[:] = self.rows[0, 0] = self.start
        for until, days, rows in self.spans:
            jump(state)
            engine.restart()
            engine.run(until, days, rows)
        return self.rows[0], time.perf_counter() - begun

    def counts(self):
        """What one trajectory costs."""
        self.engine.counts[:] = 0
        self()
        found = self.engine.statistics()
        del found["seconds"]
        return found


def jump(state):
    """Apply a session to states (..., 25) in place; `wound25.jump` says the same slowly."""
    state *= KEPT
    state += ADDED


def labelled(rtol):
    """As `Trajectory`, through ``cs.solve``."""

    def run():
        begun = time.perf_counter()
        response = cs.solve(
            wound25.model(), until=wound25.END, times=wound25.TIMES, events=wound25.events(), rtol=rtol
        )
        seconds = time.perf_counter() - begun
        return np.stack([response.data[name.lower()].values for name in wound25.STATES], axis=1), seconds

    return run


def coarsest(make, ladder):
    """The coarsest tolerance that meets the target, its error, and what runs with it."""
    for rtol in ladder:
        run = make(rtol)
        error = wound25.error(run()[0], peers.reference())
        if error <= TARGET:
            return rtol, error, run
    raise AssertionError(f"no tolerance meets {TARGET:g}: {error:g} at {rtol:g}")


def compare(rounds=ROUNDS):
    """Figures of all solvers from rounds in which each runs twice.

    The second time counts: the first finds code and data as the solver before it left them, which costs the
    fastest most.
    """
    runs, figures = {}, {"target": TARGET, "rounds": rounds}
    rtol, error, runs["engine"] = coarsest(Trajectory, LADDER)
    runs["cs.solve"] = labelled(rtol)
    runs["cs.solve"]()
    figures["engine"] = {"rtol": rtol, "error": error, **runs["engine"].counts()}
    figures["cs.solve"] = {"rtol": rtol, "error": error}
    for name, peer in peers.peers().items():
        if name in NAMES:
            rtol, error, runs[name] = coarsest(lambda rtol, peer=peer: lambda: peer(rtol), PEER_LADDER)
            figures[name] = {"rtol": rtol, "error": error}
    times = {name: [] for name in runs}
    before = load_average()
    for _ in range(rounds):
        for name, run in runs.items():
            run()
            times[name].append(1e3 * run()[1])
    # The best of each: what else runs on the machine only adds, and it does not add to all alike.
    ours = min(times["engine"])
    for name, found in times.items():
        figures[name].update(
            ms=round(statistics.median(found), 3),
            best_ms=round(min(found), 3),
            over_engine=round(min(found) / ours, 2),
        )
    return {**figures, "load": [before, load_average()]}


def check(figures, kept):
    """Hold figures against those kept: the same work, and not twice as slow against the same peer."""
    for count in ("steps", "rejected", "evaluations", "factorisations"):
        # Another processor rounds otherwise, which moves a step or two.
        assert figures["engine"][count] <= 1.02 * kept["engine"][count] + 8, count
    for name in NAMES:
        if name in figures and name in kept:
            assert figures[name]["over_engine"] > 0.5 * kept[name]["over_engine"], name


def test_the_fast_jump_is_the_jump():
    state = np.random.default_rng(3).uniform(0.1, 2.0, 25)
    expected = wound25.jump(state)
    jump(state)
    np.testing.assert_array_equal(state, expected)


@pytest.mark.timeout(300)
def test_one_trajectory(benchmark):
    figures = compare(rounds=5)
    benchmark.extra_info.update({name: str(value) for name, value in figures.items()})
    benchmark.pedantic(Trajectory(figures["engine"]["rtol"]), rounds=10, warmup_rounds=1)
    print(f"\nwound25 at error {TARGET:g}: {figures}")
    check(figures, recorded("wound25"))


if __name__ == "__main__":
    write("wound25", compare())
