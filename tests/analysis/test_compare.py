import numpy as np
import pytest

from collagensim.analysis.compare import compare
from collagensim.errors import InputError
from collagensim.response import Response


def test_a_course_against_itself_differs_by_nothing(response):
    contrast = compare(response, response)
    assert (contrast.endpoints["difference"] == 0.0).all()
    for name, values in contrast.difference.data_vars.items():
        assert not values.values.any(), name
    ratios = contrast.ratio["collagen_total"].values
    assert (ratios == 1.0).all()


def test_differences_are_second_minus_first_on_shared_days(fake):
    first = fake.fake_response(fake.fake_course(days=100.0, session_days=(0.0,)))
    second = fake.fake_response(fake.fake_course(days=50.0, session_days=(0.0,), gain=2.0))
    contrast = compare(first, second)
    assert float(contrast.difference["time"][-1]) == 50.0
    day = {"time": 20.0, "layer": "papillary"}
    a, b = (r.data["collagen_total"].sel(day).item() for r in (first, second))
    assert contrast.difference["collagen_total"].sel(day).item() == b - a
    assert contrast.ratio["collagen_total"].sel(day).item() == b / a
    peak = contrast.endpoints.loc["neutrophils_peak"]
    assert peak["difference"] == peak["second"] - peak["first"] > 0
    assert contrast.difference["collagen_total"].attrs["units"] == "mg/mL"


def test_a_ratio_over_zero_is_nan(response):
    assert np.isnan(compare(response, response).ratio["platelets"].values[0]).all()


def test_other_units_or_layers_are_refused(response):
    other = response.data.copy(deep=True)
    other["collagen_total"].attrs["units"] = "g/mL"
    with pytest.raises(InputError, match="collagen_total is in mg/mL in the first response and in g/mL"):
        compare(response, Response(other, provenance={}))
    with pytest.raises(InputError, match="different layers"):
        compare(response, Response(response.data.isel(layer=[0, 1]), provenance={}))
    with pytest.raises(InputError, match=r"second response 'run\.nc' is not a Response"):
        compare(response, "run.nc")
