"""What can go wrong, as one family of exceptions, and the sentences that say it."""

from __future__ import annotations

import difflib
import math
import numbers
from collections.abc import Iterable


class CollagensimError(Exception):
    """Anything this package refuses or fails to do."""


class InputError(CollagensimError, ValueError):
    """A value given by the caller is not valid; the message names it and what is valid."""


class ModelError(CollagensimError):
    """A model definition contradicts itself: a unit, a name, a baseline that is no fixed point."""


class SolveError(CollagensimError):
    """A solve ended before its time; ``status`` says how and what to try next."""

    def __init__(self, message: str, status: object = None) -> None:
        super().__init__(message)
        self.status = status


class FileError(CollagensimError):
    """A file cannot be read or written."""


class ContraindicationWarning(UserWarning):
    """The skin described should not be needled, or only with care."""


def nearest(given: object, choices: Iterable[str]) -> str:
    """Return ``"; did you mean 'x'?"`` for the closest of ``choices``, or an empty text."""
    close = difflib.get_close_matches(str(given).lower(), list(choices), n=1, cutoff=0.5)
    return f"; did you mean {close[0]!r}?" if close else ""


def one_of(what: str, given: object, choices: Iterable[str]) -> str:
    """Return ``given`` when it is one of ``choices``.

    Raises
    ------
    InputError
        Otherwise, naming the choices and the nearest one.
    """
    names = list(choices)
    if isinstance(given, str) and given in names:
        return given
    raise InputError(f"{what} {given!r} is not known: choose one of {', '.join(names)}{nearest(given, names)}")


def in_range(what: str, given: object, low: float, high: float, unit: str = "") -> float:
    """Return ``given`` as a float when it is a finite number within ``[low, high]`` [unit].

    Raises
    ------
    InputError
        Otherwise; a value a thousand or ten times off gets the likely slip named.
    """
    label = f" {unit}" if unit else ""
    if isinstance(given, bool) or not isinstance(given, numbers.Real):
        raise InputError(f"{what} {given!r} is not a number: give {low:g} to {high:g}{label}")
    value = float(given)
    if not math.isfinite(value):
        raise InputError(f"{what} {value} is not finite: give {low:g} to {high:g}{label}")
    if low <= value <= high:
        return value
    for factor in (1000.0, 10.0, 100.0):
        for slip in (value / factor, value * factor):
            if value > 0 and low < slip <= high:
                raise InputError(
                    f"{what} {value:g}{label} is outside {low:g} to {high:g}{label}: did you mean {slip:g}{label}?"
                )
    bound = low if value < low else high
    raise InputError(
        f"{what} {value:g}{label} is outside {low:g} to {high:g}{label}; the nearest valid value is {bound:g}{label}"
    )
