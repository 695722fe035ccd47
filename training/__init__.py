"""Trains, measures and exports models. Offline; needs torch (the `train` extra)."""
