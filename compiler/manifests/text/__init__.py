"""Files to plain values: YAML, JSON, and where in a file a value stands."""
