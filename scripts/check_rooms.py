#!/usr/bin/env python3
"""Holds every #include against the order of the rooms: nobody knows those after it, and protobuf stays in two of them."""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# The rooms that each room may know; lib/CMakeLists.txt links the same.
KNOWS = {
    "Symbolic": "",
    "IR": "Symbolic",
    "Target": "Symbolic IR",
    "Ops": "Symbolic IR",
    "Analysis": "Symbolic IR Ops Target",
    "Transform": "Symbolic IR Ops Target Analysis",
    "Report": "Symbolic IR Ops Target Analysis Transform",
    "Import": "Symbolic IR Ops",
    "Export": "Symbolic IR Ops Import",
}
SEES_PROTOBUF = ("Import", "Export")
INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]', re.MULTILINE)


def main():
    complaints = []
    for room, known in KNOWS.items():
        known = {room, *known.split()}
        folders = (ROOT / "include" / "xfa" / room, ROOT / "lib" / room)
        for path in sorted(path for folder in folders for path in folder.rglob("*") if path.suffix in (".h", ".cpp", ".def")):
            for included in INCLUDE.findall(path.read_text()):
                where = f"{path.relative_to(ROOT)}: includes {included}"
                parts = included.split("/")
                if parts[0] == "xfa" and len(parts) > 2 and parts[1] not in known:
                    complaints.append(f"{where}, but {room} may know only {', '.join(sorted(known))}")
                if parts[0] == "onnx" or included.startswith("google/protobuf"):
                    if room not in SEES_PROTOBUF or path.is_relative_to(ROOT / "include"):
                        complaints.append(f"{where}, but protobuf is visible only in the sources of {', '.join(SEES_PROTOBUF)}")
    print("\n".join(complaints), end="\n" if complaints else "")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
