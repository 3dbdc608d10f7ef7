"""Many members at once: a thousand parameter sets of wound25, and courses of the whole model.

The peer of the first is libRoadRunner, one trajectory after the other, its parameters set before the clock starts. On
both sides daily rows are kept. Errors are the largest over a sample of members, against this engine at rtol 1e-11.
"""

import functools
import statistics
import time

import numpy as np
import peers
import pytest
from bench_wound25 import jump
from long import load_average, recorded, write
from problems import wound25

import collagensim as cs
from collagensim.solver.engine import Engine, Limits
from collagensim.solver.simulate import simulate_course, simulate_courses
from collagensim.solver.system import Bound, Space

RTOL = 1e-5
# As coarse as an error of at most 1e-5 allows, to a tenth, for us and for the peer.
WOUND_RTOL = 1.3e-5
PEER_RTOL = 2e-7
SAMPLE = 25  # members that are run by the peer and held against the reference
DAYS = 365.0
SKIN = cs.Skin()
PROTOCOL = cs.Protocol.series(
    cs.Session(device="pen", depth_mm=1.5, density_per_cm2=250), sessions=5, spacing_days=30
)


class Ensemble:
    """Parameter sets (N, 104) of wound25, bound once; a call returns daily states (N, 366, 25) and seconds."""

    def __init__(self, sets, rtol, threads=1):
        n = sets.shape[0]
        parameters = {name.lower(): sets[:, i] for i, name in enumerate(wound25.PARAMETERS)}
        bound = Bound(wound25.model(), Space(), {}, parameters)
        bound.renew()
        self.engine = Engine(bound, (*peers.NO_LINKS[:2], np.empty((n, 0))), Limits(rtol=rtol), threads)
        self.spans = [
            (
                np.full(n, days[-1]),
                np.repeat(days[None], n, axis=0),
                np.empty((n, days.size, len(wound25.STATES))),
            )
            for _, days in peers.spans()
        ]
        self.first = np.broadcast_to(wound25.start(), (n, 1, len(wound25.STATES)))

    def __call__(self):
        begun = time.perf_counter()
        engine = self.engine
        engine.time[:] = 0.0
        state = engine.state
        state[:] = self.first
        for until, days, rows in self.spans:
            jump(state)
            engine.restart()
            engine.run(until, days, rows)
        return time.perf_counter() - begun

    def states(self):
        """Daily states of the last call."""
        return np.concatenate([self.first, *(rows for _, _, rows in self.spans)], axis=1)

    def counts(self):
        """What a call costs, all members together."""
        self.engine.counts[:] = 0
        self()
        found = self.engine.statistics()
        del found["seconds"]
        return found


@functools.cache
def one_by_one():
    """LibRoadRunner: parameters (104,) -> daily states, and seconds without setting them; None where it is missing."""
    try:
        import antimony
        import roadrunner
    except ImportError:
        return None
    antimony.clearPreviousLoads()
    assert antimony.loadAntimonyString(wound25.antimony()) >= 0, antimony.getLastError()
    simulator = roadrunner.RoadRunner(antimony.getSBMLString(antimony.getMainModuleName()))
    simulator.timeCourseSelections = list(wound25.STATES)
    simulator.integrator.setValue("relative_tolerance", PEER_RTOL)
    simulator.integrator.setValue("absolute_tolerance", wound25.ATOL_SHARE * PEER_RTOL)

    def run(values):
        simulator.reset()
        for name, value in zip(wound25.PARAMETERS, values, strict=True):
            simulator[name] = value
        begun = time.perf_counter()
        found = simulator.simulate(0.0, wound25.END, wound25.TIMES.size)
        return np.array(found), time.perf_counter() - begun

    return run


def wound25_figures(n=1000, rounds=5):
    """Milliseconds a member on one thread and on two, and libRoadRunner's, taken in turn; of each the best."""
    sets = wound25.parameter_sets(n)
    sample = sets[:SAMPLE]
    exact = Ensemble(sample, 1e-11)
    exact()
    ours = {threads: Ensemble(sets, WOUND_RTOL, threads) for threads in (1, 2)}
    figures = {"members": n, "rtol": WOUND_RTOL, "peer_rtol": PEER_RTOL, **ours[1].counts()}
    ours[2]()
    figures["error"] = worst(ours[1].states()[:SAMPLE], exact.states())
    times, theirs, before, run = {1: [], 2: []}, [], load_average(), one_by_one()
    if run is not None:
        figures["peer_error"] = worst([run(values)[0] for values in sample], exact.states())
    for _ in range(rounds):
        for threads, call in ours.items():
            times[threads].append(1e3 * call() / n)
            if run is not None:
                theirs.append([1e3 * run(values)[1] for values in sample])
    for threads, found in times.items():
        figures[f"ms_a_member_{threads}"] = round(min(found), 4)
    if theirs:
        figures["peer_ms"] = round(float(np.min(theirs, axis=0).mean()), 3)
        for threads in times:
            figures[f"ratio_{threads}"] = round(figures["peer_ms"] / figures[f"ms_a_member_{threads}"], 1)
    return {**figures, "load": [before, load_average()]}


def worst(states, exact):
    """Largest error of members, and the median one."""
    found = [wound25.error(one, other) for one, other in zip(states, exact, strict=True)]
    return {"largest": max(found), "median": statistics.median(found)}


def parameter_sets(n):
    """Sets of the whole model: ten parameters within a tenth of their value and within their range."""
    model, generator = cs.dermal_healing(), np.random.default_rng(11)
    moved = list(model.values)[:: len(model.values) // 10][:10]
    found = []
    for _ in range(n):
        values = {name: model.parameter(name).value * generator.uniform(0.9, 1.1) for name in moved}
        found.append(
            {
                name: float(np.clip(value, model.parameter(name).low, model.parameter(name).high))
                for name, value in values.items()
            }
        )
    return found


def courses(sets, rtol=RTOL, threads=1):
    """Courses of the whole model, and seconds."""
    begun = time.perf_counter()
    found = simulate_courses(
        cs.dermal_healing(), SKIN, PROTOCOL, sets, days=DAYS, rtol=rtol, threads=threads,
        grids=list(np.arange(DAYS + 1.0)),
    )  # fmt: skip
    assert not found.failures
    return found, time.perf_counter() - begun


def alone(rtol=RTOL):
    """The course of one, daily and denser after sessions, and seconds."""
    begun = time.perf_counter()
    found = simulate_course(cs.dermal_healing(), SKIN, PROTOCOL, days=DAYS, rtol=rtol)
    return found, time.perf_counter() - begun


def course_error(values, exact, days, axis):
    """Largest |y - y_ref| / (|y_ref| + 1e-3 max |y_ref|) of the variables over ``axis``, session days left out.

    A species that is gone by its declared scale (platelets) is held to that scale.
    """
    away = ~np.isin(days, PROTOCOL.days)
    typical = {species.name: species.scale or 0.0 for species in cs.dermal_healing().species}
    found = []
    for name, reference in exact.items():
        floor = 1e-3 * max(np.abs(reference).max(), typical.get(name, 0.0), 1e-12)
        off = np.abs(values[name] - reference) / (np.abs(reference) + floor)
        found.append(np.compress(away, off, axis).max())
    return float(max(found))


def whole_model_figures(n=256, rounds=3):
    """Milliseconds a member of the whole model and of one alone, the best of rounds, and errors."""
    sets = parameter_sets(n)
    found, _ = courses(sets)
    exact, _ = courses(sets[:SAMPLE], rtol=1e-11)
    lone, _ = alone()
    exact_lone, _ = alone(1e-11)
    figures = {"members": n, "rtol": RTOL}
    sample = {name: values[:SAMPLE] for name, values in found.values.items()}
    figures["error"] = course_error(sample, exact.values, exact.time[0], 1)
    figures["error_alone"] = course_error(lone.values, exact_lone.values, lone.time, 0)
    before, times = load_average(), {"alone": [], 1: [], 2: []}
    for _ in range(rounds):
        times["alone"] += [1e3 * alone()[1] for _ in range(5)]
        for threads in (1, 2):
            times[threads].append(1e3 * courses(sets, threads=threads)[1] / n)
    figures["ms_alone"] = round(min(times["alone"]), 3)
    for threads in (1, 2):
        figures[f"ms_a_member_{threads}"] = round(min(times[threads]), 4)
        figures[f"ratio_{threads}"] = round(figures["ms_alone"] / figures[f"ms_a_member_{threads}"], 1)
    return {**figures, "load": [before, load_average()]}


def check(figures, kept):
    """Hold figures against those kept: the same work, and not twice as slow against the same peer."""
    for count in ("steps", "rejected", "evaluations", "factorisations"):
        if count in kept:
            share = figures["members"] / kept["members"]
            # The members differ; a sample's mean stays within a tenth of all members'.
            assert figures[count] <= 1.1 * share * kept[count] + 8, count
    if "ratio_1" in figures and "ratio_1" in kept:
        assert figures["ratio_1"] > 0.5 * kept["ratio_1"]


@pytest.mark.timeout(300)
def test_an_ensemble_of_wound25(benchmark):
    figures = wound25_figures(n=128, rounds=2)
    benchmark.extra_info.update({name: str(value) for name, value in figures.items()})
    benchmark.pedantic(Ensemble(wound25.parameter_sets(128), WOUND_RTOL), rounds=3, warmup_rounds=1)
    print(f"\nwound25, 128 members: {figures}")
    check(figures, recorded("ensemble_wound25"))


@pytest.mark.timeout(300)
def test_an_ensemble_of_the_whole_model(benchmark):
    figures = whole_model_figures(n=64, rounds=1)
    benchmark.extra_info.update({name: str(value) for name, value in figures.items()})
    benchmark.pedantic(courses, args=(parameter_sets(64),), rounds=2, warmup_rounds=1)
    print(f"\nthe whole model, 64 members: {figures}")
    check(figures, recorded("ensemble_whole_model"))


if __name__ == "__main__":
    write("ensemble_wound25", wound25_figures())
    write("ensemble_whole_model", whole_model_figures())
