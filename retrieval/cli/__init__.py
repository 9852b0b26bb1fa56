"""The sub-commands of this floor."""
