"""Numbers only: compiled functions of arrays that import nothing of ours."""

from __future__ import annotations

from pathlib import Path

__all__ = ["FUNCTIONS", "module_text", "stepper_text"]

# What a model is to the stepper, in the order of its addresses, with the number of arguments.
FUNCTIONS = {
    "block_rates": 4, "block_jacobian": 4, "block_factorise": 5, "block_forward": 4, "block_backward": 4,
}  # fmt: skip

_HEAD = '''"""Generated: the rates of a model and what follows from them, as machine code at an address."""

import numpy as np
from numba import cfunc, types

from collagensim.kernels.numbers import root, smaller
from collagensim.kernels.straight import straight


'''
_ENTRY = """
_{name} = straight({name}, "{kind}")


@cfunc(types.void(*(types.voidptr,) * {n}), cache=True, error_model="numpy")
def {name}_code({arguments}):
    _{name}(({arguments}))
"""


def stepper_text() -> str:
    """The text of the stepper, for a copy whose name tells all that it calls.

    Numba notices the change of a file, but not of the files whose kernels it calls.
    """
    return Path(__file__).with_name("stepper.py").read_text(encoding="utf-8")


def module_text(model_source: str, kind: str) -> str:
    """The text of a module that holds the machine code of a model for one kind of numbers.

    Parameters
    ----------
    model_source : str
        Defines the `FUNCTIONS`, or the first two of them, as straight-line functions; may use ``np``, ``root`` and
        ``smaller``.
    kind : {"lanes", "plain", "complex"}
    """
    entries = [
        _ENTRY.format(name=name, kind=kind, n=n, arguments=", ".join("abcde"[:n]))
        for name, n in FUNCTIONS.items()
        if f"def {name}(" in model_source
    ]
    return "\n".join([_HEAD + model_source.strip(), *entries])
