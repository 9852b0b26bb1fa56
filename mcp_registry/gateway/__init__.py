"""The gateway: one endpoint with three meta-tools, in front of every server."""
