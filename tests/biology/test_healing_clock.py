"""When things happen after one session of 1.5 mm and after a 4-mm punch, against reported windows."""

import numpy as np
import pytest

import collagensim as cs

HOUR = 1.0 / 24.0
# Fine enough that a peak's day is read to an hour in the first days and to a quarter of a day later.
DAYS = np.unique(np.concatenate([np.arange(0, 72) * HOUR, np.arange(12, 161) / 4.0, np.arange(41.0, 181.0)]))


@pytest.fixture(scope="module")
def needled():
    session = cs.Session(device="pen", depth_mm=1.5, density_per_cm2=250)
    return cs.simulate(cs.Skin(), cs.Protocol([(0, session)]), days=180, ageing=False, output_days=DAYS).data


@pytest.fixture(scope="module")
def punched():
    session = cs.Session(device="punch", diameter_mm=4)
    skin = cs.Skin(site="abdomen", age_years=30)
    return cs.simulate(skin, cs.Protocol([(0, session)]), days=180, ageing=False, output_days=DAYS)


def papillary(data, name):
    return data[name].sel(layer="papillary") if "layer" in data[name].dims else data[name]


def peak_day(data, name):
    course = papillary(data, name)
    return float(course["time"][int(np.argmax(course.values))])


def at(data, name, day):
    return float(papillary(data, name).interp(time=day))


@pytest.mark.parametrize(
    ("name", "first", "last"),
    [
        ("neutrophils", 0.8, 1.5),  # Engelhardt 1998, human: day 1
        ("macrophages", 2.0, 4.0),  # Engelhardt 1998, human: day 2; mouse: day 3
        ("tnf_alpha", 0.0, 1.0),  # Kondo 1996, mouse: 3 h
        ("il_1", 0.0, 1.0),  # Kondo 1996, mouse: 6 h
        ("fibroblasts", 6.0, 12.0),  # day 7 to 10
        ("capillary_density", 7.0, 15.0),  # DiPietro 2013: day 7 to 14
    ],
)
def test_peak_lies_in_its_window(needled, name, first, last):
    assert first <= peak_day(needled, name) <= last


def test_m1_macrophages_come_before_m2(needled):
    assert peak_day(needled, "macrophages_m1") < peak_day(needled, "macrophages_m2")


def test_fgf_2_comes_before_vegf(needled):
    # Nissen 1998, human wound fluid: FGF-2 is highest on day 0, VEGF rises later.
    assert peak_day(needled, "fgf") < 0.5 < peak_day(needled, "vegf")


@pytest.mark.xfail(
    strict=True,
    reason="human wound fluid has VEGF rising to day 7; here hypoxia and macrophages give day 2 to 5",
)
def test_vegf_rises_to_day_seven(punched):
    assert 6.0 <= peak_day(punched.data, "vegf") <= 8.0


def needled_at(density_per_cm2):
    session = cs.Session(device="pen", depth_mm=1.5, density_per_cm2=density_per_cm2)
    return cs.simulate(
        cs.Skin(), cs.Protocol([(0, session)]), days=40, ageing=False, output_days=DAYS[DAYS <= 40]
    ).data


# One session at 250 channels/cm2 calls 1 myofibroblast per mm3, which nobody would see; at 1000 they are one in twenty.
@pytest.mark.parametrize("density_per_cm2", [250, 1000])
def test_myofibroblasts_peak_late(density_per_cm2):
    # Betz 1992, human: most on days 16 to 31; Desmouliere 1995, rat: day 12.
    assert 10.0 <= peak_day(needled_at(density_per_cm2), "myofibroblasts") <= 31.0


@pytest.mark.xfail(
    strict=True,
    reason="after needling they follow an early TGF-beta: a seventh of their peak on day 4, few or many",
)
@pytest.mark.parametrize("density_per_cm2", [250, 1000])
def test_myofibroblasts_wait_for_day_four(density_per_cm2):
    # Betz 1992, human: none before day 5.
    data = needled_at(density_per_cm2)
    assert at(data, "myofibroblasts", 4.0) < 0.05 * float(papillary(data, "myofibroblasts").max())


def test_capillaries_are_pruned_after_their_peak(needled):
    rest, top = at(needled, "capillary_density", 0.0), float(papillary(needled, "capillary_density").max())
    assert top > rest
    assert abs(at(needled, "capillary_density", 90.0) - rest) < 0.1 * (top - rest)


def first_above_rest(course):
    day = course["time"].values
    low = int(np.argmin(course.values))
    above = np.flatnonzero(course.values[low:] > course.values[0])
    return day[low + above[0]] if above.size else np.inf


def test_collagen_iii_rises_before_collagen_i(needled):
    iii = papillary(needled, "collagen_iii")
    i = papillary(needled, "collagen_i") + papillary(needled, "collagen_mature")
    assert first_above_rest(iii) < first_above_rest(i)


def test_water_loss_recovers_within_hours(needled):
    # Gupta 2011, human: 2 h by impedance; Kalluri 2011, hairless rat: 4 to 5 h by water loss.
    excess = needled["barrier"] - 1.0
    opened = float(excess.max())
    assert opened > 0.2
    assert float(excess.sel(time=6 * HOUR, method="nearest")) < 0.1 * opened


def test_channels_are_covered_within_about_a_day(needled):
    # Kalluri 2011: 12 to 18 h; Stumpp 2009, human: 10 to 28 h.
    excess = needled["permeability"] - 1.0
    opened = float(excess.max())
    assert float(excess.sel(time=4 * HOUR, method="nearest")) > 0.2 * opened
    assert float(excess.sel(time=1.0, method="nearest")) < 0.1 * opened


def test_redness_is_gone_within_a_week(needled):
    excess = needled["erythema"] - 1.0
    assert float(excess.sel(time=7.0)) < 0.1 * float(excess.max())


# The reference punch


def whole_dermis(data, name, day):
    thickness = data["dermal_thickness"].isel(time=0)
    return float(data[name].interp(time=day).weighted(thickness).mean("layer"))


@pytest.mark.parametrize("signal", [
    "tnf_alpha", "il_1", "il_6", "il_10", "pdgf", "latent_tgf_beta", "tgf_beta_1", "tgf_beta_3", "vegf", "fgf",
    "mmp_1", "mmp_9", "timp_1",
])  # fmt: skip
def test_one_signal_is_the_peak_after_the_punch(signal):
    session = cs.Session(device="punch", diameter_mm=4)
    # A jump's stores are cleared within hours, so the first quarter of an hour is reported too.
    days = np.unique(np.concatenate([DAYS[DAYS <= 40.0], [HOUR / 4]]))
    run = cs.simulate(
        cs.Skin(site="abdomen", age_years=30),
        cs.Protocol([(0, session)]),
        days=40,
        ageing=False,
        output_days=days,
    )
    assert float(papillary(run.zone, signal).max()) == pytest.approx(1.0, abs=0.02)


@pytest.mark.parametrize(("day", "low", "high"), [(21, 0.15, 0.30), (90, 0.65, 0.85)])
def test_punch_regains_its_strength(punched, day, low, high):
    # 20 % at three weeks, 80 % at three months: rat, by way of textbooks.
    assert low <= whole_dermis(punched.data, "tensile_strength", day) <= high


def test_punch_keeps_an_excess_of_collagen_iii_for_half_a_year(punched):
    # Robins 2003, human excision: +70 % at six months.
    data = punched.data
    share = papillary(data, "collagen_iii") / papillary(data, "collagen_total")
    assert 1.5 <= float(share.sel(time=180.0) / share[0]) <= 1.9


def test_punch_closes_in_two_weeks(punched):
    cover = punched.data["epidermal_cover"]
    assert float(cover.sel(time=3.0)) < 0.7
    assert 0.85 <= float(cover.sel(time=14.0)) <= 0.99


def test_punch_has_its_myofibroblasts_when_human_skin_has(punched):
    data = punched.data
    assert at(data, "myofibroblasts", 4.0) < 0.05 * float(papillary(data, "myofibroblasts").max())
    assert 10.0 <= peak_day(data, "myofibroblasts") <= 31.0


def test_punch_loses_its_neutrophils_within_a_week(punched):
    top = float(papillary(punched.data, "neutrophils").max())
    assert 0.8 <= peak_day(punched.data, "neutrophils") <= 1.5
    assert at(punched.data, "neutrophils", 7.0) < 0.05 * top


def test_punch_has_three_times_its_vessels_before_they_are_pruned(punched):
    course = papillary(punched.data, "capillary_density")
    assert float(course.max()) > 3.0 * float(course[0])
    assert at(punched.data, "capillary_density", 120.0) < 1.2 * float(course[0])


@pytest.mark.xfail(
    strict=True, reason="capillaries of the punch peak at about three weeks, a week later than reported"
)
def test_punch_vessels_peak_in_two_weeks(punched):
    assert 7.0 <= peak_day(punched.data, "capillary_density") <= 15.0


def test_punch_fills_with_collagen_in_about_a_month(punched):
    # Clore 1979 and others: hardly any in the first week, a plateau after about a month.
    filled = {day: whole_dermis(punched.data, "collagen_total", day) for day in (7, 28, 60, 180)}
    assert filled[7] < 0.2 * filled[60]
    assert filled[28] > 0.65 * filled[60]
    assert filled[180] == pytest.approx(filled[60], rel=0.15)
