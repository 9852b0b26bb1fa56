"""The front door: one command, `quartermaster`. It opens the floor that the sub-command names, and only that one."""
