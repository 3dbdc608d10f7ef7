"""Robertson's kinetics written by hand, integrated by the engine's own arrays and machine code."""

from types import SimpleNamespace

import numpy as np

from collagensim.kernels import table as entry
from collagensim.kernels.tableaus import RODAS5D
from collagensim.solver.compiled import Compiled
from collagensim.solver.engine import Engine, Limits
from collagensim.write.elimination import write_elimination

RATES = np.array([0.04, 1e4, 3e7])
NO_LINKS = (np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64), np.zeros(0))
PATTERN = ((0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2), (2, 1))
TEXT = '''
def block_rates(y, p, u, out):
    """aa becomes bb; bb and cc give aa; two bb give cc."""
    a = p[0] * y[0]
    bc = p[1] * y[1] * y[2]
    bb = p[2] * y[1] * y[1]
    out[0] = bc - a
    out[1] = a - bc - bb
    out[2] = bb


def block_jacobian(y, p, u, values):
    """In the order of PATTERN."""
    by_b = p[1] * y[2]
    by_c = p[1] * y[1]
    pairs = 2.0 * p[2] * y[1]
    values[0] = -p[0]
    values[1] = by_b
    values[2] = by_c
    values[3] = p[0]
    values[4] = -by_b - pairs
    values[5] = -by_c
    values[6] = pairs
'''


def compiled_by_hand(joined=(), *, written_out=True):
    """The model as the engine wants it; ``joined`` states may be linked, ``written_out`` chooses the elimination."""
    species = [SimpleNamespace(name=name, signed=False) for name in ("aa", "bb", "cc")]
    model = SimpleNamespace(name="robertson_by_hand", species=species, time_unit="second")
    text, n_factors = TEXT, 0
    if written_out:
        elimination = write_elimination(PATTERN, 3, joined)
        text, n_factors = f"{TEXT.strip()}\n\n\n{elimination.text}", elimination.n_factors
    row, column = np.array(PATTERN, dtype=np.int64).T.copy()
    return Compiled(model, text, "", "", row, column, 3, 0, joined, n_factors, {}, {})


def engine_of(p, start, *, links=NO_LINKS, rtol=1e-6, atol=None, floor=None, limits=None, written_out=True):
    """An engine of members with rate constants ``p`` (N, 3) and states ``start`` (N, n_blocks, 3)."""
    to, source, rate = links
    joined = tuple(sorted({int(s) % 3 for s in to}))
    compiled = compiled_by_hand(joined, written_out=written_out)
    n, n_blocks, _ = start.shape
    bound = SimpleNamespace(
        n=n, dtype=np.result_type(p, start), compiled=compiled, model=compiled.model,
        space=SimpleNamespace(n_blocks=n_blocks, told=lambda _: ""), baseline=start, p=p, u=np.zeros((n, n_blocks, 0)),
        scales=np.tile([1.0, 1e-4, 1.0], (n, 1)),
    )  # fmt: skip
    engine = Engine(bound, (to, source, np.tile(rate, (n, 1))), limits or Limits(rtol=rtol))
    for given, start in ((atol, entry.AT_ATOL), (floor, entry.AT_FLOOR)):
        if given is not None:
            place = engine.own[:, slice(*engine.table[start : start + 2])]
            engine.layout.blocks(place)[:] = given
    return engine


class Run:
    """One integration of ``n_blocks`` copies by direct calls of the stepper.

    Attributes
    ----------
    y : (n_blocks, 3) states, or (3,) of one block; clock, counts : as in `collagensim.kernels.table`.
    rows : (n_out, n_blocks, 3) or (n_out, 3), what the last call of `advance` filled.
    work : the stages (8, n) of the last step.
    """

    def __init__(
        self, start=(1.0, 0.0, 0.0), p=RATES, n_blocks=1, links=NO_LINKS, rtol=1e-6, atol=(1e-8, 1e-12, 1e-8),
        floor=np.inf, written_out=True,
    ):  # fmt: skip
        states = np.broadcast_to(np.array(start, dtype=float), (1, n_blocks, 3)).copy()
        self.engine = engine_of(
            np.array(p, dtype=float)[None], states, links=links, rtol=rtol, atol=atol, floor=floor,
            written_out=written_out,
        )  # fmt: skip
        self.lanes = self.engine._new_lanes()
        self.clock, self.counts = self.engine.clock[0], self.engine.counts[0]
        self._queue = np.zeros(2, dtype=np.int64)

    @property
    def y(self):
        return self._shaped(self.engine.state[0])

    def _shaped(self, states):
        return states[..., 0, :] if states.shape[-2] == 1 else states

    def advance(self, t_end, t_out=(), max_steps=100_000):
        """Call the kernel; MORE, or how the span ended. After MORE the same call goes on."""
        engine, t_out = self.engine, np.array(t_out, dtype=float).reshape(1, -1)
        if self.lanes.who[0] < 0:
            self.clock[entry.UNTIL], self._queue[:] = t_end, (0, 1)
            self.counts[entry.ROW], self.counts[entry.STATUS] = 0, entry.MORE
            self._rows = np.full((1, t_out.size, engine.layout.n), np.nan)
        ending = engine._compiled.advance(
            engine.table, self._queue, self.lanes.who, self.lanes.verdicts, engine.clock, engine.counts, engine.own,
            t_out, self._rows, self.lanes.small, self.lanes.work, RODAS5D.coefficients, engine.limits.rtol, max_steps,
        )  # fmt: skip
        return ending if ending == entry.MORE else self.counts[entry.STATUS]

    @property
    def rows(self):
        return self._shaped(self.engine.layout.blocks(self._rows[0]))

    def step(self, h, theta=()):
        """One step of exactly ``h``, whatever its error, and rows at the places ``theta``; states before and after."""
        before = self.y.copy()
        # No error is too large for an infinite tolerance, and a span of one step is neither cut nor rounded.
        self.engine.own[:, slice(*self.engine.table[[entry.AT_ATOL, entry.AT_FLOOR]])] = np.inf
        self.clock[entry.TIME], self.clock[entry.STEP] = 0.0, h
        n_steps = self.counts[entry.STEPS]
        assert self.advance(h, h * np.array(theta)) == entry.DONE
        assert self.counts[entry.STEPS] == n_steps + 1
        return before, self.y.copy()

    @property
    def work(self):
        first, row = self.engine.table[[entry.AT_STAGES, entry.N_ROW]]
        stages = self.lanes.work[first : first + entry.N_STAGES * row].reshape(entry.N_STAGES, row)
        return (stages[:, : self.engine.layout.n],)
