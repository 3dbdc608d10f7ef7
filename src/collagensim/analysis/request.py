"""What many courses are asked for: checked once, before anything runs."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from collagensim.analysis.endpoints import ENDPOINTS
from collagensim.analysis.pairing import Pairs
from collagensim.errors import InputError, increasing, names_in, one_of, plain, whole
from collagensim.model import Model
from collagensim.skin import LAYERS
from collagensim.solver.outline import outline
from collagensim.solver.simulate import check, daily

Array = NDArray[np.float64]

OUTPUTS = ("summary", "full")
SUMMARY_DAYS = (0.0, 1.0, 3.0, 7.0, 14.0, 28.0, 56.0, 90.0, 180.0)
SUMMARY_VARIABLES = (
    "collagen_total", "collagen_iii", "collagen_i", "elastin", "tensile_strength", "dermal_thickness", "fibroblasts",
    "myofibroblasts", "macrophages", "capillary_density", "epidermal_thickness", "barrier", "erythema", "melanin",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Asked:
    """A checked request: who, how long, and what of it is kept."""

    model: Model
    pairs: Pairs
    days: float
    ageing: bool
    rtol: float
    output: str
    output_days: Array
    variables: tuple[str, ...]
    endpoints: tuple[str, ...]
    threads: int

    @property
    def read(self) -> tuple[str, ...]:
        """Variables that the solver must give: those kept, and those that endpoints read."""
        wanted = [name for e in ENDPOINTS if e.name in self.endpoints for name in e.needs]
        return tuple(dict.fromkeys([*self.variables, *wanted]))

    @property
    def on_daily_grid(self) -> bool:
        """Whether every output day is on the grid that a course has anyway."""
        return bool(
            np.all((self.output_days == np.floor(self.output_days)) | (self.output_days == self.days))
        )

    def n_layers(self, name: str) -> int | None:
        """Layers of a variable, None for what has none."""
        return None if name in outline(self.model).surface else len(LAYERS)

    def grid(self, member: int) -> Array:
        """The days on which endpoints of a member are read."""
        return np.asarray(daily(self.days, tuple(self.pairs.protocol(member).days)))

    def grids(self, members: range) -> list[list[float]] | None:
        """Output days for the solver, one array a member; None for its own."""
        if not self.endpoints:
            return [self.output_days.tolist()] * len(members)
        if self.on_daily_grid:
            return None
        return [np.union1d(self.grid(member), self.output_days).tolist() for member in members]


def asked_for(
    model: Model, pairs: Pairs, *, days: float, ageing: bool, output: str, output_days: Iterable[float] | None,
    endpoints: bool, variables: Sequence[str] | None, rtol: float, threads: int | None,
) -> Asked:  # fmt: skip
    """Return a request, checked; see `collagensim.simulate_many`."""
    span = check(model, pairs.skin(0), pairs.protocol(0), days=days, ageing=ageing, rtol=rtol)
    ends = [max(protocol.days, default=0.0) for protocol in pairs.protocols]
    if min(ends) > span:
        raise InputError(
            f"days {plain(span)} ends before the last session, which is on day {plain(min(ends))} or later: "
            f"give days of {plain(max(ends))} or more"
        )
    known = [item.name for item in (*model.species, *model.derived)]
    kind = one_of("output", output, OUTPUTS)
    if variables is not None:
        chosen = tuple(
            dict.fromkeys(one_of("variable", name, known) for name in names_in("variables", variables))
        )
    else:
        usual = tuple(name for name in SUMMARY_VARIABLES if name in known)
        chosen = usual if kind == "summary" and usual else tuple(known)
    if output_days is not None:
        wanted = increasing("output_days", output_days, 0.0, span, "days")
    elif kind == "full":
        wanted = [*np.arange(0.0, np.floor(span) + 1.0), span]
    else:
        wanted = [*(day for day in SUMMARY_DAYS if day <= span), span]
    names = tuple(e.name for e in ENDPOINTS if endpoints and set(e.needs) <= set(known))
    return Asked(
        model, pairs, span, bool(ageing), float(rtol), kind, np.unique(wanted), chosen, names, cores(threads)
    )


def cores(threads: int | None) -> int:
    """Return how many threads to use: those asked for, or as many as this process has cores."""
    if threads is None:
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return whole("threads", threads, 1, 1024)
