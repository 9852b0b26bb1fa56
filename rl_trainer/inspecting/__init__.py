"""A look into groups: their trees, their runs turn by turn, and the credit of every token."""
