"""Numbers with a pedigree, read from a data file: value, unit, range, status, source."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.resources.abc import Traversable

STATUSES = ("measured", "borrowed", "assumed")


@dataclass(frozen=True)
class Figure:
    """One number of a data file.

    ``of`` says what it describes (a site, a device, a condition; ``"all"`` for every one), ``value`` lies in
    ``[low, high]`` [unit], ``status`` is measured, borrowed (measured elsewhere) or assumed, ``source`` is a key of
    the room's ``sources.bib`` and ``evidence`` names rows of the table of published measurements.
    """

    of: str
    quantity: str
    value: float
    unit: str
    low: float
    high: float
    status: str
    source: str
    sex: str = "any"
    evidence: str = ""
    note: str = ""

    def row(self) -> dict[str, str | float]:
        """Return the figure as a row of a provenance table."""
        return {
            "quantity": self.quantity,
            "value": self.value,
            "unit": self.unit,
            "low": self.low,
            "high": self.high,
            "status": self.status,
            "source": self.source,
            "evidence": self.evidence,
            "of": self.of,
            "note": self.note,
        }


def read_figures(file: Traversable, column: str) -> tuple[Figure, ...]:
    """Return the figures of a CSV file whose first column is called ``column``.

    Raises
    ------
    ValueError
        When a row's value lies outside its own range or its status is unknown: the file is ours, so this is a defect.
    """
    with file.open(encoding="utf-8") as text:
        figures = tuple(_figure(row, column) for row in csv.DictReader(text))
    for figure in figures:
        if not figure.low <= figure.value <= figure.high:
            raise ValueError(f"{figure.of} {figure.quantity}: {figure.value} is outside its range")
        if figure.status not in STATUSES:
            raise ValueError(f"{figure.of} {figure.quantity}: unknown status {figure.status!r}")
    return figures


def _figure(row: dict[str, str], column: str) -> Figure:
    return Figure(
        of=row[column],
        quantity=row["quantity"],
        value=float(row["value"]),
        unit=row["unit"],
        low=float(row["low"]),
        high=float(row["high"]),
        status=row["status"],
        source=row["source"],
        sex=row.get("sex") or "any",
        evidence=row["evidence"],
        note=row["note"],
    )


def index(figures: Iterable[Figure]) -> dict[tuple[str, str, str], Figure]:
    """Return the figures by (of, quantity, sex)."""
    return {(figure.of, figure.quantity, figure.sex): figure for figure in figures}
