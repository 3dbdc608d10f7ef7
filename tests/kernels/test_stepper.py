import numpy as np
import pytest
from numba import njit
from scipy.integrate import solve_ivp

from collagensim.kernels import output
from collagensim.kernels import table as entry
from collagensim.kernels.control import inverse_tenth_root
from collagensim.kernels.numbers import WIDTH, as_numbers, columns, flat, tail
from collagensim.kernels.tableaus import RODAS5D
from naive.machine_code import jacobian_of, rates_of
from naive.robertson import NO_LINKS, RATES, Run, engine_of

# Published reference values: Hairer and Wanner, Solving ODEs II, and the SUNDIALS example cvRoberts_dns.
AT_40 = np.array([0.7158270688, 9.185534765e-6, 0.2841637457])
AT_4E10 = np.array([5.2083e-8, 2.0833e-13, 1.0])


def test_robertson_reaches_the_published_values():
    run = Run(rtol=1e-8, atol=(1e-10, 1e-14, 1e-10))
    assert run.advance(40.0) == entry.DONE
    # The error of 50 to 150 steps at rtol 1e-8; ten digits are published.
    np.testing.assert_allclose(run.y, AT_40, rtol=1e-7)


def test_robertson_survives_eleven_decades_of_time():
    run = Run(rtol=1e-8, atol=(1e-14, 1e-20, 1e-14))
    assert run.advance(4e10) == entry.DONE
    # Five digits of the first two are known; their sum with the third stays 1.
    np.testing.assert_allclose(run.y, AT_4E10, rtol=2e-4)
    # The method conserves linear invariants; what is left is rounding of 500 steps of size eps.
    assert abs(run.y.sum() - 1.0) < 1e-12


@pytest.mark.parametrize("rtol", [1e-3, 1e-5, 1e-7])
def test_the_error_stays_near_the_tolerance(rtol):
    run = Run(rtol=rtol, atol=(1e-2 * rtol, 1e-6 * rtol, 1e-2 * rtol))
    run.advance(40.0)
    # Local errors are held to the tolerance; a dissipative problem does not let their sum grow beyond a few of them.
    assert np.max(np.abs(run.y / AT_40 - 1.0)) < 5.0 * rtol


@pytest.mark.parametrize("max_steps", [1, 2, 7])
def test_a_solve_in_pieces_has_the_same_bits(max_steps):
    t_out = np.geomspace(1e-3, 40.0, 25)
    # Loose absolute tolerances provoke rejected steps, so that a piece can end between a rejection and its retry.
    whole, pieces = (Run(rtol=1e-4, atol=(1e-6, 1e-9, 1e-6)) for _ in range(2))
    whole.advance(40.0, t_out)
    n_calls = 1
    while pieces.advance(40.0, t_out, max_steps) == entry.MORE:
        n_calls += 1
    assert n_calls > 3
    assert whole.counts[entry.REJECTED] > 0
    assert np.array_equal(pieces.y, whole.y)
    assert np.array_equal(pieces.clock, whole.clock)
    assert np.array_equal(pieces.counts, whole.counts)
    assert np.array_equal(pieces.rows, whole.rows)


def test_the_output_grid_does_not_touch_the_steps():
    few, many = Run(), Run()
    few.advance(40.0, [40.0])
    many.advance(40.0, np.linspace(0.0, 40.0, 1001))
    assert np.array_equal(few.y, many.y)
    assert np.array_equal(few.clock, many.clock)
    assert np.array_equal(many.rows[0], [1.0, 0.0, 0.0])
    assert np.array_equal(many.rows[-1], many.y)


def test_rows_between_steps_are_as_good_as_the_steps():
    run = Run(rtol=1e-6)
    t_out = np.geomspace(1e-2, 40.0, 60)
    run.advance(40.0, t_out)
    p0, p1, p2 = RATES

    def rates(t, y):
        ab, bb = p1 * y[1] * y[2], p2 * y[1] ** 2
        return [ab - p0 * y[0], p0 * y[0] - ab - bb, bb]

    reference = solve_ivp(rates, (0, 40), [1, 0, 0], "Radau", t_eval=t_out, rtol=1e-11, atol=1e-16).y.T
    # A fourth-order interpolant between fifth-order steps: a small multiple of the tolerance, absolute part included.
    tolerance = 1e-6 * np.abs(reference) + np.array([1e-8, 1e-12, 1e-8])
    assert np.max(np.abs(run.rows - reference) / tolerance) < 20.0


def test_it_ends_exactly_at_the_end_and_starts_anew_after_an_event():
    run = Run()
    assert run.advance(1.0) == entry.DONE
    assert run.clock[entry.TIME] == 1.0
    run.y[:] = [0.5, 0.0, 0.5]
    run.clock[entry.STEP] = 0.0
    run.advance(41.0)
    fresh = Run(start=(0.5, 0.0, 0.5))
    fresh.advance(40.0)
    # Times differ by rounding, hence steps by some eps and the result by far less than the tolerance of 1e-6.
    np.testing.assert_allclose(run.y, fresh.y, rtol=1e-9)


def test_no_state_is_accepted_below_its_floor():
    # B is spent within microseconds; with a crude tolerance a step overshoots zero unless the floor forbids it.
    p, start = np.array([0.0, 1e4, 3e7]), (0.0, 1.0, 1.0)
    crude = {"p": p, "start": start, "rtol": 1e-2, "atol": (1e-1, 1e-1, 1e-1)}
    free, guarded = Run(**crude), Run(**crude, floor=1e-6)
    times = np.geomspace(1e-6, 1e-2, 200)
    assert free.advance(1e-2, times) == guarded.advance(1e-2, times) == entry.DONE
    assert free.rows.min() < -1e-6
    assert guarded.rows.min() >= -1e-6
    assert guarded.counts[entry.REJECTED] > free.counts[entry.REJECTED]


def test_a_state_that_must_sink_below_its_floor_is_named():
    # A negative rate constant makes A fall through zero.
    run = Run(p=np.array([0.0, -1.0, 0.0]), start=(0.5, 1.0, 1.0), floor=(1e-6, np.inf, np.inf))
    assert run.advance(10.0) == entry.STEP_TOO_SMALL
    assert run.counts[entry.STATE] == 0
    assert -1e-6 <= run.y[0] < 1e-3


def test_a_blow_up_ends_in_a_status():
    # dB/dt = B^2 is infinite at t = 1.
    run = Run(p=np.array([0.0, 0.0, -1.0]), start=(0.0, 1.0, 0.0))
    assert run.advance(2.0) in (entry.STEP_TOO_SMALL, entry.NOT_FINITE)
    assert abs(run.clock[entry.TIME] - 1.0) < 1e-3
    assert run.counts[entry.STEPS] < 1000


def test_a_rate_that_is_not_finite_ends_in_a_status_and_names_its_state():
    run = Run(p=np.array([0.04, 1e4, np.nan]))
    assert run.advance(1.0) == entry.NOT_FINITE
    assert run.counts[entry.STATE] == 1
    assert run.clock[entry.TIME] == 0.0


def test_a_matrix_that_cannot_be_factorised_ends_in_a_status():
    # The rate p2 B^2 = 1e-12 is finite, its derivative 2 p2 B is not.
    run = Run(p=np.array([0.0, 0.0, 1e308]), start=(0.0, 1e-160, 0.0))
    run.clock[entry.STEP] = 0.1
    assert run.advance(1.0) == entry.SINGULAR


def test_a_state_at_rest_is_crossed_in_one_step():
    run = Run(start=(0.0, 0.0, 1.0))
    assert run.advance(1000.0) == entry.DONE
    assert run.counts[entry.STEPS] == 1


@pytest.fixture(params=[True, False], ids=["blocks", "operation_lists"])
def linked_pair(request):
    to, source = np.array([0, 3, 2, 5]), np.array([3, 0, 5, 2])
    return Run(
        n_blocks=2, links=(to, source, np.array([0.3, 0.1, 2.0, 0.7])), p=np.array([0.7, 1.3, 2.1]), rtol=1e-9,
        atol=(1e-11, 1e-14, 1e-11), written_out=request.param,
    )  # fmt: skip


def test_the_jacobian_is_the_derivative_of_the_rates(linked_pair):
    y = np.array([[0.4, 0.3, 0.2], [0.1, 0.5, 0.6]])
    expected, h = np.zeros((6, 6)), 1e-3
    for j in range(6):
        shift = h * (np.arange(6) == j).reshape(2, 3)
        up, down = rates_of(linked_pair.engine, y + shift), rates_of(linked_pair.engine, y - shift)
        expected[:, j] = (up - down).ravel() / (2 * h)
    # Central differences are exact for quadratic rates; what is left is rounding, eps / h.
    np.testing.assert_allclose(jacobian_of(linked_pair.engine, y), expected, atol=1e-12)


def test_links_couple_blocks_as_written(linked_pair):
    p0, p1, p2 = linked_pair.engine.bound.p[0]
    start = np.array([[1.0, 0.0, 0.0], [0.2, 0.0, 0.1]])
    linked_pair.y[:] = start

    def rates(t, y):
        a, b, c = y.reshape(2, 3).T
        bc, bb = p1 * b * c, p2 * b * b
        links = np.array([0.3 * (a[1] - a[0]), 0.1 * (a[0] - a[1])])
        back = np.array([2.0 * (c[1] - c[0]), 0.7 * (c[0] - c[1])])
        return np.array([bc - p0 * a + links, p0 * a - bc - bb, bb + back]).T.ravel()

    assert linked_pair.advance(40.0) == entry.DONE
    reference = solve_ivp(rates, (0, 40), start.ravel(), "Radau", rtol=1e-11, atol=1e-15).y[:, -1]
    # A few hundred steps at rtol 1e-9.
    np.testing.assert_allclose(linked_pair.y.ravel(), reference, rtol=1e-7)


def test_the_two_eliminations_take_the_same_steps():
    one, other = Run(), Run(written_out=False)
    for run in (one, other):
        assert run.advance(40.0) == entry.DONE
    # They round differently, some eps of each stage; the controller raises that to the fifth root's relative change.
    assert one.counts.tolist() == other.counts.tolist()
    np.testing.assert_allclose(one.y, other.y, rtol=1e-11)


@njit
def bend(work, theta, tableau, out):
    row, y = WIDTH, flat(work)
    output.interpolate(
        columns(y), columns(tail(y, row)), columns(tail(y, 3 * row)), columns(tail(y, 2 * row)), theta,
        flat(tableau), 1, columns(flat(out)),
    )  # fmt: skip


def test_an_interpolant_that_dips_below_the_floor_becomes_a_line():
    row, n = WIDTH, 3
    work, found = np.zeros((3 + entry.N_STAGES) * row), np.zeros(row)
    # y, floor and the new state.
    work[:n], work[row:][:n], work[2 * row :][:n] = [1.0, 2.0, 3.0], 1e-9, [0.5, 2.0, 4.0]
    stages = work[3 * row :]
    # Only the first state gets a bend, of -10 halfway at least, and only it is replaced.
    stages[0] = -40.0 / abs(RODAS5D.dense[0, 0])
    stages[1] = 0.1 / RODAS5D.dense[0, 0]
    bend(work, 0.5, RODAS5D.coefficients, found)
    assert found[0] == 0.75
    assert found[1] != 2.0
    assert found[2] == 3.5


@pytest.mark.parametrize("lone", [True, False])
def test_many_rows_in_one_step_are_those_of_a_fine_grid_taken_one_at_a_time(lone):
    # Few steps and many rows: a lane of eight then fills the rows of one member eight at a time.
    start = np.array([[[1.0, 0.3, 0.4]], [[0.7, 0.1, 0.2]], [[0.2, 0.5, 0.1]]])[: 1 if lone else 3]
    p = np.tile([1.0, 0.8, 1.5], (start.shape[0], 1))
    times = np.sort(np.concatenate([np.linspace(0.0, 9.0, 300), [4.0, 4.0]]))

    def rows_at(chosen):
        made = engine_of(p, start.copy(), rtol=1e-3)
        rows = np.full((start.shape[0], chosen.size, 3), np.nan)
        made.run(np.full(start.shape[0], 9.0), np.tile(chosen, (start.shape[0], 1)), rows)
        return rows, made.counts[:, entry.STEPS].max()

    whole, n_steps = rows_at(times)
    assert n_steps < times.size / 10
    for k in (0, 1, 7, 8, 9, 100, 151, 299, 301):
        np.testing.assert_array_equal(rows_at(times[k : k + 1])[0][:, 0], whole[:, k])


def test_rows_of_many_lanes_are_those_of_each_member_alone():
    # Eleven members of their own speeds and grids: rows of different lanes are found together, and lanes change hands.
    rng = np.random.default_rng(8)
    n, n_out = 11, 120
    start, p = rng.uniform(0.1, 1.0, (n, 1, 3)), np.array([1.0, 0.8, 1.5]) * rng.uniform(0.2, 5.0, (n, 3))
    times, end = np.sort(rng.uniform(0.0, 9.0, (n, n_out)), axis=1), np.full(n, 9.0)

    def rows_of(some):
        made = engine_of(p[some], start[some], rtol=1e-4)
        rows = np.full((len(p[some]), n_out, 3), np.nan)
        made.run(end[some], times[some], rows)
        return rows

    together = rows_of(slice(None))
    for i in range(n):
        np.testing.assert_array_equal(rows_of(slice(i, i + 1))[0], together[i])


@pytest.mark.parametrize("wide", [True, False])
def test_the_inverse_tenth_root_is_one_for_any_error(wide):
    x = np.concatenate([np.geomspace(1e-20, 1e300, 4001), np.linspace(0.9, 1.1, 7)])
    x = x[: x.size // WIDTH * WIDTH].reshape(-1, WIDTH) if wide else x
    found = np.empty_like(x)
    tenth_roots(x, found)
    # The series leaves 0.030 r^4 + 0.024 r^5 + ... of a residual r: 4.3e-4 of the guess's 0.32.
    np.testing.assert_allclose(found, x**-0.1, rtol=4.3e-4)


@njit
def tenth_roots(x, out):
    given, found = as_numbers(x), as_numbers(out)
    for i in range(x.shape[0]):
        found[i] = inverse_tenth_root(given[i])


@pytest.mark.parametrize("joined", [True, False])
@pytest.mark.parametrize("written_out", [True, False])
def test_a_complex_rate_constant_carries_its_derivative(joined, written_out):
    links = (np.array([0, 3]), np.array([3, 0]), np.array([0.3, 0.1])) if joined else NO_LINKS
    start = np.array([[[1.0, 0.3, 0.4], [0.2, 0.1, 0.5]]])[:, : 1 + joined]

    def end(p):
        made = engine_of(np.array([[p, 0.8, 1.5]]), start, links=links, rtol=1e-9, written_out=written_out)
        rows = np.empty((1, 0, made.layout.n), dtype=made.own.dtype)
        made.run(np.array([2.0]), np.empty((1, 0)), rows)
        return made.state.copy()

    carried, h = end(1.0 + 1e-20j), 1e-3
    # The states are those of the real solve, whose rounding the blocks' order in memory leaves alone.
    np.testing.assert_allclose(carried.real, end(1.0), rtol=1e-12)
    # Central differences: h^2 / 6 times a third derivative of order 1, and 1e-9 / h where the two solves' steps differ.
    differences = (end(1.0 + h) - end(1.0 - h)) / (2 * h)
    np.testing.assert_allclose(carried.imag / 1e-20, differences, atol=2e-6)
