"""What is true of the files themselves, whatever they compute."""

import ast
import itertools
import json
import re
import tomllib

import pytest

from architecture import source_tree as source

FILES = source.project_files()
needs_git = pytest.mark.skipif(not FILES, reason="not a git checkout: the list of tracked files is unknown")

# Written with a class of one character, so that this file does not contain what it looks for.
MACHINE_PATHS = re.compile(r"/wor[k]\b|/tm[p]/|/roo[t]/|/hom[e]/\w|/User[s]/\w|[A-Z]:\\User[s]")
PACKAGE_HOSTS = re.compile(r"pypi\.or[g]|pythonhosted\.or[g]|extra-index-ur[l]")
OPEN_WORK = re.compile(r"\b(TOD[O]|FIXM[E]|XX[X])\b")


def hits(pattern: re.Pattern[str], under: str = "") -> list[str]:
    found = []
    for path in FILES:
        name = path.relative_to(source.ROOT).as_posix()
        if not name.startswith(under):
            continue
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except UnicodeDecodeError:
            continue  # a figure
        found += [f"{name}:{i}: {line.strip()}" for i, line in enumerate(lines, 1) if pattern.search(line)]
    return found


@needs_git
@pytest.mark.parametrize("pattern", [MACHINE_PATHS, PACKAGE_HOSTS], ids=["machine paths", "package hosts"])
def test_no_file_names_a_place_outside_the_repository(pattern: re.Pattern[str]) -> None:
    assert hits(pattern) == []


@needs_git
def test_open_work_is_not_left_in_the_source() -> None:
    assert hits(OPEN_WORK, "src/") == []


@needs_git
def test_notebooks_are_stored_without_outputs() -> None:
    stored = []
    for path in (p for p in FILES if p.suffix == ".ipynb"):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        stored += [path.name for cell in cells if cell.get("outputs") or cell.get("execution_count")]
    assert stored == []


def test_every_kernel_is_drawn_by_some_test() -> None:
    """A kernel is drawn when a test names it, or when another drawn kernel calls it."""
    tests = "\n".join(path.read_text(encoding="utf-8") for path in (source.ROOT / "tests").rglob("*.py"))
    named = set(re.findall(r"\w+", tests))
    kernels: dict[str, set[str]] = {}
    for module in source.modules():
        for node in source.tree(module).body if source.room(module) == "kernels" else ():
            if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
                # Two files may have a kernel of the same name.
                words = set(re.findall(r"\w+", ast.unparse(node))) - {node.name}
                kernels.setdefault(node.name, set()).update(words)
    drawn = named & set(kernels)
    while more := {called for name in drawn for called in kernels[name] & set(kernels)} - drawn:
        drawn |= more
    assert sorted(set(kernels) - drawn) == []


def test_the_version_is_the_same_everywhere() -> None:
    version = tomllib.loads(source.read("pyproject.toml"))["project"]["version"]
    cited = re.search(r"^version: (\S+)$", source.read("CITATION.cff"), re.MULTILINE)
    assert cited is not None
    assert cited[1].strip("\"'") == version
    assert f"## [{version}]" in source.read("CHANGELOG.md")


def test_constraints_pin_every_declared_dependency() -> None:
    project = tomllib.loads(source.read("pyproject.toml"))["project"]
    extras = project["optional-dependencies"].values()
    declared = [*project["dependencies"], *itertools.chain.from_iterable(extras)]
    names = {re.split(r"[^\w-]", text)[0].lower() for text in declared} - {source.PACKAGE}
    pinned = re.findall(r"^([\w-]+)==[\w.]+$", source.read("constraints.txt"), re.MULTILINE)
    assert names <= set(pinned)
