"""The same treatment of skins that differ by chance alone: a tissue for each seed, in processes side by side."""

from __future__ import annotations

import functools
import os
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
import xarray as xr

from collagensim.analysis.day_bar import day_bar
from collagensim.analysis.processes import side_by_side
from collagensim.analysis.tissue import duration, forecast
from collagensim.errors import (
    ContraindicationWarning,
    InputError,
    SolveError,
    increasing,
    is_listed,
    one_of,
    shown,
    whole,
)
from collagensim.model import Architecture, Model
from collagensim.notice import NOTICE
from collagensim.response import Tissue
from collagensim.skin import Skin
from collagensim.solver.simulate import warn
from collagensim.solver.tissue.run import simulate_tissue
from collagensim.treatment import Protocol

Biology: TypeAlias = Callable[[], tuple[Model, Architecture]]

NOT_RUN = "not run: interrupted"
SECONDS_BETWEEN = 0.5  # that a process lets pass before it says again how far it is


@dataclass(frozen=True, eq=False, repr=False)
class Replicates:
    """What `collagensim.simulate_tissues` returns.

    Replicates of the same seeds under another protocol are paired: skin and luck of a seed are the same, so that
    ``deep.data - shallow.data`` is the treatment's doing, seed by seed.

    Attributes
    ----------
    tissues : mapping
        Seed -> `Tissue`, of those that were finished, in the order given.
    failures : mapping
        Seed -> why it was not finished.
    data : xarray.Dataset
        The averages of all tissues over ``seed``, ``time`` and, in the dermis, ``layer``.
    baseline : xarray.Dataset
        Their resting values over ``seed`` and ``layer``; cells are few, so that skins differ at rest already.
    """

    tissues: Mapping[int, Tissue]
    failures: Mapping[int, str] = field(default_factory=dict)

    @functools.cached_property
    def data(self) -> xr.Dataset:
        """The averages of all tissues."""
        return self._stacked(self._first.data, lambda values: values.values)

    @functools.cached_property
    def baseline(self) -> xr.Dataset:
        """Resting values of all tissues."""
        return self._stacked(
            self._first.data.isel(time=0, drop=True), lambda values: values.attrs["baseline"]
        )

    def _stacked(self, like: xr.Dataset, read: Callable[[xr.DataArray], Any]) -> xr.Dataset:
        """What is read of each variable of each tissue, over seeds and the axes of ``like``."""
        found = {
            name: xr.Variable(
                ("seed", *values.dims), np.array([read(t.data[name]) for t in self.tissues.values()]),
                {about: values.attrs[about] for about in ("units", "long_name")},
            )
            for name, values in like.data_vars.items()
        }  # fmt: skip
        return xr.Dataset(found, coords={"seed": list(self.tissues), **like.coords}, attrs={"notice": NOTICE})

    def mean(self) -> xr.Dataset:
        """Means over the seeds."""
        return self.data.mean("seed", keep_attrs=True)

    def bands(self, name: str, q: Sequence[float] | float = (0.05, 0.5, 0.95)) -> xr.DataArray:
        """Quantiles of a variable over the seeds, linear between them, (quantile, time, layer).

        Parameters
        ----------
        name : str
            Of a variable of ``data``.
        q : number or increasing sequence of numbers
            Within [0, 1].
        """
        known = one_of("variable", name, map(str, self.data.data_vars))
        levels = increasing("q", [q] if np.ndim(q) == 0 else q, 0.0, 1.0)
        return self.data[known].quantile(levels, dim="seed", keep_attrs=True)

    @property
    def _first(self) -> Tissue:
        return next(iter(self.tissues.values()))

    def __repr__(self) -> str:
        failed = f", {len(self.failures)} not finished" if self.failures else ""
        return f"<Replicates of {len(self.tissues)} seeds{failed}. {NOTICE}>"


def simulate_tissues(
    biology: Biology,
    skin: Skin,
    protocol: Protocol,
    *,
    seeds: int | Iterable[int],
    processes: int | None,
    progress: bool | None,
    options: Mapping[str, Any],
) -> Replicates:
    """Return a tissue for each seed; see `collagensim.simulate_tissues`.

    Parameters
    ----------
    biology : function
        Gives model and architecture. With more than one process it must be fit for `pickle`, as models are not.
    skin, protocol, seeds, processes, progress
        As in `collagensim.simulate_tissues`.
    options : mapping
        All other arguments of `simulate_tissue`.
    """
    chosen = _seeds(seeds)
    most = os.cpu_count() or 1 if processes is None else whole("processes", processes, 1, 1024)
    jobs = [_Job(biology, skin, protocol, {**options, "seed": seed}) for seed in chosen]
    found: dict[int, Tissue] = {}
    failures = dict.fromkeys(chosen, NOT_RUN)
    at_once = min(most, len(jobs))
    ends, statement = forecast(biology()[0], skin, protocol, options, at_once, len(jobs))
    if progress:
        statement += duration(*biology(), skin, options, len(ends) * len(jobs) / at_once)
    warn(skin, protocol)
    span, reached = float(options["days"]), dict.fromkeys(range(len(jobs)), 0.0)
    with day_bar(ends, len(jobs), f"{len(jobs)} tissues", progress, statement) as move:

        def watch(place: int, day: float) -> None:
            reached[place] = day
            move(reached.values())

        run = _one_by_one(jobs, watch) if most == 1 else side_by_side(_simulate, jobs, most, watch)
        try:
            for place, tissue, reason in run:
                if reason:
                    failures[chosen[place]] = reason
                else:
                    found[chosen[place]] = tissue
                    del failures[chosen[place]]
                watch(place, span)
        except KeyboardInterrupt:
            if not found:
                raise
    if not found:
        raise SolveError(f"every replicate failed; the first, seed {chosen[0]}: {failures[chosen[0]]}")
    if failures:
        seed, reason = next(iter(failures.items()))
        text = (
            f"{len(failures)} of {len(jobs)} replicates were not finished, the first is seed {seed}: {reason}"
        )
        warnings.warn(f"{text}; all are listed in failures", RuntimeWarning, stacklevel=3)
    return Replicates({seed: found[seed] for seed in chosen if seed in found}, failures)


@dataclass(frozen=True)
class _Job:
    biology: Biology
    skin: Skin
    protocol: Protocol
    options: Mapping[str, Any]


def _simulate(job: _Job, watch: Callable[[float], None]) -> Tissue:
    said = -SECONDS_BETWEEN

    def sometimes(day: float) -> None:
        nonlocal said
        if time.monotonic() - said > SECONDS_BETWEEN:
            said = time.monotonic()
            watch(day)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ContraindicationWarning)  # the caller has warned, once for all
        return simulate_tissue(*job.biology(), job.skin, job.protocol, watch=sometimes, **job.options)


def _one_by_one(jobs: Sequence[_Job], watch: Callable[[int, float], None]) -> Iterator[tuple[int, Any, str]]:
    """Run jobs in this process; as `side_by_side`."""
    for place, job in enumerate(jobs):
        try:
            tissue = _simulate(job, functools.partial(watch, place))
        except SolveError as error:
            yield place, None, f"{type(error).__name__}: {error}"
            continue
        if tissue.provenance["status"] != "completed":
            raise KeyboardInterrupt
        yield place, tissue, ""


def _seeds(given: int | Iterable[int]) -> list[int]:
    """Return the seeds 1 to n, or those that are listed."""
    if not is_listed(given):
        return list(range(1, whole("seeds", given, 1, 100_000) + 1))
    seeds = [whole(f"seeds[{k}]", seed, 0, 2**63 - 1) for k, seed in enumerate(given)]
    if not seeds or len(set(seeds)) < len(seeds):
        raise InputError(f"seeds {shown(seeds)}: give one or more, each once")
    return seeds
