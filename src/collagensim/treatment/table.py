"""Sessions from a table: rows of text or numbers, or a CSV file."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from dataclasses import fields
from os import PathLike
from pathlib import Path
from typing import Any

from collagensim.errors import FileError, InputError, in_range, nearest
from collagensim.treatment.session import Session

_TEXT = ("device", "endpoint")
COLUMNS = ("day", *(field.name for field in fields(Session) if field.name != "aftercare"))


def read_sessions(table: str | PathLike[str] | Iterable[Mapping[str, Any]]) -> list[tuple[float, Session]]:
    """Return (day, session) of each row; columns are ``day`` and the arguments of ``Session``."""
    rows = _read_csv(table) if isinstance(table, str | PathLike) else list(table)
    return [_session(row, n) for n, row in enumerate(rows, start=1)]


def _read_csv(path: str | PathLike[str]) -> list[dict[str, Any]]:
    try:
        with Path(path).open(encoding="utf-8", newline="") as text:
            return [dict(row) for row in csv.DictReader(text)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise FileError(f"cannot read the protocol table {str(path)!r}: {error}") from error


def _session(row: Mapping[str, Any], n: int) -> tuple[float, Session]:
    if not isinstance(row, Mapping):
        raise InputError(f"row {n} of the protocol table is {row!r}: give a mapping with a day")
    for name in row:
        if name not in COLUMNS:
            raise InputError(
                f"the protocol table has a column {name!r}: it may have {', '.join(COLUMNS)}{nearest(name, COLUMNS)}"
            )
    given = {name: _value(name, value, n) for name, value in row.items() if value not in (None, "")}
    if "day" not in given:
        raise InputError(f"row {n} of the protocol table has no day: give the day of the session, 0 or later")
    day = in_range(f"day in row {n}", given.pop("day"), 0, 36500, "days")
    try:
        return day, Session(**given)
    except InputError as error:
        raise InputError(f"row {n} of the protocol table: {error}") from error


def _value(name: str, value: Any, n: int) -> Any:
    if name in _TEXT or not isinstance(value, str):
        return value.strip() if isinstance(value, str) else value
    try:
        number = float(value)
    except ValueError:
        raise InputError(f"row {n} of the protocol table: {name} {value!r} is not a number") from None
    return int(number) if name == "needle_count" and number == int(number) else number
