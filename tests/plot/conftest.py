"""The fake course, loaded by path: test folders are no packages."""

import importlib.util
from pathlib import Path

import pytest

_path = Path(__file__).parents[1] / "response" / "fake.py"
_spec = importlib.util.spec_from_file_location("fake", _path)
assert _spec is not None
assert _spec.loader is not None
_fake = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_fake)


@pytest.fixture
def fake():
    return _fake


@pytest.fixture
def response():
    return _fake.fake_response()
