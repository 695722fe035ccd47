"""Figures of models, counted by events, through the code that ships."""
