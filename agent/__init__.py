"""Acts: goal -> plan tree -> tool calls -> memory -> answer. The only floor that knows LangGraph."""
