"""Channels to servers: a child process's pipes, or HTTP. Each opens a `Link`; what runs over it is not known here."""
