"""Ruleset files: their names, their header, how they are read."""
