"""PRISM (arXiv 2412.18914): a typed memory that a model revises chunk by chunk, in place of reading all at once."""
