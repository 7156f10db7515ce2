"""What to write instead of what is wrong."""
