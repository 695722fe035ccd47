"""No test of the window needs a display."""

import os
import tempfile

os.environ["QT_QPA_PLATFORM"] = "offscreen"
os.environ["QT_API"] = "pyqt5"
os.environ.setdefault("XDG_RUNTIME_DIR", tempfile.mkdtemp(prefix="kws-tests-"))  # else Qt warns
