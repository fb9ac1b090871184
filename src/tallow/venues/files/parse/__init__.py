"""Bytes of every known file format become columns: pure functions, no path, no clock."""
