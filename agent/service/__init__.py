"""The agent over HTTP: runs, an OpenAI-compatible endpoint, a page to watch and decide, and the gateway beside them."""
