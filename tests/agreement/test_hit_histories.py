"""Random re-hit in two compartments against every history of hits and misses, followed one by one."""

import itertools

import numpy as np
import pytest

import collagensim as cs
from collagensim.model import Basal, Input, Jump, Model, Parameter, Reaction, Source, Species, hill
from collagensim.solver.columns import Columns
from collagensim.solver.engine import Limits
from collagensim.solver.mean_field import Happening, MeanField, run_course
from collagensim.treatment import injure

SOURCE = Source("assumed")
SKIN = cs.Skin()
SESSION = cs.Session(device="pen", depth_mm=1.5, density_per_cm2=250)
DAYS = (0.0, 10.0, 20.0, 30.0)
END = 90.0


def number(name, value, unit="1/day"):
    return Parameter(name, value, unit, 0.0, 1e3, SOURCE, "assumed")


KILL = Input("injury.kill_fraction", "1", "layer", 0.0)
DAMAGE = Species("damage", "1", "matrix", 0.0, scale=1.0)
MATRIX = Species("matrix", "1", "matrix", 1.0)
MODEL = Model(
    "hits",
    [DAMAGE, MATRIX],
    reactions=[
        Reaction("repair", number("repair_rate", 0.08) * DAMAGE, {DAMAGE: -1}),
        Reaction("synthesis", number("synthesis_rate", 0.05) * hill(DAMAGE, number("half", 0.4, "1"), 2), {MATRIX: 1}),
        Reaction("turnover", number("turnover_rate", 0.01) * MATRIX, {MATRIX: -1}),
    ],
    basals=[Basal(MATRIX)],
    jumps=[Jump(DAMAGE, DAMAGE + KILL), Jump(MATRIX, MATRIX * (1.0 - 0.3 * KILL))],
    zone_radius=number("zone_radius", 250.0, "um"),
)  # fmt: skip


def followed(hits, kill):
    """Matrix at the end of tissue that is hit in the sessions ``hits``."""
    events = [
        (day, {"damage": DAMAGE + kill, "matrix": MATRIX * (1.0 - 0.3 * kill)}) for day, hit in hits if hit
    ]
    return float(cs.solve(MODEL, until=END, times=[0.0, END], events=events, rtol=1e-9).data["matrix"][-1])


@pytest.fixture(scope="module")
def wound():
    return injure(SKIN, SESSION, zone_radius_um=250.0)


def enumerated(w, kill):
    histories = itertools.product((True, False), repeat=len(DAYS))
    return sum(
        np.prod([w if hit else 1.0 - w for hit in history])
        * followed(list(zip(DAYS, history, strict=True)), kill)
        for history in histories
    )


def test_the_rule_of_two_compartments_follows_the_enumerated_histories(wound):
    given = wound.inputs()
    w, kill = float(given["injury.zone_fraction"][0]), float(given["injury.kill_fraction"][0])
    exact = enumerated(w, kill) - 1.0
    same_zone = w * followed([(day, True) for day in DAYS], kill) + (1.0 - w) - 1.0
    field = MeanField(MODEL, SKIN.inputs(), Limits(rtol=1e-9))
    record = run_course(field, [Happening(day, wound, {}) for day in DAYS], END, np.array([0.0, END]))
    rule = float(Columns(field, record, DAYS).tissue().values["matrix"][0, -1, 0]) - 1.0
    # Two compartments keep the mean of the histories and the variance of the last session, not the older ones: the
    # rule must be several times nearer to the truth than hitting one zone over and over.
    assert abs(rule - exact) < 0.25 * abs(same_zone - exact)
