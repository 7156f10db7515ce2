"""What ``cnpc apply`` does once something has to be loaded."""
