"""The commands of `python -m training`, one a file; heavy libraries are imported when they run."""
