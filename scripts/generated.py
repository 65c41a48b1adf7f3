"""What the scripts that write a table or a page have in common: printing it, writing it, or holding the file against it."""

import sys
from pathlib import Path


def add_options(parser):
    parser.add_argument("-o", type=Path, dest="output")
    parser.add_argument("--check", action="store_true")


def deliver(text, arguments, complaint):
    """Prints text, or writes it to -o; with --check ends with the complaint where the file says otherwise."""
    if arguments.check:
        if arguments.output.read_text() != text:
            sys.exit(f"{arguments.output} is not {complaint}")
    elif arguments.output:
        arguments.output.write_text(text)
    else:
        print(text, end="")
