"""Finds tools: tool descriptions -> vectors and words -> ranked hits. The ground floor; it knows nothing of MCP."""
