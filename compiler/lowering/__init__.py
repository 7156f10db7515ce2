"""Policies to a Program: tiers, rules, base chains, dispatch to pods."""
