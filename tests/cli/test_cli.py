import json
import warnings

import numpy as np
import pytest
import xarray as xr

import collagensim
from collagensim.analysis import many
from collagensim.analysis.scan import ScanInterrupted
from collagensim.analysis.scan import scan as over_grid
from collagensim.cli import main
from collagensim.cli.arguments import parser
from collagensim.errors import ContraindicationWarning, SolveError
from collagensim.response import load


@pytest.fixture
def asked(monkeypatch, fake):
    """The public calls replaced by the fake course; what they were given is kept."""
    calls = []

    def course(protocol, days):
        return fake.fake_course(days, protocol.days, gain=protocol.sessions[0][1].depth_mm)

    def simulate(skin, protocol, **given):
        calls.append((skin, protocol, given))
        return fake.fake_response(course(protocol, given["days"]))

    def scan(skin, protocol, *, days, ageing, **given):
        calls.append((skin, protocol, {"days": days, "ageing": ageing, **given}))
        return over_grid(collagensim.dermal_healing(), skin, protocol, days=days, ageing=ageing, **given)

    def courses(model, skins, protocols, parameters, *, days, **given):
        return fake.side_by_side([course(protocol, days) for protocol in protocols])

    monkeypatch.setattr(many, "simulate_courses", courses)
    monkeypatch.setattr(collagensim, "simulate", simulate, raising=False)
    monkeypatch.setattr(collagensim, "scan", scan, raising=False)
    return calls


FULL = (
    "simulate --site neck --age 35 --sex male --phototype 4 --condition photoaged --device roller --depth 1.25 "
    "--density 200 --sessions 4 --spacing 21 --days 300 --no-ageing"
).split()


def test_arguments_become_skin_protocol_and_options(asked, capsys):
    assert main(FULL) == 0
    skin, protocol, given = asked[0]
    assert (skin.site, skin.age_years, skin.sex, skin.phototype, skin.condition) == (
        "neck",
        35,
        "male",
        4,
        "photoaged",
    )
    session = protocol.sessions[0][1]
    assert (session.device, session.depth_mm, session.density_per_cm2) == ("roller", 1.25, 200)
    assert protocol.days == (0, 21, 42, 63)
    assert given == {"days": 300, "ageing": False}
    out, err = capsys.readouterr()
    assert "collagen_papillary_change" in out
    assert "not medical advice" in out
    assert err == ""


def test_defaults_are_five_monthly_sessions_of_a_roller(asked):
    assert main(["simulate", "--quiet"]) == 0
    _, protocol, given = asked[0]
    assert protocol.days == (0, 30, 60, 90, 120)
    assert (protocol.sessions[0][1].device, protocol.sessions[0][1].depth_mm) == ("roller", 1.5)
    assert given["days"] == 365


def test_a_published_protocol_brings_its_skin_which_arguments_change(asked):
    assert main(["simulate", "--protocol", "lotfi_2013", "--age", "50", "--quiet"]) == 0
    skin, protocol, _ = asked[0]
    assert (skin.condition, skin.age_years) == ("atrophic_acne_scar", 50)
    assert protocol.name == "lotfi_2013"


def test_outputs_are_written_whole(asked, tmp_path, capsys):
    run, figure = tmp_path / "run.nc", tmp_path / "out.png"
    assert main([*FULL, "--save", str(run), "--figure", str(figure), "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert record["endpoints"]["collagen_mass_gain"]["unit"] == "mg/cm^2"
    value = record["endpoints"]["neutrophils_peak"]["value"]
    assert value == load(run).summary().loc["neutrophils_peak", "value"]
    assert figure.read_bytes()[:4] == b"\x89PNG"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.png", "run.nc"]


def test_quiet_prints_nothing(asked, capsys):
    assert main([*FULL, "--quiet"]) == 0
    assert capsys.readouterr() == ("", "")


def test_ranges_include_both_ends():
    read = parser().parse_args(["scan", "--depth", "0.25:3:0.25", "--spacing", "7,14,56", "--density", "250"])
    np.testing.assert_array_equal(read.depth, np.arange(1, 13) / 4.0)
    assert read.spacing == [7.0, 14.0, 56.0]
    assert read.density == [250.0]
    assert parser().parse_args(["scan", "--depth", "0.1:0.3:0.1"]).depth == [0.1, 0.2, 0.3]


def test_a_scan_writes_map_and_file(asked, tmp_path, capsys):
    command = "scan --depth 0.5:2:0.5 --spacing 7,28 --density 250 --sessions 3 --days 200".split()
    figure, kept = tmp_path / "map.svg", tmp_path / "scan.nc"
    assert main([*command, "--figure", str(figure), "--save", str(kept)]) == 0
    out, err = capsys.readouterr()
    assert "collagen_mass_change [%]" in out
    assert "8/8" in err
    with xr.open_dataset(kept, engine="h5netcdf") as found:
        assert dict(found.sizes) == {"depth_mm": 4, "spacing_days": 2}
        assert set(found["status"].values.ravel()) == {"ok"}
    assert figure.stat().st_size > 1000
    session = asked[0][1].sessions[0][1]
    assert (session.density_per_cm2, len(asked[0][1].sessions)) == (250, 3)


REFUSED = {
    "simulate --site cheeks": "did you mean 'cheek'",
    "simulate --depth 1500": "did you mean 1.5 mm",
    "simulate --depth -1": "depth_mm -1",
    "simulate --depth nan": "nan",
    "simulate --age young": "'young' is not a number",
    "simulate --density 250 --passes 3": "give one of them",
    "simulate --sessions 2.5": "not a whole number",
    "simulate --depth 1,2": "use collagensim scan",
    "simulate --protocol lotfi_2013 --depth 1": "--protocol already says what --depth is",
    "simulate --protocol lotfi": "did you mean 'lotfi_2013'",
    "simulate --figure out.xyz": "choose one of png, pdf, svg, jpg",
    "simulate --figure out": "choose one of png",
    "simulate --figure missing/out.png": "does not exist",
    "simulate --save run.csv": ".nc",
    "simulate --save missing/run.nc": "does not exist",
    "simulate --deep 1": "--deep",
    "simulat": "simulat",
    "": "required",
    "scan": "nothing to scan",
    "scan --depth 3:1:0.5": "holds no values",
    "scan --depth 0:1:0": "holds no values",
    "scan --depth 1:2": "range start:stop:step",
    "scan --depth 1,2 --endpoint colagen": "endpoint 'colagen'",
    "scan --depth 1,2 --spacing 7,8 --sessions 1,2 --figure m.png": "keep all with --save",
    "scan --depth 1,2 --spacing 30 --days 50": "give days of 120 or more",
    "scan --depth 1,2 --threads 0": "threads 0",
}


@pytest.mark.parametrize("command", REFUSED)
def test_bad_input_gets_one_sentence_and_status_2(asked, capsys, monkeypatch, tmp_path, command):
    monkeypatch.chdir(tmp_path)
    assert main(command.split()) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert REFUSED[command] in err
    assert err.startswith("collagensim: error: ")
    assert err.count("\n") == 1
    assert not list(tmp_path.iterdir())
    assert command.startswith("scan") or not asked  # refused before anything was computed


def test_a_failed_solve_is_one_sentence_too(monkeypatch, capsys, tmp_path):
    def fail(*_, **__):
        raise SolveError("the solve stopped on day 3.2 in fibroblasts:\n give a wider rtol")

    monkeypatch.setattr(collagensim, "simulate", fail, raising=False)
    assert main(["simulate", "--figure", str(tmp_path / "a.png")]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_warnings_are_one_line_on_stderr(monkeypatch, capsys, asked):
    fake_simulate = collagensim.simulate

    def warn(*given, **options):
        warnings.warn("keloid tendency: needling may scar", ContraindicationWarning, stacklevel=2)
        return fake_simulate(*given, **options)

    monkeypatch.setattr(collagensim, "simulate", warn, raising=False)
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        assert main(["simulate", "--quiet", "--risk", "keloid_tendency"]) == 0
    assert capsys.readouterr().err == "collagensim: warning: keloid tendency: needling may scar\n"
    assert asked[0][0].risks == ("keloid_tendency",)


@pytest.mark.parametrize("stop", [KeyboardInterrupt(), ScanInterrupted(xr.Dataset())])
def test_ctrl_c_ends_with_130(monkeypatch, capsys, stop, tmp_path):
    def interrupted(*_, **__):
        raise stop

    monkeypatch.setattr(collagensim, "simulate", interrupted, raising=False)
    assert main(["simulate", "--save", str(tmp_path / "run.nc")]) == 130
    assert "interrupted" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("devices", "roller"),
        ("sites", "periorbital"),
        ("protocols", "lotfi_2013"),
        ("parameters", "assumed"),
        ("model", "collagen_total"),
        ("--version", "collagensim "),
        ("simulate --help", "--no-ageing"),
    ],
)
def test_tables_and_help_go_to_stdout(capsys, command, expected):
    assert main(command.split()) == 0
    out, err = capsys.readouterr()
    assert expected in out
    assert err == ""
