import os
import stat
import sys

import numpy as np
import pytest

from collagensim.biology import robertson
from collagensim.kernels import FUNCTIONS, stepper_text
from collagensim.model import Model, Parameter, Reaction, Source, Species
from collagensim.solver.compiled import cache_folder, compiled, stepper


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
    assert [f"def {name}(" in made.text for name in FUNCTIONS] == [True] * len(FUNCTIONS)
    assert np.all(made.functions("plain") != 0)
    assert "def advance(" in stepper_text()
    assert stepper() is stepper()
