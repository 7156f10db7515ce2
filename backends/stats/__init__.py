"""What ``cnpc stats`` counts: a ruleset's size, and the cost of connections."""
