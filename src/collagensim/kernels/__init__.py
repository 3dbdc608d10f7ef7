"""Numbers only: compiled functions of arrays that import nothing of ours."""

from __future__ import annotations

from pathlib import Path

__all__ = ["FUNCTIONS", "kernel_text"]

# The straight-line functions that a model is to the stepper, in the order of their addresses; it has at least two.
FUNCTIONS = (
    "block_rates", "block_jacobian", "block_factorise", "block_forward", "block_backward", "block_solve",
)  # fmt: skip


def kernel_text(name: str) -> str:
    """The text of a file of kernels, for a copy whose name tells all that it calls.

    Numba notices the change of a file, but not of the files whose kernels it calls.
    """
    return Path(__file__).with_name(f"{name}.py").read_text(encoding="utf-8")
