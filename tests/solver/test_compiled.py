import os
import stat
import sys

import pytest

from collagensim.biology import robertson
from collagensim.kernels import FUNCTIONS, kernel_text
from collagensim.model import Model, Parameter, Reaction, Source, Species
from collagensim.solver import compiled as room
from collagensim.solver.compiled import cache_folder, compiled, machine_code, stepper

TEXT = """
def block_rates(y, p, u, out):
    out[0] = p[0] * y[0]
"""


def decay(power):
    a = Species("aa", "1", "cell", 1.0)
    k = Parameter("loss_rate", 1.0, "1/day", 0.0, 9.0, Source("assumed"), "assumed")
    return Model("decay", [a], reactions=[Reaction("loss", k * a**power, {a: -1})])


def test_an_edited_law_gives_another_module():
    one, other = compiled(decay(1)), compiled(decay(2))
    assert one.text != other.text
    assert one.formulas_name != other.formulas_name
    assert one.functions("plain")[0] != other.functions("plain")[0]


def test_parameter_values_share_one_module():
    model = decay(1)
    assert compiled(model) is compiled(model.with_parameters(loss_rate=2.0))


@pytest.mark.skipif(sys.platform == "win32", reason="modes are POSIX")
def test_the_cache_folder_is_private(tmp_path, monkeypatch):
    monkeypatch.setenv("COLLAGENSIM_CACHE", str(tmp_path / "kept"))
    assert stat.S_IMODE(cache_folder().stat().st_mode) == 0o700


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_cache_does_not_stop_a_run(tmp_path, monkeypatch):
    tmp_path.chmod(0o500)
    monkeypatch.setenv("COLLAGENSIM_CACHE", str(tmp_path / "kept"))
    assert cache_folder().exists()


def test_a_model_is_its_functions_and_the_stepper_knows_none():
    made = compiled(robertson())
    # Without links nothing is handed from block to block: one function solves.
    expected = [name not in ("block_forward", "block_backward") for name in FUNCTIONS]
    assert [f"def {name}(" in made.text for name in FUNCTIONS] == expected
    assert [address != 0 for address in made.functions("plain")] == expected
    assert "def advance(" in kernel_text("stepper")
    assert stepper() is stepper()


@pytest.fixture
def files(tmp_path, monkeypatch):
    """Ask for the code of `TEXT` as a new process does; the files of machine code that are there then."""
    monkeypatch.setenv("COLLAGENSIM_CACHE", str(tmp_path))

    def ask():
        monkeypatch.setattr(room, "_loaded", {})
        assert list(machine_code("product", TEXT, "plain")) == ["block_rates"]
        return sorted(tmp_path.glob("collagensim_product_plain_*.o"))

    return ask


def test_machine_code_is_kept(files, capsys):
    (path,) = files()
    before = path.stat().st_mtime_ns
    assert files() == [path]
    assert path.stat().st_mtime_ns == before
    assert capsys.readouterr().err.count("compiling product once") == 1


def test_machine_code_cut_short_is_never_loaded(files):
    (path,) = files()
    whole = path.read_bytes()
    for content in (whole[:-1], whole[:20], b""):
        path.write_bytes(content)
        assert files() == [path]
        assert path.read_bytes() == whole


def test_another_processor_gets_machine_code_of_its_own(files, monkeypatch):
    first = files()
    monkeypatch.setattr(room, "processor", lambda: "another processor")
    assert len(files()) == len(first) + 1
