"""How many members are advanced together, and what memory that takes."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from collagensim.analysis.request import Asked
from collagensim.errors import InputError, whole
from collagensim.solver.resting import SPACE

# Members that are advanced together. Larger chunks do once what smaller ones repeat, but their arrays are fetched anew
# from the system every time, which costs more.
SHARE = 64
WORK_BYTES = 2**30  # a chunk is made smaller rather than need more than this
COPIES = (
    2.5  # of a chunk's states that the solver holds at its peak: its own, a stage's and what is made of them
)


@dataclass(frozen=True)
class Plan:
    """``n`` members in chunks of ``size``, ``at_once`` side by side; bytes needed meanwhile, and for the result."""

    n: int
    size: int
    at_once: int
    threads_each: int
    work_bytes: float
    result_bytes: float

    @property
    def n_chunks(self) -> int:
        """Chunks in all."""
        return -(-self.n // self.size)

    def chunks(self) -> list[range]:
        """The members of each chunk."""
        return [range(start, min(start + self.size, self.n)) for start in range(0, self.n, self.size)]

    @property
    def statement(self) -> str:
        """What a run will need, in a sentence."""
        many = "1 chunk" if self.n_chunks == 1 else f"{self.n_chunks} chunks of {self.size}"
        side = f", {self.at_once} at once" if self.at_once > 1 else ""
        return (
            f"{self.n} members in {many}{side}; about {readable(self.work_bytes)} of memory at work and "
            f"{readable(self.result_bytes)} for the result"
        )


def planned(asked: Asked, chunk: int | None = None) -> Plan:
    """Return how to run a request, in chunks of ``chunk`` members or as memory and threads allow.

    Raises
    ------
    InputError
        When it needs more memory than is free.
    """
    n, free, each = asked.pairs.n, free_bytes(), _work_bytes(asked)
    layers = [asked.n_layers(name) or 1 for name in asked.variables]
    a_member = (1 + asked.output_days.size) * sum(layers) + len(asked.endpoints) + len(asked.pairs.parameters)
    result = 8.0 * n * a_member
    room = WORK_BYTES if free is None else min(WORK_BYTES, max(0.0, free - result) / 2)
    fits = max(1, int(room / each))
    # Few members are one chunk, on all threads; many are chunks side by side, on a thread each.
    few = n <= SHARE * asked.threads
    size = min(n if few else SHARE, fits) if chunk is None else min(whole("chunk", chunk, 1, 1_000_000), n)
    at_once = max(1, min(asked.threads, fits // size, -(-n // size) - 1))
    plan = Plan(n, size, at_once, asked.threads if at_once == 1 else 1, at_once * size * each, result)
    if free is not None and plan.work_bytes + result > free:
        raise InputError(
            f"{n} members need about {readable(plan.work_bytes + result)} of memory, {readable(result)} of it for the "
            f"result, and {readable(free)} are free: ask for fewer variables, output_days or members"
        )
    return plan


def _work_bytes(asked: Asked) -> float:
    """Bytes that a member needs while its chunk runs."""
    n_times = asked.output_days.size
    if asked.endpoints:
        sessions = max(len(protocol.days) for protocol in asked.pairs.protocols)
        n_times = int(asked.days) + 2 + 16 * sessions + (0 if asked.on_daily_grid else n_times)
    states = SPACE.n_blocks * len(asked.model.species)
    columns = sum(asked.n_layers(name) or 1 for name in asked.read)
    return 8.0 * (1 + n_times) * (COPIES * states + 2 * columns)


def free_bytes() -> float | None:
    """Return the memory that can be had without swapping [byte]; None where the system does not say.

    The least of what the machine has left, what a container may still take and what the process may still address.
    """
    rooms = [room for room in (_machine_room(), _container_room(), _address_room()) if room is not None]
    return min(rooms, default=None)


def _container_room(root: Path = Path("/sys/fs/cgroup")) -> float | None:
    """What the control group leaves [byte], old file pages counted as free, as the kernel drops them first."""
    for folder, most, used, cached in (
        (root, "memory.max", "memory.current", "inactive_file"),
        (root / "memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
    ):
        try:
            limit, taken = ((folder / name).read_text(encoding="ascii").strip() for name in (most, used))
            rows = (folder / "memory.stat").read_text(encoding="ascii").split("\n")
        except OSError:
            continue
        if limit != "max":
            stale = sum(float(row.split()[1]) for row in rows if row.startswith(f"{cached} "))
            return max(float(limit) - float(taken) + stale, 0.0)
    return None


def _address_room() -> float | None:
    """What the limit of addresses (ulimit -v) leaves this process [byte]; None where there is none."""
    table = Path("/proc/self/statm")
    try:
        import resource
    except ImportError:  # not on Windows
        return None
    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    if limit == resource.RLIM_INFINITY or not table.is_file():
        return None
    pages = float(table.read_text(encoding="ascii").split()[0])
    return max(limit - pages * resource.getpagesize(), 0.0)


def _machine_room() -> float | None:
    table = Path("/proc/meminfo")
    if table.is_file():
        for line in table.read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return 1024.0 * float(line.split()[1])
    names = getattr(os, "sysconf_names", {})
    pages = next((name for name in ("SC_AVPHYS_PAGES", "SC_PHYS_PAGES") if name in names), None)
    return None if pages is None else float(os.sysconf(pages)) * float(os.sysconf("SC_PAGE_SIZE"))


def readable(count: float) -> str:
    """Return a number of bytes in MB or GB."""
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.3g} MB"
