"""Run the command line: `python -m notify`."""

from notify.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
