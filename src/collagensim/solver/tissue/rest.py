"""What a tissue takes over from the mean field at rest: inputs, solved sources, what spreads how fast."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from collagensim.model import Model
from collagensim.solver.resting import SPACE
from collagensim.solver.system import Bound

Floats: TypeAlias = npt.NDArray[np.float64]
Integers: TypeAlias = npt.NDArray[np.int64]

_NOBODY_ELSE = np.zeros(1, dtype=np.int64)


def bound_in_space(rest: Bound, model: Model) -> Bound:
    """Return the model in space bound to the inputs and solved sources of the one member that is at rest.

    Its sources need not be solved again: what differs in space is at its closed form, and so changes at no rate.
    """
    if model is rest.model:
        found = rest.copied()
    else:
        given: dict[str, Any] = {}
        for name, declared in model.inputs.items():
            row = rest.inputs[name][0, :: SPACE.n_compartments]
            given[name] = row if declared.place == "layer" else row[0]
        found = Bound(model, SPACE, given)
        found.set_rows({name: rest.inputs[name] for name in found.outline.basal_inputs}, _NOBODY_ELSE)
    found.renew()
    return found


def diffusion_of(bound: Bound, species: Integers) -> Floats:
    """Return the diffusion coefficients (n,) [um^2/day] of species that spread, by their positions."""
    spread = bound.outline.spread
    if spread is None:
        return np.empty(0)
    order = [int(np.flatnonzero(spread.species == i)[0]) for i in species]
    values = [float(bound.parameters[spread.diffusion[k]]) * spread.diffusion_factor[k] for k in order]
    return 1e6 * np.array(values)
