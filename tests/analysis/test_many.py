"""Many courses at once, with the shipped biology over a few days: what a member gets depends on nobody else."""

import re
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import collagensim as cs
from collagensim.analysis import many, memory
from collagensim.analysis.many import EnsembleInterrupted, simulate_many
from collagensim.errors import InputError, SolveError

MODEL = cs.dermal_healing()
SKIN = cs.Skin(site="cheek", age_years=40)
PEN = cs.Session(device="pen", depth_mm=1.0)
PROTOCOL = cs.Protocol.series(PEN, sessions=2, spacing_days=5)
DAYS = 12.0
N = 7
UNBALANCED = {"elastin_assembly": "high", "elastin_proteolysis": "low"}
RANDOM = np.random.default_rng(20240501)
RATE = MODEL.parameter("resting_il_1")
VALUES = np.clip(RATE.value * np.exp(0.2 * RANDOM.standard_normal(N)), RATE.low, RATE.high)
SKINS = [cs.Skin(site="cheek", age_years=float(age)) for age in np.linspace(20, 80, N)]
PROTOCOLS = [cs.Protocol.series(PEN, sessions=1 + i % 3, spacing_days=2.5 + 0.3 * i) for i in range(N)]


def run(**given):
    given = {"skins": SKINS, "protocols": PROTOCOLS, "parameters": {RATE.name: VALUES}, "days": DAYS, **given}
    return simulate_many(MODEL, given.pop("skins"), given.pop("protocols"), **{"threads": 1, **given})


@pytest.fixture(scope="module")
def whole():
    return run()


def same_bits(first, second):
    for name in ("data", "baseline", "endpoints"):
        one, two = getattr(first, name), getattr(second, name)
        assert set(one.variables) == set(two.variables)
        for variable in one.variables:
            if one[variable].dtype.kind == "f":
                assert one[variable].values.tobytes() == two[variable].values.tobytes(), variable


@pytest.mark.parametrize("chunk", [1, 2, 3, 5])
def test_the_size_of_a_chunk_changes_no_bit(whole, chunk):
    same_bits(run(chunk=chunk), whole)


@pytest.mark.parametrize("chunk", [None, 1, 3])
def test_the_number_of_threads_changes_no_bit(whole, chunk):
    same_bits(run(threads=2, chunk=chunk), whole)
    assert run(threads=3, chunk=1).statistics["chunks_at_once"] == 3


def test_the_first_chunk_runs_alone_so_that_one_thread_compiles(monkeypatch):
    events = []
    original = many.simulate_courses

    def courses(*args, **given):
        events.append("begin")
        if len(events) == 1:
            time.sleep(0.2)  # long enough for another thread to begin, if one were let
        found = original(*args, **given)
        events.append("end")
        return found

    monkeypatch.setattr(many, "simulate_courses", courses)
    run(threads=3, chunk=1)
    assert events[:2] == ["begin", "end"]
    assert len(events) == 2 * N


def test_an_interruption_keeps_the_chunks_that_were_under_way(monkeypatch):
    original = many.simulate_courses

    def courses(model, skins, *args, **given):
        if skins[0] is SKINS[3]:
            raise KeyboardInterrupt
        return original(model, skins, *args, **given)

    monkeypatch.setattr(many, "simulate_courses", courses)
    with pytest.raises(EnsembleInterrupted) as stop:
        run(threads=2, chunk=1)
    partial = stop.value.partial
    assert 0 in partial.sound
    assert 3 in partial.failures["member"].to_numpy()
    assert partial.sound.size + len(partial.failures) == N
    assert np.isfinite(partial.data["erythema"].sel(member=partial.sound).values).all()


def test_the_order_of_the_members_changes_no_bit(whole):
    order = RANDOM.permutation(N)
    mixed = run(
        skins=[SKINS[i] for i in order],
        protocols=[PROTOCOLS[i] for i in order],
        parameters={RATE.name: VALUES[order]},
        chunk=4,
    )
    for name in ("data", "endpoints"):
        for variable, values in getattr(whole, name).data_vars.items():
            found = getattr(mixed, name)[variable].values
            assert values.values[order].tobytes() == found.tobytes(), variable


def test_a_failed_member_is_nan_and_listed_and_leaves_the_others_alone(whole):
    values = VALUES.copy()
    values[2], values[5] = 2.0 * RATE.high, np.nan
    with pytest.warns(
        RuntimeWarning, match="2 of 7 members failed, the first is member 2: parameter 'resting_il_1'"
    ):
        found = run(parameters={RATE.name: values}, chunk=3)
    assert found.failures["member"].tolist() == [2, 5]
    assert set(found.failures["status"]) == {"invalid"}
    assert "outside" in found.failures["message"][0]
    assert "not finite" in found.failures["message"][1]
    assert not any("member" in message for message in found.failures["message"])  # no place within a chunk
    assert found.failures[RATE.name][0] == 2.0 * RATE.high
    others = [0, 1, 3, 4, 6]
    assert found.sound.tolist() == others
    for name in ("data", "baseline", "endpoints"):
        for variable, expected in getattr(whole, name).data_vars.items():
            values = getattr(found, name)[variable].values
            assert values[others].tobytes() == expected.values[others].tobytes(), variable
            assert np.isnan(values[[2, 5]]).all()


def test_a_member_without_a_resting_state_fails_alone():
    # Elastin is then assembled faster than it is lost, and no source of it can bring that to rest.
    extreme = {name: getattr(MODEL.parameter(name), bound) for name, bound in UNBALANCED.items()}
    with pytest.warns(RuntimeWarning, match="1 of 3 members failed"):
        found = run(skins=SKIN, protocols=PROTOCOL, parameters=[{}, extreme, {}])
    assert found.failures["member"].tolist() == [1]
    assert "basal source of 'elastin' would be negative" in found.failures["message"][0]
    assert found.data["elastin"].values[0].tobytes() == found.data["elastin"].values[2].tobytes()


def test_a_protocol_that_outlasts_the_course_fails_its_member_alone():
    late = cs.Protocol.series(PEN, sessions=2, spacing_days=20)
    with pytest.warns(RuntimeWarning, match="1 of 2 members failed"):
        found = run(skins=SKIN, protocols=[PROTOCOL, late], parameters=None)
    assert "ends before the last session" in found.failures["message"][0]


def test_one_member_is_what_simulate_gives():
    found = run(skins=SKIN, protocols=PROTOCOL, parameters=None, output="full")
    alone = cs.simulate(SKIN, PROTOCOL, days=DAYS, rtol=1e-5)
    # One solve at one tolerance: only the order of sums over arrays of other shapes may differ, some 1e-16 a sum,
    # which a course of a few hundred steps does not raise above 1e-10 of a variable's largest value.
    for name, values in found.data.data_vars.items():
        expected = alone.data[name].sel(time=found.data["time"]).values
        np.testing.assert_allclose(
            values.values[0], expected, rtol=1e-10, atol=1e-10 * np.abs(expected).max()
        )
        np.testing.assert_allclose(
            found.baseline[name].values[0], alone.data[name].attrs["baseline"], rtol=1e-12
        )
        assert values.attrs["units"] == alone.data[name].attrs["units"]
        assert values.attrs["long_name"] == alone.data[name].attrs["long_name"]
    table = alone.summary()["value"]
    assert set(table.index) == set(found.endpoints.data_vars)
    for name, value in table.items():
        assert float(found.endpoints[name][0]) == pytest.approx(value, rel=1e-8, abs=1e-8, nan_ok=True)


def test_a_member_that_fails_alone_is_reported_like_any_other():
    with pytest.warns(RuntimeWarning, match="1 of 1 members failed"):
        found = run(skins=SKIN, protocols=PROTOCOL, parameters={RATE.name: 2.0 * RATE.high})
    assert found.failures["message"][0].startswith("parameter 'resting_il_1'")
    with pytest.raises(SolveError, match="all 1 members failed"):
        found.quantiles()


def test_the_summary_is_the_full_course_on_fewer_days(whole):
    full = run(output="full")
    assert full.data["time"].values.tolist() == [*range(13)]
    assert whole.data["time"].values.tolist() == [0, 1, 3, 7, DAYS]
    for name, values in whole.data.data_vars.items():
        assert values.equals(full.data[name].sel(time=whole.data["time"]))
    assert whole.endpoints.identical(full.endpoints)


def test_endpoints_do_not_depend_on_what_else_is_kept(whole):
    odd = run(output_days=[0.37, 4.21, 11.99], variables=["erythema"])
    assert list(odd.data.data_vars) == ["erythema"]
    assert odd.data["time"].values.tolist() == [0.37, 4.21, 11.99]
    for name, values in whole.endpoints.data_vars.items():
        assert values.values.tobytes() == odd.endpoints[name].values.tobytes(), name
    assert not run(endpoints=False, output_days=[3.0]).endpoints.data_vars


def test_values_between_the_days_of_the_grid_are_those_of_simulate():
    found = run(skins=SKIN, protocols=PROTOCOL, parameters=None, output_days=[0.3, 6.2])
    alone = cs.simulate(SKIN, PROTOCOL, days=DAYS, rtol=1e-5, output_days=[0.3, 6.2])
    expected = alone.data["erythema"].values
    np.testing.assert_allclose(found.data["erythema"].values[0], expected, rtol=1e-10)  # see above


@pytest.mark.parametrize(
    "given",
    [
        {RATE.name: VALUES},
        {RATE.name: list(VALUES)},
        pd.DataFrame({RATE.name: VALUES}, index=range(10, 10 + N)),
        [{RATE.name: value} for value in VALUES],
    ],
)
def test_parameters_may_come_as_arrays_a_table_or_one_mapping_a_member(whole, given):
    found = run(parameters=given)
    same_bits(found, whole)
    assert found.parameters[RATE.name].tolist() == VALUES.tolist()


def test_what_a_member_leaves_out_is_the_models_own():
    found = run(skins=SKIN, protocols=PROTOCOL, parameters=[{RATE.name: VALUES[0]}, {}])
    assert found.parameters[RATE.name].tolist() == [VALUES[0], RATE.value]


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"skins": SKINS[:3]}, r"lengths do not pair \(skins 3, protocols 7, parameter 'resting_il_1' 7\)"),
        ({"parameters": {RATE.name: VALUES[:2], "il_1_clearance": [1.0] * 3}}, "do not pair"),
        ({"skins": []}, "skins is empty"),
        ({"skins": "cheek"}, "skins 'cheek' is no Skin"),
        ({"skins": [SKIN, "cheek"]}, r"skins\[1\] 'cheek' is not a Skin"),
        ({"protocols": 3}, "protocols 3 is no Protocol"),
        ({"parameters": {"resting_il1": VALUES}}, "did you mean 'resting_il_1'"),
        ({"parameters": [{"resting_il1": 1.0}] * N}, "did you mean 'resting_il_1'"),
        ({"parameters": {RATE.name: np.ones((N, 2))}}, r"has shape \(7, 2\)"),
        ({"parameters": {RATE.name: ["a"] * N}}, "of member 0 'a' is not a number"),
        ({"parameters": 3.0}, "are not names with values"),
        ({"parameters": []}, "parameters is empty"),
        ({"output": "all"}, "output 'all' is not known"),
        ({"output_days": [1.0, 400.0]}, r"output_days\[1\] 400 days is outside"),
        ({"variables": ["colagen_total"]}, "did you mean 'collagen_total'"),
        ({"variables": "erythema"}, "give a list"),
        ({"days": -1.0}, "days -1"),
        ({"protocols": PROTOCOL, "days": 4.0}, "days 4 ends before the last session, which is on day 5"),
        ({"rtol": 1.0}, "rtol 1"),
        ({"threads": 0}, "threads 0"),
        ({"deadline_s": -1.0}, "deadline_s -1"),
    ],
)
def test_what_is_wrong_with_the_call_gets_one_sentence_before_anything_runs(monkeypatch, given, sentence):
    def never(*_, **__):
        raise AssertionError

    monkeypatch.setattr(many, "simulate_courses", never)
    with pytest.raises(InputError, match=sentence) as refusal:
        run(**given)
    assert "\n" not in str(refusal.value)


def test_an_interrupted_run_keeps_the_finished_chunks(monkeypatch, whole):
    calls = []

    def courses(*args, **given):
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return original(*args, **given)

    original = many.simulate_courses
    monkeypatch.setattr(many, "simulate_courses", courses)
    with pytest.raises(EnsembleInterrupted) as stop:
        run(chunk=2)
    partial = stop.value.partial
    assert isinstance(stop.value, KeyboardInterrupt)
    assert partial.sound.tolist() == [0, 1, 2, 3]
    assert set(partial.failures["status"]) == {"not_run"}
    for name, values in whole.data.data_vars.items():
        assert partial.data[name].values[:4].tobytes() == values.values[:4].tobytes()
        assert np.isnan(partial.data[name].values[4:]).all()


def test_what_is_not_done_by_the_deadline_fails_as_such(monkeypatch):
    clock = iter(range(0, 10_000, 4))
    monkeypatch.setattr(many.time, "monotonic", lambda: next(clock))
    original = many.simulate_courses
    monkeypatch.setattr(
        many, "simulate_courses", lambda *a, **given: original(*a, **{**given, "deadline_s": 600.0})
    )
    with pytest.warns(RuntimeWarning, match="members failed"):
        found = run(chunk=2, deadline_s=10.0)
    assert found.sound.tolist() == [0, 1]
    assert set(found.failures["status"]) == {"deadline"}


def test_memory_and_chunks_are_said_before_it_starts(capsys):
    run(chunk=3, progress=True)
    out, err = capsys.readouterr()
    assert out == ""
    assert "collagensim: 7 members in 3 chunks of 3; about" in err
    assert err.index("MB for the result") < err.index("7/7")
    run()
    assert capsys.readouterr() == ("", "")  # no terminal: nothing is drawn unasked


def test_what_cannot_fit_in_memory_is_refused_in_a_sentence(monkeypatch):
    monkeypatch.setattr(memory, "free_bytes", lambda: 2e5)
    with pytest.raises(InputError, match=r"7 members need about .* and 0.2 MB are free: ask for fewer"):
        run(output="full")


def test_chunks_shrink_to_the_memory_there_is(monkeypatch, whole):
    # A member of this course needs some 0.1 MB at work: half of what is free leaves room for two or three.
    monkeypatch.setattr(memory, "free_bytes", lambda: 1e6)
    found = run()
    assert 1 <= found.statistics["members_per_chunk"] < N
    same_bits(found, whole)


def test_a_system_that_does_not_tell_its_memory_refuses_nothing(monkeypatch, whole):
    monkeypatch.setattr(memory, "free_bytes", lambda: None)
    same_bits(run(), whole)


def test_the_free_memory_of_this_machine_is_a_number_or_unknown():
    free = memory.free_bytes()
    assert free is None or 1e6 < free < 1e15


def test_a_risk_is_warned_of_once_with_the_number_of_its_members():
    skins = [cs.Skin(risks=["keloid_tendency"]), cs.Skin(), cs.Skin(risks=["keloid_tendency"])]
    with pytest.warns(cs.ContraindicationWarning, match="2 of 3 members: keloid") as told:
        run(skins=skins, protocols=PROTOCOL, parameters=None, days=6.0)
    assert len(told) == 1


def test_provenance_names_whose_skin_and_protocol_is_which():
    found = run(skins=[SKINS[0], SKINS[1], SKINS[0]], protocols=PROTOCOL, parameters=None, days=6.0)
    record = found.provenance
    assert record["model_hash"] == MODEL.hash
    assert record["skins"] == [SKINS[0].to_dict(), SKINS[1].to_dict()]
    assert record["skin_of_member"] == [0, 1, 0]
    assert record["protocols"] == [PROTOCOL.to_dict()]
    assert record["protocol_of_member"] == 0
    alone = cs.simulate(SKINS[0], PROTOCOL, days=6.0)
    assert {row["key"] for row in alone.provenance["sources"]} <= {row["key"] for row in record["sources"]}
    assert cs.cite(found) == cs.cite(alone)


def test_a_real_ensemble_survives_its_file(tmp_path):
    values = VALUES.copy()
    values[2] = 2.0 * RATE.high
    with pytest.warns(RuntimeWarning):
        found = run(parameters={RATE.name: values})
    back = cs.load(found.save(tmp_path / "many.nc"))
    assert isinstance(back, cs.Ensemble)
    same_bits(found, back)
    pd.testing.assert_frame_equal(back.failures, found.failures)
    pd.testing.assert_frame_equal(back.parameters, found.parameters)
    assert back.provenance == found.provenance
    assert back.quantiles().identical(found.quantiles())


@pytest.mark.slow
def test_the_readmes_example_runs(tmp_path):
    readme = Path(__file__).parents[2].joinpath("README.md").read_text(encoding="utf-8")
    blocks = [
        re.search(rf"<!-- example: {name} -->\n+```python\n(.+?)\n```", readme, re.DOTALL)
        for name in ("quick start", "many")
    ]
    first = [line for line in blocks[0][1].splitlines() if not re.search("response|figure", line)]
    code = "\n".join([*first, blocks[1][1].replace("100", "8")])
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "collagen_mass_change" in done.stdout
    assert (tmp_path / "cohort.nc").is_file()
