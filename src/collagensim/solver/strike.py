"""What a session does to a layer, as arithmetic that holds for numbers and for formulas alike.

A session hits the layer's mean. What was hit is the new zone, and with it as much of the old zone as the new one is
smaller than it: an equal or larger session divides the layer anew, a vanishing one leaves it as it was.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from collagensim.solver.trace import Traced
from collagensim.write.sbml_text import quotient

Floats: TypeAlias = npt.NDArray[np.float64]
# Arrays of floats, or of objects that are formulas: both know + and *.
Values: TypeAlias = npt.NDArray[Any]
Weigh: TypeAlias = Callable[[Values], Values]


@dataclass(frozen=True)
class Division:
    """Volumes (layer,) of which a session makes the new zone and the tissue between, as shares of the layer.

    ``hit`` is struck, ``stays`` old zone that stays zone, ``leaves`` old zone that joins the tissue between,
    ``spared`` tissue between that was missed; they add to 1.
    """

    hit: Floats
    stays: Floats
    leaves: Floats
    spared: Floats

    @classmethod
    def of(cls, old: Floats, hit: Floats) -> Division:
        """Divide layers whose zone had the share ``old`` (layer,) and that are hit on the share ``hit`` (layer,)."""
        # Of the old zone outside the new channels, this part stays zone.
        replaced = _quotient(hit, old, np.ones_like(old))
        kept, missed = 1.0 - _smaller(replaced, 1.0), 1.0 - hit
        return cls(hit, kept * missed * old, (1.0 - kept) * missed * old, missed * (1.0 - old))

    @property
    def share(self) -> Floats:
        """The new zone's share (layer,)."""
        return self.hit + self.stays


def blend(states: Values, volumes: Floats, weigh: Mapping[int, Weigh], out: Values | None = None) -> Values:
    """Mean (..., layer, m) of two parts (..., layer, 2, m) of given volumes (..., layer, 2).

    Volumes (k, ..., layer, 2) of the same parts give k means at once.

    Amounts are averaged by volume; the states in ``weigh``, position -> weights (..., layer, 2) of the parts' states,
    by weight times volume, or by volume where there is nothing to weigh by. Where there is no volume the result is
    zero. ``out`` (m, ..., layer) is memory for the result, of which it becomes a view.
    """
    # Sums of two are written out: NumPy's reductions are slower, and their order is not ours to choose.
    total = (volumes[..., 0] + volumes[..., 1])[..., None]
    parts = _quotient(volumes, total, np.zeros_like(volumes))
    # State by state in memory: many times faster than along the short last axis, and as others want it.
    by_state = states.transpose(-1, *range(states.ndim - 1))
    by_state = by_state[:, *(None,) * (volumes.ndim - states.ndim + 1)]
    shape, dtype = (by_state.shape[0], *parts.shape[:-1]), np.result_type(states, parts)
    means = np.empty(shape, dtype) if out is None else out
    np.multiply(by_state[..., 0], parts[..., 0], out=means)
    means += by_state[..., 1] * parts[..., 1]
    for i, weight in weigh.items():
        weights = weight(states) * parts
        mixed = weights * states[..., i]
        means[i] = _quotient(
            mixed[..., 0] + mixed[..., 1], weights[..., 0] + weights[..., 1], means[i].copy()
        )
    return np.asarray(means.transpose(*range(1, means.ndim), 0))


def _beside(first: Floats, second: Floats) -> Floats:
    """Two arrays along a new last axis; NumPy's `stack` takes several times as long for so few numbers."""
    found = np.empty((*first.shape, 2), first.dtype)
    found[..., 0], found[..., 1] = first, second
    return found


def _stacked(zone: Values, between: Values) -> Values:
    """States (layer, m) of two compartments as (layer, 2, m)."""
    found = np.empty((*zone.shape[:-1], 2, zone.shape[-1]), np.result_type(zone, between))
    found[..., 0, :], found[..., 1, :] = zone, between
    return found


def _quotient(part: Values, whole: Values, otherwise: Values) -> Values:
    """Return part / whole where ``whole`` is positive and ``otherwise`` elsewhere."""
    if part.dtype == object:
        return np.asarray(np.frompyfunc(_quotient_of_one, 3, 1)(part, whole, otherwise))
    return np.asarray(np.divide(part, whole, out=otherwise, where=whole.real > 0))


def _quotient_of_one(part: Any, whole: Any, otherwise: Any) -> Any:
    if isinstance(whole, Traced):
        return whole.where_positive(part / whole, otherwise)
    return quotient(part, whole, otherwise)


def _smaller(a: Values, b: float) -> Values:
    return np.frompyfunc(Traced.smaller, 2, 1)(a, b) if a.dtype == object else np.minimum(a, b)


def _where_positive(test: Values, a: Values, b: Values) -> Values:
    """The values a where ``test`` is positive, b elsewhere."""
    if test.dtype == object:
        return np.asarray(np.frompyfunc(Traced.where_positive, 3, 1)(test, a, b))
    return np.where(test > 0, a, b)


def strike(
    states: Values, old: Floats, hit: Floats, weigh: Mapping[int, Weigh], jumped: Callable[[Values], Values]
) -> Values:
    """States (layer, 2, m) after a session, zone before between, of ``states`` just before it.

    Parameters
    ----------
    states : numpy.ndarray
        (layer, 2, m) floats, or formulas as objects.
    old, hit : numpy.ndarray
        (layer,) the zone's share before, and the share that the session hits [1].
    weigh : mapping
        See `blend`.
    jumped : callable
        Mean states (layer, m) -> states (layer, m) of tissue that was there and is hit.
    """
    division = Division.of(old, hit)
    zone = states[..., 0, :]
    rest = _beside(division.leaves, division.spared)
    mean, left = blend(states, np.array([_beside(old, 1.0 - old), rest]), weigh)
    made = _stacked(jumped(mean), zone)
    new_zone = blend(made, _beside(hit, division.stays), weigh)
    new_between = _where_positive((rest[..., 0] + rest[..., 1])[..., None], left, mean)
    return _where_positive(hit[..., None, None], _stacked(new_zone, new_between), states)
