import re

import numpy as np
import pytest

from collagensim.errors import InputError
from collagensim.skin import Skin
from collagensim.treatment import Session, injure
from collagensim.treatment.geometry import lattice_coverage, reaches

CHEEK = Skin(site="cheek", age_years=45, condition="photoaged")


def test_inputs_have_the_names_and_shapes_that_the_model_reads():
    shapes = {name: value.shape for name, value in injure(CHEEK, Session()).inputs().items()}
    layered = ("zone_fraction", "kill_fraction", "dead_share", "removed_fraction", "vessel_fraction")
    assert shapes == {f"injury.{n}": (3,) for n in layered} | {
        "injury.epidermal_opening": (),
        "injury.opening_radius": (),
    }


def test_what_was_killed_lies_in_the_share_that_was_killed_and_where_nothing_was_that_is_all():
    given = injure(CHEEK, Session(depth_mm=0.5, density_per_cm2=250)).inputs()
    killed, share = given["injury.kill_fraction"], given["injury.dead_share"]
    assert 0.0 < killed[0] < 1.0
    assert killed[2] == 0.0
    np.testing.assert_array_equal(share[killed > 0.0], killed[killed > 0.0])
    np.testing.assert_array_equal(share[killed == 0.0], 1.0)


def test_long_needles_at_random_cover_the_zone_of_the_poisson_law():
    # 250 per cm2, radius 0.25 mm: 1 - exp(-2.5 pi / 16)
    injury = injure(CHEEK, Session(depth_mm=3, density_per_cm2=250))
    assert injury.layout == "random"
    assert injury.zone_fraction == pytest.approx(np.full(3, 1 - np.exp(-2.5 * np.pi / 16)), rel=1e-12)


def test_full_shaft_through_the_papillary_dermis_kills_its_radius_and_a_cell_more():
    injury = injure(CHEEK, Session(depth_mm=3, density_per_cm2=250, needle_diameter_mm=0.2))
    # the shallowest channel, 3 x 0.8 x (1 - 0.2 x 2.15) = 1.37 mm, is full width 0.5 mm above its tip
    assert injury.killed_mean[0] == pytest.approx(1 - np.exp(-2.5 * np.pi * 0.11**2), rel=1e-12)
    assert injury.vessel_fraction[0] * injury.zone_fraction[0] == pytest.approx(
        1 - np.exp(-2.5 * np.pi * 0.1**2)
    )
    assert injury.opening_radius_um == pytest.approx(0.505 * 100)


@pytest.mark.parametrize("none", [{"depth_mm": 0}, {"density_per_cm2": 0}, {"passes": 0}])
@pytest.mark.parametrize("device", ["pen", "roller", "stamp", "array"])
def test_zero_depth_or_density_injures_nothing(device, none):
    if none == {"depth_mm": 0}:
        none = none | {"density_per_cm2": 250}
    injury = injure(CHEEK, Session(device=device, **none))
    for name in (
        "zone_fraction",
        "kill_fraction",
        "removed_fraction",
        "vessel_fraction",
        "epidermal_opening",
    ):
        assert np.all(injury.inputs()[f"injury.{name}"] == 0), name
    assert injury.warnings == ()
    assert not injury.field((10, 20, 20), 20.0).killed.any()


def test_needle_that_stays_in_the_epidermis_opens_it_and_no_dermis():
    injury = injure(CHEEK, Session(depth_mm=0.06, density_per_cm2=250))
    assert np.all(injury.kill_fraction == 0)
    assert np.all(injury.vessel_fraction == 0)
    assert injury.zone_fraction[0] > 0
    assert np.all(injury.zone_fraction[1:] == 0)
    assert injury.epidermal_opening > 0
    assert any("open no dermis" in sentence for sentence in injury.warnings)


def test_punch_takes_everything_at_every_depth():
    injury = injure(CHEEK, Session(device="punch", diameter_mm=4))
    assert injury.layout == "whole"
    assert np.all(injury.zone_fraction == 1)
    assert np.all(injury.removed_fraction >= 0.9)
    assert injury.epidermal_opening == 1
    assert injury.opening_radius_um == 2000


def test_stamp_covers_exactly_while_its_discs_do_not_touch():
    injury = injure(CHEEK, Session(device="stamp", depth_mm=3.5, density_per_cm2=250))
    assert injury.layout == "lattice"
    # spacing 0.632 mm is more than two radii of 0.25 mm
    assert injury.zone_fraction[0] == pytest.approx(2.5 * np.pi * 0.25**2, rel=1e-12)


def test_several_passes_of_a_stamp_count_as_random_and_overlap():
    one, two = (
        injure(CHEEK, Session(device="stamp", depth_mm=3.5, passes=n, needle_count=120)) for n in (1, 2)
    )
    assert two.layout == "random"
    assert two.zone_fraction[0] == pytest.approx(1 - (1 - one.zone_fraction[0]) ** 2)


def test_overlapping_discs_of_a_lattice_match_a_count_of_points():
    x = (np.arange(400) + 0.5) / 400 - 0.5
    for radius in (0.55, 0.6, 0.68):
        from_site = np.sqrt(x[:, None] ** 2 + x[None, :] ** 2)
        counted = np.mean(from_site < radius)  # the nearest site decides on a lattice of spacing 1
        # the border of the discs crosses about 4 x 400 of 160 000 points, each off by half at most
        assert lattice_coverage(1.0, np.array([radius])) == pytest.approx(counted, abs=1600 / 160000 / 2)
    assert lattice_coverage(1.0, np.array([0.71])) == 1


def test_lattice_coverage_does_not_fall_where_the_discs_begin_to_meet_or_the_rule_changes():
    stopped = np.zeros(8)
    radii = np.linspace(0.3, 1.6, 400)
    covered = np.array([lattice_coverage(1.0, np.append(stopped, np.full(24, r))) for r in radii])
    assert np.all(np.diff(covered) >= 0)
    assert np.all(covered <= 1)


def test_reaches_have_the_stated_mean_and_spread_and_stop_at_the_needle_length():
    free = reaches(0.9, 0.17, 10)
    # equal-probability midpoints keep the mean exactly and lose a little of the spread (2 % for 32 values)
    assert free.mean() == pytest.approx(0.9, rel=1e-12)
    assert free.std() == pytest.approx(0.9 * 0.17, rel=0.03)
    assert reaches(0.9, 0.17, 1.0).max() == 1.0


def test_pinpoint_bleeding_means_that_the_papillary_plexus_is_reached():
    back = Skin(site="back")
    without = injure(back, Session(device="roller", depth_mm=0.5, density_per_cm2=250))
    until_blood = injure(
        back, Session(device="roller", depth_mm=0.5, density_per_cm2=250, endpoint="pinpoint_bleeding")
    )
    assert until_blood.killed_mean[0] > without.killed_mean[0]
    short = injure(back, Session(depth_mm=0.25, density_per_cm2=250, endpoint="pinpoint_bleeding"))
    assert any("too short to draw blood" in sentence for sentence in short.warnings)


def test_needles_longer_than_the_dermis_warn_of_the_fat_below():
    assert any("into the fat" in sentence for sentence in injure(CHEEK, Session(depth_mm=3)).warnings)
    assert injure(Skin(site="back"), Session(depth_mm=1.5)).warnings == ()


def test_profile_falls_with_depth_and_averages_to_the_layer_means():
    injury = injure(CHEEK, Session(depth_mm=1.5, density_per_cm2=250))
    assert np.all(np.diff(injury.profile(np.linspace(0, 2, 400))) <= 0)
    for layer, mean in zip(injury.layers, injury.killed_mean, strict=True):
        fine = layer.top_mm + layer.thickness_mm * (np.arange(4000) + 0.5) / 4000
        # 64 midpoints: a channel's end moves the mean by at most 1/32 of it, misplaced by half a step of 1/64
        assert injury.profile(fine).mean() == pytest.approx(mean, rel=0.01)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: injure("cheek", Session()), "is not a Skin"),
        (lambda: injure(CHEEK, 1.5), "is not a Session"),
        (lambda: injure(CHEEK, Session(), 0.25), "zone_radius_um 0.25 um"),
        (lambda: injure(CHEEK, Session(needle_diameter_mm=0.3), 120), "smaller than the injured radius"),
        (lambda: injure(CHEEK, Session()).field((10,), 5.0), "not (z, y, x)"),
        (lambda: injure(CHEEK, Session()).field((10, 10, 10), -5.0), "not a positive length"),
        (lambda: injure(CHEEK, Session()).field((10, 10, 10), 5.0, seed=-1), "seed -1"),
        (lambda: injure(CHEEK, Session()).field((10, 10, 10), 5.0, periodic=True), "narrower than a zone"),
        (lambda: injure(CHEEK, Session(device="array")).zone_hits(1), "do not hit at random"),
    ],
)
def test_bad_input_gets_one_sentence(make, says):
    with pytest.raises(InputError, match=re.escape(says)):
        make()
