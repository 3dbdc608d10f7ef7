import dataclasses

import pytest

from collagensim.analysis.branch import branched
from collagensim.errors import InputError, ModelError
from collagensim.skin import Skin
from collagensim.treatment import Aftercare, Protocol, Session

DAYS = {"days": 200.0, "ageing": False, "rtol": 1e-7, "method": "rodas5p"}


class FakeModel:
    name = "fake_healing"

    def __init__(self, rate=1.0):
        self.rate = rate
        self.hash = f"rate={rate}"

    def with_parameters(self, changed):
        if set(changed) - {"rate"}:
            raise ModelError("no such parameter")
        return FakeModel(**changed) if changed else self


@pytest.fixture
def made(response):
    shallow = Session(depth_mm=0.5, aftercare=[Aftercare("uv")])
    protocol = Protocol.series(
        shallow, sessions=5, spacing_days=30, aftercare=[Aftercare("retinoid", start_day=5)]
    )
    record = {
        **response.provenance,
        "skin": Skin(site="neck", age_years=60).to_dict(),
        "protocol": protocol.to_dict(),
        "options": DAYS,
        "model_hash": "rate=2.0",
        "changed_parameters": {"rate": 2.0},
    }
    return dataclasses.replace(response, provenance=record)


def branch(made, day, protocol=None, days=None, model=None):
    asked = []
    model = model or FakeModel()
    branched(made, day, protocol, days=days, model=model, simulate=lambda *a, **k: asked.append((a, k)))
    return asked[0]


def test_sessions_before_the_day_are_kept_and_the_new_ones_follow(made):
    deep = Session(depth_mm=2.0)
    (skin, protocol), options = branch(
        made, 60, Protocol([(60, deep), (100, deep)], aftercare=[Aftercare("uv", 70)])
    )
    assert skin == Skin(site="neck", age_years=60)
    assert protocol.days == (0.0, 30.0, 60.0, 100.0)
    assert [session.depth_mm for _, session in protocol.sessions] == [0.5, 0.5, 2.0, 2.0]
    assert [course.kind for course in protocol.aftercare] == ["retinoid", "uv"]
    assert protocol.sessions[0][1].aftercare[0].kind == "uv"
    assert options["model"].hash == "rate=2.0"
    assert {name: options[name] for name in DAYS} == DAYS


def test_without_a_protocol_there_is_no_further_session(made):
    (_, protocol), options = branch(made, 31, days=365)
    assert protocol.days == (0.0, 30.0)
    assert options["days"] == 365


def test_a_model_that_is_not_known_is_refused(made):
    foreign = {**made.provenance, "model": "burn", "model_hash": "feed"}
    for record in (foreign, {**foreign, "changed_parameters": {"heat": 1.0}}):
        with pytest.raises(ModelError, match=r"'burn'.*does not know.*'fake_healing'"):
            branch(dataclasses.replace(made, provenance=record), 60)


@pytest.mark.parametrize(
    ("day", "protocol", "sentence"),
    [
        (300, None, "day 300"),
        (-1, None, "day -1"),
        ("sixty", None, "not a number"),
        (60, Protocol([(50, Session())]), "begins on day 50: give days from 60 on"),
    ],
)
def test_a_day_that_does_not_fit_is_refused(made, day, protocol, sentence):
    with pytest.raises(InputError, match=sentence):
        branch(made, day, protocol)


def test_a_course_without_skin_cannot_be_branched(made):
    bare = dataclasses.replace(made, provenance={"model": "robertson"})
    with pytest.raises(ModelError, match="only a course made by simulate"):
        branch(bare, 1)


def test_a_branch_does_not_change_the_past(made):
    early = Session(depth_mm=1.0, aftercare=[Aftercare("retinoid", start_day=-50)])
    with pytest.raises(InputError, match="begins on day 10"):
        branch(made, 60, Protocol([(60, early)]))
    record = {**made.provenance, "protocol": Protocol([(0, Session()), (100, early)]).to_dict()}
    (_, protocol), _ = branch(dataclasses.replace(made, provenance=record), 60)
    assert [(course.kind, course.start_day) for course in protocol.care_courses] == [("retinoid", 50.0)]


def test_a_branched_trial_no_longer_bears_its_bare_name(made):
    record = {**made.provenance, "protocol": Protocol.published("lotfi_2013").to_dict()}
    (_, protocol), _ = branch(dataclasses.replace(made, provenance=record), 60)
    assert protocol.name == "lotfi_2013, branched on day 60"
