"""A tissue comes back from its file with every bit."""

import dataclasses

import h5netcdf
import numpy as np
import pytest

from collagensim.errors import FileError
from collagensim.response import Snapshot, Tissue, load


def snapshot(n_cells, seed):
    draw = np.random.default_rng(seed)
    shape = (3, 1, 4)
    field = draw.random(shape)
    field[0, 0, :2] = -0.0, np.nan
    return Snapshot(
        kind=draw.integers(0, 2, n_cells), position=draw.random((n_cells, 3)),
        identity=draw.integers(2**63, 2**64, n_cells, dtype=np.uint64), kinds=["fibroblasts", "neutrophils"],
        fields={"il_1": draw.random(shape).astype(np.float32), "collagen_i": field},
        surface={"keratinocytes": draw.random(shape[1:])}, units={"il_1": "1", "collagen_i": "mg/mL"},
        edges_um=np.array([10.0, 200.0, 10.0]), layer=np.array([0, 0, 1]), direction=draw.random((n_cells, 3)),
        births=draw.integers(0, 9, n_cells), made=draw.integers(0, 99, (2, 5)), inputs={"care.retinoid": 0.1 + 0.2},
    )  # fmt: skip


@pytest.fixture
def tissue(response):
    snapshots = {1.0: snapshot(7, 1), 1 / 3: snapshot(0, 2)}
    channels = [
        (0.0, np.random.default_rng(3).random((4, 3))),
        (1 / 3, np.zeros((0, 3))),
        (0.7, np.ones((1, 3))),
    ]
    return Tissue(response.data, snapshots, channels, provenance=response.provenance, statistics={"cells": 7})


def same(first, second):
    if isinstance(first, np.ndarray):
        assert (first.dtype, first.shape) == (second.dtype, second.shape)
        assert first.tobytes() == second.tobytes()
    elif isinstance(first, dict):
        assert list(first) == list(second)
        for name, value in first.items():
            same(value, second[name])
    else:
        assert first == second


def test_a_saved_tissue_comes_back_bit_for_bit(tissue, tmp_path):
    back = load(tissue.save(tmp_path / "tissue.nc"))
    assert isinstance(back, Tissue)
    assert back.data.identical(tissue.data)
    assert list(back.snapshots) == [1.0, 1 / 3]
    for day, given in tissue.snapshots.items():
        for part in dataclasses.fields(Snapshot):
            same(getattr(given, part.name), getattr(back.snapshots[day], part.name))
    assert back.session_days == tissue.session_days
    for (_, given), (_, found) in zip(tissue.channels, back.channels, strict=True):
        same(given, found)
    assert back.provenance == tissue.provenance
    assert back.statistics == tissue.statistics
    assert back.cells(1.0).equals(tissue.cells(1.0))


def test_a_tissue_without_sessions_or_kept_days_comes_back_too(tissue, tmp_path):
    bare = dataclasses.replace(tissue, snapshots={}, channels=[])
    back = load(bare.save(tmp_path / "bare.nc"))
    assert back.snapshots == {}
    assert back.channels == []


@pytest.mark.parametrize("name", ["identity", "field_collagen_i", "made"])
def test_one_changed_number_is_found_out(tissue, tmp_path, name):
    path = tissue.save(tmp_path / "tissue.nc")
    with h5netcdf.File(path, "a") as file:
        values = file["moment_0"][name]
        held = np.array(values[...])
        held.flat[-1] += 1
        values[...] = held
    with pytest.raises(FileError, match="damaged"):
        load(path)
