"""Jobs in processes of their own, side by side: what one does, even its end, touches no other."""

from __future__ import annotations

import contextlib
import multiprocessing
import multiprocessing.process
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any, TypeAlias

from collagensim.errors import InputError, ModelError

# A job is told a function to say how far it is.
Work: TypeAlias = Callable[[Any, Callable[[float], None]], Any]

GUARD = (
    "other processes begin by reading this program again: keep the call under `if __name__ == '__main__':`, or give "
    "processes=1"
)
TYPED_IN = "other processes cannot read a program that is no file: keep it in one, or give processes=1"


def check_program() -> None:
    """Refuse to start processes from a program that they cannot read, or that starts them whenever it is read.

    Raises
    ------
    InputError
        With what to do instead.
    """
    if getattr(multiprocessing.process.current_process(), "_inheriting", False):
        raise InputError(GUARD)  # this is such a process, which is still reading
    main = sys.modules["__main__"]
    path = getattr(main, "__file__", None)
    if path is not None and getattr(main, "__spec__", None) is None and not Path(path).is_file():
        raise InputError(TYPED_IN)


def side_by_side(
    work: Work, jobs: Sequence[Any], at_once: int, watch: Callable[[int, float], None]
) -> Iterator[tuple[int, Any, str]]:
    """Yield (place of the job, what it returned, why it failed) as jobs end, and end those left when the caller does.

    Processes are new ones, which share nothing with this one; ``work`` must be a function of a module, and it and the
    jobs fit for `pickle`.

    Raises
    ------
    InputError
        When a job says that what it was given is not valid, which it then is for all; or when a process ends before it
        begins its job.
    """
    context, waiting = multiprocessing.get_context("spawn"), list(enumerate(jobs))[::-1]
    running: dict[Any, tuple[int, Any]] = {}
    silent: set[Any] = set()  # of those running, which have not begun their job
    allowed = 1
    try:
        while waiting or running:
            while waiting and len(running) < allowed:
                place, job = waiting.pop()
                here, there = context.Pipe(duplex=False)
                process = context.Process(target=_run, args=(work, job, there), daemon=True)
                with _deaf_to_interrupts():
                    process.start()
                there.close()
                running[here] = (place, process)
                silent.add(here)
            ready: list[Any] = wait(list(running))
            for here in ready:
                place, process = running[here]
                kind, said = _heard(here, process)
                if kind == "begun":
                    silent.discard(here)
                    continue
                allowed = (
                    at_once  # the first was alone until it said more: the others find its kernels compiled
                )
                if kind == "at":
                    watch(place, said)
                    continue
                del running[here]
                process.join()
                if kind == "refused" or here in silent:
                    raise InputError(said if kind == "refused" else GUARD)
                yield (place, said, "") if kind == "done" else (place, None, said)
    finally:
        for _, process in running.values():
            process.terminate()
            process.join()


@contextlib.contextmanager
def _deaf_to_interrupts() -> Iterator[None]:
    """Let a process that is started meanwhile ignore interrupts from its first moment; they are its caller's."""
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may say how signals are met
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


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
    there.send(("begun", None))
    try:
        said = ("done", work(job, lambda value: there.send(("at", value))))
    except (InputError, ModelError) as error:
        said = ("refused", str(error))
    except Exception as error:  # whatever it is, it is this job's alone
        said = ("failed", f"{type(error).__name__}: {error}")
    there.send(said)
