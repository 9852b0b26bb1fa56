"""What a step makes small: losses over learnt tokens, and what changes a token's part in them (docs/objectives.md)."""
