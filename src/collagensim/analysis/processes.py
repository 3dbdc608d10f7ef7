"""Jobs in processes of their own, side by side: what one does, even its end, touches no other."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import wait
from typing import Any, TypeAlias

from collagensim.errors import InputError, ModelError

# A job is told a function to say how far it is.
Work: TypeAlias = Callable[[Any, Callable[[float], None]], Any]


def side_by_side(
    work: Work, jobs: Sequence[Any], at_once: int, watch: Callable[[int, float], None]
) -> Iterator[tuple[int, Any, str]]:
    """Yield (place of the job, what it returned, why it failed) as jobs end, and end those left when the caller does.

    Processes are new ones, which share nothing with this one; ``work`` must be a function of a module, and it and the
    jobs fit for `pickle`.

    Raises
    ------
    InputError
        When a job says that what it was given is not valid, which it then is for all.
    """
    context, waiting = multiprocessing.get_context("spawn"), list(enumerate(jobs))[::-1]
    running: dict[Any, tuple[int, Any]] = {}
    allowed = 1
    try:
        while waiting or running:
            while waiting and len(running) < allowed:
                place, job = waiting.pop()
                here, there = context.Pipe(duplex=False)
                process = context.Process(target=_run, args=(work, job, there), daemon=True)
                process.start()
                there.close()
                running[here] = (place, process)
            ready: list[Any] = wait(list(running))
            allowed = at_once  # the first was alone until it spoke: the others find its kernels compiled
            for here in ready:
                place, process = running[here]
                kind, said = _heard(here, process)
                if kind == "at":
                    watch(place, said)
                    continue
                del running[here]
                process.join()
                if kind == "refused":
                    raise InputError(said)
                yield (place, said, "") if kind == "done" else (place, None, said)
    finally:
        for _, process in running.values():
            process.terminate()
            process.join()


def _heard(here: Any, process: Any) -> tuple[str, Any]:
    try:
        kind, said = here.recv()
    except EOFError:
        process.join()
        return "failed", f"its process ended with code {process.exitcode}"
    return str(kind), said


def _run(work: Work, job: Any, there: Any) -> None:
    # An interrupt is the caller's, who ends this process.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        said = ("done", work(job, lambda value: there.send(("at", value))))
    except (InputError, ModelError) as error:
        said = ("refused", str(error))
    except Exception as error:  # whatever it is, it is this job's alone
        said = ("failed", f"{type(error).__name__}: {error}")
    there.send(said)
