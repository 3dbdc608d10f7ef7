import copy
import dataclasses
import json

import numpy as np
import pytest

from collagensim.errors import InputError
from collagensim.response import Response


def test_fold_is_value_over_baseline_of_its_own_layer(response):
    fibroblasts = response.data["fibroblasts"]
    for i, layer in enumerate(response.data["layer"].values):
        expected = fibroblasts.values[:, i] / fibroblasts.attrs["baseline"][i]
        np.testing.assert_array_equal(response.fold("fibroblasts", layer=str(layer)).values, expected)
    assert response.fold("fibroblasts").dims == ("time", "layer")
    assert response.fold("fibroblasts").attrs["units"] == "1"
    assert float(response.fold("epidermal_thickness")[0]) == 1.0


@pytest.mark.parametrize(
    ("name", "layer", "sentence"),
    [
        ("colagen_total", None, "did you mean 'collagen_total'"),
        ("collagen_total", "papilary", "did you mean 'papillary'"),
        ("myofibroblasts", None, "rests at zero"),
        ("erythema", "papillary", "no layers"),
    ],
)
def test_fold_says_what_is_wrong_and_what_is_near(response, name, layer, sentence):
    with pytest.raises(InputError, match=sentence):
        response.fold(name, layer=layer)


def test_a_part_given_as_a_function_is_made_once_and_only_when_read(response):
    made = []

    def make():
        made.append(1)
        return response.zone

    late = Response(response.data, zone=make, provenance={})
    assert not made
    assert late.zone is response.zone
    assert late.zone is response.zone
    assert made == [1]
    assert late.between is None
    with pytest.raises(dataclasses.FrozenInstanceError):
        late.zone = None


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, dataclasses.replace])
def test_a_copy_holds_the_parts_and_not_what_makes_them(response, copied):
    late = copied(Response(response.data, zone=lambda: response.zone, provenance={"model": "x"}))
    assert late.zone.identical(response.zone)
    assert late.between is None
    assert late.provenance == {"model": "x"}


def test_long_table_holds_every_number_once(response):
    table = response.to_dataframe()
    assert list(table.columns) == ["time", "layer", "variable", "value", "unit"]
    assert len(table) == sum(values.size for values in response.data.data_vars.values())
    row = table[(table.variable == "elastin") & (table.layer == "lower_reticular") & (table.time == 30.0)]
    assert row["value"].item() == response.data["elastin"].sel(time=30.0, layer="lower_reticular").item()
    assert table[table.variable == "erythema"]["layer"].isna().all()


def test_sources_lists_publications_and_assumptions(response):
    assert list(response.sources()["key"]) == ["someone2013", "assumed"]


def test_summary_in_a_notebook_is_escaped_and_says_what_it_is_not(response):
    provenance = {**response.provenance, "model": "<script>alert(1)</script>"}
    text = Response(response.data, provenance=provenance)._repr_html_()
    assert "<script>" not in text
    assert "not medical advice" in text
    assert len(repr(response)) < 120


def test_session_days_come_from_the_protocol(response):
    assert response.session_days == (0.0, 30.0, 60.0, 90.0, 120.0)
    assert Response(response.data, provenance={"model": "x"}).session_days == ()


def test_provenance_is_plain_json(response):
    assert json.loads(json.dumps(response.provenance)) == response.provenance
