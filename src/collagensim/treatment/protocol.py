"""When which session is done, and what else happens to the skin."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from os import PathLike
from typing import Any

from collagensim.errors import InputError, in_range, instance, is_listed, nearest, plain, shown, whole
from collagensim.skin import Skin
from collagensim.treatment.aftercare import Aftercare, care_changes, courses
from collagensim.treatment.session import Session
from collagensim.treatment.table import read_sessions
from collagensim.treatment.trials import trial, trial_ids

LISTED = 8  # days that the short form of a protocol spells out


@dataclass(frozen=True, repr=False)
class Protocol:
    """A course of treatment.

    Parameters
    ----------
    sessions : sequence of (day, Session)
        Days [day] from the start of the course, 0 or later, rising, one session a day; may be empty.
    aftercare : sequence of Aftercare
        Courses on absolute days; those that a session carries are added on its day.
    skin : Skin, optional
        The skin that a published protocol was done on.
    name : str
        Where it comes from, e.g. the name of a trial.
    assumptions : sequence of str
        What was not stated and is assumed; those of the sessions are added by ``all_assumptions``.

    Examples
    --------
    >>> Protocol.series(Session(depth_mm=1.5, density_per_cm2=250), sessions=3, spacing_days=28).days
    (0.0, 28.0, 56.0)
    """

    sessions: tuple[tuple[float, Session], ...] = ()
    aftercare: tuple[Aftercare, ...] = field(default=(), kw_only=True)
    skin: Skin | None = field(default=None, kw_only=True)
    name: str = field(default="", kw_only=True)
    assumptions: tuple[str, ...] = field(default=(), kw_only=True)

    def __post_init__(self) -> None:
        object.__setattr__(self, "sessions", _in_order(self.sessions))
        object.__setattr__(self, "aftercare", courses(self.aftercare))
        object.__setattr__(self, "assumptions", _sentences(self.assumptions))
        object.__setattr__(self, "name", instance("name", self.name, str, "for example name='my protocol'"))
        if self.skin is not None:
            instance("skin", self.skin, Skin, "for example Skin(site='cheek')")
        for course in self.care_courses:
            if course.start_day < 0:
                raise InputError(
                    f"aftercare {course.kind!r} starts on day {course.start_day:g}, before the course: "
                    "give day 0 or later"
                )

    @classmethod
    def series(
        cls,
        session: Session,
        *,
        sessions: int = 5,
        spacing_days: float = 30,
        start_day: float = 0,
        aftercare: Iterable[Aftercare] = (),
    ) -> Protocol:
        """Return the same session ``sessions`` times, ``spacing_days`` apart [day], from ``start_day``."""
        instance("session", session, Session, "for example Session(depth_mm=1.5)")
        count = whole("sessions", sessions, 0, 1000)
        spacing = in_range("spacing_days", spacing_days, 0, 3650, "days")
        if spacing == 0.0 and count > 1:
            raise InputError(
                "spacing_days 0 puts all sessions on one day: give 1 day or more, or one session"
            )
        start = in_range("start_day", start_day, 0, 36500, "days")
        return cls(tuple((start + i * spacing, session) for i in range(count)), aftercare=courses(aftercare))

    @classmethod
    def none(cls) -> Protocol:
        """Return the course without a session."""
        return cls()

    @classmethod
    def from_table(cls, table: str | PathLike[str] | Iterable[Mapping[str, Any]]) -> Protocol:
        """Return the course of a table, rows or a CSV file: ``day`` and the arguments of ``Session`` as columns."""
        return cls(tuple(read_sessions(table)))

    @classmethod
    def published(cls, name: str) -> Protocol:
        """Return the protocol of a published trial, with the skin it was done on in ``skin``; see ``published_ids``."""
        found = trial(name)
        session = Session(device=found.device, depth_mm=found.depth_mm, density_per_cm2=found.density_per_cm2)
        skin = Skin(
            site=found.site,
            age_years=found.age_years,
            sex=found.sex,
            phototype=found.phototype,
            condition=found.condition,
        )
        days = [(i * found.spacing_days, session) for i in range(found.sessions)]
        return cls(tuple(days), skin=skin, name=found.id, assumptions=found.assumptions)

    @staticmethod
    def published_ids() -> tuple[str, ...]:
        """Return the names that ``published`` knows."""
        return trial_ids()

    @property
    def days(self) -> tuple[float, ...]:
        """Days of the sessions [day]."""
        return tuple(day for day, _ in self.sessions)

    @property
    def last_day(self) -> float:
        """Day of the last session [day]; 0 when there is none."""
        return self.days[-1] if self.sessions else 0.0

    @property
    def all_assumptions(self) -> tuple[str, ...]:
        """Everything that was assumed, in the course, its sessions and its aftercare, each sentence once."""
        kinds = (course.kind for course in self.care_courses if course.is_thin)
        thin = (f"the evidence for {kind.replace('_', ' ')} is thin" for kind in kinds)
        of_sessions = (sentence for _, session in self.sessions for sentence in session.assumptions)
        return tuple(dict.fromkeys((*self.assumptions, *of_sessions, *thin)))

    def events(self) -> list[tuple[float, Session]]:
        """Return (day, session), rising by day."""
        return list(self.sessions)

    def care_changes(self) -> list[tuple[float, dict[str, float]]]:
        """Return (day, values) of the ``care.*`` inputs that change on that day, rising by day; all are 0 before."""
        return care_changes(self.care_courses)

    def to_dict(self) -> dict[str, Any]:
        """Return the course as JSON holds it."""
        return {
            "sessions": [{"day": day, **session.to_dict()} for day, session in self.sessions],
            "aftercare": [course.to_dict() for course in self.aftercare],
            "skin": None if self.skin is None else self.skin.to_dict(),
            "name": self.name,
            "assumptions": list(self.assumptions),
        }

    @classmethod
    def from_dict(cls, given: Mapping[str, Any]) -> Protocol:
        """Return the course that ``to_dict`` described."""
        known = ("sessions", "aftercare", "skin", "name", "assumptions")
        for key in given:
            if key not in known:
                raise InputError(f"a protocol has no {key!r}: it has {', '.join(known)}{nearest(key, known)}")
        skin = given.get("skin")
        return cls(
            tuple(_dated(row) for row in given.get("sessions", ())),
            aftercare=tuple(Aftercare.from_dict(course) for course in given.get("aftercare", ())),
            skin=None if skin is None else Skin.from_dict(skin),
            name=given.get("name", ""),
            assumptions=tuple(given.get("assumptions", ())),
        )

    def __repr__(self) -> str:
        name = f" {self.name}" if self.name else ""
        care = ", ".join(dict.fromkeys(course.kind.replace("_", " ") for course in self.care_courses))
        return f"<Protocol{name}: {self._timetable()}{f'; aftercare: {care}' if care else ''}>"

    def _timetable(self) -> str:
        """Number, kind and days of the sessions in one line."""
        n = len(self.sessions)
        if n == 0:
            return "no session"
        doses = list(dict.fromkeys(session.dose for _, session in self.sessions))
        what = doses[0] + (" and others" if len(doses) > 1 else "")
        gap = self.days[1] - self.days[0] if n > 1 else 0.0
        # Days are sums of spacings: equal gaps differ by the rounding of a day.
        if n > 1 and all(abs(day - i * gap - self.days[0]) < 1e-6 for i, day in enumerate(self.days)):
            first = f" from day {plain(self.days[0])}" if self.days[0] else ""
            return f"{n} x {what}, every {plain(round(gap, 9))} days{first}"
        days = [plain(day) for day in self.days]
        listed = ", ".join(days if n <= LISTED else [*days[: LISTED - 1], "...", days[-1]])
        return f"{n} x {what}, on day{'s' if n > 1 else ''} {listed}"

    @property
    def care_courses(self) -> tuple[Aftercare, ...]:
        """Aftercare of the protocol and of its sessions, on the protocol's clock."""
        carried = (course.shifted(day) for day, session in self.sessions for course in session.aftercare)
        return (*self.aftercare, *carried)


def _sentences(given: object) -> tuple[str, ...]:
    if not is_listed(given):
        raise InputError(
            f"assumptions {shown(given)} is not a list of sentences: give for example ['... assumed']"
        )
    return tuple(instance("assumption", sentence, str) for sentence in given)


def _dated(row: Mapping[str, Any]) -> tuple[float, Session]:
    rest = dict(row)
    if "day" not in rest:
        raise InputError("a session of the protocol has no day: give the day, 0 or later")
    day = rest.pop("day")
    return day, Session.from_dict(rest)


def _in_order(given: object) -> tuple[tuple[float, Session], ...]:
    """Return (day, session) pairs with days as floats, refusing what is no pair, out of order or twice a day."""
    if not is_listed(given):
        raise InputError(
            f"sessions {shown(given)} are not (day, Session) pairs: give for example [(0, Session())]"
        )
    found: list[tuple[float, Session]] = []
    for number, pair in enumerate(given, start=1):
        if not isinstance(pair, tuple | list) or len(pair) != 2 or not isinstance(pair[1], Session):
            raise InputError(f"session {number} is {shown(pair)}: give a pair (day, Session)")
        day = in_range(f"day of session {number}", pair[0], 0, 36500, "days")
        if found and day == found[-1][0]:
            raise InputError(
                f"sessions {number - 1} and {number} are both on day {day:g}: give one session a day, "
                "with the density of both"
            )
        if found and day < found[-1][0]:
            raise InputError(
                f"session {number} on day {day:g} comes after session {number - 1} on day {found[-1][0]:g}: "
                "give the days in rising order"
            )
        found.append((day, pair[1]))
    return tuple(found)
