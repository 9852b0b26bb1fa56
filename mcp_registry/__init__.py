"""Reaches servers: servers -> catalogue -> sessions -> gateway. The only floor that knows MCP."""
