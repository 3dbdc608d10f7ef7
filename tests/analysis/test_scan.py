import dataclasses
import warnings

import numpy as np
import pytest

import collagensim as cs
from collagensim.analysis import many, memory
from collagensim.analysis.scan import ScanInterrupted, scan
from collagensim.errors import InputError, SolveError
from collagensim.skin import LAYERS, Skin
from collagensim.solver.columns import Courses
from collagensim.treatment import Aftercare, Protocol, Session

MODEL = cs.dermal_healing()
SKIN = Skin()
BASE = Protocol.series(Session(depth_mm=1.5, passes=3), sessions=3, spacing_days=20)
TIME = np.array([0.0, 300.0])


def told(protocol):
    """Last values whose endpoints give the protocol back: gain = depth, share = density, elastin = days of sessions."""
    session = protocol.sessions[0][1]
    return {
        "collagen_total": 1.0 + session.depth_mm / 100.0,
        "collagen_iii": 1e-4 * session.channels_per_cm2 * (1.0 + session.depth_mm / 100.0),
        "elastin": 1.0 + protocol.last_day / 100.0,
        "melanin": 1.0 + len(protocol.sessions),
    }


def courses_told(course, protocols, variables):
    """Courses of one step from 1 to what ``course(protocol)`` says; an error that it raises fails its member."""
    last, failures = [], {}
    for i, protocol in enumerate(protocols):
        try:
            last.append(course(protocol))
        except SolveError as error:
            failures[i] = SolveError(f"member {i}: {error}")
            last.append({})
    n = len(protocols)
    ends = {name: np.array([one.get(name, 1.0) for one in last]) for name in variables}
    values = {name: np.stack([np.ones(n), end], axis=1) for name, end in ends.items()}
    layered = {
        name: v if name in ("melanin", "barrier", "erythema", "epidermal_thickness", "epidermal_cover")
        else np.repeat(v[..., None], len(LAYERS), axis=2)
        for name, v in values.items()
    }  # fmt: skip
    return Courses(
        np.arange(n), np.repeat(TIME[None], n, axis=0), layered, {name: v[:, 0] for name, v in layered.items()}, {},
        np.ones((n, len(LAYERS))), [protocol.days for protocol in protocols], failures,
    )  # fmt: skip


@pytest.fixture
def engine(monkeypatch):
    """Replaces the solver by a function of the protocol alone."""

    def use(course):
        def courses(model, skins, protocols, parameters, *, variables, **given):
            return courses_told(course, protocols, variables)

        monkeypatch.setattr(many, "simulate_courses", courses)

    use(told)
    return use


def scan_told(protocol=BASE, **given):
    return scan(MODEL, SKIN, protocol, **{"days": 300, "progress": False, **given})


def test_every_point_is_the_course_of_its_own_protocol(engine):
    depths, densities, spacings, numbers = [0.5, 1.0, 2.0], [100.0, 250.0], [10.0, 30.0], [1, 2, 5]
    found = scan_told(depth_mm=depths, density_per_cm2=densities, spacing_days=spacings, sessions=numbers)
    assert found["elastin_change"].dims == ("depth_mm", "density_per_cm2", "spacing_days", "sessions")
    assert found["elastin_change"].shape == (3, 2, 2, 3)
    for i, depth in enumerate(depths):
        np.testing.assert_allclose(found["collagen_papillary_change"][i], depth, rtol=1e-12)
    for i, density in enumerate(densities):
        np.testing.assert_allclose(found["collagen_iii_share"][:, i], 1e-4 * density, rtol=1e-12)
    for (i, spacing), (j, number) in ((a, b) for a in enumerate(spacings) for b in enumerate(numbers)):
        np.testing.assert_allclose(
            found["elastin_change"][:, :, i, j], spacing * (number - 1), rtol=1e-12, atol=1e-12
        )
        np.testing.assert_allclose(found["melanin_peak_fold"][:, :, i, j], 1 + number)
    assert (found["status"] == "ok").all()


def test_only_what_is_given_becomes_a_dimension_and_the_rest_stays(engine):
    uneven = Protocol(
        [(0, Session(depth_mm=1.0)), (10, Session(depth_mm=2.0)), (50, Session())],
        aftercare=[Aftercare("uv")],
    )
    seen = []
    engine(lambda protocol: seen.append(protocol) or told(protocol))
    scan_told(uneven, depth_mm=[0.5])
    assert seen[0].days == uneven.days
    assert seen[0].aftercare == uneven.aftercare
    assert {session.depth_mm for _, session in seen[0].sessions} == {0.5}
    assert scan_told(depth_mm=[0.5, 1.0])["elastin_change"].dims == ("depth_mm",)
    its_own_spacing = scan_told(sessions=[2, 4])["elastin_change"].values
    assert its_own_spacing == pytest.approx([20.0, 60.0])
    its_own_number = scan_told(spacing_days=[7, 14])["elastin_change"].values
    assert its_own_number == pytest.approx([14.0, 28.0])


def test_endpoints_and_coordinates_carry_units(engine):
    found = scan_told(depth_mm=[0.5, 1.0])
    assert found["elastin_change"].attrs["units"] == "%"
    assert found["depth_mm"].attrs["units"] == "mm"
    assert all("units" in found[name].attrs for name in found.data_vars if name != "status")


@pytest.mark.parametrize("threads", [2, 3])
def test_any_number_of_threads_gives_the_same_answer(threads):
    given = {"depth_mm": [0.5, 1.0, 2.0], "sessions": [1, 2], "spacing_days": [4], "days": 8}
    assert scan_told(threads=threads, **given).identical(scan_told(threads=1, **given))


def test_a_point_is_what_simulate_gives():
    found = scan_told(depth_mm=[0.5, 1.0], spacing_days=[3], days=8)
    session = dataclasses.replace(BASE.sessions[0][1], depth_mm=1.0)
    alone = cs.simulate(SKIN, Protocol.series(session, sessions=3, spacing_days=3), days=8, rtol=1e-5)
    for name, value in alone.summary()["value"].items():
        # the same solve: only sums over arrays of another shape may round differently
        expected = pytest.approx(value, rel=1e-8, abs=1e-8, nan_ok=True)
        assert float(found[name].sel(depth_mm=1.0, spacing_days=3)) == expected, name


def test_a_failed_point_is_nan_with_its_reason_and_a_warning(engine):
    def course(protocol):
        if protocol.sessions[0][1].depth_mm == 1.0:
            raise SolveError("step too small on day 3")
        return told(protocol)

    engine(course)
    with pytest.warns(RuntimeWarning, match=r"1 of 3 points failed.*depth_mm=1: step too small on day 3"):
        found = scan_told(depth_mm=[0.5, 1.0, 2.0])
    assert np.isnan(found["collagen_papillary_change"].values).tolist() == [False, True, False]
    assert found["status"].values.tolist() == ["ok", "step too small on day 3", "ok"]
    assert found.attrs["failed_points"] == 1


def test_when_every_point_fails_the_scan_fails(engine):
    def course(protocol):
        raise SolveError("no")

    engine(course)
    with pytest.raises(SolveError, match="every point"):
        scan_told(depth_mm=[0.5, 1.0])


def test_a_defect_of_ours_is_not_hidden_as_a_failed_point(engine):
    def course(protocol):
        raise KeyError("typo")

    engine(course)
    with pytest.raises(KeyError, match="typo"):
        scan_told(depth_mm=[0.5, 1.0])


def test_interruption_keeps_the_finished_points(engine, monkeypatch):
    def course(protocol):
        if protocol.sessions[0][1].depth_mm > 1.0:
            raise KeyboardInterrupt
        return told(protocol)

    engine(course)
    monkeypatch.setattr(memory, "SHARE", 2)
    with pytest.raises(ScanInterrupted) as stop:
        scan_told(depth_mm=[0.5, 1.0, 2.0, 3.0], threads=1)
    assert isinstance(stop.value, KeyboardInterrupt)
    assert stop.value.partial["status"].values.tolist() == ["ok", "ok", "not run", "not run"]
    assert np.isfinite(stop.value.partial["elastin_change"].values).tolist() == [True, True, False, False]


def test_progress_goes_to_stderr_only(engine, capsys):
    scan_told(depth_mm=[0.5, 1.0], progress=True)
    out, err = capsys.readouterr()
    assert out == ""
    assert "2/2" in err
    scan_told(depth_mm=[0.5])
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({}, "nothing to scan: give one or more of depth_mm"),
        ({"depth_mm": []}, "depth_mm is empty"),
        ({"depth_mm": 1.0}, "depth_mm 1.0 is not a list of numbers"),
        ({"depth_mm": np.float64(1.0)}, "is not a list of numbers"),
        ({"depth_mm": "1, 2"}, "is not a list of numbers"),
        ({"depth_mm": [True, 2.0]}, r"depth_mm\[0\] True is not a number"),
        ({"depth_mm": np.linspace(0.1, 3, 400), "density_per_cm2": np.arange(1, 400)}, "159600 points"),
        ({"depth_mm": [1.0, np.nan]}, r"depth_mm\[1\] nan is not finite"),
        ({"depth_mm": [1.0, np.inf]}, r"depth_mm\[1\] inf is not finite"),
        ({"depth_mm": [2.0, 1.0]}, "2 before 1"),
        ({"depth_mm": [1.0, 1.0]}, "each once"),
        ({"depth_mm": ["deep"]}, "is not a number"),
        ({"depth_mm": [1.0, 1500.0]}, "did you mean 1.5 mm"),
        ({"density_per_cm2": [-5.0, 100.0]}, "density_per_cm2 -5"),
        ({"sessions": [1.5]}, "whole number"),
        ({"sessions": [0, 1]}, r"sessions\[0\] 0 is outside 1 to 1000"),
        (
            {"spacing_days": [10, 200]},
            "days 300 ends before the last session at spacing_days=200 on day 400: give days of 400",
        ),
        ({"depth_mm": [1.0], "threads": 0}, "threads 0"),
        ({"protocol": Protocol(), "depth_mm": [1.0]}, "no session"),
        (
            {"protocol": Protocol([(0, Session()), (9, Session()), (40, Session())]), "sessions": [2]},
            "single spacing",
        ),
        ({"protocol": Protocol([(0, Session(device="punch"))]), "depth_mm": [1.0]}, "punch"),
        ({"protocol": Protocol([(0, Session(depth_reached_mm=1))]), "depth_mm": [1.0]}, "depth_reached_mm"),
    ],
)
def test_bad_grids_get_one_sentence_before_anything_runs(engine, given, sentence):
    def never(protocol):
        raise AssertionError

    engine(never)
    with pytest.raises(InputError, match=sentence) as refusal:
        scan_told(**given)
    assert "\n" not in str(refusal.value)


def test_scanning_density_replaces_passes(engine):
    assert BASE.sessions[0][1].passes == 3
    found = scan_told(density_per_cm2=[50.0, 100.0])
    np.testing.assert_allclose(found["collagen_iii_share"].values, [0.005, 0.01], rtol=1e-12)


def test_a_scan_warns_of_nothing_when_nothing_failed(engine):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        scan_told(protocol=dataclasses.replace(BASE), depth_mm=[0.5])
