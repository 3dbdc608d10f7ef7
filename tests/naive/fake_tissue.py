"""A small tissue set by hand, whose figures can be checked with pencil and paper."""

import numpy as np
import xarray as xr

from collagensim.response import Replicates, Snapshot, Tissue, as_dataset
from collagensim.skin import Skin
from collagensim.treatment import Protocol, Session
from naive.fake_course import fake_course

LAYERS = ("papillary", "upper_reticular", "lower_reticular")
EDGE, SLAB = 10.0, 100.0
KINDS = ("neutrophils", "fibroblasts")
SKIN = Skin()
SESSION = Session(device="pen", depth_mm=1.0, density_per_cm2=250)


def fake_snapshot(fields, surface, places=(), kinds=(), edges=(EDGE, SLAB, EDGE), layer=(0, 0, 1, 1, 2, 2)):
    """``fields``: name -> (nz, ny, nx); ``places`` (n, 3): z, y, x [um] of cells; ``kinds`` (n,): index of each."""
    n = len(kinds)
    return Snapshot(
        kind=np.array(kinds, dtype=np.int64), position=np.array(places, dtype=float).reshape(n, 3),
        identity=np.arange(n, dtype=np.uint64), kinds=KINDS, fields=fields, surface=surface,
        units=dict.fromkeys((*fields, *surface), "1"), edges_um=np.array(edges), layer=np.array(layer),
        direction=np.tile([0.0, 0.0, 1.0], (n, 1)), births=np.zeros(n, dtype=np.int64),
        made=np.zeros((len(KINDS), 5), dtype=np.int64), inputs={},
    )  # fmt: skip


def fake_tissue(snapshots, channels=(), seed=1):
    """``channels``: (day, (n, 3) y, x, reach below the surface [um]) of sessions with the pen."""
    thickness = np.zeros(len(LAYERS))
    for snapshot in snapshots.values():
        rows = np.bincount(snapshot.layer, minlength=thickness.size)
        thickness = rows * snapshot.edges_um[0] / 1000.0
    coords = {"time": sorted(snapshots), "layer": list(LAYERS), "layer_thickness": ("layer", thickness)}
    data = xr.Dataset(coords=coords)
    protocol = Protocol([(day, SESSION) for day, _ in channels])
    provenance = {"skin": SKIN.to_dict(), "protocol": protocol.to_dict(), "seed": seed}
    return Tissue(data, snapshots, list(channels), provenance=provenance)


def fake_averages(gain=1.0, days=60.0, reached=None, seed=1):
    """A tissue of which only the averages are known, those of a closed formula; with ``reached`` interrupted there."""
    data = as_dataset(fake_course(days, (0.0,), gain), layers=LAYERS)
    status = "completed" if reached is None else f"interrupted on day {reached:g}"
    provenance = {
        "model": "fake_healing", "skin": SKIN.to_dict(), "protocol": Protocol([(0.0, SESSION)]).to_dict(),
        "seed": seed, "options": {"days": days}, "status": status,
        "sources": [{"key": "mcdougall2006", "quantity": "fibroblast_speed"}],
    }  # fmt: skip
    if reached is not None:
        data = data.sel(time=slice(0.0, reached))
    return Tissue(data, {}, [(0.0, np.zeros((0, 3)))], provenance=provenance, statistics={"cells": 7})


def fake_replicates(gains=(0.5, 1.0, 2.5)):
    """Tissues that differ in how much they rise."""
    return Replicates({seed: fake_averages(gain, seed=seed) for seed, gain in enumerate(gains, 4)})


def fake_section(nz=48, nx=80, seed=1, day=3.0, **levels):
    """A slice nx voxels wide in three layers of equal height, each field the same everywhere or as given (nz, nx)."""
    known = {
        "collagen_iii": 30.0, "collagen_i": 10.0, "collagen_mature": 140.0, "elastin": 6.0, "fibre_alignment": 0.2,
        "capillary_density": 60.0, "provisional_matrix": 0.0,
    }  # fmt: skip
    on_top = {"epidermal_cover": 1.0, "epidermal_thickness": 70.0}
    fields = {name: np.full((nz, 1, nx), 0.0) for name in known}
    for name in known:
        fields[name][:, 0] = levels.get(name, known[name])
    surface = {name: np.full((1, nx), value) for name, value in on_top.items()}
    for name in on_top:
        surface[name][0] = levels.get(name, on_top[name])
    rng = np.random.Generator(np.random.Philox(7))
    places = rng.random((60, 3)) * [nz * EDGE, SLAB, nx * EDGE]
    snapshot = fake_snapshot(fields, surface, places, np.arange(60) % 2, layer=np.repeat([0, 1, 2], nz // 3))
    return fake_tissue({day: snapshot}, [(0.0, np.array([[5.0, 300.0, 500.0]]))], seed).biopsy(day)
