"""Model cards: made of measurements and records alone, and checked against them."""
