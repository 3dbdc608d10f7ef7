"""The arrays of many courses with labels, units and provenance."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from collagensim.analysis.endpoints import ENDPOINTS
from collagensim.analysis.memory import Plan
from collagensim.analysis.reduction import Found
from collagensim.analysis.request import Asked
from collagensim.response import Ensemble
from collagensim.response.ensemble import FAILURE_COLUMNS, with_parameters
from collagensim.skin import LAYERS
from collagensim.solver.provenance import provenance_of
from collagensim.solver.simulate import sources_used
from collagensim.solver.solve import long_names


def labelled(asked: Asked, plan: Plan, found: Found) -> Ensemble:
    """Return what was found as an `Ensemble`."""
    rows = pd.RangeIndex(plan.n, name="member")
    parameters = pd.DataFrame(dict(asked.pairs.parameters), index=rows)
    listed = [(member, *told) for member, told in sorted(found.failures.items())]
    failures = pd.DataFrame(listed, columns=list(FAILURE_COLUMNS))
    return Ensemble(
        _data(asked, found), baseline=_baseline(asked, found), endpoints=_endpoints(asked, found),
        parameters=parameters, failures=with_parameters(failures, parameters), provenance=_provenance(asked),
        statistics=_statistics(asked, plan, found),
    )  # fmt: skip


def _attributes(asked: Asked) -> dict[str, dict[str, str]]:
    items = {item.name: item for item in (*asked.model.species, *asked.model.derived)}
    names = long_names(asked.model)
    return {
        name: {"units": items[name].unit, "long_name": names.get(name, name.replace("_", " "))}
        for name in asked.variables
    }


def _member(n: int) -> xr.Variable:
    return xr.Variable("member", np.arange(n), {"long_name": "number of the member, in the order given"})


def _data(asked: Asked, found: Found) -> xr.Dataset:
    attributes = _attributes(asked)
    variables = {
        name: xr.Variable(("member", "time", "layer")[: values.ndim], values, attributes[name])
        for name, values in found.values.items()
    }
    thickness = {"units": "mm", "long_name": "layer thickness at baseline"}
    coordinates = {
        "member": _member(asked.pairs.n),
        "time": xr.Variable("time", asked.output_days, {"units": "day", "long_name": "time"}),
        "layer": list(LAYERS),
        "layer_thickness": xr.Variable(("member", "layer"), found.thickness, thickness),
    }
    return xr.Dataset(variables, coords=coordinates)


def _baseline(asked: Asked, found: Found) -> xr.Dataset:
    attributes = _attributes(asked)
    variables = {
        name: xr.Variable(("member", "layer")[: values.ndim], values, attributes[name])
        for name, values in found.baseline.items()
    }
    return xr.Dataset(variables, coords={"member": _member(asked.pairs.n), "layer": list(LAYERS)})


def _endpoints(asked: Asked, found: Found) -> xr.Dataset:
    answered = found.answered_endpoints()
    variables = {
        e.name: xr.Variable(
            "member",
            answered[e.name],
            {
                "units": e.unit,
                "long_name": e.name.replace("_", " "),
                "place": e.place,
                "definition": e.definition,
                # A duration that ends after the course is NaN here, and quantiles must know.
                "may_be_late": int(e.needs_session),
            },
        )
        for e in ENDPOINTS
        if e.name in answered
    }
    sessions = np.array([len(asked.pairs.protocol(i).days) for i in range(asked.pairs.n)], dtype=np.int64)
    counted = xr.Variable("member", sessions, {"units": "1", "long_name": "number of sessions"})
    return xr.Dataset(variables, coords={"member": _member(asked.pairs.n), "sessions": counted})


def _provenance(asked: Asked) -> dict[str, Any]:
    pairs = asked.pairs
    skins, skin_of = _distinct(pairs.skins)
    protocols, protocol_of = _distinct(pairs.protocols)
    # Which figures are used depends on neither age nor days: one of each kind of skin and protocol names them all.
    kinds = {(s.site, s.sex, s.phototype, s.condition, s.risks): s for s in skins}
    plans = {
        (frozenset(session.device for _, session in p.events()), bool(p.care_changes())): p for p in protocols
    }
    used = [row for skin in kinds.values() for plan in plans.values() for row in sources_used(skin, plan)]
    sources = {tuple(sorted(row.items())): row for row in used}
    record = provenance_of(
        asked.model,
        {
            "days": asked.days,
            "ageing": asked.ageing,
            "rtol": asked.rtol,
            "method": "rodas5p",
            "output": asked.output,
            "output_days": asked.output_days.tolist(),
            "variables": list(asked.variables),
        },
        sources=list(sources.values()),
        assumptions=list(dict.fromkeys(text for plan in protocols for text in plan.all_assumptions)),
    )
    del record["skin"], record["protocol"]
    return {
        **record,
        "skins": [skin.to_dict() for skin in skins],
        "skin_of_member": skin_of,
        "protocols": [protocol.to_dict() for protocol in protocols],
        "protocol_of_member": protocol_of,
    }


def _distinct(given: Iterable[Any]) -> tuple[list[Any], list[int] | int]:
    """The distinct ones in order, and the place among them of each, or 0 when one is everybody's."""
    places: dict[Hashable, int] = {}
    of_member = [places.setdefault(one, len(places)) for one in given]
    return list(places), of_member if len(places) > 1 else 0


def _statistics(asked: Asked, plan: Plan, found: Found) -> dict[str, Any]:
    return {
        "members": plan.n,
        "failed": len(found.failures),
        "seconds": found.seconds,
        "trajectories_per_second": int(found.done.sum()) / found.seconds if found.seconds > 0 else 0.0,
        "chunks": plan.n_chunks,
        "members_per_chunk": plan.size,
        "chunks_at_once": plan.at_once,
        "threads": asked.threads,
        "work_bytes": plan.work_bytes,
        "result_bytes": plan.result_bytes,
    }
