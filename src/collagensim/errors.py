"""What can go wrong, as one family of exceptions, and the sentences that say it."""

from __future__ import annotations

import difflib
import itertools
import math
import numbers
import operator
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeGuard, TypeVar

T = TypeVar("T")

QUOTED = 90  # characters of a wrong value that a message repeats


class CollagensimError(Exception):
    """Anything this package refuses or fails to do."""


class InputError(CollagensimError, ValueError):
    """A value given by the caller is not valid; the message names it and what is valid."""


class ModelError(CollagensimError):
    """A model definition contradicts itself: a unit, a name, a baseline that is no fixed point."""


class SolveError(CollagensimError):
    """A solve ended before its time; ``status`` says how and what to try next.

    ``finished`` is the part that was reached, as a `collagensim.response.Course`; None where there is none.
    """

    def __init__(self, message: str, status: object = None) -> None:
        super().__init__(message)
        self.status = status
        self.finished: object = None


class SolveInterrupted(KeyboardInterrupt):
    """Ctrl-C during a solve; ``partial`` is the part that was reached, as a `collagensim.response.Course`.

    ``status`` is ``Status.INTERRUPTED``. It is no `CollagensimError`: nobody who catches those means to go on.
    """

    def __init__(self, status: object, partial: object) -> None:
        super().__init__("the solve was interrupted; the course so far is in .partial")
        self.status = status
        self.partial = partial


class FileError(CollagensimError):
    """A file cannot be read or written."""


class ContraindicationWarning(UserWarning):
    """The skin described should not be needled, or only with care."""


def nearest(given: object, choices: Iterable[str]) -> str:
    """Return ``"; did you mean 'x'?"`` for the closest of ``choices``, or an empty text."""
    close = _closest(given, choices)
    return f"; did you mean {close!r}?" if close else ""


def shown(given: object) -> str:
    """Return ``given`` as an error quotes it: on one line, and not longer than a line."""
    text = " ".join(repr(given).split())
    return text if len(text) <= QUOTED else f"{text[: QUOTED - 4]} ..."


def plain(value: float) -> str:
    """Return a number in its shortest form, with all digits where six would hide a difference."""
    short = f"{value:g}"
    return short if float(short) == value else repr(value)


def one_of(what: str, given: object, choices: Iterable[str]) -> str:
    """Return ``given`` when it is one of ``choices``.

    Raises
    ------
    InputError
        Otherwise, naming the choices and the nearest one.
    """
    names = list(choices)
    if isinstance(given, str) and given in names:
        return str(given)
    close = _closest(given, names)
    hint = f" (did you mean {close!r}?)" if close else ""
    raise InputError(f"{what} {shown(given)} is not known{hint}: choose one of {', '.join(names)}")


def instance(what: str, given: object, kind: type[T], needed: str = "") -> T:
    """Return ``given`` when it is a ``kind``.

    Raises
    ------
    InputError
        Otherwise, naming the type and ``needed``, what to give instead.
    """
    if isinstance(given, kind):
        return given
    article = "an" if kind.__name__[0] in "AEIOU" else "a"
    noun = "a text" if kind is str else f"{article} {kind.__name__}"
    raise InputError(f"{what} {shown(given)} is not {noun}{f': give {needed}' if needed else ''}")


def number(what: str, given: object, needed: str = "a number") -> float:
    """Return ``given`` as a float when it is a finite real number; text, truth values and arrays are none.

    Raises
    ------
    InputError
        Otherwise, saying that ``needed`` is needed.
    """
    # NumPy's truth values and spans of time are no numbers, though it registers the latter as integers.
    is_real = isinstance(given, numbers.Real) and type(given).__name__ not in ("bool", "bool_", "timedelta64")
    if not is_real:
        raise InputError(f"{what} {shown(given)} is not a number: give {needed}")
    try:
        value = float(given)  # type: ignore[arg-type]
    except OverflowError:
        value = math.inf
    if not math.isfinite(value):
        raise InputError(f"{what} {value} is not finite: give {needed}")
    return value + 0.0  # -0.0 becomes 0.0


def in_range(what: str, given: object, low: float, high: float, unit: str = "") -> float:
    """Return ``given`` as a float when it is a finite number within ``[low, high]`` [unit].

    Raises
    ------
    InputError
        Otherwise; of a length given in um, or without its decimal point, the likely slip is named.
    """
    if isinstance(given, float) and low <= given <= high and math.isfinite(given):
        return float(given) + 0.0  # most often so, and told without words
    label = f" {unit}" if unit else ""
    told_low, told_high = _inwards(low, high)
    span = f"{told_low} to {told_high}{label}"
    value = number(what, given, span)
    if low <= value <= high:
        return value
    slip = _slip(value, low, high) if unit == "mm" else None
    if slip is not None:
        hint = f": did you mean {plain(slip)}{label}?"
    else:
        hint = f"; the nearest valid value is {told_low if value < low else told_high}{label}"
    raise InputError(f"{what} {plain(value)}{label} is outside {span}{hint}")


def whole(what: str, given: object, low: int, high: int) -> int:
    """Return ``given`` as an int when it is a whole number within ``[low, high]``.

    Raises
    ------
    InputError
        Otherwise.
    """
    value = in_range(what, given, low, high)
    if value != int(value):
        raise InputError(f"{what} {plain(value)} is not a whole number: give {low} to {high}")
    return int(value)


def truth(what: str, given: object) -> bool:
    """Return ``given`` when it is True or False, NumPy's included; numbers and text are neither.

    Raises
    ------
    InputError
        Otherwise.
    """
    if isinstance(given, bool) or type(given).__name__ == "bool_":
        return bool(given)
    raise InputError(f"{what} {shown(given)} is not True or False")


def is_listed(given: object) -> TypeGuard[Iterable[Any]]:
    """Return whether something lists things: text and tables do not, nor does an array without dimensions."""
    return (
        isinstance(given, Iterable)
        and not isinstance(given, str | bytes | Mapping)
        and getattr(given, "ndim", 1) != 0
    )


def names_in(what: str, given: object) -> list[Any]:
    """Return ``given`` as a list; a single name, which Python takes apart into letters, is none.

    Raises
    ------
    InputError
        Otherwise.
    """
    if isinstance(given, str):
        raise InputError(f"{what} {given!r} is one name: give a list, [{given!r}]")
    if not is_listed(given):
        raise InputError(f"{what} {shown(given)} is not a list of names")
    return list(given)


def increasing(
    what: str, given: object, low: float = -math.inf, high: float = math.inf, unit: str = ""
) -> list[float]:
    """Return ``given`` as a list of one or more floats within ``[low, high]`` [unit], each larger than the last.

    Raises
    ------
    InputError
        Otherwise.
    """
    if not is_listed(given):
        raise InputError(f"{what} {shown(given)} is not a list of numbers: give for example [1, 2]")
    listed = list(given)
    if _rises(listed, low, high):
        return [float(value) + 0.0 for value in listed]
    values = [number(f"{what}[{i}]", value) for i, value in enumerate(listed)]
    if not values:
        raise InputError(f"{what} is empty: give one number or more")
    for i, value in enumerate(values):
        in_range(f"{what}[{i}]", value, low, high, unit)
    for first, second in itertools.pairwise(values):
        if second <= first:
            raise InputError(
                f"{what} holds {plain(first)} before {plain(second)}: give increasing numbers, each once"
            )
    return values


def _inwards(low: float, high: float) -> tuple[str, str]:
    """Return bounds in words: those of many digits rounded into the range, so that what is told is valid."""
    up, down = _cut(low, math.ceil), _cut(high, math.floor)
    return (plain(up), plain(down)) if low <= up <= down <= high else (plain(low), plain(high))


def _cut(bound: float, rounded: Callable[[float], int]) -> float:
    """Return a bound to six digits where it has more, and is no whole number."""
    if not math.isfinite(bound) or bound == int(bound) or float(f"{bound:g}") == bound:
        return bound
    places = 5 - math.floor(math.log10(abs(bound)))
    return round(rounded(bound * 10.0**places) / 10.0**places, places)


def _rises(values: list[Any], low: float, high: float) -> bool:
    """Whether there are only finite floats, within ``[low, high]`` and each larger than the last."""
    return (
        bool(values)
        and all(isinstance(value, float) for value in values)
        and low <= values[0]
        and values[-1] <= high
        and math.isfinite(values[0])
        and math.isfinite(values[-1])
        and all(map(operator.lt, values, values[1:]))
    )


def _closest(given: object, choices: Iterable[str]) -> str:
    """Return the choice that begins like ``given`` or is spelled much like it, or an empty text."""
    if not isinstance(given, str):
        return ""
    names = {str(name).lower(): str(name) for name in choices}
    word = given.strip().lower().replace(" ", "_")
    begin = [key for key in names if word and key.startswith(word)]
    close = begin if len(begin) == 1 else difflib.get_close_matches(word, list(names), n=1, cutoff=0.5)
    return names[close[0]] if close else ""


def _slip(value: float, low: float, high: float) -> float | None:
    """Return the length in mm that was meant by a much too large one: um, or a lost decimal point."""
    if value <= 2 * high:
        return None
    factors = (1000.0, 10.0) if value >= 100 else (10.0, 1000.0)
    return next(
        (value / factor for factor in factors if max(low, high / 100) <= value / factor <= high), None
    )
