"""Layouts of the emitted texts; no decisions are made here."""
