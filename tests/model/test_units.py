import pytest

from collagensim.errors import ModelError
from collagensim.model.units import DIMENSIONLESS, unit, unit_text


def test_hours_do_not_pass_for_days():
    assert not unit("1/hour").same_as(unit("1/day"))
    assert (unit("1/hour") / unit("1/day")).factor == pytest.approx(24.0, rel=1e-15)


def test_a_milligram_per_millilitre_is_a_microgram_per_cubic_millimetre():
    assert unit("mg/mL").same_as(unit("ug/mm^3"))


@pytest.mark.parametrize(
    "text", ["mg/mL", "cell/mm^3", "signal*mm^3/cell/day", "mg/mL*um^2/cell", "mmHg^(1/2)", "1"]
)
def test_the_text_of_a_unit_reads_back_as_the_same_unit(text):
    assert unit(unit_text(unit(text))).same_as(unit(text))


def test_an_unknown_unit_is_refused_with_the_known_ones():
    with pytest.raises(ModelError, match=r"unit 'furlong' is not known.*cell"):
        unit("furlong")


def test_products_of_units_cancel():
    assert (unit("cell/mm^3") / unit("cell/mm^3")).same_as(DIMENSIONLESS)
