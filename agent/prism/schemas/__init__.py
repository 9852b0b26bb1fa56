"""Schemas that come along. Each is read as text, not imported; its docstring says what it is for."""
