"""fails.py CODE PROGRAM...: the program must end with CODE, write nothing to stdout and one line to stderr, which is
printed."""

import subprocess
import sys

code, command = int(sys.argv[1]), sys.argv[2:]
done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True)
sys.stdout.buffer.write(done.stderr)
problems = []
if done.returncode != code:
    problems.append(f"exit status {done.returncode}, expected {code}")
if done.stdout:
    problems.append("something on stdout")
if done.stderr.count(b"\n") != 1 or not done.stderr.endswith(b"\n"):
    problems.append("not one line on stderr")
print("\n".join(problems), end="")
sys.exit(1 if problems else 0)
