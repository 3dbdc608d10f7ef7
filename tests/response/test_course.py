import dataclasses

import numpy as np
import pytest

from collagensim.errors import InputError
from collagensim.response import Course, as_dataset, course_of


def test_every_variable_carries_unit_name_and_baseline(response):
    for name, values in response.data.data_vars.items():
        assert {"units", "long_name", "baseline"} <= set(values.attrs), name
        assert np.shape(values.attrs["baseline"]) == values.shape[1:]


def test_labels_and_bare_arrays_are_two_readings_of_the_same_numbers(fake):
    course = fake.fake_course()
    back = course_of(as_dataset(course, layers=fake.LAYERS), course.session_days)
    assert back.session_days == course.session_days
    np.testing.assert_array_equal(back.layer_thickness, course.layer_thickness)
    for name, values in course.values.items():
        np.testing.assert_array_equal(back.values[name], values)
        np.testing.assert_array_equal(back.baseline[name], course.baseline[name])
        assert back.units[name] == course.units[name]


def test_a_model_without_layers_has_time_only():
    time = np.array([0.0, 1.0])
    data = as_dataset(Course(time, {"a": time}, {"a": np.array(0.0)}), time_unit="hour")
    assert data["a"].dims == ("time",)
    assert data["time"].attrs["units"] == "hour"
    assert "layer" not in data.dims


def test_datasets_of_one_kind_share_nothing_that_can_be_changed(fake):
    def labelled():
        course = fake.fake_course()
        own = dataclasses.replace(course, layer_thickness=course.layer_thickness.copy())
        return as_dataset(own, layers=fake.LAYERS)

    first, second = labelled(), labelled()
    kept = second.copy(deep=True)
    for variable in first.variables.values():
        variable.attrs["units"] = variable.attrs["baseline"] = "none"
    first["layer_thickness"].values[:] = -1.0
    for name in first.data_vars:
        first[name].values[:] = -1.0
    assert not first["time"].values.flags.writeable
    for other in (second, labelled()):
        assert other.identical(kept)
        assert list(other.variables) == list(kept.variables)


def test_labels_follow_the_course_and_not_the_one_before(fake):
    course = fake.fake_course()
    moved = dataclasses.replace(
        course, time=course.time + 1.0, layer_thickness=2.0 * course.layer_thickness,
        baseline={name: 3.0 * value for name, value in course.baseline.items()},
        units=dict.fromkeys(course.units, "furlong"),
    )  # fmt: skip
    as_dataset(course, layers=fake.LAYERS)
    data = as_dataset(moved, layers=fake.LAYERS, long_names={"elastin": "stretch"})
    np.testing.assert_array_equal(data["time"], moved.time)
    np.testing.assert_array_equal(data["layer_thickness"], moved.layer_thickness)
    np.testing.assert_array_equal(data["elastin"].attrs["baseline"], moved.baseline["elastin"])
    assert data["elastin"].attrs["units"] == "furlong"
    assert data["elastin"].attrs["long_name"] == "stretch"


@pytest.mark.parametrize(
    ("values", "baseline", "word"),
    [
        (np.zeros(3), np.array(0.0), "shape"),
        (np.zeros(2), None, "no baseline"),
        (np.zeros(2), np.zeros(3), "baseline"),
    ],
)
def test_arrays_that_do_not_fit_are_refused_by_name(values, baseline, word):
    given = {} if baseline is None else {"oxygen": baseline}
    with pytest.raises(InputError, match=rf"oxygen.*{word}|{word}.*oxygen"):
        Course(np.zeros(2), {"oxygen": values}, given)
