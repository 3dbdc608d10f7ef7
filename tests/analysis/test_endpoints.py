import numpy as np
import pytest

from collagensim.analysis.endpoints import (
    DEFINITIONS,
    ENDPOINTS,
    UNITS,
    endpoint_arrays,
    endpoint_table,
    endpoint_values,
)  # fmt: skip
from collagensim.analysis.members import Members
from collagensim.response import Course

DAYS = np.linspace(0.0, 100.0, 1001)
THICKNESS = np.array([0.1, 0.9])


def course(sessions=(10.0,), thickness=THICKNESS, units=None, **variables):
    """Variables as (baseline, values)."""
    return Course(
        DAYS,
        {name: np.asarray(values, dtype=float) for name, (_, values) in variables.items()},
        {name: np.asarray(rest, dtype=float) for name, (rest, _) in variables.items()},
        units or {},
        thickness,
        sessions,
    )


def layered(top, below):
    return np.stack([top + 0.0 * DAYS, below + 0.0 * DAYS], axis=1)


def test_collagen_change_maximum_and_mass_of_a_known_course():
    top = 100.0 + 20.0 * np.sin(
        np.pi * DAYS / 80.0
    )  # highest, 120, on day 40; on day 100 100 + 20 sin(225 deg)
    values = endpoint_values(course(collagen_total=([100.0, 200.0], layered(top, 210.0))))
    last = 20.0 * np.sin(1.25 * np.pi)
    assert values["collagen_papillary_change"] == pytest.approx(last, abs=1e-12)
    assert values["collagen_papillary_change_max"] == pytest.approx(20.0, abs=1e-12)
    assert values["collagen_papillary_change_max_day"] == 40.0
    # mass per area: 0.1 (mg/cm2)/(mg/mL mm); 0.1 (100*0.1 + 200*0.9) = 19, gained 0.1 (last*0.1 + 10*0.9)
    gained = 0.1 * (last * 0.1 + 9.0)
    assert values["collagen_mass_gain"] == pytest.approx(gained, abs=1e-12)
    assert values["collagen_mass_change"] == pytest.approx(100.0 * gained / 19.0, abs=1e-11)


def test_lengths_of_layers_add_up_and_other_quantities_are_averaged():
    variables = {
        "dermal_thickness": ([0.1, 0.9], layered(0.2, 0.9)),
        "tensile_strength": ([1.0, 1.0], layered(2.0, 1.0)),
    }
    values = endpoint_values(course(units={"dermal_thickness": "mm"}, **variables))
    assert values["dermal_thickness_change"] == pytest.approx(10.0)  # 1.0 -> 1.1 mm
    assert values["tensile_strength_change"] == pytest.approx(10.0)  # doubled in a tenth of the dermis


def test_peaks_are_of_the_papillary_layer_and_macrophages_of_both_kinds_together():
    pulse = np.exp(-(((DAYS - 13.0) / 2.0) ** 2))
    later = np.exp(-(((DAYS - 17.0) / 2.0) ** 2))
    given = course(
        neutrophils=([2.0, 2.0], layered(2.0 + 8.0 * pulse, 1000.0)),
        macrophages_m1=([1.0, 1.0], layered(1.0 + pulse, 0.0)),
        macrophages_m2=([3.0, 3.0], layered(3.0 + 9.0 * later, 0.0)),
        myofibroblasts=([0.0, 0.0], layered(5.0 * later, 0.0)),
    )
    values = endpoint_values(given)
    assert (values["neutrophils_peak"], values["neutrophils_peak_day"]) == (10.0, 3.0)
    assert values["neutrophils_peak_fold"] == 5.0
    both = 4.0 + pulse + 9.0 * later
    assert values["macrophages_peak"] == both.max()
    assert values["macrophages_peak_fold"] == both.max() / 4.0
    assert values["myofibroblasts_peak"] == 5.0
    assert "myofibroblasts_peak_fold" not in values  # it rests at zero


def test_recovery_is_counted_from_the_last_session_and_read_between_output_days():
    fall = np.where(DAYS >= 10.0, np.exp(-(DAYS - 10.0) / 2.0), 0.0)
    given = course(
        sessions=(0.0, 10.0),
        erythema=(1.0, 1.0 + 1.2 * fall),
        barrier=(10.0, 10.0 * (1.0 + 5.0 * fall)),
        epidermal_cover=(1.0, 1.0 - 0.5 * fall),
        melanin=(2.0, 2.0 + fall),
    )
    values = endpoint_values(given)
    # exp(-t/2) falls to x after 2 ln(1/x) days; a chord over h = 0.1 d is off by h^2/16 in t: 1e-3 d
    assert values["erythema_duration"] == pytest.approx(2.0 * np.log(1.2 / 0.1), abs=1e-3)
    assert values["barrier_recovery"] == pytest.approx(24.0 * 2.0 * np.log(5.0 / 0.1), abs=24e-3)
    assert values["epidermal_closure"] == pytest.approx(2.0 * np.log(0.5 / 0.01), abs=1e-3)
    assert values["melanin_peak_fold"] == 1.5


def test_what_is_not_reached_is_nan_and_the_table_says_so():
    given = course(erythema=(1.0, np.full(DAYS.size, 2.0)), epidermal_cover=(1.0, np.ones(DAYS.size)))
    table = endpoint_table(given)
    assert np.isnan(table.loc["erythema_duration", "value"])
    assert table.loc["erythema_duration", "note"] == "not reached by day 100"
    assert table.loc["epidermal_closure", "value"] == 0.0
    assert table.loc["epidermal_closure", "note"] == ""


def test_without_sessions_there_is_no_recovery():
    assert "erythema_duration" not in endpoint_values(course(sessions=(), erythema=(1.0, np.ones(DAYS.size))))


def test_missing_variables_are_missing_rows():
    assert endpoint_values(course()) == {}
    assert len(endpoint_table(course())) == 0
    bare = Course(DAYS, {"collagen_total": 1.0 + DAYS}, {"collagen_total": np.array(1.0)})
    assert "collagen_mass_change" not in endpoint_values(bare)  # a model without layers has no whole dermis
    assert endpoint_values(bare)["collagen_papillary_change"] == pytest.approx(1e4)


def test_a_plausible_course_answers_every_endpoint_but_folds_over_zero(fake):
    values = endpoint_values(fake.fake_course())
    assert set(UNITS) - set(values) == {"myofibroblasts_peak_fold"}
    assert np.isfinite(list(values.values())).all()


def side_by_side(courses):
    """Members of several courses: the last row of shorter ones is repeated, missing sessions are inf."""
    length = max(course.time.size for course in courses)
    rows = [np.minimum(np.arange(length), course.time.size - 1) for course in courses]
    sessions = np.full((len(courses), max(len(course.session_days) for course in courses)), np.inf)
    for row, course in zip(sessions, courses, strict=True):
        row[: len(course.session_days)] = course.session_days
    first = courses[0]
    return Members(
        np.array([course.time[row] for course, row in zip(courses, rows, strict=True)]),
        {
            name: np.array([course.values[name][row] for course, row in zip(courses, rows, strict=True)])
            for name in first.values
        },
        {name: np.array([course.baseline[name] for course in courses]) for name in first.values},
        first.units,
        np.array([course.layer_thickness for course in courses]),
        sessions,
    )


def test_courses_side_by_side_have_the_endpoints_that_each_has_alone_bit_for_bit(fake):
    courses = [
        fake.fake_course(120.0, (0.0, 30.0), gain=0.5),
        fake.fake_course(80.0, (0.0,), gain=-1.0),
        fake.fake_course(120.0, (), gain=2.0),
        fake.fake_course(40.0, (10.0, 20.0, 40.0), gain=1.5),
    ]
    together = endpoint_arrays(side_by_side(courses))
    for i, one in enumerate(courses):
        alone = endpoint_values(one)
        for name, values in together.items():
            expected = np.float64(alone.get(name, np.nan))
            assert values[i].tobytes() == expected.tobytes() or np.isnan([values[i], expected]).all(), name
        assert alone.keys() <= together.keys()


def test_names_are_unique_and_defined():
    assert len(UNITS) == len(ENDPOINTS)
    assert all(len(text.split()) > 3 for text in DEFINITIONS.values())
