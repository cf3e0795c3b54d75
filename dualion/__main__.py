"""``python -m dualion``: the command line."""

from dualion.workflows.cli.main import main

if __name__ == "__main__":
    main()
