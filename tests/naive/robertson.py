"""The stepper's own example model, Robertson's kinetics, set up for a direct call of the kernels."""

from dataclasses import dataclass, field

import numpy as np

from collagensim.kernels import stepper
from collagensim.kernels.tableaus import RODAS5P
from collagensim.solver.factorization import plan

RATES = np.array([0.04, 1e4, 3e7])
NO_LINKS = (np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64), np.zeros(0))


@dataclass
class Run:
    """One integration of ``n_blocks`` copies, with every array that the kernels want."""

    start: tuple = (1.0, 0.0, 0.0)
    p: np.ndarray = field(default_factory=RATES.copy)
    n_blocks: int = 1
    links: tuple = NO_LINKS
    rtol: float = 1e-6
    atol: tuple = (1e-8, 1e-12, 1e-8)
    floor: tuple = (np.inf, np.inf, np.inf)

    def __post_init__(self):
        to, source, rate = self.links
        found = plan(
            np.array(stepper.LOCAL_ROW),
            np.array(stepper.LOCAL_COLUMN),
            to,
            source,
            m=3,
            n_blocks=self.n_blocks,
        )
        n = 3 * self.n_blocks
        self.plan, self.n_terms, self.n_lu = found.arrays(), found.n_terms, found.n_lu
        self.system = (self.p, np.zeros((self.n_blocks, 1)), to, source, rate)
        self.tolerances = (self.rtol, np.tile(self.atol, self.n_blocks), np.tile(self.floor, self.n_blocks))
        self.work = (
            np.zeros((stepper.N_STAGES, n)),
            np.zeros((stepper.N_SCRATCH, n)),
            np.zeros(self.n_terms),
            np.zeros(self.n_lu),
        )
        self.y = np.resize(np.array(self.start, dtype=float), n)
        self.clock = np.zeros(stepper.N_CLOCK)
        self.counts = np.zeros(stepper.N_COUNTS, dtype=np.int64)

    def advance(self, t_end, t_out=(), rows=None, max_steps=100_000):
        """Call the kernel; the status."""
        t_out = np.array(t_out, dtype=float)
        self.rows = np.full((t_out.size, self.y.size), np.nan) if rows is None else rows
        return stepper.advance(
            self.y, self.clock, self.counts, float(t_end), max_steps, t_out, self.rows, self.system, self.plan,
            RODAS5P.arrays(), self.tolerances, self.work, stepper.M, stepper.N_LOCAL,
        )  # fmt: skip

    def step(self, h):
        """One step of exactly ``h``, accepted whatever its error; the states before and after."""
        before = self.y.copy()
        self.clock[stepper.STEP], self.counts[stepper.FRESH] = h, 0
        status = stepper.try_step(
            self.y, self.clock, self.counts, np.inf, self.system, self.plan, RODAS5P.arrays(), self.tolerances,
            self.work, stepper.M, stepper.N_LOCAL,
        )  # fmt: skip
        assert status == stepper.DONE
        self.y[:] = self.work[1][stepper.NEW]
        return before, self.y.copy()
