"""Policies and the cluster as values, and which endpoints a policy selects."""
