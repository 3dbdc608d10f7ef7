"""The calls most users need: they join the rooms and know which biology is the default."""

from collagensim.face.citing import cite
from collagensim.face.courses import scan, sensitivities, simulate, simulate_many
from collagensim.face.tissues import branch_tissue, simulate_tissue, simulate_tissues

__all__ = [
    "branch_tissue", "cite", "scan", "sensitivities", "simulate", "simulate_many", "simulate_tissue",
    "simulate_tissues",
]  # fmt: skip
