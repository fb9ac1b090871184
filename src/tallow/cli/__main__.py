"""Run the command line as `python -m tallow.cli`."""

from tallow.cli import main

main()
