"""Each state has a shape of its own, at every size."""

import pytest
from qtpy.QtGui import QImage

from kws_app.gui.icons import STATES, application_icon, state_icon

pytestmark = pytest.mark.usefixtures("qapp")


def image(state: str, size: int) -> QImage:
    return state_icon(state).pixmap(size, size).toImage()


@pytest.mark.parametrize("size", [16, 22, 32, 128])
def test_states_can_be_told_apart_without_colours(size: int) -> None:
    grey = [image(state, size).convertToFormat(QImage.Format.Format_Grayscale8) for state in STATES]
    for first in range(3):
        for second in range(first):
            different = sum(
                abs(grey[first].pixelColor(x, y).red() - grey[second].pixelColor(x, y).red()) > 24
                for x in range(size)
                for y in range(size)
            )
            assert different >= 0.02 * size * size, (STATES[first], STATES[second])


def test_it_is_drawn_at_the_size_asked_for() -> None:
    for size in (16, 24, 256):
        assert image("listening", size).size().width() == size


def test_the_application_has_the_icon_as_drawn() -> None:
    drawn = application_icon().pixmap(64, 64).toImage()
    assert drawn == image("listening", 64)
    assert drawn.pixelColor(32, 32).name() == "#ffc857"  # the bar in the middle
    assert drawn.pixelColor(0, 0).alpha() < 40  # round corners
