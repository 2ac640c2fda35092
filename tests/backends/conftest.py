"""These tests use the servers and the client of the black-box tests."""
import itertools
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "e2e"))


@pytest.fixture
def user(counter=itertools.count(1)):
    """A user name that no other test has."""
    return f"user{next(counter)}"
