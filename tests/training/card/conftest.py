"""A card and everything that it was made of, once for all tests of cards."""

import pytest
from card_world import World, make_world


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Read only."""
    return make_world(tmp_path_factory.mktemp("card"))
