"""Thresholds from a promise: at most so many false alarms a day, and what that costs."""
