"""terminal.py COLUMNS PROGRAM...: runs it on a terminal of that width; prints what it shows, escapes spelt out."""

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios

columns, command = int(sys.argv[1]), sys.argv[2:]
ours, theirs = pty.openpty()
fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
run = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=theirs)
os.close(theirs)
shown = b""
while True:
    try:
        part = os.read(ours, 4096)
    except OSError:  # the other end is closed
        break
    if not part:
        break
    shown += part
print(shown.decode().replace("\033", "<ESC>").replace("\r\n", "\n"), end="")
sys.exit(run.wait())
