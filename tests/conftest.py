"""What every test shares: the ``--long`` option and a plot backend that needs no screen."""

import os
from pathlib import Path
from types import ModuleType

import pytest

import collagensim
from collagensim.response import Response
from naive import fake_course

os.environ.setdefault("MPLBACKEND", "Agg")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--long", action="store_true", help="run the tests marked `long` too (minutes each)")


def pytest_configure(config: pytest.Config) -> None:
    """Throw away machine code of kernels that is older than one of them.

    The package keys its own by all their texts. Tests import kernels by name, and numba knows machine code by one file:
    it does not see a change in another whose functions were drawn into it.
    """
    if hasattr(config, "workerinput"):  # the process that started this one has done it
        return
    kernels = Path(collagensim.__file__).with_name("kernels")
    changed = max(path.stat().st_mtime for path in kernels.glob("*.py"))
    for kept in (kernels / "__pycache__").glob("*.nb[ic]"):
        if kept.stat().st_mtime < changed:
            kept.unlink(missing_ok=True)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--long"):
        return
    wait = pytest.mark.skip(reason="takes minutes: run with --long")
    for item in items:
        if item.get_closest_marker("long"):
            item.add_marker(wait)


@pytest.fixture
def fake() -> ModuleType:
    """Builders of plausible courses without the engine."""
    return fake_course


@pytest.fixture
def response() -> Response:
    return fake_course.fake_response()
