"""What people run: the headless console now; the window imports the same parts."""

__version__ = "0.1.0"
