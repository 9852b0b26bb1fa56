"""A small embedding model learns what tools are asked for: `quartermaster retrieval train`."""
