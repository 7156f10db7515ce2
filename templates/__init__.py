"""Layouts of the emitted texts, which decide nothing, and the functions compiled from them."""
