"""README and docs promise only what exists, and the README's commands are where CI looks for them."""

import csv
import importlib
import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest

import collagensim
from architecture import source_tree as source

DOCUMENTS = [
    *sorted((source.ROOT / "docs").rglob("*.md")),
    *[source.ROOT / f"{name}.md" for name in ("README", "CONTRIBUTING", "SECURITY", "CODE_OF_CONDUCT")],
]
README = source.read("README.md")
PUBLIC_NAME = r"(?<![\w/])(?:cs|collagensim)\.((?:[A-Za-z]\w*\.)*[A-Za-z]\w*)"
COMMAND_LINE = r"(?:^|[\s`&;\\/])collagensim ([a-z]+)\b([^`\n|]*)"
OPTION = r"--[a-z][a-z-]*"
COMMANDS = dict(re.findall(r"^<!-- command: (\w+) -->\n+```\w*\n(.+)\n```$", README, re.MULTILINE))


def all_documents() -> str:
    return "\n".join(path.read_text(encoding="utf-8") for path in DOCUMENTS)


def resolve(dotted: str) -> object:
    """The object behind ``a.b.c``, importing modules on the way."""
    thing: object = collagensim
    for name in dotted.split("."):
        if not hasattr(thing, name) and inspect.ismodule(thing):
            importlib.import_module(f"{thing.__name__}.{name}")
        thing = getattr(thing, name)
    return thing


@pytest.mark.parametrize("name", ["run", "test"])
def test_readme_has_one_line_to_copy_for(name: str) -> None:
    assert COMMANDS[name].startswith("python3 -m venv .venv && ")
    assert "constraints.txt" in COMMANDS[name]


def test_the_run_line_installs_core_dependencies_only() -> None:
    assert "[" not in COMMANDS["run"]
    assert ".[test]" in COMMANDS["test"]


def test_documents_mention_only_public_names_that_exist() -> None:
    missing = []
    for dotted in sorted(set(re.findall(PUBLIC_NAME, all_documents()))):
        try:
            resolve(dotted)
        except (AttributeError, ImportError):
            missing.append(dotted)
    assert missing == []


def test_documents_link_only_to_files_that_exist() -> None:
    broken = []
    for path in DOCUMENTS:
        for target in re.findall(r"\]\(([^)#\s]+)", path.read_text(encoding="utf-8")):
            if "://" not in target and not (path.parent / target).exists():
                broken.append(f"{path.name}: {target}")
    assert broken == []


def test_the_tissue_card_names_what_is_measured_of_the_architecture() -> None:
    with (source.SOURCE / "biology" / "architecture.csv").open(encoding="utf-8") as table:
        measured = {row["name"] for row in csv.DictReader(table) if row["status"] == "measured"}
    assert measured == {
        "neutrophil_speed", "macrophage_speed", "tip_speed", "oxygen_diffusion", "oxygen_relaxation",
    }  # fmt: skip
    told = " ".join(source.read("docs/tissue_card.md").split())
    for said in (
        "the speeds of neutrophils and macrophages",
        "of tips of vessels",
        "diffusion and relaxation of oxygen",
    ):
        assert said in told


@pytest.mark.slow
def test_documents_use_only_commands_and_options_that_exist() -> None:
    wanted: dict[str, set[str]] = {}
    for command, rest in re.findall(COMMAND_LINE, all_documents(), re.MULTILINE):
        if "--" in rest or command in COMMANDS["run"].split():
            wanted.setdefault(command, set()).update(re.findall(OPTION, rest))
    assert "simulate" in wanted
    call = "import sys; from collagensim.cli import main; sys.exit(main())"
    for command, options in wanted.items():
        done = subprocess.run(
            [sys.executable, "-c", call, command, "--help"], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"collagensim {command}: {done.stderr}"
        assert options <= set(re.findall(OPTION, done.stdout)), command


@pytest.mark.slow
def test_the_readmes_quick_start_runs(tmp_path: Path) -> None:
    block = re.search(r"<!-- example: quick start -->\n+```python\n(.+?)\n```", README, re.DOTALL)
    assert block is not None
    assert len(block[1].splitlines()) <= 10
    command = [sys.executable, "-c", block[1]]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert list(tmp_path.glob("*.png"))
