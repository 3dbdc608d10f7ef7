"""Protocols of published trials, as data; what a paper omits is marked as assumed."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from collagensim.errors import one_of


@dataclass(frozen=True)
class Trial:
    """A published protocol and skin; ``assumed`` names the values that the paper, as far as it was read, omits."""

    id: str
    evidence: str
    citation: str
    device: str
    depth_mm: float
    density_per_cm2: float
    sessions: int
    spacing_days: float
    site: str
    age_years: float
    sex: str
    phototype: int
    condition: str
    assumed: tuple[str, ...]
    note: str

    @property
    def assumptions(self) -> tuple[str, ...]:
        """One sentence for each value that the paper omits."""
        return tuple(
            f"{name} = {getattr(self, name)} is not stated in {self.id}: assumed" for name in self.assumed
        )


@cache
def _trials() -> dict[str, Trial]:
    with files(__package__).joinpath("trials.csv").open(encoding="utf-8") as text:
        return {row["id"]: _trial(row) for row in csv.DictReader(text)}


def _trial(row: dict[str, str]) -> Trial:
    return Trial(
        id=row["id"],
        evidence=row["evidence"],
        citation=row["citation"],
        device=row["device"],
        depth_mm=float(row["depth_mm"]),
        density_per_cm2=float(row["density_per_cm2"]),
        sessions=int(row["sessions"]),
        spacing_days=float(row["spacing_days"]),
        site=row["site"],
        age_years=float(row["age_years"]),
        sex=row["sex"],
        phototype=int(row["phototype"]),
        condition=row["condition"],
        assumed=tuple(row["assumed"].split("|")),
        note=row["note"],
    )


def trial_ids() -> tuple[str, ...]:
    """Return the names of the published protocols that are known."""
    return tuple(_trials())


def trial(name: str) -> Trial:
    """Return a published protocol by its name."""
    return _trials()[one_of("published protocol", name, trial_ids())]
