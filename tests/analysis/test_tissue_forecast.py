"""A tissue says what it will need, and how far it is."""

import tracemalloc

import numpy as np
import pytest

import collagensim as cs
from collagensim.analysis import tissue
from collagensim.analysis.day_bar import day_bar
from collagensim.analysis.tissue import forecast
from collagensim.solver.tissue.course import PACE, SLOWEST, timetable
from collagensim.solver.tissue.memory import kept_bytes, working_bytes
from collagensim.solver.tissue.space import block_of
from collagensim.solver.tissue.world import TICKS

SKIN = cs.Skin()
SESSION = cs.Session(device="pen", depth_mm=0.15, density_per_cm2=4000)
PROTOCOL = cs.Protocol([(0.3, SESSION)])
SMALL = {"width_mm": 0.3, "depth_mm": 0.15, "slab_um": 200.0}
OPTIONS = {**SMALL, "breadth_mm": None, "voxel_um": None, "kept_days": None, "days": 4.2}


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
    ends, statement = forecast(cs.dermal_healing(), SKIN, PROTOCOL, OPTIONS, 1)
    assert statement == f"a tissue of 16 x 1 x 32 voxels, {len(ends)} steps each; about 2.39 MB of memory"
    with pytest.raises(
        cs.InputError, match=r"3 tissues, 3 at once, of 16 x 1 x 32 voxels need about 7\.\d+ MB"
    ):
        forecast(cs.dermal_healing(), SKIN, PROTOCOL, OPTIONS, 3, 3)


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


def test_a_course_without_a_bar_says_nothing(capsys):
    cs.simulate_tissue(SKIN, PROTOCOL, days=0.5, progress=False, **SMALL)
    assert "tissue" not in capsys.readouterr().err
