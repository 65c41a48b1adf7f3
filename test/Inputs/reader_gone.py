"""reader_gone.py PROGRAM...: runs it with a pipe that nobody reads, with a closed standard output, and with a full one."""

import os
import subprocess
import sys

command = sys.argv[1:]

pipe = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
pipe.stdout.close()
said = pipe.stderr.read()
quiet = pipe.wait() != 0 and not said
print("reader gone:", "quiet and not zero" if quiet else (pipe.returncode, said))

closed = subprocess.run(command, stderr=subprocess.PIPE, preexec_fn=lambda: os.close(1), text=True)
print("closed:", closed.stderr.strip() if closed.returncode == 1 else closed.returncode)

with open("/dev/full", "w") as full:
    done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True)
print("full:", done.stderr.strip() if done.returncode == 1 else done.returncode)
