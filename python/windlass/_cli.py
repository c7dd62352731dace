"""The command `windlass`."""

import sys


def main() -> None:
    """Runs the command of the engine."""
    from windlass._native import native

    sys.exit(native().run_command(["windlass", *sys.argv[1:]]))
