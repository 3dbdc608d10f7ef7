"""The parameter table: one data file, one row a parameter."""

from __future__ import annotations

import csv
from pathlib import Path
from types import SimpleNamespace

from collagensim.errors import ModelError
from collagensim.model.declarations import Parameter, Source

COLUMNS = ("name", "symbol", "value", "unit", "low", "high", "status", "source", "where", "description")


def read_parameters(path: str | Path) -> SimpleNamespace:
    """Return a namespace of :class:`Parameter` read from a comma-separated table.

    Raises
    ------
    ModelError
        When a column is missing, a name is given twice or a cell cannot be read; the message names the line.
    """
    with Path(path).open(encoding="utf-8", newline="") as lines:
        reader = csv.DictReader(lines)
        missing = set(COLUMNS) - set(reader.fieldnames or ())
        if missing:
            raise ModelError(f"{Path(path).name} lacks the columns {', '.join(sorted(missing))}")
        found: dict[str, Parameter] = {}
        for row in reader:
            parameter = _read_row(row, f"{Path(path).name} line {reader.line_num}")
            if parameter.name in found:
                raise ModelError(
                    f"{Path(path).name} line {reader.line_num} gives {parameter.name!r} a second time"
                )
            found[parameter.name] = parameter
    return SimpleNamespace(**found)


def _read_row(row: dict[str, str], line: str) -> Parameter:
    try:
        value, low, high = (float(row[column]) for column in ("value", "low", "high"))
    except (TypeError, ValueError) as error:
        raise ModelError(f"{line}: value, low and high must be numbers ({error})") from error
    return Parameter(
        row["name"], value, row["unit"], low, high, Source(row["source"], row["where"]), row["status"],
        symbol=row["symbol"], description=row["description"],
    )  # fmt: skip
