"""The intermediate representation: programs of chains, rules, sets and maps."""
