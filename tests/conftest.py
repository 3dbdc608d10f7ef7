"""What every test shares: the ``--long`` option and a plot backend that needs no screen."""

import os
from types import ModuleType

import pytest

from collagensim.response import Response
from naive import fake_course

os.environ.setdefault("MPLBACKEND", "Agg")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--long", action="store_true", help="run the tests marked `long` too (minutes each)")


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
