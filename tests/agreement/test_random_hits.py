"""The formulas of random channels against needles thrown at a plane and points asked how often they were hit."""

import numpy as np
import pytest

from collagensim.skin import Skin
from collagensim.treatment import Session, injure

SIDE_MM = 6.0
N_PLANES = 60
N_POINTS = 400
SKIN = Skin(site="cheek", age_years=45, condition="photoaged")
SESSION = Session(device="roller", depth_mm=1.0, density_per_cm2=250)


def throw(rng, injury):
    """Needles on a periodic plane: places (n, 2) [mm] and the depth each reaches [mm]."""
    n = rng.poisson(SESSION.channels_per_cm2 / 100 * SIDE_MM**2)
    return rng.random((n, 2)) * SIDE_MM, rng.choice(injury.channels.reach_mm, n)


def hits(points, places, radii):
    """How many discs each point lies in."""
    count = np.zeros(len(points), dtype=int)
    for place, radius in zip(places, radii, strict=True):
        away = np.abs(points - place)
        away = np.minimum(away, SIDE_MM - away)
        count += (away**2).sum(axis=1) < radius**2
    return count


@pytest.fixture(scope="module")
def planes():
    """Hits of points in three layers' zones, by kill at one depth and by a second session, for each plane."""
    rng = np.random.default_rng(20240917)
    injury = injure(SKIN, SESSION)
    found = {"reaching": [], "zone": [], "killed": [], "twice": []}
    for _ in range(N_PLANES):
        points = rng.random((N_POINTS, 2)) * SIDE_MM
        places, reach = throw(rng, injury)
        deep = [reach > top for top in (0.0, injury.layers[1].top_mm, injury.layers[2].top_mm)]
        found["reaching"].append([mask.sum() / SIDE_MM**2 for mask in deep])
        zone = [hits(points, places[mask], np.full(mask.sum(), 0.25)) for mask in deep]
        found["zone"].append([[np.mean(count == k) for k in range(4)] for count in zone])
        radius = injury.channels.kill_radii(np.array([0.3]))[0]
        own = dict(zip(injury.channels.reach_mm, radius, strict=True))
        found["killed"].append(np.mean(hits(points, places, [own[r] for r in reach]) > 0))
        again, _ = throw(rng, injury)
        second = hits(points, again, np.full(len(again), 0.25))
        found["twice"].append(np.mean((zone[0] > 0) & (second > 0)))
    return injury, {name: np.array(values) for name, values in found.items()}


def assert_agrees(drawn, expected):
    # planes are independent: 4.5 standard errors of their mean, by chance once in 150 000 a comparison
    error = drawn.std(axis=0, ddof=1) / np.sqrt(len(drawn))
    assert np.all(np.abs(drawn.mean(axis=0) - expected) <= 4.5 * error + 1e-12)


def test_channels_that_reach_each_layer_agree(planes):
    injury, drawn = planes
    assert_agrees(drawn["reaching"], injury.channels_per_mm2)


def test_share_of_each_layer_in_no_one_two_or_three_zones_agrees(planes):
    injury, drawn = planes
    expected = np.array([injury.zone_hits(k) for k in range(4)]).T
    assert_agrees(drawn["zone"], expected)
    assert injury.zone_hits(0) == pytest.approx(1 - injury.zone_fraction, rel=1e-12)


def test_killed_share_at_a_depth_agrees(planes):
    injury, drawn = planes
    assert_agrees(drawn["killed"], injury.profile(0.3)[0])


def test_share_hit_again_by_a_second_session_is_that_of_an_untouched_place(planes):
    injury, drawn = planes
    assert_agrees(drawn["twice"], injury.zone_fraction[0] ** 2)
