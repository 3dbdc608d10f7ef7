"""What memory a tissue takes, before there is one."""

from __future__ import annotations

from collagensim.model import Model
from collagensim.solver.tissue.space import Block

# Of every variable in every voxel that a course holds at its peak, when it makes a wound or takes averages; measured.
COPIES = 8.0


def working_bytes(model: Model, block: Block) -> float:
    """Return what a course takes while it runs [byte]."""
    return 8.0 * block.n_voxels * COPIES * (len(model.species) + len(model.derived))


def kept_bytes(model: Model, block: Block, n_kept: int) -> float:
    """Return what so many kept moments take [byte]; cells weigh little beside voxels."""
    fields = sum(species.kind in ("soluble", "matrix") for species in model.species)
    return 8.0 * block.n_voxels * n_kept * fields
