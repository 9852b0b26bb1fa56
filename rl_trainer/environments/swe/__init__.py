"""Software engineering: a repository, an issue, tools to mend it, and hidden tests that grade the patch."""
