"""A mutation run: which small changes to the product no test notices."""
