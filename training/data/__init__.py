"""Recordings and the windows made from them."""
