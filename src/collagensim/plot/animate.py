"""A tissue in motion: the same section on one kept day after the other, with a time line below it."""

from __future__ import annotations

import os
from collections.abc import Iterable

from collagensim.errors import InputError, in_range, increasing, instance, one_of, plain, shown, whole
from collagensim.plot import look
from collagensim.plot.films import Film, writable
from collagensim.plot.scenes import Scene
from collagensim.plot.stains import STAINS
from collagensim.plot.views import DOTS, Mapped, Stained, View
from collagensim.response import Biopsy, Tissue

COURSES = ("neutrophils", "macrophages_m1", "macrophages_m2", "fibroblasts", "collagen_iii")


def animate(
    tissue: Tissue,
    path: str | os.PathLike[str] | None = None,
    *,
    stain: str = "masson",
    field: str | None = None,
    limits: Iterable[float] | None = None,
    cells: str | Iterable[str] = (),
    courses: str | Iterable[str] | None = None,
    days: Iterable[float] | None = None,
    y_um: float | None = None,
    seconds: float = 1.0,
    width_px: int = 960,
) -> Film:
    """Draw the kept days of a tissue as a moving picture.

    Parameters
    ----------
    tissue : Tissue
        With two kept days or more: ``simulate_tissue(..., kept_days=[0, 1, 3, 7, 14])``.
    path : str or path, optional
        Where to write it: ``.gif``, or ``.html`` for a page with a slider that needs no network. Whole or not at all.
    stain : str
        ``"masson"``, ``"picrosirius"``, ``"vvg"`` or ``"cd31"``; with a field, that of the epidermis above it.
    field : str, optional
        Draw this field of the dermis as a map, such as ``"tgf_beta_1"``, instead of the stained section.
    limits : (float, float), optional
        Ends of the map's colours [unit of the field]; default its lowest and highest value over all frames.
    cells : str or list of str
        Kinds of cells to draw as dots on the map.
    courses : str or list of str, optional
        Variables of ``tissue.data`` for the time line; default neutrophils, macrophages, fibroblasts and collagen III.
    days : iterable of float, optional
        Kept days to show [day], increasing; default all.
    y_um : float, optional
        Where a block is cut [um]; default its middle.
    seconds : float
        For which each frame is shown [s], 0.05 to 10.
    width_px : int
        Width of the picture [pixel], 480 to 3840.

    Returns
    -------
    Film
        Shows itself in a notebook. ``save(path)`` writes it, ``frames`` holds its pictures.

    Raises
    ------
    InputError
        For a day that was not kept, an unknown stain, field, kind, course or ending.
    FileError
        When the file cannot be written.

    Notes
    -----
    Section, scale, colours and key are those of every frame. Frames are shown equally long, however far apart their
    days are; the marker on the time line moves to scale. On the day of a session the tissue is that just before it.
    A course is the mean of the whole piece, scaled from its lowest to its highest value, which the legend states.
    What of a stained section is computed and what is drawn: see `biopsy`.
    """
    instance("tissue", tissue, Tissue, "what simulate_tissue returned")
    target = None if path is None else writable(path)
    sections = [tissue.biopsy(day, y_um) for day in _days(tissue, days)]
    view = _view(sections, stain, field, limits, cells)
    names = _courses(tissue, courses)
    held, wide = in_range("seconds", seconds, 0.05, 10.0, "s"), whole("width_px", width_px, 480, 3840)
    scene = Scene(tissue, sections, view, names, wide)
    film = Film.of(
        [scene.picture(section) for section in sections], scene.colours,
        days=[section.day for section in sections], labels=[scene.moment(section) for section in sections],
        title=", ".join(part for part in (look.title(view.title), scene.said) if part), seconds=held,
    )  # fmt: skip
    if target is not None:
        film.save(target)
    return film


def _days(tissue: Tissue, days: Iterable[float] | None) -> list[float]:
    wanted = sorted(tissue.snapshots) if days is None else increasing("days", days, unit="day")
    if len(wanted) < 2:
        kept = ", ".join(plain(day) for day in sorted(tissue.snapshots))
        raise InputError(f"a moving picture needs two kept days or more: this tissue has days {kept}")
    return wanted


def _view(
    sections: list[Biopsy], stain: str, field: str | None, limits: Iterable[float] | None,
    cells: str | Iterable[str],
) -> View:  # fmt: skip
    colours = STAINS[one_of("stain", stain, STAINS)]
    if field is None:
        if limits is not None or cells:
            given = "limits" if limits is not None else "cells"
            raise InputError(f"{given} belong to the map of a field: give field too, or leave {given} out")
        return Stained(sections, colours)
    kinds = look.as_names("cells", cells) if cells else []
    for kind in kinds:
        one_of("cells", kind, sections[0].kinds)
    if len(kinds) > len(DOTS):
        raise InputError(f"{len(kinds)} kinds of cells are too many to tell apart: give at most {len(DOTS)}")
    return Mapped(sections, colours, _field(sections[0], field), _limits(limits), kinds)


def _field(section: Biopsy, field: str) -> str:
    maps = [str(name) for name, values in section.fields.data_vars.items() if "z" in values.dims]
    if field in section.fields.data_vars and field not in maps:
        raise InputError(
            f"field {field!r} lies on the surface and has no depth: choose one of {', '.join(maps)}"
        )
    return one_of("field", field, maps)


def _limits(limits: Iterable[float] | None) -> tuple[float, float] | None:
    if limits is None:
        return None
    ends = increasing("limits", limits)
    if len(ends) != 2:
        raise InputError(f"limits {shown(ends)} are not two numbers: give the lowest and the highest value")
    return ends[0], ends[1]


def _courses(tissue: Tissue, courses: str | Iterable[str] | None) -> list[str]:
    known = [str(name) for name in tissue.data.data_vars]
    if courses is None:
        return [name for name in COURSES if name in known] or known[: len(COURSES)]
    names = look.as_names("courses", courses)
    if len(names) > len(look.COLOURS):
        raise InputError(f"{len(names)} courses are too many to tell apart: give at most {len(look.COLOURS)}")
    return [one_of("course", name, known) for name in names]
