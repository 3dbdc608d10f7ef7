"""The result of many simulations, on made-up numbers."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from collagensim.errors import FileError, InputError, SolveError
from collagensim.response import Ensemble, load
from collagensim.response.ensemble import with_parameters

N, TIMES, LAYERS = 9, [0.0, 7.0, 30.0], ["papillary", "upper_reticular", "lower_reticular"]
RANDOM = np.random.default_rng(7)


def ensemble(failed=(4,), unreached=(), sessions=1):
    """Nine members; the numbers of those that failed, and of those whose redness outlasts the course."""
    failed, unreached = list(failed), list(unreached)
    about = {"units": "mg/mL", "long_name": "total collagen"}
    collagen = xr.Variable(("member", "time", "layer"), RANDOM.lognormal(size=(N, 3, 3)), about)
    redness = xr.Variable(
        ("member", "time"), RANDOM.lognormal(size=(N, 3)), {"units": "1", "long_name": "redness"}
    )
    told = {"units": "%", "definition": "a change", "may_be_late": 0}
    late = {"units": "day", "definition": "days until", "may_be_late": 1}
    gain = xr.Variable("member", np.arange(N, dtype=float), told)
    lasting = xr.Variable("member", np.arange(N, dtype=float), late)
    lasting[unreached] = np.nan
    for values in (collagen, redness, gain, lasting):
        values[failed] = np.nan
    member = {"member": np.arange(N)}
    parameters = pd.DataFrame({"rate": RANDOM.random(N)}, index=pd.RangeIndex(N, name="member"))
    listed = pd.DataFrame(
        [(i, "not_finite", f"the <b>rate</b> of {i}") for i in failed],
        columns=["member", "status", "message"],
    )
    return Ensemble(
        xr.Dataset(
            {"collagen_total": collagen, "erythema": redness},
            coords={
                **member,
                "time": ("time", TIMES, {"units": "day", "long_name": "time"}),
                "layer": LAYERS,
            },
        ),
        baseline=xr.Dataset({"collagen_total": collagen[:, 0], "erythema": redness[:, 0]}, coords=member),
        endpoints=xr.Dataset(
            {"gain": gain, "erythema_duration": lasting},
            coords={**member, "sessions": ("member", np.full(N, sessions))},
        ),
        parameters=parameters,
        failures=with_parameters(listed, parameters),
        provenance={"model": "fake_healing", "skins": [{"site": "cheek"}]},
        statistics={"seconds": 0.1},
    )


def test_quantiles_are_those_of_the_members_that_did_not_fail():
    given = ensemble(failed=(4, 7))
    found = given.quantiles((0.1, 0.5, 0.9))
    for name, values in given.data.data_vars.items():
        expected = np.quantile(np.delete(values.values, [4, 7], axis=0), [0.1, 0.5, 0.9], axis=0)
        # numpy interpolates from the nearer side: the last bits may differ
        np.testing.assert_allclose(found[name].values, expected, rtol=1e-14)
        assert found[name].dims == ("quantile", *values.dims[1:])
        assert found[name].attrs["units"] == values.attrs["units"]
    assert found.attrs["members"] == 7
    assert found.attrs["failed_members"] == 2
    assert not any(np.isnan(values).any() for values in found.data_vars.values())


def test_the_order_of_members_does_not_matter_to_a_quantile():
    given = ensemble(failed=())
    order = RANDOM.permutation(N)
    mixed = dataclasses.replace(
        given, data=given.data.isel(member=order), endpoints=given.endpoints.isel(member=order)
    )
    assert given.quantiles().identical(mixed.quantiles())


def test_one_quantile_may_be_a_number():
    assert ensemble().quantiles(0.5)["gain"].values.tolist() == [4.0]  # of 0 1 2 3 5 6 7 8


def test_a_duration_that_is_not_reached_counts_as_longer_than_all_that_were():
    given = ensemble(failed=(), unreached=(0, 1))
    found = given.quantiles((0.0, 0.5, 0.75, 1.0))["erythema_duration"]
    # reached: 2..8, then two beyond the course: the median of nine is the fifth, 6; the seventh is 8
    assert found.values.tolist() == [2.0, 6.0, 8.0, np.inf]
    assert found.attrs["members"] == 9
    assert found.attrs["not_reached"] == 2


def test_a_member_without_a_session_has_no_duration_to_reach():
    found = ensemble(failed=(), unreached=(0, 1), sessions=0).quantiles(1.0)["erythema_duration"]
    assert found.values.tolist() == [8.0]
    assert found.attrs["members"] == 7
    assert found.attrs["not_reached"] == 0


def test_quantiles_of_nobody_are_refused():
    with pytest.raises(SolveError, match="all 9 members failed"):
        ensemble(failed=range(N)).quantiles()


def test_a_hidden_nan_is_refused_and_not_passed_on():
    given = ensemble(failed=())
    given.data["erythema"][3, 1] = np.nan
    with pytest.raises(InputError, match="erythema holds NaN in a member that did not fail"):
        given.quantiles()


@pytest.mark.parametrize("q", [(-0.1, 0.5), (0.5, 1.1), (0.9, 0.1), "half", ()])
def test_a_quantile_outside_zero_to_one_is_refused(q):
    with pytest.raises(InputError, match="q"):
        ensemble().quantiles(q)


def test_the_summary_has_one_row_an_endpoint_with_unit_and_counts():
    table = ensemble(unreached=(0,)).summary()
    assert table.index.tolist() == ["gain", "erythema_duration"]
    assert table.columns.tolist() == ["0.05", "0.5", "0.95", "unit", "members", "not reached", "definition"]
    assert table["members"].tolist() == [8, 8]
    assert table["not reached"].tolist() == [0, 1]


def test_failures_carry_the_parameters_of_their_member():
    given = ensemble(failed=(2, 6))
    assert given.failures["rate"].tolist() == given.parameters["rate"].iloc[[2, 6]].tolist()
    assert given.sound.tolist() == [0, 1, 3, 4, 5, 7, 8]


@pytest.mark.parametrize("failed", [(), (4,), tuple(range(N))])
def test_a_saved_ensemble_comes_back_bit_for_bit(tmp_path, failed):
    given = ensemble(failed=failed)
    back = load(given.save(tmp_path / "many.nc"))
    assert isinstance(back, Ensemble)
    for name in ("data", "baseline", "endpoints"):
        one, two = getattr(given, name), getattr(back, name)
        assert one.identical(two)
        assert all(one[v].values.tobytes() == two[v].values.tobytes() for v in one.data_vars)
    pd.testing.assert_frame_equal(given.parameters, back.parameters)
    pd.testing.assert_frame_equal(given.failures, back.failures, check_dtype=bool(failed))
    assert back.provenance == given.provenance
    assert back.statistics == given.statistics


def test_an_ensemble_without_parameters_comes_back_too(tmp_path):
    given = ensemble()
    bare = dataclasses.replace(
        given, parameters=given.parameters[[]], failures=given.failures[["member", "status", "message"]]
    )
    back = load(bare.save(tmp_path / "many.nc"))
    assert len(back.parameters) == N
    pd.testing.assert_frame_equal(bare.failures, back.failures)


def test_a_changed_number_in_the_file_is_noticed(tmp_path):
    given = ensemble()
    path = given.save(tmp_path / "many.nc")
    raw = bytearray(path.read_bytes())
    raw[raw.index(given.data["collagen_total"].values.tobytes()) + 20] ^= 1
    path.write_bytes(raw)
    with pytest.raises(FileError, match="damaged"):
        load(path)


def test_a_notebook_shows_what_failed_escaped_and_what_it_is_not():
    text = ensemble()._repr_html_()
    assert "9 members (1 failed)" in text
    assert "<b>rate</b>" not in text
    assert "not medical advice" in text
    assert "all" not in ensemble(failed=range(N))._repr_html_().split("<table")[0]
    assert (
        repr(ensemble())
        == "<Ensemble of fake_healing: 9 members (1 failed), 2 variables at 3 times, 2 endpoints>"
    )
