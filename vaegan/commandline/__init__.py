"""A command line: its flags read into a dataclass, its help, the table of all commands."""
