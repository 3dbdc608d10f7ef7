"""The command line in the hands of somebody in a hurry: one sentence, a status, and nothing half-written."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import fields

import pytest

from collagensim.cli import main
from collagensim.cli.arguments import parser
from collagensim.skin import Skin, conditions, risks

MODULE = [sys.executable, "-m", "collagensim.cli"]

REFUSED = {
    "simulate --depth 1500": "did you mean 1.5 mm?",
    "simulate --depth 15": "did you mean 1.5 mm?",
    "simulate --depth 5": "the nearest valid value is 3.5 mm",
    "simulate --depth 3.5000001": "3.5000001 mm is outside 0 to 3.5 mm",
    "simulate --depth 1,5": "decimals with a point",
    "simulate --depth 1.5mm": "'1.5mm' is not a number",
    "simulate --density 1e6": "outside 0 to 10000 per cm2; the nearest valid value is 10000",
    "simulate --passes many": "'many' is not a number",
    "simulate --phototype IV": "'IV' is not a number",
    "simulate --phototype 2.5": "'2.5' is not a whole number",
    "simulate --phototype inf": "'inf' is not a whole number",
    "simulate --age 12": "18 to 100 years",
    "simulate --sex f": "did you mean 'female'?",
    "simulate --site Cheek": "(did you mean 'cheek'?): choose one of forehead",
    "simulate --days 100": "days 100 ends before the last session on day 120: give days of 120 or more",
    "simulate --sessions 1e9": "outside 0 to 1000",
    "simulate --spacing 0": "all sessions on one day",
    "simulate --device punch --density 100": "a punch has no needles",
    "simulate --dept 1": "'--dept' is no argument of simulate; did you mean '--depth'?",
    "simulate --no-aging": "did you mean '--no-ageing'?",
    "simulate cheek": "'cheek' is no argument of simulate",
    "devices --json": "'--json' is no argument of devices",
    "simulate --figure=": "'' has no ending",
    "simulate --save=": "--save '' needs a name that ends in .nc",
    "simulate --figure out": "no ending: choose one of png",
    "simulate --figure .png": "no ending",
    "scan --depth 1,2 --days nan": "days nan is not finite",
    "scan --depth 1,2 --days -1": "days -1 days is outside",
    "scan --depth 0:1:1e-9": "holds 1000000000 values: give 10000 or fewer",
    "scan --depth 0.001:3:0.001 --density 1:5000:1": "15000000 points: give at most 100000",
    "scan --depth 1,2 --threads 1.5": "'1.5' is not a whole number",
    "scan --depth 1,2 --threads 100000": "threads 100000 is outside",
    "scan --depth 1,,2": "is not a number, a list",
    "scan --sessions 0:3:1": "sessions[0] 0 is outside 1 to 1000",
    "scan --depth 1,2 --endpoint colagen": "did you mean 'collagen_",
}


@pytest.mark.parametrize("command", REFUSED)
def test_a_slip_gets_one_sentence_and_status_2(capsys, monkeypatch, tmp_path, command):
    monkeypatch.chdir(tmp_path)
    assert main(command.split()) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("collagensim: error: ")
    assert err.count("\n") == 1
    assert REFUSED[command] in err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("device", ["/dev/null", "/dev/full"])
def test_a_device_is_never_replaced_by_a_file(capsys, tmp_path, device):
    """Renaming the finished file onto ``/dev/null`` made an ordinary file of it, for every program there is."""
    for ending, option in ((".nc", "--save"), (".png", "--figure")):
        link = tmp_path / f"out{ending}"
        link.symlink_to(device)
        assert main(["simulate", "--sessions", "0", "--days", "1", option, str(link)]) == 2
        assert "no ordinary file" in capsys.readouterr().err
        assert link.is_symlink()


def test_the_number_of_sessions_is_scanned_at_the_default_spacing(capsys):
    """The protocol of a range took its first value: one session, which has no spacing."""
    assert main("scan --sessions 1:3:1 --days 61 --density 100 --quiet".split()) == 0
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("command", ["simulate", "scan"])
def test_help_names_every_choice_and_default(command):
    told = " ".join(subparser_help(command).split())
    for word in (*conditions(), *risks()):
        assert word in told
    ours = {field.name: getattr(Skin(), field.name) for field in fields(Skin) if field.name != "risks"}
    for value in ours.values():
        assert (
            f"(default: {value:g})" in told
            if isinstance(value, float | int)
            else f"(default: {value})" in told
        )
    for default in ("(default: roller)", "(default: 1.5)", "(default: 5)", "(default: 30)", "(default: 365)"):
        assert default in told


def subparser_help(command):
    return parser().parse_args([command]).parser.format_help()


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a device that is always full")  # noqa: PTH110
def test_a_full_disk_is_one_sentence_too():
    buffered = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    with open("/dev/full", "w") as full:  # noqa: PTH123
        done = subprocess.run(
            [*MODULE, "sites"], stdout=full, stderr=subprocess.PIPE, text=True, check=False, env=buffered
        )
    assert done.returncode == 2
    assert done.stderr == "collagensim: error: No space left on device\n"


@pytest.mark.skipif(os.name != "posix", reason="sends SIGINT")
@pytest.mark.parametrize(
    "command",
    [
        "simulate --sessions 1000 --spacing 2 --days 2100 --save run.nc --figure a.png",
        "scan --depth 0.01:3:0.01 --days 2000 --save run.nc --quiet",
    ],
)
def test_ctrl_c_ends_with_130_and_leaves_no_file(tmp_path, command):
    """Once compiled code is loaded: LLVM's callbacks swallow an interrupt that comes while it is."""
    code = (
        "from collagensim.cli import main; main('simulate --sessions 1 --days 3 --quiet'.split()); "
        f"print('loaded', flush=True); raise SystemExit(main({command.split()!r}))"
    )
    running = subprocess.Popen(
        [sys.executable, "-c", code], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert running.stdout is not None
    assert running.stdout.readline() == "loaded\n"
    time.sleep(0.5)  # into the course: either command takes many seconds
    running.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=60)
    assert running.returncode == 130
    assert (out, err) == ("", "collagensim: interrupted; no unfinished file is left\n")
    assert not list(tmp_path.iterdir())
