"""A tissue and its replicates are read as a response is."""

import numpy as np
import pandas as pd
import pytest

from collagensim.analysis.endpoints import endpoint_table
from collagensim.errors import InputError
from collagensim.response import Response
from naive.fake_tissue import fake_averages, fake_replicates


def test_a_tissue_answers_as_a_response_of_the_same_averages():
    tissue = fake_averages()
    response = Response(tissue.data, provenance=tissue.provenance)
    assert tissue.variable("fibroblasts").identical(response.variable("fibroblasts"))
    for name, layer in (("fibroblasts", None), ("fibroblasts", "upper_reticular"), ("erythema", None)):
        assert tissue.fold(name, layer).identical(response.fold(name, layer))
    pd.testing.assert_frame_equal(tissue.to_dataframe(), response.to_dataframe())
    pd.testing.assert_frame_equal(tissue.summary(), endpoint_table(response.course))


def test_replicates_are_read_as_their_mean():
    several = fake_replicates()
    each = np.stack([tissue.data["fibroblasts"].values for tissue in several.tissues.values()])
    rest = np.array(several.tissues[4].data["fibroblasts"].attrs["baseline"])  # all rest alike
    mean = several.variable("fibroblasts")
    np.testing.assert_array_equal(mean, each.mean(axis=0))
    # a mean of three equal numbers is rounded twice
    np.testing.assert_allclose(mean.attrs["baseline"], rest, rtol=4e-16)
    assert several.mean()["fibroblasts"].identical(mean)
    np.testing.assert_allclose(several.fold("fibroblasts"), each.mean(axis=0) / rest, rtol=1e-15)
    assert several.fold("fibroblasts", "papillary").dims == ("time",)
    assert several.session_days == (0.0,)


def test_replicates_that_rest_unlike_are_folded_by_their_mean_at_rest():
    several = fake_replicates((1.0, 1.0))
    for tissue, rest in zip(several.tissues.values(), ([0.0, 2.0, 2.0], [4.0, 2.0, 2.0]), strict=True):
        tissue.data["neutrophils"].attrs["baseline"] = rest
    expected = several.mean()["neutrophils"].values / 2.0
    np.testing.assert_array_equal(several.fold("neutrophils"), expected)


def test_replicates_say_what_they_rest_on():
    several = fake_replicates()
    assert several.provenance["seeds"] == [4, 5, 6]
    assert "seed" not in several.provenance
    pd.testing.assert_frame_equal(several.sources(), several.tissues[4].sources())


@pytest.mark.parametrize("read", [fake_averages(), fake_replicates()])
def test_an_unknown_name_answers_with_the_nearest(read):
    with pytest.raises(InputError, match=r"in (this tissue|these replicates); did you mean 'fibroblasts'"):
        read.variable("fibroblast")
    with pytest.raises(InputError, match="did you mean 'papillary'"):
        read.fold("fibroblasts", "papilary")
    with pytest.raises(InputError, match="platelets rests at zero"):
        read.fold("platelets")


def test_an_interrupted_tissue_says_how_far_it_came():
    assert "Tissue of 60 days: 1 session, 7 cells at the end" in repr(fake_averages())
    assert "Tissue of 60 days, interrupted on day 5: 1 session" in repr(fake_averages(reached=5.0))
