"""Machine code kept between processes is used again while it holds, and never after what it was made of has changed."""

import itertools
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import collagensim

# A law of biology, a constant of the stepper, a kernel that the stepper calls, a writer: (file, text, other text).
EDITS = {
    "law": ("biology/small.py", "p.slow_conversion * aa", "2.0 * p.slow_conversion * aa"),
    "stepper": ("kernels/control.py", "SAFETY, MOST, LEAST = 0.9,", "SAFETY, MOST, LEAST = 0.7,"),
    "kernel": ("kernels/linear.py", "vector[columns[k]])", "4.0 * vector[columns[k]])"),
    "writer": (
        "write/kernel.py",
        "values[{k}] = {_bare(slopes.use(node))}",
        "values[{k}] = 0.9 * {slopes.use(node)}",
    ),
}
CODE = """
import collagensim as cs
from collagensim.biology import robertson
response = cs.solve(robertson(), until=40.0, times=[0.0, 40.0])
print(cs.__file__, response.statistics["steps"], [float(response.data[name][-1]) for name in ("aa", "bb", "cc")])
"""


class Copy:
    """The package in a folder of its own, with a cache of its own, run in fresh processes."""

    def __init__(self, folder):
        self.package, self.cache = folder / "collagensim", folder / "cache"
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(Path(collagensim.__file__).parent, self.package, ignore=ignored)

    def run(self, code=CODE):
        """What one process prints of its solve, and on its standard error."""
        environment = {
            **os.environ, "PYTHONPATH": str(self.package.parent), "COLLAGENSIM_CACHE": str(self.cache),
            "PYTHONDONTWRITEBYTECODE": "1",
        }  # fmt: skip
        done = subprocess.run(
            [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
        )
        assert done.stdout.startswith(str(self.package))
        return done.stdout, done.stderr

    def machine_code(self):
        """Files of machine code and when they were written."""
        places = self.cache.glob("*.o"), self.cache.glob("__pycache__/*.nb[ci]")
        return {path.name: path.stat().st_mtime_ns for path in itertools.chain(*places)}

    def edit(self, name, old, new):
        path = self.package / name
        text = path.read_text(encoding="utf-8")
        assert text.count(old) == 1
        path.write_text(text.replace(old, new), encoding="utf-8")


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    return Copy(tmp_path_factory.mktemp("copy"))


@pytest.fixture(scope="module")
def first(copy):
    return copy.run()


@pytest.mark.slow
def test_a_second_process_finds_what_the_first_compiled(copy, first):
    before = copy.machine_code()
    second = copy.run()
    assert "compiling robertson once" in first[1]
    assert "compiling the solver once" in first[1]
    assert second == (first[0], "")
    assert copy.machine_code() == before
    assert before


@pytest.mark.slow
def test_kept_machine_code_is_loaded_without_getting_numba_ready_to_compile(copy, first):
    # SciPy's linear algebra is the dearest of what numba imports before it compiles anything.
    found, _ = copy.run(f"{CODE}\nimport sys\nprint('scipy.linalg' in sys.modules)")
    assert found == f"{first[0]}False\n"


@pytest.mark.slow
def test_an_edited_law_is_noticed_and_leaves_the_stepper_as_it_is(copy, first):
    copy.edit(*EDITS["law"])
    found, said = copy.run()
    assert found != first[0]
    assert "compiling robertson once" in said
    assert "the solver" not in said


@pytest.mark.slow
@pytest.mark.parametrize(
    "what",
    [
        "kernel",
        pytest.param("stepper", marks=pytest.mark.long),
        pytest.param("writer", marks=pytest.mark.long),
    ],
)
def test_an_edit_of_what_machine_code_is_made_of_is_noticed(copy, first, what):
    before, files = copy.run()[0], copy.machine_code()
    copy.edit(*EDITS[what])
    found, said = copy.run()
    assert found != before
    assert "compiling the solver once" in said
    # What others may still use stays.
    assert files.items() < copy.machine_code().items()
