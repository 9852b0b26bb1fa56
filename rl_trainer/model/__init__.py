"""The language model that learns: made from scratch, opened from a folder or a GGUF file, with adapters, saved."""
