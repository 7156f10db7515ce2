"""What commands print and write: messages, diagnostics, JSON, files."""
