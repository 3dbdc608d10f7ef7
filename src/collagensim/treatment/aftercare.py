"""What is put on or shone on the skin besides needles, where there is evidence for it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from collagensim.errors import InputError, in_range, instance, is_listed, nearest, one_of, shown
from collagensim.skin import Figure, read_figures


@cache
def _figures() -> tuple[Figure, ...]:
    return read_figures(files(__package__).joinpath("aftercare.csv"), "kind")


def aftercare_kinds() -> tuple[str, ...]:
    """Return the kinds of aftercare that are known."""
    return tuple(dict.fromkeys(figure.of for figure in _figures()))


def aftercare_table() -> list[dict[str, str | float]]:
    """Return the figures behind the kinds: usual days, whether the evidence is thin, and its source."""
    return [figure.row() for figure in _figures()]


@dataclass(frozen=True)
class Aftercare:
    """One course of aftercare.

    Parameters
    ----------
    kind : str
        One of ``aftercare_kinds()``.
    start_day : float
        First day [day]: of the protocol, or after the session when given to a ``Session``; then it may be negative
        as long as it falls on or after day 0.
    days : float, optional
        How long [day]; the usual course of the kind when not given.
    dose : float
        1 is the dose of the cited study, 0 none, at most 5.
    """

    kind: str
    start_day: float = 0.0
    days: float | None = None
    dose: float = 1.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "kind", one_of("aftercare", self.kind, aftercare_kinds()))
        usual = next(f.value for f in _figures() if f.of == self.kind and f.quantity == "days")
        days = usual if self.days is None else in_range("aftercare days", self.days, 0, 3650, "days")
        start = in_range("aftercare start_day", self.start_day, -365, 36500, "days")
        object.__setattr__(self, "days", days)
        object.__setattr__(self, "start_day", start)
        object.__setattr__(self, "dose", in_range("aftercare dose", self.dose, 0, 5))

    @property
    def end_day(self) -> float:
        """Day on which it ends [day]."""
        return self.start_day + (self.days or 0.0)

    @property
    def is_thin(self) -> bool:
        """Whether the evidence for its effect is thin: see ``aftercare_table()``."""
        return any(f.value > 0 for f in _figures() if f.of == self.kind and f.quantity == "thin")

    def shifted(self, day: float) -> Aftercare:
        """Return the same course ``day`` days later."""
        return Aftercare(self.kind, self.start_day + day, self.days, self.dose)

    def to_dict(self) -> dict[str, Any]:
        """Return the arguments, as JSON holds them."""
        return asdict(self)

    @classmethod
    def from_dict(cls, given: Mapping[str, Any]) -> Aftercare:
        """Return the course that ``to_dict`` described."""
        known = ("kind", "start_day", "days", "dose")
        for name in given:
            if name not in known:
                raise InputError(
                    f"aftercare has no {name!r}: it has {', '.join(known)}{nearest(name, known)}"
                )
        if "kind" not in given:
            raise InputError(f"aftercare without a kind: choose one of {', '.join(aftercare_kinds())}")
        return cls(**dict(given))


def courses(given: object) -> tuple[Aftercare, ...]:
    """Return ``given`` as a tuple of courses, refusing anything else."""
    if isinstance(given, Aftercare):
        return (given,)
    if not is_listed(given):
        raise InputError(
            f"aftercare {shown(given)} is not a list of Aftercare: give for example [Aftercare('uv')]"
        )
    listed = tuple(given)
    for course in listed:
        instance("aftercare", course, Aftercare, "for example Aftercare('uv')")
    return listed


def care_changes(given: Iterable[Aftercare]) -> list[tuple[float, dict[str, float]]]:
    """Return when which ``care.*`` input takes which value, sorted by day; only what changes is named.

    Courses of one kind that overlap do not add: the larger dose counts.
    """
    listed = tuple(given)
    days = sorted({day for course in listed for day in (course.start_day, course.end_day)})
    level = {f"care.{course.kind}": 0.0 for course in listed}
    changes: list[tuple[float, dict[str, float]]] = []
    for day in days:
        now = dict.fromkeys(level, 0.0)
        for course in listed:
            if course.start_day <= day < course.end_day:
                now[f"care.{course.kind}"] = max(now[f"care.{course.kind}"], course.dose)
        changed = {name: dose for name, dose in now.items() if dose != level[name]}
        if changed:
            changes.append((day, changed))
        level = now
    return changes
