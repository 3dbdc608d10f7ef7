"""The endpoints that the shipped biology gives, as committed numbers: a change of any is a change of the model.

After an intended change run ``python tests/regression/test_endpoints.py`` to write them anew, and say in CHANGELOG.md
which moved and why.
"""

import json
from pathlib import Path

import pytest

import collagensim as cs

COMMITTED = Path(__file__).with_name("endpoints.json")
PEN = cs.Session(device="pen", depth_mm=1.5, density_per_cm2=250)
COURSES = {
    "one session": (cs.Skin(), cs.Protocol.series(PEN, sessions=1, spacing_days=30), 60),
    "five sessions": (cs.Skin(), cs.Protocol.series(PEN, sessions=5, spacing_days=30), 365),
    "published protocol": (
        cs.Protocol.published("lotfi_2013").skin,
        cs.Protocol.published("lotfi_2013"),
        176,
    ),
    "reference punch": (
        cs.Skin(site="abdomen", age_years=30),
        cs.Protocol([(0.0, cs.Session(device="punch", diameter_mm=4.0))]),
        180,
    ),
}


def endpoints(name):
    skin, protocol, days = COURSES[name]
    return {
        key: float(value) for key, value in cs.simulate(skin, protocol, days=days).summary()["value"].items()
    }


@pytest.mark.parametrize("name", COURSES)
def test_the_endpoints_are_those_committed(name):
    committed = json.loads(COMMITTED.read_text(encoding="utf-8"))[name]
    found = endpoints(name)
    assert found.keys() == committed.keys()
    for key, value in found.items():
        # The solver holds rtol 1e-6 a step, some 1e-5 over a course; changes of a few per cent of a value near its
        # baseline lose two digits more.
        assert value == pytest.approx(committed[key], rel=1e-3, abs=1e-3, nan_ok=True), key


if __name__ == "__main__":
    text = json.dumps({name: endpoints(name) for name in COURSES}, indent=1)
    COMMITTED.write_text(text + "\n", encoding="utf-8")
