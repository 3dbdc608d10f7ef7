"""A bar of simulated days, as long as the steps they take."""

from __future__ import annotations

import sys
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager


def is_shown(progress: bool | None) -> bool:
    """Return whether a bar is drawn: where it is asked for, and for people in a terminal or notebook."""
    watched = sys.stderr.isatty() or "ipykernel" in sys.modules
    return watched if progress is None else bool(progress)


@contextmanager
def day_bar(
    ends: Sequence[float], n: int, title: str, progress: bool | None, statement: str
) -> Iterator[Callable[[Iterable[float]], None]]:
    """Yield a function that moves a bar on stderr to the days that each of ``n`` courses has reached.

    Unless asked for, it is drawn for people only - in a terminal or notebook - and when there are two seconds to wait.

    Parameters
    ----------
    ends : the day on which each step of a course ends: days soon after a session take longer than late ones.
    n : courses.
    title : what stands before the bar.
    progress : whether to draw it.
    statement : what the run will need, written before it; none where that is empty.
    """
    from tqdm import tqdm

    shows = is_shown(progress)
    if shows and statement:
        sys.stderr.write(f"collagensim: {statement}\n")
    form = "{desc}: {percentage:3.0f}% |{bar}| {elapsed}, about {remaining} left{postfix}"
    delay = 0.0 if progress else 2.0
    with tqdm(total=n * len(ends), desc=title, disable=not shows, delay=delay, bar_format=form) as bar:

        def move(reached: Iterable[float]) -> None:
            days = list(reached)
            bar.set_postfix_str(f"day {sum(days) / n:.1f}", refresh=False)
            bar.update(sum(bisect_right(ends, day) for day in days) - bar.n)

        yield move
