"""Who is simulated: skins, protocols and parameter sets paired into members."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from collagensim.errors import InputError, ModelError, instance, is_listed, number, shown
from collagensim.model import Model
from collagensim.skin import Skin
from collagensim.treatment import Protocol

Array = NDArray[np.float64]
T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class Pairs:
    """Members: of skins and protocols one for all or ``n``, of parameters name -> (n,) values in their units."""

    n: int
    skins: Sequence[Skin]
    protocols: Sequence[Protocol]
    parameters: Mapping[str, Array]

    def skin(self, member: int) -> Skin:
        """The skin of a member."""
        return self.skins[member if len(self.skins) > 1 else 0]

    def protocol(self, member: int) -> Protocol:
        """The protocol of a member."""
        return self.protocols[member if len(self.protocols) > 1 else 0]

    def values(self, members: range) -> list[dict[str, float]]:
        """Of each of those members, parameter name -> value: the same names for all."""
        columns = [self.parameters[name][members.start : members.stop].tolist() for name in self.parameters]
        return [dict(zip(self.parameters, row, strict=True)) for row in zip(*columns, strict=True)]


def paired(model: Model, skins: object, protocols: object, parameters: object) -> Pairs:
    """Return the members that skins, protocols and parameters make; one of each stands for all members.

    Raises
    ------
    InputError
        For lengths that do not pair, something that is no skin or protocol, or a parameter the model lacks. A value
        outside its parameter's range is left to the solver, which fails that member alone.
    """
    someone = _listed("skins", skins, Skin, "Skin(site='cheek')")
    plans = _listed("protocols", protocols, Protocol, "Protocol.series(Session(depth_mm=1.5))")
    columns = dict(_columns(model, parameters))
    lengths = {"skins": len(someone), "protocols": len(plans)}
    lengths |= {f"parameter {name!r}": values.size for name, values in columns.items()}
    if isinstance(parameters, list | tuple):
        lengths["parameters"] = len(parameters)
    n = max(lengths.values())
    if any(length not in (1, n) for length in lengths.values()):
        found = [f"{what} {length}" for what, length in lengths.items() if length != 1]
        raise InputError(
            f"the lengths do not pair ({', '.join(found)}): give one for all members, or one each"
        )
    return Pairs(n, someone, plans, {name: np.broadcast_to(v, n).copy() for name, v in columns.items()})


def _listed(what: str, given: object, kind: type[T], example: str) -> list[T]:
    needed = f"for example {example}, or a list of them"
    if isinstance(given, kind):
        return [given]
    if not is_listed(given):
        raise InputError(f"{what} {shown(given)} is no {kind.__name__}: give {needed}")
    found = [instance(f"{what}[{i}]", one, kind, needed) for i, one in enumerate(given)]
    if not found:
        raise InputError(f"{what} is empty: give {needed}")
    return found


def _columns(model: Model, given: object) -> Iterator[tuple[str, Array]]:
    """Names with values (n,), or (1,) where one holds for all members."""
    if given is None:
        return
    if hasattr(given, "columns"):  # a table of pandas, which is no mapping
        given = {name: given[name] for name in given.columns}  # type: ignore[index]
    if isinstance(given, Mapping):
        for name, values in given.items():
            _known(model, name)
            yield name, _numbers(name, values)
        return
    if (
        not isinstance(given, Sequence)
        or isinstance(given, str)
        or not all(isinstance(o, Mapping) for o in given)
    ):
        raise InputError(
            f"parameters {shown(given)} are not names with values: give a mapping of arrays, a table, or a list with "
            f"one mapping a member"
        )
    if not given:
        raise InputError("parameters is empty: give one mapping a member")
    for name in dict.fromkeys(name for one in given for name in one):
        default = _known(model, name)
        yield name, _numbers(name, [one.get(name, default) for one in given])


def _known(model: Model, name: object) -> float:
    """The model's own value of a parameter."""
    try:
        return model.parameter(name).value  # type: ignore[arg-type]
    except ModelError as error:
        raise InputError(str(error)) from None


def _numbers(name: str, given: Any) -> Array:
    """Values of one parameter as (n,) floats; what is no number at all is refused, NaN fails its member later."""
    values = np.atleast_1d(np.asarray(given))
    if values.ndim > 1 or values.size == 0:
        raise InputError(f"parameter {name!r} has shape {values.shape}: give one number, or one a member")
    if values.dtype.kind in "fiu":
        return values.astype(np.float64)
    return np.array(
        [number(f"parameter {name!r} of member {i}", value) for i, value in enumerate(values.tolist())]
    )
