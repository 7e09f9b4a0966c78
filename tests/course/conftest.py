"""What all tests of the course share: nbgrader asks the program alembic for its version once, not for each gradebook."""
import functools

import pytest


@pytest.fixture(scope="session", autouse=True)
def alembic_is_asked_once():
    from nbgrader import api
    real, api.get_alembic_version = api.get_alembic_version, functools.cache(api.get_alembic_version)
    yield
    api.get_alembic_version = real
