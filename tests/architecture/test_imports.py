"""Data flows one way through the rooms; this is the table of who may know whom."""

import ast
import graphlib
import subprocess
import sys

import pytest

from architecture import source_tree as source

# room: (rooms it may import, third parties it may import).
# Everybody may import errors and notice; nobody imports biology.
TABLE = {
    "errors": ("", ""),
    "notice": ("", ""),
    "kernels": ("", "numpy numba llvmlite"),
    "model": ("", "numpy pint sympy"),
    "biology": ("model", ""),
    "skin": ("", "numpy"),
    "treatment": ("skin", "numpy"),
    "write": ("model", "numpy sympy antimony"),
    "response": ("model skin treatment", "numpy xarray pandas"),
    "solver": ("model skin treatment write kernels response", "numpy numba scipy"),
    "analysis": ("model skin treatment solver response", "numpy scipy pandas xarray tqdm"),
    "plot": ("response model analysis treatment skin", "numpy pandas xarray matplotlib PIL"),
}
# The public names and the command line may import everything, lazily.
FACE = {"__init__", "face", "cli"}
# Methods that reach upward: one line that hands on, with its import in the body.
FORWARDS = {
    ("write", "solver"),
    ("response", "__init__"),
    ("response", "solver"),
    ("response", "analysis"),
    ("response", "face"),
}
HEAVY = ("numba", "scipy", "sympy", "matplotlib", "xarray", "pandas", "pint")

IN_ROOMS = [i for m in source.modules() if source.room(m) not in FACE for i in source.imports(m)]


def is_forward(found: source.Import) -> bool:
    """Whether the import stands in the body of a listed method that does nothing but hand on."""
    if (source.room(found.importer), source.room(found.target)) not in FORWARDS or found.function is None:
        return False
    body = [s for s in found.function.body if not isinstance(s, ast.Expr | ast.Import | ast.ImportFrom)]
    return len(body) <= 1


def test_every_module_lives_in_a_known_room() -> None:
    assert {source.room(module) for module in source.modules()} <= set(TABLE) | FACE


def test_rooms_import_only_the_rooms_the_table_allows() -> None:
    wrong = []
    for found in (i for i in IN_ROOMS if i.is_ours):
        here, there = source.room(found.importer), source.room(found.target)
        if there not in {here, "errors", "notice", *TABLE[here][0].split()} and not is_forward(found):
            wrong.append(f"{found.importer}:{found.line} imports {found.target}")
    assert not wrong, "\n".join(wrong)


def test_rooms_import_only_the_third_parties_the_table_allows() -> None:
    wrong = []
    for found in (i for i in IN_ROOMS if not i.is_ours and not i.for_types_only):
        party = found.target.split(".")[0]
        allowed = TABLE[source.room(found.importer)][1].split()
        if party not in sys.stdlib_module_names and party not in allowed:
            wrong.append(f"{found.importer}:{found.line} imports {found.target}")
    assert not wrong, "\n".join(wrong)


def test_no_module_imports_itself_through_others() -> None:
    at_import: dict[str, set[str]] = {module: set() for module in source.modules()}
    for found in (i for module in at_import for i in source.imports(module)):
        if found.is_ours and found.function is None and not found.for_types_only:
            at_import[found.importer].add(found.target)
    graphlib.TopologicalSorter(at_import).prepare()  # raises CycleError, which names the cycle


def test_no_public_function_shares_a_rooms_name() -> None:
    taken = [(m, name) for m in source.modules() for name in source.public_functions(m) if name in TABLE]
    assert not taken


@pytest.mark.parametrize("statement", ["import collagensim", "import collagensim; dir(collagensim)"])
def test_importing_the_package_loads_no_heavy_library(statement: str) -> None:
    code = f"import sys; {statement}; print(*[m for m in {HEAVY} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
