"""Four small worlds of tools: files, a database, tickets, a home."""
