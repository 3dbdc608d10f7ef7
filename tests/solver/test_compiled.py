import os
import stat
import subprocess
import sys

import pytest

from collagensim.biology import robertson
from collagensim.model import Model, Parameter, Reaction, Source, Species
from collagensim.solver.compiled import cache_folder, compiled


def decay(power):
    a = Species("aa", "1", "cell", 1.0)
    k = Parameter("loss_rate", 1.0, "1/day", 0.0, 9.0, Source("assumed"), "assumed")
    return Model("decay", [a], reactions=[Reaction("loss", k * a**power, {a: -1})])


def test_an_edited_law_gives_another_module():
    assert compiled(decay(1)).module_name != compiled(decay(2)).module_name


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


@pytest.mark.slow
def test_a_second_process_finds_what_the_first_compiled(tmp_path):
    code = "import collagensim as cs; from collagensim.biology import robertson; cs.solve(robertson(), until=1.0)"
    environment = {**os.environ, "COLLAGENSIM_CACHE": str(tmp_path)}
    runs = [
        subprocess.run(
            [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
        )
        for _ in range(2)
    ]
    assert "compiling this model once" in runs[0].stderr
    assert runs[1].stderr == ""


def test_the_text_holds_model_and_stepper_in_one_file():
    text = compiled(robertson()).text
    assert "def block_rates" in text
    assert "def advance" in text
