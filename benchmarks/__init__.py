"""Speed, always as a ratio to a reference that runs beside it in the same process."""
