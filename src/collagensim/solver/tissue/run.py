"""From skin and protocol to a tissue's course, begun at rest or gone on with from a kept day."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from collagensim.model import Architecture, Model
from collagensim.response import Tissue
from collagensim.skin import Skin
from collagensim.solver.provenance import parameter_sources, provenance_of
from collagensim.solver.simulate import happenings, sources_used, warn
from collagensim.solver.tissue.asked import asked_for
from collagensim.solver.tissue.course import Running
from collagensim.solver.tissue.record import told
from collagensim.solver.tissue.world import world_of
from collagensim.treatment import Protocol


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
    asked = asked_for(
        model, architecture, skin, protocol, days=days, seed=seed, ageing=ageing, output_days=output_days,
        kept_days=kept_days, width_mm=width_mm, breadth_mm=breadth_mm, depth_mm=depth_mm, voxel_um=voxel_um,
        slab_um=slab_um,
    )  # fmt: skip
    block = asked.block
    warn(skin, protocol)
    number = asked.options["seed"]
    world = world_of(model, skin, block, architecture, number, ageing=asked.options["ageing"])
    plan = happenings(skin, protocol, float(world.radius_um), asked.days)
    course = Running(world, plan, asked.options["output_days"], asked.kept_days, past, begin)
    course.run(asked.days, watch)
    options = {
        **asked.options, "voxel_um": block.voxel_um, "shape": list(block.shape), "architecture": told(architecture),
    }  # fmt: skip
    notes = [note for happening in plan if happening.injury is not None for note in happening.injury.warnings]
    provenance = provenance_of(
        model, options, skin=skin.to_dict(), protocol=protocol.to_dict(),
        sources=[*parameter_sources(architecture.parameters), *sources_used(skin, protocol)],
        assumptions=[*protocol.all_assumptions, *dict.fromkeys(notes)],
    )  # fmt: skip
    return course.tissue({**provenance, "seed": number, "status": course.status})
