"""The workspaces that tests of the worker act in: as those of the services, on both databases."""

from tests.services.conftest import *  # noqa: F403
