"""What is written from a model is kept between processes, and written anew when a law or a writer changes."""

import numpy as np
import pytest

import collagensim as cs
from collagensim.biology import robertson
from collagensim.model import Model, Parameter, Reaction, Source, Species
from collagensim.solver import texts
from collagensim.solver.simulate import simulate_courses
from collagensim.solver.texts import texts_of


def decay(power):
    a = Species("aa", "1", "cell", 1.0)
    k = Parameter("loss_rate", 1.0, "1/day", 0.0, 9.0, Source("assumed"), "assumed")
    return Model("kept_decay", [a], reactions=[Reaction("loss", k * a**power, {a: -1})])


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("COLLAGENSIM_CACHE", str(tmp_path))
    return tmp_path


@pytest.fixture
def written(monkeypatch):
    """The models that were written, in order."""
    found, write = [], texts._write
    monkeypatch.setattr(texts, "_write", lambda model: found.append(model.name) or write(model))
    return found


def test_a_known_structure_is_read_and_not_written(cache, written):
    first, second = texts_of(decay(1)), texts_of(decay(1).with_parameters(loss_rate=2.0))
    assert written == ["kept_decay"]
    assert first == second


def test_an_edited_law_is_written_anew(cache, written):
    first, second = texts_of(decay(1)), texts_of(decay(2))
    assert len(written) == 2
    assert first.kernel != second.kernel
    assert first.formulas != second.formulas


def test_an_edited_writer_is_noticed(cache, written, monkeypatch):
    texts_of(decay(1))
    monkeypatch.setattr(texts, "writers_hash", lambda: "another writer")
    texts_of(decay(1))
    assert len(written) == 2


@pytest.mark.parametrize(
    "place",
    [
        "model/expression.py",
        "write/formulas.py",
        "write/kernel.py",
        "write/lowering.py",
        "kernels/__init__.py",
        "kernels/coupled.py",
        "kernels/linear.py",
        "kernels/numbers.py",
        "kernels/stepper.py",
        "kernels/straight.py",
        "kernels/tableaus.py",
        "write/elimination.py",
    ],
)
def test_the_writers_hash_covers_what_the_texts_are_made_by(place, tmp_path, monkeypatch):
    for name in texts.WRITERS:
        source = texts.files("collagensim").joinpath(name)
        target = tmp_path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_file():
            target.write_bytes(source.read_bytes())
        else:
            target.mkdir()
            for file in source.iterdir():
                if file.name.endswith(".py"):
                    target.joinpath(file.name).write_bytes(file.read_bytes())
    monkeypatch.setattr(texts, "files", lambda package: tmp_path)
    before = texts.writers_hash.__wrapped__()
    edited = tmp_path / place
    edited.write_text(edited.read_text() + "\n")
    assert texts.writers_hash.__wrapped__() != before


def test_a_file_cut_short_is_written_anew(cache, written):
    whole = texts_of(decay(1))
    (path,) = cache.glob("*.json")
    path.write_text(path.read_text()[:100])
    assert texts_of(decay(1)) == whole
    assert len(written) == 2


@pytest.fixture
def never_written_out(monkeypatch):
    """Models are compiled as if every elimination were too long to be written out."""
    monkeypatch.setattr(texts, "LONGEST", -1)
    monkeypatch.setattr("collagensim.solver.compiled._known", {})
    monkeypatch.setattr("collagensim.solver.compiled.texts_of", texts._write)


def test_an_elimination_too_long_to_write_out_is_done_by_lists(request):
    times = np.geomspace(1e-3, 40.0, 30)
    written = cs.solve(robertson(), until=40.0, times=times)
    request.getfixturevalue("never_written_out")
    listed = cs.solve(robertson(), until=40.0, times=times)
    assert texts._write(robertson()).n_factors == 0
    # The same steps but for rounding: some eps in a step, which the error estimate's fifth root hands on to the next.
    assert written.statistics["steps"] == listed.statistics["steps"]
    for name in ("aa", "bb", "cc"):
        np.testing.assert_allclose(listed.data[name], written.data[name], rtol=1e-10)


def courses(n):
    pen = cs.Session(device="pen", depth_mm=1.2, density_per_cm2=200)
    skins = [cs.Skin(age_years=30.0 + i) for i in range(n)]
    return simulate_courses(cs.dermal_healing(), skins, cs.Protocol([(0.5, pen)]), days=6.0)


@pytest.mark.slow
@pytest.mark.parametrize("n", [1, 3])
def test_joined_blocks_may_be_eliminated_by_lists_too(n, request):
    written = courses(n)
    request.getfixturevalue("never_written_out")
    listed = courses(n)
    assert not written.failures
    assert not listed.failures
    for name, values in written.values.items():
        size = np.abs(values).max()
        # Each course meets rtol 1e-5; two of the same steps differ by rounding only, raised by a hundred steps.
        np.testing.assert_allclose(listed.values[name], values, rtol=1e-8, atol=1e-10 * size, err_msg=name)
