"""The basal cells that a section meets."""

import numpy as np
import pandas as pd

from collagensim.response.basal import opened, seats_met

SHEET = {
    "position": np.array([[50.0, 30.0], [52.0, 10.0], [43.0, 20.0], [80.0, 25.0], [50.0, 40.0]]),
    "identity": np.array([7, 8, 0, 9, 10], dtype=np.uint64),
    "left": np.array([3.0, 0.0, 20.0, 0.0, 0.0]),
    "lost": np.array([288, -1, 288, 576, 0]),
}


def test_seats_in_the_section_come_from_left_to_right():
    found = seats_met(SHEET, 50.0, 7.5)
    np.testing.assert_array_equal(found["x"], [10.0, 20.0, 30.0, 40.0])
    np.testing.assert_array_equal(found["taken"], [True, False, True, True])
    np.testing.assert_array_equal(found["leading"], [False, False, True, False])
    # struck by the latest session that struck any of them, not the one before or one elsewhere
    np.testing.assert_array_equal(found["struck"], [False, True, True, False])


def test_a_sheet_never_struck_has_no_new_cells():
    whole = {**SHEET, "lost": np.full(5, -1)}
    assert not seats_met(whole, 50.0, 7.5)["struck"].any()
    assert seats_met(whole, 500.0, 7.5).empty


def test_a_wound_reaches_to_the_nearest_seats_that_were_spared():
    seats = pd.DataFrame({"x": np.arange(5.0, 100.0, 10.0), "struck": [False] * 3 + [True] * 4 + [False] * 3})
    assert opened(seats, 45.0, 55.0, 100.0) == (25.0, 75.0)
    # Without any on a side it reaches to the edge, and never less far than what is open.
    assert opened(seats.assign(struck=True), 45.0, 55.0, 100.0) == (0.0, 100.0)
    assert opened(seats.assign(struck=False), 42.0, 58.0, 100.0) == (42.0, 58.0)
