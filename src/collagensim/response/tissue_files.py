"""A tissue as the groups and texts of a file, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from collagensim.response.tissue import Snapshot, Tissue

CELLS = ("kind", "position", "identity", "direction", "births")  # (n, ...) of a snapshot
MOMENT = "moment_"  # of a group's name, followed by its place


def groups_of(tissue: Tissue) -> dict[str, xr.Dataset]:
    """Return the averages, the channels of all sessions, and each kept moment as datasets."""
    lengths = [drawn.shape[0] for _, drawn in tissue.channels]
    drawn = np.concatenate([np.zeros((0, 3)), *(drawn for _, drawn in tissue.channels)])
    channels = xr.Dataset({
        "channels": (("channel", "axis"), drawn), "days": ("session", np.array(tissue.session_days, dtype=np.float64)),
        "lengths": ("session", np.array(lengths, dtype=np.int64)),
    })  # fmt: skip
    moments = {f"{MOMENT}{k}": _moment(found) for k, found in enumerate(tissue.snapshots.values())}
    return {"data": tissue.data, "channels": channels, **moments}


def record_of(tissue: Tissue) -> dict[str, Any]:
    """Return what is told in words and plain numbers."""
    return {
        "provenance": tissue.provenance, "statistics": tissue.statistics, "moments": _moments(tissue),
    }  # fmt: skip


def _moments(tissue: Tissue) -> dict[str, Any]:
    """Return what is plain of the kept moments: days, inputs, names and units."""
    snapshots = list(tissue.snapshots.values())
    common = {"kinds": list(snapshots[0].kinds), "units": dict(snapshots[0].units)} if snapshots else {}
    return {**common, "days": list(tissue.snapshots), "inputs": [dict(found.inputs) for found in snapshots]}


def tissue_of(groups: Mapping[str, xr.Dataset], records: Mapping[str, Any]) -> Tissue:
    """Return the tissue that `groups_of` and `record_of` told."""
    told, sessions = records["moments"], groups["channels"]
    ends = np.cumsum(sessions["lengths"].values)
    drawn = [
        sessions["channels"].values[end - n : end]
        for end, n in zip(ends, sessions["lengths"].values, strict=True)
    ]
    snapshots = {
        day: _snapshot(groups[f"{MOMENT}{k}"], told["kinds"], told["units"], inputs)
        for k, (day, inputs) in enumerate(zip(told["days"], told["inputs"], strict=True))
    }
    return Tissue(
        groups["data"], snapshots, list(zip(sessions["days"].values.tolist(), drawn, strict=True)),
        provenance=records["provenance"], statistics=records["statistics"],
    )  # fmt: skip


def _moment(found: Snapshot) -> xr.Dataset:
    cells = {name: getattr(found, name) for name in CELLS}
    made: dict[str, Any] = {name: (("cell", "axis")[: values.ndim], values) for name, values in cells.items()}
    made |= {"made": (("cell_kind", "event"), found.made), "layer": ("z", found.layer)}
    made |= {"edges_um": ("axis", found.edges_um)}
    for name, values in found.fields.items():
        made[f"field_{name}"] = (("z", "y", "x"), values)
    for name, values in found.surface.items():
        made[f"surface_{name}"] = (("y", "x"), values)
    for structure, arrays in found.structures.items():
        for name, values in arrays.items():
            axes = tuple(f"{structure}_{name}_{k}" for k in range(values.ndim))
            made[f"structure_{structure}.{name}"] = (axes, values)
    return xr.Dataset(made)


def _snapshot(
    held: xr.Dataset, kinds: list[str], units: Mapping[str, str], inputs: Mapping[str, float]
) -> Snapshot:
    values = {str(name): variable.values for name, variable in held.data_vars.items()}

    def beginning(with_: str) -> dict[str, Any]:
        return {name.removeprefix(with_): array for name, array in values.items() if name.startswith(with_)}

    structures: dict[str, dict[str, Any]] = {}
    for path, array in beginning("structure_").items():
        structure, name = path.split(".")
        structures.setdefault(structure, {})[name] = array
    return Snapshot(
        structures=structures, fields=beginning("field_"), surface=beginning("surface_"), kinds=kinds, units=units,
        inputs=inputs, made=values["made"], layer=values["layer"], edges_um=values["edges_um"],
        **{name: values[name] for name in CELLS},
    )  # fmt: skip
