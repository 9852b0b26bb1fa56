"""The command line of the top floor."""
