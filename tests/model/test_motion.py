import dataclasses

import pytest

from collagensim.biology import dermal_architecture
from collagensim.errors import ModelError
from collagensim.model import Architecture

MOTION = dermal_architecture().motions[0]
SPEED, LEVEL = MOTION.speed, next(iter(MOTION.climbs.values()))


def test_values_come_in_the_units_of_the_tissue():
    # 10 um/minute; a level of 0.1 weighs ten times as much as one of 1.
    assert MOTION.value("speed") == pytest.approx(10.0 * 24 * 60, rel=1e-12)
    weights = MOTION.weights()
    assert weights == pytest.approx(dict.fromkeys(weights, 1.0 / LEVEL.value), rel=1e-12)


def test_every_parameter_of_an_architecture_is_listed_once():
    found = dermal_architecture().parameters
    assert {"sensing_radius", "fibroblast_speed", "climbed_debris"} <= set(found)
    assert all(name == parameter.name for name, parameter in found.items())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"speed": MOTION.persistence}, "is in minute, needs um/day"),
        ({"climbs": {next(iter(MOTION.climbs)): 10.0}}, "from a level that is no Parameter in"),
        ({"climbs": {next(iter(MOTION.climbs)): SPEED}}, "from a level that is no Parameter in"),
        (
            {"climbs": {next(iter(MOTION.climbs)): dataclasses.replace(LEVEL, value=0.0, low=0.0)}},
            "is above 0",
        ),
        ({"climbs": {MOTION.species: LEVEL}}, "no Parameter in cell/mm"),
        ({"species": next(iter(MOTION.climbs))}, "which is no cell but"),
    ],
)
def test_a_motion_that_makes_no_sense_is_refused(change, message):
    with pytest.raises(ModelError, match=message):
        dataclasses.replace(MOTION, **change)


def test_a_sensing_radius_that_is_no_length_is_refused():
    with pytest.raises(ModelError, match="is no length: give one in um"):
        Architecture((), SPEED)
