"""Sessions from a table: rows of text or numbers, or a CSV file."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from dataclasses import fields
from os import PathLike
from pathlib import Path
from typing import Any

from collagensim.errors import FileError, InputError, in_range, is_listed, nearest, shown
from collagensim.treatment.session import Session

_TEXT = ("device", "endpoint")
COLUMNS = ("day", *(field.name for field in fields(Session) if field.name != "aftercare"))


def read_sessions(table: str | PathLike[str] | Iterable[Mapping[str, Any]]) -> list[tuple[float, Session]]:
    """Return (day, session) of each row; columns are ``day`` and the arguments of ``Session``."""
    if isinstance(table, str | PathLike):
        rows: Iterable[Mapping[str, Any]] = _read_csv(table)
    elif hasattr(table, "to_dict") and hasattr(table, "columns"):
        raise InputError("the protocol table is a DataFrame: give its rows, as table.to_dict('records')")
    elif not is_listed(table):
        raise InputError(
            f"the protocol table {shown(table)} is neither a file name nor a list of rows: give for example "
            "[{'day': 0, 'depth_mm': 1.5}]"
        )
    else:
        rows = table
    sessions = [_session(row, n) for n, row in enumerate(rows, start=1)]
    if not sessions:
        raise InputError(
            "the protocol table has no row: give one a session, or Protocol.none() for no session"
        )
    return sessions


def _read_csv(path: str | PathLike[str]) -> list[dict[str, Any]]:
    name = f"the protocol table {str(path)!r}"
    try:
        # Spreadsheets put a mark (BOM) before UTF-8 text, which belongs to no column's name.
        with Path(path).open(encoding="utf-8-sig", newline="") as text:
            lines = list(csv.reader(text))
    except OSError as error:
        raise FileError(f"cannot read {name}: {error.strerror}") from error
    except (ValueError, csv.Error) as error:  # a name that no file can have, bytes that are no text
        raise FileError(f"cannot read {name}: it is not a text file in UTF-8") from error
    head = [cell.strip() for cell in lines[0]] if lines else []
    if len(head) == 1 and (";" in head[0] or "\t" in head[0]):
        raise InputError(f"{name} has no commas: save it with commas between columns and points in numbers")
    twice = [column for column in head if head.count(column) > 1]
    if twice:
        raise InputError(f"{name} has the column {twice[0]!r} twice: give each once")
    rows = [line for line in lines[1:] if any(cell.strip() for cell in line)]
    for n, row in enumerate(rows, start=1):
        if len(row) > len(head):
            raise InputError(f"row {n} of {name} has {len(row)} cells for {len(head)} columns")
    return [dict(zip(head, row, strict=False)) for row in rows]


def _session(row: Mapping[str, Any], n: int) -> tuple[float, Session]:
    if not isinstance(row, Mapping):
        raise InputError(f"row {n} of the protocol table is {shown(row)}: give a mapping with a day")
    for name in row:
        if name not in COLUMNS:
            raise InputError(
                f"the protocol table has a column {name!r}: it may have {', '.join(COLUMNS)}{nearest(name, COLUMNS)}"
            )
    read = {name: _value(name, value, n) for name, value in row.items()}
    given = {name: value for name, value in read.items() if value is not None}
    if "day" not in given:
        raise InputError(f"row {n} of the protocol table has no day: give the day of the session, 0 or later")
    day = in_range(f"day in row {n}", given.pop("day"), 0, 36500, "days")
    try:
        return day, Session(**given)
    except InputError as error:
        raise InputError(f"row {n} of the protocol table: {error}") from error


def _value(name: str, value: Any, n: int) -> Any:
    """Return a cell as a number, or text where text is meant; None when it is empty."""
    if not isinstance(value, str):
        return value
    text = value.strip()
    if name in _TEXT or not text:
        return text or None
    try:
        return float(text)
    except ValueError:
        raise InputError(f"row {n} of the protocol table: {name} {text!r} is not a number") from None
