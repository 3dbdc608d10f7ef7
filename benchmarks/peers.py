"""Other solvers on wound25, each at its best setting: one trajectory, and the seconds that it took.

``python benchmarks/peers.py`` prints errors and times over tolerances. Everything that can be done once is done before
the clock starts: loading, compiling, setting parameters and tolerances, resetting the state.

What was tried for libRoadRunner 2.10 (CVODE, dense, Jacobian by differences), at errors up to 1e-5: its defaults are
its best. A given first step, BDF of at most order 4 or 3, ``atol = rtol`` or 0.1 rtol, the sessions by hand from Python
instead of as events, the LLJIT backend at any level, all options of its optimiser and a read-only model each change
the time by less than 5 % or cost accuracy. Adams (``stiff`` off) is 13 times slower.
"""

from __future__ import annotations

import functools
import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from problems import wound25

from collagensim.kernels.numbers import call
from collagensim.kernels.table import BLOCK_RATES
from collagensim.solver.compiled import stepper
from collagensim.solver.engine import Engine, Limits, make_engine
from collagensim.solver.system import Bound, Space

Array = np.ndarray
Peer = Callable[[float], tuple[Array, float]]
Integrate = Callable[[Array, float, Array], Array]
NO_LINKS = (np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64), np.empty((1, 0)))
LADDER = (1e-4, 1e-5, 1e-6, 5e-7, 2e-7, 1e-7, 1e-8)


def peers() -> dict[str, Peer]:
    """Return name -> (rtol -> daily states (366, 25) and seconds) of every peer that is installed, warmed up.

    Those that are not are named on standard output. Session days hold the state before the session.
    """
    found = {}
    for name, make in _MAKERS.items():
        try:
            run = make()
        except ImportError as missing:
            print(f"{name} is left out: {missing}")
            continue
        run(1e-3)
        found[name] = run
    return found


@functools.cache
def reference() -> Array:
    """Return daily states (366, 25) by SciPy's Radau at rtol 1e-12, atol 1e-14; LSODA at 1e-12 agrees to 2e-10."""
    rates, slopes = compiled_right_side()
    return march(_solve_ivp("Radau", rates, slopes, 1e-12, 1e-14))


def compiled_right_side() -> tuple[Callable[..., Array], Callable[..., Array]]:
    """Return f(t, y) and its dense Jacobian, both from the machine code that the package itself runs."""
    engine, row, column = _one_by_one()
    kernels, table, own, values = stepper(), engine.table, engine.own[0], np.empty(row.size)

    def rates(t: float, y: Array) -> Array:
        out = np.empty(y.size)
        kernels.rates_of(table, y, own, out)
        return out

    def slopes(t: float, y: Array) -> Array:
        kernels.jacobian_of(table, y, own, values)
        dense = np.zeros((y.size, y.size))
        dense[row, column] = values
        return dense

    return rates, slopes


def _one_by_one() -> tuple[Engine, Array, Array]:
    """The engine whose machine code serves one block and plain floats, and the places of its Jacobian's terms."""
    bound = Bound(wound25.model(), Space(), {})
    bound.renew()
    engine = make_engine("LSODA", bound, NO_LINKS, Limits())
    return engine, *engine.terms


def spans() -> Iterator[tuple[float, Array]]:
    """Start of each span between sessions, and the days within it, its end included."""
    for start, end in zip(wound25.SESSIONS, [*wound25.SESSIONS[1:], wound25.END], strict=True):
        yield float(start), np.arange(start + 1.0, end + 1.0)


def march(integrate: Integrate) -> Array:
    """Return daily states of a solver that knows no events: ``integrate(y, start, days)`` gives (n_days, 25)."""
    y = wound25.start()
    rows = [y[None]]
    for start, days in spans():
        rows.append(integrate(wound25.jump(y), start, days))
        y = rows[-1][-1]
    return np.concatenate(rows)


def _timed(run: Callable[[], Array]) -> tuple[Array, float]:
    begun = time.perf_counter()
    states = run()
    return states, time.perf_counter() - begun


def _solve_ivp(method: str, rates: Any, slopes: Any, rtol: float, atol: float) -> Integrate:
    from scipy.integrate import solve_ivp

    def integrate(y: Array, start: float, days: Array) -> Array:
        found = solve_ivp(rates, (start, days[-1]), y, method, days, rtol=rtol, atol=atol, jac=slopes)
        assert found.success, found.message
        return np.ascontiguousarray(found.y.T)

    return integrate


def scipy_solve_ivp() -> Peer:
    """SciPy's ``solve_ivp`` with LSODA and the analytic Jacobian."""
    rates, slopes = compiled_right_side()

    def run(rtol: float) -> tuple[Array, float]:
        integrate = _solve_ivp("LSODA", rates, slopes, rtol, wound25.ATOL_SHARE * rtol)
        return _timed(lambda: march(integrate))

    return run


def scipy_odeint() -> Peer:
    """SciPy's ``odeint``: the same LSODA, stepped by compiled code instead of Python."""
    from scipy.integrate import odeint

    rates, slopes = compiled_right_side()

    def run(rtol: float) -> tuple[Array, float]:
        def integrate(y: Array, start: float, days: Array) -> Array:
            times = np.concatenate([[start], days])
            return odeint(
                rates,
                y,
                times,
                Dfun=slopes,
                tfirst=True,
                rtol=rtol,
                atol=wound25.ATOL_SHARE * rtol,
                mxstep=10**6,
            )[1:]

        return _timed(lambda: march(integrate))

    return run


def roadrunner() -> Peer:
    """libRoadRunner: the sessions are SBML events, but for the first (see `wound25.antimony`)."""
    import antimony
    import roadrunner as library

    antimony.clearPreviousLoads()
    assert antimony.loadAntimonyString(wound25.antimony()) >= 0, antimony.getLastError()
    simulator = library.RoadRunner(antimony.getSBMLString(antimony.getMainModuleName()))
    simulator.timeCourseSelections = list(wound25.STATES)

    def run(rtol: float) -> tuple[Array, float]:
        simulator.integrator.setValue("relative_tolerance", rtol)
        simulator.integrator.setValue("absolute_tolerance", wound25.ATOL_SHARE * rtol)
        simulator.reset()
        states, seconds = _timed(lambda: simulator.simulate(0.0, wound25.END, wound25.TIMES.size))
        return np.array(states), seconds

    return run


def numbalsoda() -> Peer:
    """Numbalsoda: LSODA in C++ on a compiled right side; without an analytic Jacobian, which it cannot take."""
    import numba
    from numbalsoda import lsoda, lsoda_sig

    engine, _, _ = _one_by_one()
    address, n = int(engine.functions[BLOCK_RATES]), len(wound25.STATES)
    p, u = engine.bound.p[0].copy(), np.append(engine.bound.u[0, 0], 0.0)

    @numba.cfunc(lsoda_sig)
    def rates(t, y, out, data):
        call(address, (numba.carray(y, (n,)), p, u, numba.carray(out, (n,))))

    started = rates.address

    def run(rtol: float) -> tuple[Array, float]:
        atol = wound25.ATOL_SHARE * rtol

        def integrate(y: Array, start: float, days: Array) -> Array:
            found, success = lsoda(
                started, y, np.concatenate([[start], days]), rtol=rtol, atol=atol, mxstep=10**6
            )
            assert success
            return found[1:]

        return _timed(lambda: march(integrate))

    return run


def diffrax() -> Peer:
    """Diffrax: Kvaerno's method of order 5, compiled by JAX in double precision."""
    import diffrax as library
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)

    def rates(t, y, parameters):
        names = {**parameters, **dict(zip(wound25.STATES, y, strict=True))}
        return jnp.stack([wound25.value(text, names) for text in wound25.EQUATIONS.values()])

    @jax.jit
    def solve(y, start, days, rtol):
        return library.diffeqsolve(
            library.ODETerm(rates), library.Kvaerno5(), start, days[-1], None, y, wound25.PARAMETERS,
            saveat=library.SaveAt(ts=days), max_steps=10**5,
            stepsize_controller=library.PIDController(rtol=rtol, atol=wound25.ATOL_SHARE * rtol),
        ).ys  # fmt: skip

    def run(rtol: float) -> tuple[Array, float]:
        return _timed(lambda: march(lambda y, start, days: np.array(solve(y, start, days, rtol))))

    return run


_MAKERS: dict[str, Callable[[], Peer]] = {
    "libRoadRunner": roadrunner,
    "numbalsoda": numbalsoda,
    "SciPy odeint": scipy_odeint,
    "SciPy solve_ivp LSODA": scipy_solve_ivp,
    "diffrax Kvaerno5": diffrax,
}


def main() -> None:
    """Print error and median time of every peer over tolerances."""
    print("| peer | rtol | largest error | ms |")
    print("|---|---|---|---|")
    for name, run in peers().items():
        for rtol in LADDER:
            found = [run(rtol) for _ in range(5)]
            milliseconds = 1e3 * statistics.median(seconds for _, seconds in found)
            print(
                f"| {name} | {rtol:g} | {wound25.error(found[0][0], reference()):.1e} | {milliseconds:.2f} |"
            )


if __name__ == "__main__":
    main()
