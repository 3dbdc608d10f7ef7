"""Whatever a right side does, a solve ends soon: as a status that says where, with the part that was finished."""

import re
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

import collagensim as cs
from collagensim.biology import robertson
from collagensim.errors import SolveError, SolveInterrupted
from collagensim.model import Model, Parameter, Reaction, Source, Species, exp, log, sqrt
from collagensim.response import Course
from collagensim.skin import LAYERS
from collagensim.solver import scipy_engine
from collagensim.solver.engine import Engine, Limits, make_engine
from collagensim.solver.solve import METHODS
from collagensim.solver.system import Bound, Space

SOON = 2.0  # [s] wall time, without compilation
K = Parameter("k", 1.0, "1/day", 0.0, 1e9, Source("assumed"), "assumed")
A = Species("aa", "1", "cell", 1.0)
B = Species("bb", "1", "cell", 1.0, signed=True)
NO_LINKS = (np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64), np.empty((1, 0)))


def model(name, species, rate, effect=1):
    return Model(name, [species], reactions=[Reaction("change", rate, {species: effect})])


# Each with the time at which its exact solution ends, and the variable that ends it.
ENDING = {
    "grows_without_bound": (model("grows_without_bound", A, K * A * A), 1.0, "aa"),
    "overflows": (model("overflows", A, K * exp(800.0 * A * A)), 0.0, "aa"),
    "divides_by_zero": (model("divides_by_zero", B, K / B, -1), 0.5, "bb"),
    "takes_the_log_of_zero": (model("takes_the_log_of_zero", B, K + 1e-3 * K * log(B), -1), 1.0, "bb"),
    "drains_below_zero": (model("drains_below_zero", A, K, -1), 1.0, "aa"),
    "takes_the_root_of_a_negative": (model("takes_the_root_of_a_negative", A, K * sqrt(A), -1), 2.0, "aa"),
}
CONVERTING = Model(
    "converting",
    [A, C := Species("cc", "1", "cell", 0.0, 1.0)],
    reactions=[Reaction("turn", K * A, {A: -1, C: 1})],
)
SKIN = cs.Skin(site="cheek")
# At a tolerance of 1e-12 its 180,000 steps take many times the time allowed below.
COURSE = cs.Protocol.series(cs.Session(depth_mm=1.5), sessions=50, spacing_days=28)
DAYS = np.arange(0.0, 1401.0)


def stopped(run):
    """The error of a run and its wall seconds, once all is compiled and loaded."""
    for _ in range(2):
        begun = time.monotonic()
        with pytest.raises(SolveError) as caught:
            run()
        seconds = time.monotonic() - begun
    return caught.value, seconds


def bare_engine(built, method="rodas5p", **limits):
    bound = Bound(built, Space(), {})
    bound.renew()
    return make_engine(method, bound, NO_LINKS, Limits(**limits))


# The stepper makes its steps shorter and shorter rather than go below zero; SciPy's methods go there, and are stopped.
BELOW_ZERO = ("drains_below_zero", "takes_the_root_of_a_negative")


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", ENDING)
def test_a_right_side_that_has_no_future_ends_as_a_status_that_says_where(name, method):
    built, end, variable = ENDING[name]
    error, seconds = stopped(lambda: cs.solve(built, until=4.0, times=np.linspace(0, 4, 41), method=method))
    assert seconds < SOON
    if name in BELOW_ZERO and method != "rodas5p":
        assert error.status is cs.Status.BELOW_ZERO
    else:
        assert error.status in (cs.Status.NOT_FINITE, cs.Status.STEP_TOO_SMALL)
    assert f"({variable})" in str(error)
    assert "at day " in str(error)
    reached = float(str(error).split("at day ")[1].split()[0])
    # At a tolerance of 1e-6 the solution's end is met to some 1e-4 of a day. The root's parabola (t - 2)^2 / 4 takes
    # 0.002 of a day to move by 1e-6, the depth below zero that is seen.
    assert reached == pytest.approx(end, abs=3e-3 if error.status is cs.Status.BELOW_ZERO else 1e-3)
    course = error.finished
    assert isinstance(course, Course)
    assert course.time.size == np.sum(np.linspace(0, 4, 41) <= reached)
    assert np.all(np.isfinite(course.values[variable]))


@pytest.mark.parametrize("method", METHODS)
def test_a_singular_jacobian_is_no_obstacle(method):
    response = cs.solve(CONVERTING, until=3.0, times=[0.0, 3.0], method=method, rtol=1e-8)
    # Global error of a controlled solve stays within a hundred times its tolerance.
    assert float(response.data["aa"][-1]) == pytest.approx(np.exp(-3.0), rel=1e-6)


@pytest.mark.parametrize("method", METHODS)
def test_the_time_allowed_ends_a_course_and_keeps_the_part_that_is_done(method):
    options = {"days": 1400, "output_days": DAYS, "rtol": 1e-12, "method": method, "deadline_s": 0.5}
    error, seconds = stopped(lambda: cs.simulate(SKIN, COURSE, **options))
    assert seconds < SOON
    assert error.status is cs.Status.DEADLINE
    assert "after session " in str(error)
    reached = float(str(error).split("at day ")[1].split()[0])
    assert re.search(rf"\(\w+ in ({'|'.join(LAYERS)}), (zone|between)\)", str(error))
    assert error.finished.time[-1] <= reached < error.finished.time[-1] + 1.0
    assert all(np.all(np.isfinite(values)) for values in error.finished.values.values())


@pytest.mark.parametrize("method", METHODS[1:])
def test_an_amount_may_come_as_near_to_zero_as_the_tolerance_lets_it(method):
    # It decays to 1e-87: what SciPy's methods find there is of the size of their absolute tolerance, of either sign.
    response = cs.solve(CONVERTING, until=200.0, method=method)
    assert abs(float(response.data["aa"][-1])) < scipy_engine.BELOW_ZERO * 1e-9


@pytest.mark.parametrize("method", METHODS)
def test_an_interrupt_keeps_the_part_that_is_done(monkeypatch, method):
    """Of a course: after its second session; the interrupt comes when the engine has brought it to day 40."""
    whole = cs.simulate(SKIN, COURSE, days=1400, output_days=DAYS, method=method)
    kind = Engine if method == "rodas5p" else scipy_engine.ScipyEngine
    run = kind.run

    def interrupted(self, until, t_out, rows):
        run(self, np.minimum(until, 40.0), t_out, rows)
        if self.time[0] >= 40.0:
            raise KeyboardInterrupt

    monkeypatch.setattr(kind, "run", interrupted)
    with pytest.raises(SolveInterrupted) as caught:
        cs.simulate(SKIN, COURSE, days=1400, output_days=DAYS, method=method)
    assert caught.value.status is cs.Status.INTERRUPTED
    course = caught.value.partial
    assert isinstance(course, Course)
    assert course.time.tolist() == DAYS[:41].tolist()
    for name, values in course.values.items():
        np.testing.assert_allclose(values, whole.data[name].values[:41], rtol=1e-3, atol=1e-6)


def test_the_finished_part_is_the_course_itself():
    whole = cs.solve(ENDING["grows_without_bound"][0], until=0.9, times=[0.0, 0.3, 0.6])
    with pytest.raises(SolveError) as caught:
        cs.solve(ENDING["grows_without_bound"][0], until=2.0, times=[0.0, 0.3, 0.6, 1.5])
    np.testing.assert_array_equal(caught.value.finished.values["aa"], whole.data["aa"])


@pytest.mark.parametrize("method", METHODS)
def test_the_number_of_steps_is_bounded(method):
    engine = bare_engine(robertson(), method, rtol=1e-9, max_steps=20)
    with pytest.raises(SolveError, match="number of steps allowed was used up; loosen rtol") as caught:
        engine.run(np.array([1e9]), np.empty((1, 0)), np.empty((1, 0, 3)))
    assert caught.value.status is cs.Status.STEP_LIMIT
    assert engine.counts[0, 0] <= 20 + 400  # the stepper looks up every 400 steps


@pytest.mark.parametrize("method", ["LSODA", "BDF", "Radau"])
@pytest.mark.parametrize("interrupt", [KeyboardInterrupt, MemoryError])
def test_an_exception_inside_scipy_comes_out_as_it_is(monkeypatch, method, interrupt):
    calls = []

    def rates(self, t, y):
        calls.append(t)
        if len(calls) > 30:
            raise interrupt
        return np.array([1.0 - y[0], y[0] - y[1]])

    monkeypatch.setattr(scipy_engine._System, "rates", rates)
    with pytest.raises(interrupt):
        cs.solve(CONVERTING, until=1e3, method=method, rtol=1e-9)


def test_a_thread_that_fails_stops_the_others(monkeypatch):
    engine = Engine(*_many(200), Limits(), threads=2)
    engine._compiled.advance  # noqa: B018 - loaded before it is replaced
    real, calls = engine._compiled.advance, []

    class Failing:
        @staticmethod
        def advance(*arguments):
            calls.append(1)
            if len(calls) == 2:
                raise MemoryError
            return real(*arguments)

    Failing.advance.overloads = {}  # as a compiled function tells what it was compiled for
    monkeypatch.setattr(engine, "_compiled", Failing)
    with pytest.raises(MemoryError):
        engine.run(np.full(200, 1.0), np.empty((200, 0)), np.empty((200, 0, 2)))


def _many(n):
    bound = Bound(CONVERTING, Space(), {}, {"k": np.full(n, 1.0)})
    bound.renew()
    return bound, (*NO_LINKS[:2], np.empty((n, 0)))


LONG = """
import numpy as np
from collagensim.model import Model, Parameter, Reaction, Source, Species
from collagensim.solver.engine import Limits, make_engine
from collagensim.solver.system import Bound, Space
x, y = (Species(name, "1", "cell", start, 1.0, signed=True) for name, start in (("xx", 1.0), ("yy", 0.0)))
k = Parameter("k", 1.0, "1/day", 0.0, 1e9, Source("assumed"), "assumed")
turning = Model("turning", [x, y], reactions=[Reaction("one", k * y, {{x: 1}}), Reaction("two", k * x, {{y: -1}})])
def march(until):
    bound = Bound(turning, Space(), {{}}, {{"k": np.full({n}, 1.0)}} if {n} > 1 else None)
    bound.renew()
    empty = np.empty(0, dtype=np.int64)
    engine = make_engine("{method}", bound, (empty, empty, np.empty(({n}, 0))), Limits(1e-9, 10**9), {threads})
    engine.run(np.full({n}, until), np.empty(({n}, 0)), np.empty(({n}, 0, 2)))
march(1.0)
print("under way", flush=True)
march(1e9)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGINT to send to a process there")
@pytest.mark.parametrize(
    ("method", "n", "threads"), [("rodas5p", 1, 1), ("LSODA", 1, 1), ("rodas5p", 200, 1), ("rodas5p", 200, 2)]
)
def test_ctrl_c_ends_a_long_solve_at_once(method, n, threads):
    with subprocess.Popen(
        [sys.executable, "-c", LONG.format(method=method, n=n, threads=threads)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as child:  # fmt: skip
        try:
            assert child.stdout.readline() == "under way\n"
            time.sleep(0.5)
            child.send_signal(signal.SIGINT)
            begun = time.monotonic()
            _, told = child.communicate(timeout=30.0)
            assert time.monotonic() - begun < SOON
        finally:
            child.kill()
    assert told.rstrip().endswith("KeyboardInterrupt")
    assert child.returncode != 0


SPINNING = """
import functools
import numpy as np
import collagensim as cs
from collagensim.errors import SolveInterrupted
from collagensim.model import Model, Parameter, Reaction, Source, Species
from collagensim.solver import solve
x, y = (Species(name, "1", "cell", start, 1.0, signed=True) for name, start in (("xx", 1.0), ("yy", 0.0)))
k = Parameter("k", 1.0, "1/day", 0.0, 1e9, Source("assumed"), "assumed")
turning = Model("turning", [x, y], reactions=[Reaction("one", k * y, {{x: 1}}), Reaction("two", k * x, {{y: -1}})])
# The steps that are allowed otherwise are taken within the wait.
solve.Limits = functools.partial(solve.Limits, max_steps=10**9)
cs.solve(turning, until=1.0, method="{method}")
print("under way", flush=True)
try:
    cs.solve(turning, until=1e6, times=np.arange(100_000.0), method="{method}", rtol=1e-12)
except SolveInterrupted as interrupt:
    course = interrupt.partial
    right = np.abs(course.values["xx"] - np.cos(course.time)).max()
    print(interrupt.status.name, 10 < course.time.size < 100_000, right < 1e-6)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGINT to send to a process there")
@pytest.mark.parametrize("method", ["rodas5p", "LSODA"])
def test_ctrl_c_hands_over_the_course_so_far(method):
    with subprocess.Popen(
        [sys.executable, "-c", SPINNING.format(method=method)], stdout=subprocess.PIPE, text=True
    ) as child:
        try:
            assert child.stdout.readline() == "under way\n"
            time.sleep(0.5)
            child.send_signal(signal.SIGINT)
            said, _ = child.communicate(timeout=30.0)
        finally:
            child.kill()
    assert said == "INTERRUPTED True True\n"
