"""Members come into lanes and leave them: a lane that is done takes the next of the queue.

While a member is in a lane, the lane has its clock and counts the work; what it was before stands in the member's own
``clock`` and ``counts`` until the member leaves, or until the stepper returns.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from collagensim.kernels.control import MOST
from collagensim.kernels.numbers import WIDTH, compact, driver, fetch, tail
from collagensim.kernels.output import time_due
from collagensim.kernels.table import (
    CLOCK,
    DONE,
    DUE,
    FACTORISATIONS,
    LAST_FACTOR,
    LAST_STEP,
    MAY_GROW,
    MISSED,
    MORE,
    N_CLOCK,
    N_COUNTS,
    N_OWN,
    N_STAGES,
    RATES,
    REJECTED,
    RETRY,
    ROW,
    STATUS,
    STEP,
    STEPS,
    TAKEN,
    TIME,
    TRIES,
    UNTIL,
    N,
)  # fmt: skip

if TYPE_CHECKING:
    from typing import TypeAlias

    import numpy.typing as npt

    from collagensim.kernels.numbers import Numbers

    Floats: TypeAlias = npt.NDArray[np.float64]
    Integers: TypeAlias = npt.NDArray[np.int64]


@driver
def refill(
    who: Integers, width: int, queue: Integers, clock: Floats, counts: Integers, own: Numbers, t_out: Floats,
    n_out: int, rows: Numbers, small: Floats, work: Numbers, table: Integers,
) -> int:  # fmt: skip
    """Give every idle lane the next member that has something left to do; returns the lanes at work.

    queue (2,): the next member, and one past the last. A member's rows at times already reached are its present state.
    """
    at_work, n, n_own = 0, table[N], table[N_OWN]
    for lane in range(width):
        while who[lane] < 0 and queue[0] < queue[1]:
            member = queue[0]
            queue[0] = member + 1
            mine, time, done = (
                tail(own, member * n_own),
                tail(clock, member * N_CLOCK),
                tail(counts, member * N_COUNTS),
            )
            if done[STATUS] == MORE:
                while time_due(member, done[ROW], t_out, n_out) <= time[TIME]:
                    row = tail(rows, (member * n_out + done[ROW]) * n)
                    for i in range(n):
                        row[i] = mine[i]
                    done[ROW] += 1
                if time[TIME] < time[UNTIL]:
                    who[lane] = member
                    for i in range(n_own):
                        work[i * width + lane] = mine[i]
                    for k in range(N_CLOCK):
                        small[(CLOCK + k) * width + lane] = time[k]
                    small[MAY_GROW * width + lane] = 1.0 if done[RETRY] == 1 else MOST
                    small[DUE * width + lane] = time_due(member, done[ROW], t_out, n_out)
                    forget_counts(lane, width, small)
                    if queue[0] < queue[1]:
                        for i in range(0, n_own, WIDTH):
                            fetch(own, queue[0] * n_own + i)
                else:
                    done[STATUS] = DONE
        if who[lane] < 0:
            rest_lane(lane, width, small)
        at_work += who[lane] >= 0
    return at_work


@compact
def rest_lane(lane: int, width: int, small: Floats) -> None:
    """Idle lanes calculate too: let them take steps of one, and of whatever they grow to."""
    own = tail(small, CLOCK * width + lane)
    own[TIME * width], own[UNTIL * width], own[STEP * width] = 0.0, np.inf, 1.0
    own[LAST_STEP * width], own[LAST_FACTOR * width] = 0.0, 0.0
    small[DUE * width + lane], small[MAY_GROW * width + lane] = np.inf, 1.0


@compact
def note_lane(lane: int, member: int, width: int, small: Floats, clock: Floats, counts: Integers) -> None:
    """Write a lane's clock and counts to those of its member."""
    own, time = tail(small, CLOCK * width + lane), tail(clock, member * N_CLOCK)
    done = tail(counts, member * N_COUNTS)
    for k in range(N_CLOCK):
        time[k] = own[k * width]
    tries = int(small[TRIES * width + lane])
    done[STEPS] += int(small[TAKEN * width + lane])
    done[REJECTED] += int(small[MISSED * width + lane])
    done[RATES] += N_STAGES * tries
    done[FACTORISATIONS] += tries
    done[RETRY] = small[MAY_GROW * width + lane] < MOST


@compact
def forget_counts(lane: int, width: int, small: Floats) -> None:
    """Count a lane's steps from zero on."""
    small[TRIES * width + lane], small[TAKEN * width + lane], small[MISSED * width + lane] = 0.0, 0.0, 0.0


@driver
def empty_lanes(
    who: Integers, verdicts: Integers, passed: bool, width: int, clock: Floats, counts: Integers, own: Numbers,
    small: Floats, work: Numbers, table: Integers,
) -> None:  # fmt: skip
    """Unload the lanes whose members are at their end or have failed, and note how that came."""
    for lane in range(width):
        member, verdict = who[lane], DONE if passed else verdicts[lane]
        now = tail(small, CLOCK * width + lane)
        if member < 0 or verdict == MORE or (verdict == DONE and now[TIME * width] < now[UNTIL * width]):
            continue
        mine = tail(own, member * table[N_OWN])
        for i in range(table[N]):
            mine[i] = work[i * width + lane]
        note_lane(lane, member, width, small, clock, counts)
        counts[member * N_COUNTS + STATUS] = verdict
        who[lane] = -1
