"""What memory a tissue takes, before there is one."""

from __future__ import annotations

from collagensim.model import Model
from collagensim.solver.tissue.space import Block

# Of every variable in every voxel that a course holds at its peak, when it makes a wound or takes averages; measured.
COPIES = 8.0


def bytes_needed(model: Model, block: Block, n_kept: int) -> float:
    """Return the bytes that a course takes which keeps so many moments; cells weigh little beside voxels."""
    fields = sum(species.kind in ("soluble", "matrix") for species in model.species)
    variables = len(model.species) + len(model.derived)
    return 8.0 * block.n_voxels * (COPIES * variables + n_kept * fields)
