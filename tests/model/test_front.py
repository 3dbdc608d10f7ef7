import dataclasses

import pytest

from collagensim.biology import dermal_architecture, dermal_healing
from collagensim.errors import ModelError
from collagensim.model import Front, Sheet, evaluate

SHEET = dermal_architecture().sheet
FRONT = SHEET.front
SPECIES = {s.name: s for s in dermal_healing().species}


def test_the_reaction_that_closes_openings_is_made_of_the_front():
    (reaction,) = (r for r in dermal_healing().reactions if r.effect.keys() == {FRONT.species})
    assert reaction.rate is FRONT.rate
    values = {leaf.name: 0.5 for leaf in FRONT.rate.symbols}
    closing = evaluate(FRONT.speed, values) / evaluate(FRONT.distance, values)
    assert evaluate(FRONT.rate, values) == pytest.approx(0.5 * closing, rel=1e-15)
    assert evaluate(FRONT.crawling, values) == pytest.approx(0.5 * evaluate(FRONT.speed, values), rel=1e-15)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"species": SPECIES["fibroblasts"]}, "no surface but cell"),
        ({"speed": FRONT.distance}, "speed of the front of 'epidermal_cover' is in um, needs um/day"),
        ({"distance": FRONT.speed}, "needs um"),
        (
            {"speed": FRONT.speed * SPECIES["epidermal_cover"]},
            "reads 'epidermal_cover', but may read parameters",
        ),
    ],
)
def test_a_front_that_makes_no_sense_is_refused(change, message):
    with pytest.raises(ModelError, match=message):
        dataclasses.replace(FRONT, **change)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"width": SHEET.lag}, "needs um"),
        ({"lag": SHEET.width}, "needs day"),
        ({"width": dataclasses.replace(SHEET.width, value=0.0, low=0.0)}, "needs more than 0"),
    ],
)
def test_a_sheet_that_makes_no_sense_is_refused(change, message):
    with pytest.raises(ModelError, match=message):
        dataclasses.replace(SHEET, **change)


def test_lengths_and_times_come_in_the_units_of_the_tissue():
    width = dataclasses.replace(SHEET.width, value=0.01, low=0.0, unit="mm")
    lag = dataclasses.replace(SHEET.lag, value=36.0, high=100.0, unit="hour")
    sheet = Sheet(FRONT, width, lag)
    assert sheet.width_um == pytest.approx(10.0)
    assert sheet.lag_days == pytest.approx(1.5)
    assert Front(FRONT.species, FRONT.speed, FRONT.distance).um_per_day == 1.0
