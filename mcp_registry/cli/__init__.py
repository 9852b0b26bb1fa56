"""The command line of search, sync and gateway; each module holds one sub-command, opened by `quartermaster`."""
