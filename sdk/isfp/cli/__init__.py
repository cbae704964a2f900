"""The command line, `isfp`: one command a file."""
