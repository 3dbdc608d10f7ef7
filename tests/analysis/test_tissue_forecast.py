"""A tissue says what it will need, and how far it is."""

import re
import subprocess
import sys
import tracemalloc

import numpy as np
import pytest

import collagensim as cs
from collagensim.analysis import tissue
from collagensim.analysis.day_bar import day_bar
from collagensim.analysis.tissue import forecast
from collagensim.biology import dermal_architecture
from collagensim.solver.tissue.asked import asked_for
from collagensim.solver.tissue.course import PACE, SLOWEST, timetable
from collagensim.solver.tissue.memory import kept_bytes, working_bytes
from collagensim.solver.tissue.space import block_of
from collagensim.solver.tissue.world import TICKS

SKIN = cs.Skin()
SESSION = cs.Session(device="pen", depth_mm=0.15, density_per_cm2=4000)
PROTOCOL = cs.Protocol([(0.3, SESSION)])
SMALL = {"width_mm": 0.3, "depth_mm": 0.15, "slab_um": 200.0}
OPTIONS = {**SMALL, "days": 4.2}


def test_the_timetable_is_the_one_that_is_kept():
    found = cs.simulate_tissue(SKIN, PROTOCOL, days=4.2, **SMALL)
    ends = timetable(PROTOCOL, 4.2)
    # The last step is looked into, and not taken to its end, where the course ends within it.
    assert len(ends) - found.statistics["steps"] in (0, 1)
    # The slowest before the session, and of the others what the days after it take; each of these stretches begins or
    # ends within a step, which is cut.
    (until, first), (_, second), *_ = PACE
    expected = 0.3 / SLOWEST + until / first + (3.9 - until) / second
    assert len(ends) == pytest.approx(expected * TICKS, abs=4)
    ticks = np.rint(np.array(ends) * TICKS).astype(int)
    lengths = np.diff(ticks, prepend=0)
    usual = np.isin(lengths, (first, second, SLOWEST))
    assert np.count_nonzero(~usual) <= 4
    assert not (ticks[usual] % lengths[usual]).any()


def test_the_memory_that_is_stated_is_what_a_course_takes():
    """Cells, and what Python itself holds, are left out: within a third."""
    block = block_of(SKIN, width_mm=2.0)
    cs.simulate_tissue(SKIN, PROTOCOL, days=0.31, **SMALL)  # compiled and imported
    tracemalloc.start()
    cs.simulate_tissue(SKIN, PROTOCOL, days=0.31, width_mm=2.0)
    taken = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    model = cs.dermal_healing()
    assert working_bytes(model, block) + kept_bytes(model, block, 1) == pytest.approx(taken, rel=1 / 3)


def test_what_does_not_fit_is_refused_before_it_starts(monkeypatch):
    monkeypatch.setattr(tissue, "free_bytes", lambda: 5e6)
    asked = asked_for(cs.dermal_healing(), dermal_architecture(), SKIN, PROTOCOL, **OPTIONS)
    ends, statement = forecast(asked, 1)
    assert statement == f"a tissue of 16 x 1 x 32 voxels, {len(ends)} steps each; about 2.13 MB of memory"
    with pytest.raises(
        cs.InputError, match=r"3 tissues, 3 at once, of 16 x 1 x 32 voxels need about 6\.\d+ MB"
    ):
        forecast(asked, 3, 3)


def test_a_bar_tells_the_day(capsys):
    with day_bar([0.5, 1.0, 2.0], 2, "two tissues", True, "they need little") as move:
        move([0.5, 0.0])
        move([2.0, 2.0])
    said = capsys.readouterr().err
    assert said.startswith("collagensim: they need little\n")
    assert "two tissues: 100%" in said
    assert "day 2.0" in said


def test_a_course_with_a_bar_says_first_what_it_will_take(capsys):
    cs.simulate_tissue(SKIN, PROTOCOL, days=0.5, progress=True, **SMALL)
    said = capsys.readouterr().err.splitlines()[0]
    assert "of memory" in said
    assert " s or somewhat more on this machine" in said


def test_people_are_told_of_a_long_course_without_asking(capsys, monkeypatch):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    cs.simulate_tissue(SKIN, PROTOCOL, days=0.5, **SMALL)
    assert "of memory" not in capsys.readouterr().err
    monkeypatch.setattr(tissue, "WORTH_TELLING", 0.0)
    cs.simulate_tissue(SKIN, PROTOCOL, days=0.5, **SMALL)
    assert "of memory" in capsys.readouterr().err.splitlines()[0]


def test_a_course_without_a_bar_says_nothing(capsys):
    cs.simulate_tissue(SKIN, PROTOCOL, days=0.5, progress=False, **SMALL)
    assert "tissue" not in capsys.readouterr().err


def test_what_is_not_valid_is_refused_before_a_step_is_tried(monkeypatch, capsys):
    monkeypatch.setattr(tissue, "seconds_a_step", lambda world: pytest.fail("a step was tried"))
    with pytest.raises(cs.InputError, match="seed 'x' is not a number"):
        cs.simulate_tissue(SKIN, PROTOCOL, days=0.5, seed="x", progress=True, **SMALL)
    assert capsys.readouterr().err == ""


REFUSED = """
import sys
import collagensim as cs
try:
    cs.simulate_tissue{many}(cs.Skin(), cs.Protocol.none(), kept_days=[40])
except cs.InputError as error:
    print(error, [name for name in sys.modules if name.startswith("collagensim_")])
"""


@pytest.mark.parametrize("many", ["", "s"])
def test_what_is_not_valid_is_refused_before_a_kernel_is_loaded(many):
    done = subprocess.run(
        [sys.executable, "-c", REFUSED.format(many=many)], capture_output=True, text=True, timeout=120
    )
    assert done.stdout.startswith("kept_days[0] 40 days is outside 0 to 28 days")
    assert done.stdout.endswith("[]\n")
    assert done.stderr == ""


def test_days_that_can_be_read_once_only_are_read_once():
    found = cs.simulate_tissue(
        SKIN, PROTOCOL, days=0.5, kept_days=(day for day in [0.25]), output_days=iter([0.5]), **SMALL
    )
    assert list(found.snapshots) == [0.25, 0.5]
    assert found.data["time"].values.tolist() == [0.5]


# Through part of a dermis of 0.8403 mm, nearly through it, and beyond.
@pytest.mark.parametrize("depth_mm", [0.4, 0.6, 0.7, 0.75, 0.85, 0.91, 1.5])
def test_the_depth_that_is_advised_is_one_that_holds_the_needle(depth_mm):
    protocol = cs.Protocol([(0, cs.Session(device="pen", depth_mm=depth_mm))])
    given = {"days": 0, "width_mm": 0.3}
    with pytest.raises(cs.InputError, match="thinner than the needle") as refusal:
        cs.simulate_tissue(SKIN, protocol, depth_mm=0.3, **given)
    told = str(refusal.value)
    reach = re.search(r"reaches ([\d.]+) mm into it", told)
    assert reach is None or float(reach[1]) < SKIN.dermal_thickness_mm
    advice = re.search(r"give depth_mm ([\d.]+) or leave it out$", told)
    assert advice is not None or told.endswith(": leave depth_mm out")
    cs.simulate_tissue(SKIN, protocol, depth_mm=float(advice[1]) if advice else None, **given)
