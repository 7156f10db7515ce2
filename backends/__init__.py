"""What turns a Program into the text that one packet filter loads."""
