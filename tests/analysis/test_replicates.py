"""Replicates are the tissues that their seeds give alone, whoever runs beside them."""

import dataclasses
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

import collagensim as cs
from collagensim.analysis import processes, replicates
from collagensim.analysis.processes import side_by_side
from collagensim.biology import dermal_architecture
from collagensim.model import Architecture
from naive.jobs import job

SKIN = cs.Skin()
SESSION = cs.Session(device="pen", depth_mm=0.3, density_per_cm2=4000)
PROTOCOL = cs.Protocol([(0, SESSION)])
SMALL = {"days": 1, "width_mm": 0.3, "depth_mm": 0.3, "slab_um": 200.0}


def silent(place, value):
    pass


def test_side_by_side_or_alone_a_seed_gives_the_same_bits():
    model = cs.dermal_healing().with_parameters({"debris_clearance": 0.5})
    found = cs.simulate_tissues(SKIN, PROTOCOL, [5, 2], processes=2, model=model, **SMALL)
    assert list(found.tissues) == [5, 2]
    assert found.failures == {}
    for seed, tissue in found.tissues.items():
        alone = cs.simulate_tissue(SKIN, PROTOCOL, seed=seed, model=model, **SMALL)
        assert tissue.statistics["digest"] == alone.statistics["digest"]
        assert tissue.data.identical(alone.data)
        assert tissue.provenance == alone.provenance


@pytest.fixture(scope="module")
def three():
    return cs.simulate_tissues(SKIN, PROTOCOL, 3, processes=1, **SMALL)


def test_data_are_labelled_by_seed(three):
    assert three.data["seed"].values.tolist() == [1, 2, 3]
    assert three.data["fibroblasts"].dims == ("seed", "time", "layer")
    assert three.data["fibroblasts"].attrs["units"] == "cell/mm^3"
    assert three.data["erythema"].dims == ("seed", "time")
    for seed, tissue in three.tissues.items():
        np.testing.assert_array_equal(three.data["fibroblasts"].sel(seed=seed), tissue.data["fibroblasts"])
        rest = tissue.data["fibroblasts"].attrs["baseline"]
        np.testing.assert_array_equal(three.baseline["fibroblasts"].sel(seed=seed), rest)


def test_mean_and_bands_are_over_the_seeds(three):
    values = three.data["fibroblasts"].values
    np.testing.assert_array_equal(three.mean()["fibroblasts"], values.mean(axis=0))
    assert three.mean()["fibroblasts"].attrs["units"] == "cell/mm^3"
    bands = three.bands("fibroblasts", [0.0, 0.5, 1.0])
    assert bands.dims == ("quantile", "time", "layer")
    # Three numbers in order are their own quantiles.
    np.testing.assert_array_equal(bands, np.sort(values, axis=0))
    with pytest.raises(cs.InputError, match="did you mean 'fibroblasts'"):
        three.bands("fibroblast")


def test_replicates_under_another_depth_are_paired(three):
    deep = cs.Protocol([(0, dataclasses.replace(SESSION, depth_mm=0.38))])
    other = cs.simulate_tissues(SKIN, deep, 3, processes=1, **SMALL)
    difference = other.data - three.data
    assert difference["fibroblasts"].dims == three.data["fibroblasts"].dims
    # Day 0 is just before the session: the same skin.
    assert not difference.sel(time=0.0).to_array().any()
    assert difference.sel(time=1.0).to_array().any()


def test_what_one_job_does_stops_no_other():
    jobs = side_by_side(job, [2, "raise", "end", 3], 2, silent)
    found = {place: (said and said[0], reason) for place, said, reason in jobs}
    assert found == {
        0: (4, ""), 1: (None, "ValueError: this one alone"), 2: (None, "its process ended with code 3"), 3: (9, ""),
    }  # fmt: skip


def test_jobs_run_in_other_processes_and_say_how_far_they_are():
    heard = []
    (done,) = side_by_side(job, [2], 1, lambda place, value: heard.append((place, value)))
    assert done[1][1] != os.getpid()
    assert heard == [(0, 0.5)]


def test_what_no_job_can_be_given_is_raised():
    with pytest.raises(cs.InputError, match="none of them can be"):
        list(side_by_side(job, ["refuse", 2], 1, silent))


def test_jobs_under_way_end_with_their_caller():
    jobs = side_by_side(job, [2, "sleep"], 2, silent)
    assert next(jobs)[0] == 0
    begun = time.monotonic()
    jobs.close()
    # The one that sleeps would take a minute.
    assert time.monotonic() - begun < 30.0


def interrupted(given, ends):
    """Stand in for a simulation: the second seed is interrupted by what ``ends`` does."""
    made = []

    def simulate(*arguments, seed, **options):
        made.append(seed)
        return ends(given) if len(made) == 2 else given

    return simulate


def pressed(given):
    raise KeyboardInterrupt


def cut_short(given):
    return dataclasses.replace(given, provenance={**given.provenance, "status": "interrupted on day 0.5"})


@pytest.mark.parametrize("ends", [pressed, cut_short])
def test_an_interrupt_keeps_what_is_finished(three, monkeypatch, ends):
    monkeypatch.setattr(replicates, "simulate_tissue", interrupted(three.tissues[1], ends))
    with pytest.warns(RuntimeWarning, match="2 of 3 replicates were not finished, the first is seed 2: "):
        found = cs.simulate_tissues(SKIN, PROTOCOL, 3, processes=1, **SMALL)
    assert list(found.tissues) == [1]
    told = "interrupted on day 0.5" if ends is cut_short else "not run: interrupted"
    assert found.failures == {2: told, 3: "not run: interrupted"}
    assert list(found.partial) == ([2] if ends is cut_short else [])


def test_an_interrupt_before_anything_is_finished_is_one(monkeypatch):
    monkeypatch.setattr(replicates, "simulate_tissue", lambda *a, **k: pressed(None))
    with pytest.raises(KeyboardInterrupt):
        cs.simulate_tissues(SKIN, PROTOCOL, 3, processes=1, **SMALL)


def test_an_interrupt_of_the_first_keeps_its_finished_days(three, monkeypatch):
    monkeypatch.setattr(replicates, "simulate_tissue", lambda *a, **k: cut_short(three.tissues[1]))
    with pytest.raises(replicates.ReplicatesInterrupted) as caught:
        cs.simulate_tissues(SKIN, PROTOCOL, 3, processes=1, **SMALL)
    assert list(caught.value.partial) == [1]
    assert caught.value.partial[1].provenance["status"] == "interrupted on day 0.5"


UNGUARDED = """
import collagensim as cs
cs.simulate_tissues(cs.Skin(), cs.Protocol.none(), 2, processes=2, days=0, width_mm=0.3, depth_mm=0.3)
"""


def test_a_script_without_a_guard_is_told_to_keep_one(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(UNGUARDED, encoding="utf-8")
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, timeout=240)
    assert done.returncode == 1
    assert f"InputError: {processes.GUARD}" in done.stderr.splitlines()[-1]
    assert "bootstrapping" not in done.stderr


def test_a_program_that_is_no_file_is_told_so():
    done = subprocess.run([sys.executable, "-"], input=UNGUARDED, capture_output=True, text=True, timeout=240)
    assert done.returncode == 1
    assert f"InputError: {processes.TYPED_IN}" in done.stderr.splitlines()[-1]


def test_processes_ignore_interrupts_from_their_first_moment():
    ((_, heard, _),) = side_by_side(job, ["interrupts"], 1, silent)
    assert heard == "ignored"
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_replicates_that_all_fail_raise_the_first_ones_reason(monkeypatch):
    def fail(*arguments, **options):
        raise cs.SolveError("it diverged")

    monkeypatch.setattr(replicates, "simulate_tissue", fail)
    with pytest.raises(
        cs.SolveError, match="every replicate failed; the first, seed 1: SolveError: it diverged"
    ):
        cs.simulate_tissues(SKIN, PROTOCOL, 2, processes=1, **SMALL)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"seeds": 0}, "seeds"),
        ({"seeds": []}, "one or more, each once"),
        ({"seeds": [1, 1]}, "one or more, each once"),
        ({"seeds": "12"}, "is not a number"),
        ({"processes": 0}, "processes"),
        ({"days": "long"}, "days"),
        (
            {"processes": 2, "architecture": Architecture((), dermal_architecture().sensing_radius)},
            "give processes=1",
        ),
        ({"processes": 2, "width_mm": -1}, "width_mm"),
    ],
)
def test_bad_input_is_refused_in_a_sentence(given, sentence):
    with pytest.raises(cs.InputError, match=sentence):
        cs.simulate_tissues(SKIN, PROTOCOL, **{**SMALL, **given})


def test_skins_that_should_not_be_needled_are_warned_of_once():
    risky = cs.Skin(risks=["active_infection"])
    with pytest.warns(cs.ContraindicationWarning) as heard:
        cs.simulate_tissues(risky, PROTOCOL, 2, processes=1, **{**SMALL, "days": 0})
    assert len(heard) == 1


def test_a_file_of_replicates_gives_back_every_bit(three, tmp_path):
    kept = dataclasses.replace(three, failures={7: "SolveError: told"})
    loaded = cs.load(kept.save(tmp_path / "three.nc"))
    assert isinstance(loaded, cs.Replicates)
    assert list(loaded.tissues) == list(three.tissues)
    assert loaded.failures == {7: "SolveError: told"}
    assert loaded.data.identical(three.data)
    assert loaded.baseline.identical(three.baseline)
    for seed, tissue in three.tissues.items():
        assert loaded.tissues[seed].provenance == tissue.provenance
        assert loaded.tissues[seed].statistics == tissue.statistics
    # A state that is gone on with is whole only when all that it holds came back.
    longer = loaded.tissues[2].branch(1, days=1.25)
    assert longer.statistics["digest"] == three.tissues[2].branch(1, days=1.25).statistics["digest"]


def test_damage_to_one_seed_is_seen(three, tmp_path):
    import h5py

    path = three.save(tmp_path / "three.nc")
    with h5py.File(path, "r+") as file:
        file["seed_2.data/fibroblasts"][0, 0] += 1.0
    with pytest.raises(cs.FileError, match="damaged"):
        cs.load(path)
