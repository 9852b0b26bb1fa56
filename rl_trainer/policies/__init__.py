"""Engines that a policy samples in: this process, or a server."""
