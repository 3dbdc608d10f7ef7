import json
import re

import numpy as np
import pytest

from collagensim.errors import FileError, InputError
from collagensim.skin import Skin
from collagensim.treatment import Aftercare, Protocol, Session, aftercare_kinds, trial, trial_ids

S = Session(depth_mm=1.5, density_per_cm2=250)


def test_series_puts_the_same_session_on_evenly_spaced_days():
    protocol = Protocol.series(S, sessions=3, spacing_days=14, start_day=2)
    assert protocol.events() == [(2.0, S), (16.0, S), (30.0, S)]
    assert protocol.last_day == 30


def test_no_session_is_a_course_too():
    assert Protocol.none().events() == []
    assert Protocol.none() == Protocol([]) == Protocol.series(S, sessions=0)
    assert Protocol.none().last_day == 0
    assert Protocol.none().care_changes() == []


def test_equal_courses_are_equal_however_they_were_written():
    assert Protocol([(0, S), (30, S)]) == Protocol.series(S, sessions=2, spacing_days=30)
    assert Protocol([(0, S)]) != Protocol([(1, S)])


def test_lotfi_2013_is_five_monthly_sessions_on_acne_scars_with_an_assumed_density():
    protocol = Protocol.published("lotfi_2013")
    assert protocol.days == (0, 30, 60, 90, 120)
    assert protocol.sessions[0][1].device == "roller"
    assert protocol.sessions[0][1].depth_mm == 1.5
    assert protocol.skin == Skin(condition="atrophic_acne_scar", age_years=30, phototype=3)
    assert any(s.startswith("density_per_cm2 = 250.0 is not stated") for s in protocol.all_assumptions)


@pytest.mark.parametrize("name", trial_ids())
def test_published_course_survives_json_and_names_its_evidence_and_what_it_assumes(name):
    protocol = Protocol.published(name)
    assert Protocol.from_dict(json.loads(json.dumps(protocol.to_dict()))) == protocol
    assert re.match(r"[HT]\d\d", trial(name).evidence)
    assert protocol.assumptions  # no paper of the table states everything


def test_course_of_a_table_and_of_a_file_is_that_of_its_rows(tmp_path):
    path = tmp_path / "course.csv"
    path.write_text(
        "day,device,depth_mm,density_per_cm2,needle_count\n0,roller,0.5,100,192\n14,pen,1.5,,12\n"
    )
    rows = [
        {"day": 0, "device": "roller", "depth_mm": 0.5, "density_per_cm2": 100, "needle_count": 192},
        {"day": 14, "device": "pen", "depth_mm": 1.5, "needle_count": 12},
    ]
    assert Protocol.from_table(path) == Protocol.from_table(rows)
    assert Protocol.from_table(rows).sessions[1][1] == Session(device="pen", depth_mm=1.5, needle_count=12)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: Protocol([(28, S), (0, S)]), "session 2 on day 0 comes after session 1 on day 28"),
        (lambda: Protocol([(3, S), (3, S)]), "sessions 1 and 2 are both on day 3"),
        (lambda: Protocol([(-1, S)]), "day of session 1 -1"),
        (lambda: Protocol([(float("inf"), S)]), "not finite"),
        (lambda: Protocol([S]), "give a pair (day, Session)"),
        (lambda: Protocol([(0, "pen")]), "give a pair (day, Session)"),
        (lambda: Protocol(5), "not (day, Session) pairs"),
        (lambda: Protocol(np.array(1.0)), "not (day, Session) pairs"),
        (lambda: Protocol.series(S, sessions=2.5), "not a whole number"),
        (lambda: Protocol.series(S, sessions=2, spacing_days=0), "puts all sessions on one day"),
        (lambda: Protocol.series(S, sessions=-1), "nearest valid value is 0"),
        (lambda: Protocol.published("lotfi"), "did you mean 'lotfi_2013'"),
        (lambda: Protocol.from_table([{"dy": 0}]), "did you mean 'day'"),
        (lambda: Protocol.from_table([{"depth_mm": 1}]), "has no day"),
        (lambda: Protocol.from_table([{"day": 0, "depth_mm": "deep"}]), "depth_mm 'deep' is not a number"),
        (lambda: Protocol.from_table([{"day": 0, "depth_mm": 1500}]), "did you mean 1.5 mm?"),
        (lambda: Protocol([(0, S)], skin="cheek"), "is not a Skin"),
        (lambda: Protocol([(0, S)], aftercare=[Aftercare("uv", -2)]), "before the course"),
        (lambda: Protocol.from_dict({"session": []}), "did you mean 'sessions'"),
        (lambda: Protocol.from_dict({"sessions": [{"depth_mm": 1}]}), "has no day"),
    ],
)
def test_bad_course_gets_one_sentence_that_names_it_and_what_is_valid(make, says):
    with pytest.raises(InputError, match=re.escape(says)) as caught:
        make()
    assert "\n" not in str(caught.value)


def test_table_that_cannot_be_read_is_a_file_error(tmp_path):
    with pytest.raises(FileError, match=r"nowhere\.csv"):
        Protocol.from_table(tmp_path / "nowhere.csv")


def test_aftercare_is_two_changes_and_a_session_carries_it_along():
    carried = Session(aftercare=[Aftercare("occlusion", days=2)])
    protocol = Protocol([(0, carried), (28, carried)], aftercare=[Aftercare("uv", 10, days=1, dose=0.5)])
    assert protocol.care_changes() == [
        (0, {"care.occlusion": 1}),
        (2, {"care.occlusion": 0}),
        (10, {"care.uv": 0.5}),
        (11, {"care.uv": 0}),
        (28, {"care.occlusion": 1}),
        (30, {"care.occlusion": 0}),
    ]


def test_overlapping_courses_of_one_kind_take_the_larger_dose():
    protocol = Protocol(
        aftercare=[Aftercare("uv", 0, days=10, dose=1), Aftercare("uv", 5, days=10, dose=0.5)]
    )
    assert protocol.care_changes() == [(0, {"care.uv": 1}), (10, {"care.uv": 0.5}), (15, {"care.uv": 0})]


def test_aftercare_without_dose_or_days_changes_nothing():
    assert Protocol(aftercare=[Aftercare("uv", dose=0), Aftercare("nsaid", days=0)]).care_changes() == []


def test_each_kind_of_aftercare_has_a_usual_course_and_thin_evidence_is_said():
    for kind in aftercare_kinds():
        course = Aftercare(kind)
        assert course.days > 0
        said = (
            f"the evidence for {kind.replace('_', ' ')} is thin"
            in Protocol(aftercare=[course]).all_assumptions
        )
        assert said == course.is_thin
    assert not Aftercare("occlusion").is_thin


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: Aftercare("prp"), "aftercare 'prp' is not known"),
        (lambda: Aftercare("vitamin c"), "did you mean 'vitamin_c'"),
        (lambda: Aftercare("uv", dose=-1), "nearest valid value is 0"),
        (lambda: Aftercare("uv", days=float("nan")), "not finite"),
        (lambda: Aftercare.from_dict({"days": 2}), "without a kind"),
        (lambda: Aftercare.from_dict({"kind": "uv", "day": 2}), "did you mean 'days'"),
    ],
)
def test_bad_aftercare_gets_one_sentence(make, says):
    with pytest.raises(InputError, match=re.escape(says)):
        make()
