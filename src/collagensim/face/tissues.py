"""The tissue's calls, with the shipped biology and architecture where none is given."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collagensim.model import Architecture, Model
    from collagensim.response import Replicates, Tissue
    from collagensim.skin import Skin
    from collagensim.treatment import Protocol


def simulate_tissue(
    skin: Skin,
    protocol: Protocol,
    *,
    days: float = 28.0,
    seed: int = 1,
    width_mm: float = 2.0,
    breadth_mm: float | None = None,
    depth_mm: float | None = None,
    voxel_um: float | None = None,
    slab_um: float = 100.0,
    ageing: bool = True,
    model: Model | None = None,
    architecture: Architecture | None = None,
    output_days: Iterable[float] | None = None,
    kept_days: Iterable[float] | None = None,
    progress: bool | None = None,
) -> Tissue:
    """Return the response of a piece of skin, cell by cell: the same biology as `simulate`, in space.

    Every rate is the model's own, read at the voxel of the cell or field that it changes. Cells are single, their
    events are drawn; soluble species diffuse; matrix stays where it is laid, and its fibres have a direction; vessels
    are a network, drawn and pruned piece by piece; openings of the epidermis close from their rims.

    Parameters
    ----------
    skin : Skin
    protocol : Protocol
    days : float
        Length of the course [day], 0 to 3650; no session may come later.
    seed : int
        The same seed gives the same skin and the same luck, whatever the protocol.
    width_mm, breadth_mm : float
        Of the piece [mm]; without a breadth it is a vertical slice.
    depth_mm : float, optional
        Of the dermis [mm]; default all of it.
    voxel_um : float, optional
        Edge of a voxel [um]; default 10 in a slice, 20 in a block.
    slab_um : float
        Thickness of tissue that a slice stands for [um]; sets how many cells it holds.
    ageing : bool
        Whether untreated collagen is slowly lost.
    model : Model, optional
        Another biology, or ``dermal_healing()`` with other parameter values.
    architecture : Architecture, optional
        How the parts of the tissue lie and move; default that of ``dermal_healing()``.
    output_days : iterable of float, optional
        Increasing days within [0, days]; default daily. They are rounded to five minutes, and change nothing.
    kept_days : iterable of float, optional
        Increasing days of which all cells, fields, vessels and fibres are kept, to look at and to `Tissue.branch` from;
        default 1, 3, 7, 14 and 28. The last day is kept too.
    progress : bool, optional
        Whether to state the memory and, from a few steps that are tried, the time that the run will need, and draw a
        bar on stderr. Default in a terminal or notebook, for runs of more than some two seconds.

    Returns
    -------
    Tissue
        ``data`` as of a `Response`; cells, fields and vessels of the kept days. On the day of a session the
        state just before it. An interrupt returns what is finished, with a warning; ``provenance["status"]`` says so.

    Raises
    ------
    InputError
        For anything in the call that is not valid, for a block thinner than the needle is deep or voxels wider than
        its channel, and when the tissue needs more memory than is free.
    ModelError
        When model and architecture do not fit each other, for example a cell species without a motion.

    Warns
    -----
    ContraindicationWarning
        When the skin carries a risk for which needling is advised against.
    RuntimeWarning
        When an interrupt ended the course before its last day.
    """
    from collagensim.biology import dermal_architecture, dermal_healing
    from collagensim.solver.tissue.asked import asked_for

    asked = asked_for(
        dermal_healing() if model is None else model, dermal_architecture() if architecture is None else architecture,
        skin, protocol, days=days, seed=seed, width_mm=width_mm, breadth_mm=breadth_mm, depth_mm=depth_mm,
        voxel_um=voxel_um, slab_um=slab_um, ageing=ageing, output_days=output_days, kept_days=kept_days,
    )  # fmt: skip
    # What is not valid is refused by now, before a kernel is loaded.
    from collagensim.analysis.tissue import simulate_watched

    return simulate_watched(asked, progress)


def branch_tissue(
    tissue: Tissue, day: float, protocol: Protocol | None = None, *, days: float | None = None
) -> Tissue:
    """Return a tissue that goes on from a kept day; see `Tissue.branch`."""
    from collagensim.analysis.branch_tissue import branched
    from collagensim.biology import dermal_architecture, dermal_healing

    return branched(
        tissue, day, protocol, days=days, model=dermal_healing(), architecture=dermal_architecture()
    )


def simulate_tissues(
    skin: Skin,
    protocol: Protocol,
    seeds: int | Iterable[int] = 5,
    *,
    processes: int | None = None,
    progress: bool | None = None,
    days: float = 28.0,
    width_mm: float = 2.0,
    breadth_mm: float | None = None,
    depth_mm: float | None = None,
    voxel_um: float | None = None,
    slab_um: float = 100.0,
    ageing: bool = True,
    model: Model | None = None,
    architecture: Architecture | None = None,
    output_days: Iterable[float] | None = None,
    kept_days: Iterable[float] | None = None,
) -> Replicates:
    """Return replicates of a tissue that differ by chance alone, one for each seed, side by side.

    Each is the one that `simulate_tissue` gives alone, bit for bit. Processes are started anew, so that a script keeps
    the call under ``if __name__ == "__main__":``.

    Parameters
    ----------
    skin : Skin
    protocol : Protocol
    seeds : int or iterable of int
        How many, seeds 1 to that number; or which.
    processes : int, optional
        At once; default as many as there are cores. With 1 all are run in this process.
    progress : bool, optional
        As of `simulate_tissue`; the bar is one of simulated days.
    days, width_mm, breadth_mm, depth_mm, voxel_um, slab_um, ageing, output_days, kept_days
        As in `simulate_tissue`.
    model, architecture
        As in `simulate_tissue`; only `dermal_healing`, with any parameter values, goes to other processes.

    Returns
    -------
    Replicates
        ``tissues`` by seed, ``data`` over ``seed``, ``mean()``, ``bands(name)`` and ``failures``. An interrupt returns
        those that are finished; with ``processes=1`` the finished days of the next are in ``partial``.

    Raises
    ------
    InputError, ModelError
        As `simulate_tissue`; also where other processes cannot read the program that calls.
    KeyboardInterrupt
        Of an interrupt before any is finished; ``partial`` of a `ReplicatesInterrupted` is seed -> finished days.
    SolveError
        When every replicate failed.

    Warns
    -----
    RuntimeWarning
        When replicates failed or were not run; ``failures`` lists them with their reason.
    ContraindicationWarning
        As in `simulate_tissue`, once.
    """
    from collagensim.solver.tissue.asked import asked_for

    biology = _biology_to_send(model, architecture, processes)
    asked = asked_for(
        *biology(), skin, protocol, days=days, width_mm=width_mm, breadth_mm=breadth_mm, depth_mm=depth_mm,
        voxel_um=voxel_um, slab_um=slab_um, ageing=ageing, output_days=output_days, kept_days=kept_days,
    )  # fmt: skip
    # What is not valid is refused by now, before a kernel is loaded.
    from collagensim.analysis.replicates import simulate_tissues as run

    return run(biology, asked, seeds=seeds, processes=processes, progress=progress)


def _biology_to_send(
    model: Model | None, architecture: Architecture | None, processes: int | None
) -> Callable[[], tuple[Model, Architecture]]:
    """Return a function that gives model and architecture and that other processes understand."""
    import functools

    from collagensim.biology import dermal_architecture, dermal_healing
    from collagensim.errors import InputError, ModelError
    from collagensim.solver.tissue.asked import check_biology

    known, lies = dermal_healing(), dermal_architecture()
    check_biology(known if model is None else model, lies if architecture is None else architecture)
    if processes == 1:
        return lambda: (known if model is None else model, lies if architecture is None else architecture)
    changed = {} if model is None else dict(model.changed)
    try:
        is_known = model is None or known.with_parameters(changed).hash == model.hash
    except ModelError:
        is_known = False
    if not is_known or (architecture is not None and architecture != lies):
        raise InputError("only dermal_healing can be simulated in other processes: give processes=1")
    return functools.partial(_known_biology, changed)


def _known_biology(changed: Mapping[str, float]) -> tuple[Model, Architecture]:
    from collagensim.biology import dermal_architecture, dermal_healing

    return dermal_healing().with_parameters(changed), dermal_architecture()
