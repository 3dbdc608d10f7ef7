"""Tissues that differ by chance alone, one for each seed, in processes side by side."""

from __future__ import annotations

import functools
import os
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from collagensim.analysis.day_bar import day_bar
from collagensim.analysis.processes import check_program, side_by_side
from collagensim.analysis.tissue import forecast, told_before
from collagensim.errors import (
    ContraindicationWarning,
    InputError,
    SolveError,
    is_listed,
    shown,
    whole,
)
from collagensim.model import Architecture, Model
from collagensim.response import Replicates, Tissue
from collagensim.skin import Skin
from collagensim.solver.simulate import warn
from collagensim.solver.tissue.asked import Asked
from collagensim.solver.tissue.run import simulate_tissue
from collagensim.treatment import Protocol

Biology: TypeAlias = Callable[[], tuple[Model, Architecture]]

NOT_RUN = "not run: interrupted"


class ReplicatesInterrupted(KeyboardInterrupt):
    """Ctrl-C during `simulate_tissues` before a replicate was finished; ``partial`` holds the days that were."""

    def __init__(self, partial: Mapping[int, Tissue]) -> None:
        super().__init__(
            "simulate_tissues was interrupted; the finished days of the first replicate are in .partial"
        )
        self.partial = partial


SECONDS_BETWEEN = 0.5  # that a process lets pass before it says again how far it is


def simulate_tissues(
    biology: Biology,
    asked: Asked,
    *,
    seeds: int | Iterable[int],
    processes: int | None,
    progress: bool | None,
) -> Replicates:
    """Return a tissue for each seed; see `collagensim.simulate_tissues`.

    Parameters
    ----------
    biology : function
        Gives the model and architecture of ``asked``. With more than one process it must be fit for `pickle`, as models
        are not.
    asked : Asked
        A course, whatever its seed.
    seeds, processes, progress
        As in `collagensim.simulate_tissues`.
    """
    chosen = _seeds(seeds)
    most = os.cpu_count() or 1 if processes is None else whole("processes", processes, 1, 1024)
    if most > 1:
        check_program()
    jobs = [_Job(biology, asked.skin, asked.protocol, {**asked.options, "seed": seed}) for seed in chosen]
    found: dict[int, Tissue] = {}
    partial: dict[int, Tissue] = {}
    failures = dict.fromkeys(chosen, NOT_RUN)
    at_once = min(most, len(jobs))
    ends, statement = forecast(asked, at_once, len(jobs))
    statement = told_before(asked, statement, len(ends) * len(jobs) / at_once, progress)
    warn(asked.skin, asked.protocol)
    reached = dict.fromkeys(range(len(jobs)), 0.0)
    with day_bar(ends, len(jobs), f"{len(jobs)} tissues", progress, statement) as move:

        def watch(place: int, day: float) -> None:
            reached[place] = day
            move(reached.values())

        run = _one_by_one(jobs, watch) if most == 1 else side_by_side(_simulate, jobs, most, watch)
        try:
            for place, tissue, reason in run:
                if reason:
                    failures[chosen[place]] = reason
                elif tissue.provenance["status"] != "completed":
                    partial[chosen[place]], failures[chosen[place]] = tissue, tissue.provenance["status"]
                    raise KeyboardInterrupt
                else:
                    found[chosen[place]] = tissue
                    del failures[chosen[place]]
                watch(place, asked.days)
        except KeyboardInterrupt:
            if not found and partial:
                raise ReplicatesInterrupted(partial) from None
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
    return Replicates({seed: found[seed] for seed in chosen if seed in found}, failures, partial)


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
        yield place, tissue, ""


def _seeds(given: int | Iterable[int]) -> list[int]:
    """Return the seeds 1 to n, or those that are listed."""
    if not is_listed(given):
        return list(range(1, whole("seeds", given, 1, 100_000) + 1))
    seeds = [whole(f"seeds[{k}]", seed, 0, 2**63 - 1) for k, seed in enumerate(given)]
    if not seeds or len(set(seeds)) < len(seeds):
        raise InputError(f"seeds {shown(seeds)}: give one or more, each once")
    return seeds
