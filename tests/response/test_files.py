import dataclasses
import os
import stat

import h5netcdf
import numpy as np
import pytest
import xarray as xr

from collagensim.errors import FileError
from collagensim.response import Response, load, replacing


def same(first, second):
    """Names, order of dimensions, bits, attributes: everything that a reader uses."""
    assert set(first.variables) == set(second.variables)
    for name in first.variables:
        one, two = first.variables[name], second.variables[name]
        assert one.dims == two.dims
        assert one.attrs == two.attrs
        if one.dtype.kind == "f":
            assert one.values.tobytes() == two.values.tobytes()
        else:
            assert one.values.tolist() == two.values.tolist()


def test_a_saved_response_comes_back_bit_for_bit(response, tmp_path):
    response.data["collagen_i"][3, 1] = np.nan
    response.data["collagen_i"][4, 1] = -0.0
    given = dataclasses.replace(response, statistics={"steps": np.int64(7), "seconds": 0.1})
    back = load(given.save(tmp_path / "run.nc"))
    for name in ("data", "zone", "between"):
        same(getattr(given, name), getattr(back, name))
    assert back.provenance == given.provenance
    assert back.statistics == {"steps": 7, "seconds": 0.1}
    assert back.fold("fibroblasts").equals(given.fold("fibroblasts"))


def test_one_layer_and_no_layers_come_back_too(response, tmp_path):
    top = response.data.isel(layer=[0])
    for values in top.data_vars.values():
        if "layer" in values.dims:
            values.attrs["baseline"] = values.attrs["baseline"][:1]
    bare = response.data[["erythema"]]
    for data in (top, bare):
        back = load(Response(data, provenance={"model": "x"}).save(tmp_path / "one.nc"))
        same(data, back.data)
        assert back.zone is None


def test_saving_twice_replaces_and_leaves_no_other_file(response, tmp_path):
    response.save(tmp_path / "run.nc")
    response.save(tmp_path / "run.nc")
    assert [path.name for path in tmp_path.iterdir()] == ["run.nc"]


def test_a_save_that_fails_midway_keeps_the_old_file(tmp_path):
    path = tmp_path / "run.nc"
    path.write_text("old")

    def fail():
        with replacing(path) as temporary:
            temporary.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert path.read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["run.nc"]


def test_what_cannot_be_saved_is_refused_before_a_file_exists(response, tmp_path):
    odd = Response(response.data, provenance={"model": object()})
    with pytest.raises(TypeError, match="cannot be kept"):
        odd.save(tmp_path / "run.nc")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("path", "sentence"),
    [("missing/run.nc", "folder .* does not exist"), (".", "is a folder"), (7, "not a path")],
)
def test_an_unwritable_path_gets_one_sentence(response, tmp_path, path, sentence):
    with pytest.raises(FileError, match=sentence) as refusal:
        response.save(tmp_path / path if isinstance(path, str) else path)
    assert "\n" not in str(refusal.value)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_permission_is_refused(response, tmp_path):
    tmp_path.chmod(stat.S_IREAD | stat.S_IEXEC)
    with pytest.raises(FileError, match="permission denied"):
        response.save(tmp_path / "run.nc")
    tmp_path.chmod(0o700)


def test_every_damage_is_noticed(response, tmp_path):
    path = response.save(tmp_path / "run.nc")
    whole = path.read_bytes()
    values = response.data["elastin"].values.tobytes()
    inside = whole.index(values[: 8 * 30]) + 8 * 20  # in the numbers themselves: HDF5 would not see it
    flipped = bytearray(whole)
    flipped[inside] ^= 1
    for damaged in (b"", b"not a file of ours", whole[: len(whole) // 2], whole[:100], bytes(flipped)):
        path.write_bytes(damaged)
        with pytest.raises(FileError, match=r"damaged|not a collagensim") as refusal:
            load(path)
        assert "\n" not in str(refusal.value)


def test_a_foreign_netcdf_file_is_refused(tmp_path):
    xr.Dataset({"a": ("x", [1.0])}).to_netcdf(tmp_path / "foreign.nc", engine="h5netcdf")
    with pytest.raises(FileError, match="no format mark"):
        load(tmp_path / "foreign.nc")


def test_a_later_format_is_named(response, tmp_path):
    path = response.save(tmp_path / "run.nc")
    with h5netcdf.File(path, "a") as file:
        file.attrs["format"] = "collagensim response 99"
    with pytest.raises(FileError, match="response 99"):
        load(path)


@pytest.mark.parametrize(
    ("path", "sentence"), [("none.nc", "no such file"), (".", "folder"), (3, "not a path")]
)
def test_a_path_that_cannot_be_read_gets_one_sentence(tmp_path, path, sentence):
    with pytest.raises(FileError, match=sentence):
        load(tmp_path / path if isinstance(path, str) else path)
