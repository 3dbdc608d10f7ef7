import re
from importlib.resources import files

import pytest

from collagensim.errors import InputError
from collagensim.treatment import Aftercare, Session, aftercare_table, device_table, devices


def test_roller_makes_the_published_channels_per_pass_and_in_fifteen_passes():
    # 192 needles on a drum of 2 cm x 2 cm: 192 / (4 pi) = 15.3 per cm2 and pass
    assert Session(device="roller", passes=1).channels_per_cm2 == pytest.approx(15.28, abs=0.01)
    assert 199 <= Session(device="roller").channels_per_cm2 <= 250


def test_pen_makes_channels_from_needles_frequency_and_speed():
    one, two = (
        Session(device="pen", passes=1, needle_count=12),
        Session(device="pen", passes=1, needle_count=24),
    )
    assert one.channels_per_cm2 == pytest.approx(12 * 90 / 4.0)
    assert two.channels_per_cm2 == pytest.approx(2 * one.channels_per_cm2)


def test_array_has_needles_over_area():
    assert Session(device="array", needle_count=100, area_cm2=0.5).channels_per_cm2 == pytest.approx(200)


def test_neither_density_nor_passes_takes_the_usual_passes_and_says_so():
    assert any("neither density nor passes" in sentence for sentence in Session(device="roller").assumptions)
    assert not any("neither density nor passes" in s for s in Session(density_per_cm2=250).assumptions)
    assert not any("neither density nor passes" in s for s in Session(passes=2).assumptions)


def test_bleeding_takes_more_passes_than_redness():
    for device in ("roller", "pen", "stamp"):
        red = Session(device=device, endpoint="erythema")
        blood = Session(device=device, endpoint="pinpoint_bleeding")
        assert red.channels_per_cm2 < blood.channels_per_cm2


def test_reach_is_the_sourced_share_of_the_needle_unless_it_was_measured():
    assert Session(device="roller", depth_mm=3).mean_reach_mm == pytest.approx(1.8)
    assert Session(device="roller", depth_mm=3, depth_reached_mm=1.5).mean_reach_mm == 1.5


def test_dictionary_round_trip_keeps_the_session():
    for session in (
        Session(),
        Session(device="punch", diameter_mm=3),
        Session(device="stamp", passes=4, needle_count=36, area_cm2=1, needle_diameter_mm=0.1),
        Session(
            depth_mm=1,
            endpoint="pinpoint_bleeding",
            depth_reached_mm=0.7,
            aftercare=[Aftercare("uv", 2, days=3)],
        ),
    ):
        assert Session.from_dict(session.to_dict()) == session


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        ({"depth_mm": 1500}, "did you mean 1.5 mm?"),
        ({"depth_mm": -1}, "nearest valid value is 0 mm"),
        ({"depth_mm": float("nan")}, "not finite"),
        ({"depth_mm": "1.5"}, "not a number"),
        (
            {"device": "dermapen"},
            "device 'dermapen' is not known (did you mean 'pen'?): choose one of roller, pen",
        ),
        ({"device": "rollr"}, "did you mean 'roller'"),
        ({"density_per_cm2": 250, "passes": 4}, "give one of them"),
        ({"density_per_cm2": -5}, "density_per_cm2 -5"),
        ({"needle_count": 2.5}, "not a whole number"),
        ({"endpoint": "bleeding"}, "did you mean 'pinpoint_bleeding'"),
        ({"depth_mm": 1, "depth_reached_mm": 1.2}, "at most its length"),
        ({"diameter_mm": 4}, "device='punch'"),
        ({"device": "punch", "density_per_cm2": 100}, "a punch has no needles"),
        ({"device": "punch", "diameter_mm": 4000}, "did you mean 4 mm?"),
        ({"aftercare": "uv"}, "not a list of Aftercare"),
        ({"aftercare": ["uv"]}, "'uv' is not an Aftercare"),
        ({"needle_diameter_mm": 250}, "did you mean 0.25 mm?"),
    ],
)
def test_bad_input_gets_one_sentence_that_names_it_and_what_is_valid(bad, says):
    with pytest.raises(InputError, match=re.escape(says)) as caught:
        Session(**bad)
    assert "\n" not in str(caught.value)


def test_unknown_key_of_a_saved_session_is_named():
    with pytest.raises(InputError, match="did you mean 'depth_mm'"):
        Session.from_dict({"depth": 1})


def test_every_source_of_the_data_files_is_in_the_bibliography_and_the_other_way_round():
    text = files("collagensim.treatment").joinpath("sources.bib").read_text("utf-8")
    known = re.findall(r"@\w+\{(\w+),", text)
    assert set(known) == {str(row["source"]) for row in (*device_table(), *aftercare_table())}


def test_every_needled_device_has_the_figures_that_a_session_asks_for():
    for device in devices():
        if device != "punch":
            session = Session(device=device, depth_mm=1)
            assert session.channels_per_cm2 > 0
            assert session.needle_radius_mm > 0
            assert 0 < session.mean_reach_mm <= 1
