"""Passes: pure functions Program to Program, one a file."""
