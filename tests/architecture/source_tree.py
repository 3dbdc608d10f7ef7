"""The package's source as syntax trees: who imports whom, and which names each module defines."""

import ast
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = "collagensim"
SOURCE = ROOT / "src" / PACKAGE


@dataclass(frozen=True)
class Import:
    """One imported module, ``target``, and where the statement stands in module ``importer``."""

    importer: str
    target: str
    line: int
    function: ast.FunctionDef | None
    for_types_only: bool

    @property
    def is_ours(self) -> bool:
        return self.target.split(".")[0] == PACKAGE


@cache
def modules() -> dict[str, Path]:
    """Dotted name -> file, for every module of the package."""
    found = {}
    for path in sorted(SOURCE.rglob("*.py")):
        parts = path.relative_to(SOURCE.parent).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


@cache
def tree(module: str) -> ast.Module:
    return ast.parse(modules()[module].read_text(encoding="utf-8"))


def room(module: str) -> str:
    """``collagensim.solver.ode`` -> ``solver``; the package itself is the room ``__init__``."""
    return [*module.split("."), "__init__"][1]


@cache
def imports(module: str) -> tuple[Import, ...]:
    return tuple(_walk(module, tree(module), None, False))


def _walk(module: str, node: ast.AST, function: ast.FunctionDef | None, types: bool) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import | ast.ImportFrom):
            for target in _targets(module, child):
                yield Import(module, target, child.lineno, function, types)
        elif isinstance(child, ast.FunctionDef):
            yield from _walk(module, child, child, types)
        else:
            only = isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test)
            yield from _walk(module, child, function, types or only)


def _targets(module: str, node: ast.Import | ast.ImportFrom) -> list[str]:
    """Full names of the imported modules; ``from package import submodule`` names the submodule."""
    if isinstance(node, ast.Import):
        return [name.name for name in node.names]
    base = node.module or ""
    if node.level:
        is_package = modules()[module].name == "__init__.py"
        parents = module.split(".")
        parents = parents[: len(parents) - node.level + is_package]
        base = ".".join([*parents, base] if base else parents)
    inside = [f"{base}.{name.name}" for name in node.names]
    return sorted({name if name in modules() else base for name in inside})


def public_functions(module: str) -> list[str]:
    body = tree(module).body
    return [node.name for node in body if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")]


@cache
def project_files() -> tuple[Path, ...]:
    """Files under version control, and new ones that are not ignored; empty outside a git checkout."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listing = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    names = [ROOT / name for name in listing.stdout.split("\0") if name]
    return tuple(path for path in names if path.is_file())


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")
