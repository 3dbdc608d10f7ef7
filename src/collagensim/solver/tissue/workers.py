"""Threads that share the parts of a stage; the parts are the same, whoever does them, and so are the bits."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Part = TypeVar("Part")
Result = TypeVar("Result")


class Workers:
    """A number of threads, or the caller alone where it is 1."""

    def __init__(self, threads: int = 1) -> None:
        self.threads = threads

    @functools.cached_property
    def _pool(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(self.threads, thread_name_prefix="tissue")

    def each(self, work: Callable[[Part], Result], parts: Iterable[Part]) -> list[Result]:
        """Return what the work gives for each part, in their order; kernels called in it let other threads run."""
        if self.threads == 1:
            return [work(part) for part in parts]
        return list(self._pool.map(work, parts))
