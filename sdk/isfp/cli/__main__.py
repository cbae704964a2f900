"""`python -m isfp.cli`."""

from isfp.cli.main import main

main()
