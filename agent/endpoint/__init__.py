"""Any OpenAI-compatible endpoint as an `LLM`: what it can do is probed once, and the rest is made up for."""
