"""Many courses at once: in chunks of members, each reduced to what is asked for before the next is begun."""

from __future__ import annotations

import sys
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed

import numpy as np

from collagensim.analysis.labelling import labelled
from collagensim.analysis.memory import Plan, planned
from collagensim.analysis.pairing import paired
from collagensim.analysis.reduction import Found, keep
from collagensim.analysis.request import Asked, asked_for
from collagensim.errors import CollagensimError, ContraindicationWarning, SolveError, in_range
from collagensim.model import Model
from collagensim.response import Ensemble
from collagensim.solver.simulate import simulate_courses
from collagensim.solver.status import Status

NOT_RUN = ("not_run", "not run")
NO_LIMIT = 1e7  # seconds


class EnsembleInterrupted(KeyboardInterrupt):
    """Ctrl-C during `simulate_many`; ``partial`` holds the finished members, the others failed as "not run"."""

    def __init__(self, partial: Ensemble) -> None:
        super().__init__("simulate_many was interrupted; the finished members are in .partial")
        self.partial = partial


def simulate_many(
    model: Model,
    skins: object,
    protocols: object,
    *,
    parameters: object = None,
    days: float = 365.0,
    ageing: bool = True,
    output: str = "summary",
    output_days: Iterable[float] | None = None,
    endpoints: bool = True,
    variables: Sequence[str] | None = None,
    rtol: float = 1e-5,
    threads: int | None = None,
    progress: bool | None = None,
    deadline_s: float | None = None,
    chunk: int | None = None,
) -> Ensemble:
    """Return the courses of many members; see `collagensim.simulate_many`.

    ``chunk`` is how many members are advanced together, by default as memory and threads allow; it changes no bit.
    """
    asked = asked_for(
        model, paired(model, skins, protocols, parameters), days=days, ageing=ageing, output=output,
        output_days=output_days, endpoints=endpoints, variables=variables, rtol=rtol, threads=threads,
    )  # fmt: skip
    limit = NO_LIMIT if deadline_s is None else in_range("deadline_s", deadline_s, 1e-3, NO_LIMIT, "s")
    plan = planned(asked, chunk)
    _warn_of_risks(asked)
    found = Found.nothing(asked)
    try:
        run_members(asked, plan, found, title="simulate_many", limit=limit, progress=progress)
    except KeyboardInterrupt:
        found.failures.update(dict.fromkeys(np.flatnonzero(~found.done).tolist(), NOT_RUN))
        raise EnsembleInterrupted(labelled(asked, plan, found)) from None
    _warn_of_failures(plan, found)
    return labelled(asked, plan, found)


def _warn_of_risks(asked: Asked) -> None:
    """Warn once of each reason not to needle, with the number of members it concerns."""
    pairs = asked.pairs
    counted: Counter[str] = Counter()
    n = max(len(pairs.skins), len(pairs.protocols))
    for member in range(n):
        if pairs.protocol(member).events():
            counted.update(pairs.skin(member).warnings())
    for reason, count in counted.items():
        text = reason if n == 1 else f"{count} of {n} members: {reason}"
        warnings.warn(text, ContraindicationWarning, stacklevel=4)


def _warn_of_failures(plan: Plan, found: Found) -> None:
    if found.failures:
        first = min(found.failures)
        message = (
            f"{len(found.failures)} of {plan.n} members failed, the first is member {first}: "
            f"{found.failures[first][1]}"
        )
        warnings.warn(f"{message}; all are listed in failures", RuntimeWarning, stacklevel=4)


def run_members(
    asked: Asked,
    plan: Plan,
    found: Found,
    *,
    title: str,
    limit: float = NO_LIMIT,
    progress: bool | None = None,
) -> None:
    """Run chunk after chunk for at most ``limit`` seconds and write what is asked for into ``found``.

    On Ctrl-C ``found`` holds the chunks that were finished; ``found.done`` says whose they are.
    """
    from tqdm import tqdm

    watched = sys.stderr.isatty() or "ipykernel" in sys.modules
    shows = watched if progress is None else bool(progress)
    if progress or (shows and plan.n_chunks > 1):
        sys.stderr.write(f"collagensim: {plan.statement}\n")
    started = time.monotonic()

    def advance(members: range) -> range:
        left = limit - (time.monotonic() - started)
        if left > 0:
            _advance(asked, found, members, left, plan.threads_each)
        else:
            late = (Status.DEADLINE.name.lower(), f"not run: {Status.DEADLINE.value}")
            found.failures.update(dict.fromkeys(members, late))
        found.done[members.start : members.stop] = True
        found.seconds = time.monotonic() - started
        return members

    # Unless asked for, a bar for what ends within two seconds is only noise.
    delay = 0.0 if progress else 2.0
    with tqdm(total=plan.n, desc=title, unit="course", disable=not shows, delay=delay) as bar:
        for members in _each(advance, plan.chunks(), plan.at_once):
            bar.update(len(members))


def _each(work: Callable[[range], range], chunks: list[range], at_once: int) -> Iterator[range]:
    """Yield ``work(chunk)`` as chunks end; the first alone, so that one thread compiles and the others find it done.

    Much of a chunk is NumPy's work on its arrays: chunks side by side keep all cores busy where the threads of one
    solve could not.
    """
    alone = chunks if at_once == 1 else chunks[:1]
    yield from map(work, alone)
    rest = chunks[len(alone) :]
    if not rest:
        return
    pool = ThreadPoolExecutor(at_once, thread_name_prefix="simulate_many")
    try:
        for future in as_completed([pool.submit(work, chunk) for chunk in rest]):
            yield future.result()
    finally:  # also after Ctrl-C: chunks that are under way are finished and kept
        pool.shutdown(wait=True, cancel_futures=True)


def _advance(asked: Asked, found: Found, members: range, seconds: float, threads: int) -> None:
    """Run one chunk and reduce it."""
    pairs = asked.pairs
    try:
        courses = simulate_courses(
            asked.model, [pairs.skin(i) for i in members], [pairs.protocol(i) for i in members],
            pairs.values(members) if pairs.parameters else None, days=asked.days, ageing=asked.ageing,
            rtol=asked.rtol, grids=asked.grids(members), variables=asked.read, threads=threads,
            deadline_s=max(seconds, 1e-3),
        )  # fmt: skip
    except CollagensimError as error:
        if len(members) > 1:
            raise
        found.failures[members.start] = _told(error, 0)  # a member alone raises what stops it
        return
    found.failures.update({members.start + i: _told(error, i) for i, error in courses.failures.items()})
    sound = [k for k, i in enumerate(courses.numbers.tolist()) if i not in courses.failures]
    if sound:
        keep(asked, found, courses, np.array(sound, dtype=np.int64), members)


def _told(error: CollagensimError, place: int) -> tuple[str, str]:
    """Status and message of a failure; the message without the member's place in its chunk."""
    ended = error.status if isinstance(error, SolveError) else None
    status = ended.name.lower() if isinstance(ended, Status) else "invalid"
    return status, str(error).removeprefix(f"member {place}: ")
