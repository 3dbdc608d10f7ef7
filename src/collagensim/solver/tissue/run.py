"""From skin and protocol to a tissue's course, begun at rest or gone on with from a kept day."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

from collagensim.errors import in_range, increasing, instance, whole
from collagensim.model import Architecture, Model
from collagensim.response import Tissue
from collagensim.skin import Skin
from collagensim.solver.provenance import parameter_sources, provenance_of
from collagensim.solver.simulate import happenings, sources_used, warn
from collagensim.solver.tissue.course import Running
from collagensim.solver.tissue.fit import check_fit
from collagensim.solver.tissue.record import told
from collagensim.solver.tissue.space import block_of
from collagensim.solver.tissue.world import world_of
from collagensim.treatment import Protocol

KEPT_DAYS = (1.0, 3.0, 7.0, 14.0, 28.0)


def simulate_tissue(
    model: Model,
    architecture: Architecture,
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
    output_days: Iterable[float] | None = None,
    kept_days: Iterable[float] | None = None,
    past: Tissue | None = None,
    begin: float = 0.0,
    watch: Callable[[float], None] | None = None,
) -> Tissue:
    """Return the tissue's course; see `collagensim.simulate_tissue`.

    With a ``past``, a course of the same skin, block and seed, it goes on from the state of the kept day ``begin``.
    ``watch`` is told the simulated day after every step.
    """
    instance("skin", skin, Skin, "for example Skin(site='cheek')")
    instance("protocol", protocol, Protocol, "for example Protocol.series(Session(depth_mm=1.5))")
    span, number = in_range("days", days, 0.0, 3650.0, "days"), whole("seed", seed, 0, 2**63 - 1)
    grid = np.arange(np.floor(span) + 1.0) if output_days is None else output_days
    asked = increasing("output_days", grid, 0.0, span, "days")
    usual = [day for day in KEPT_DAYS if day <= span]
    kept = usual if kept_days is None else increasing("kept_days", kept_days, 0.0, span, "days")
    block = block_of(
        skin, width_mm=width_mm, breadth_mm=breadth_mm, depth_mm=depth_mm, voxel_um=voxel_um, slab_um=slab_um
    )
    warn(skin, protocol)
    world = world_of(model, skin, block, architecture, number, ageing=ageing)
    plan = happenings(skin, protocol, float(world.radius_um), span)
    for happening in plan:
        if happening.injury is not None:
            check_fit(block, skin, happening.injury)
    course = Running(world, plan, asked, kept, past, begin)
    course.run(span, watch)
    options = {
        "days": span, "seed": number, "ageing": ageing, "width_mm": width_mm, "breadth_mm": breadth_mm,
        "depth_mm": depth_mm, "voxel_um": block.voxel_um, "slab_um": slab_um, "shape": list(block.shape),
        "output_days": asked, "kept_days": None if kept_days is None else kept, "architecture": told(architecture),
    }  # fmt: skip
    notes = [note for happening in plan if happening.injury is not None for note in happening.injury.warnings]
    provenance = provenance_of(
        model, options, skin=skin.to_dict(), protocol=protocol.to_dict(),
        sources=[*parameter_sources(architecture.parameters), *sources_used(skin, protocol)],
        assumptions=[*protocol.all_assumptions, *dict.fromkeys(notes)],
    )  # fmt: skip
    return course.tissue({**provenance, "seed": number, "status": course.status})
