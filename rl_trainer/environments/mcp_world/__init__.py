"""Any MCP server with a state as an environment: a fresh process for each world, rewarded by its end state."""
