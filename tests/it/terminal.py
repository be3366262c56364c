"""Holds a pseudo-terminal for `poolcast repl` and types into it.

Arguments: the binary, the history file. Exit code 0 when every expectation was met.
"""
import fcntl
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import time

binary, history = sys.argv[1:3]
pid, master = pty.fork()
if pid == 0:
    os.environ["TERM"] = "xterm"
    os.environ["NO_COLOR"] = "1"
    os.execv(binary, [binary, "repl", "--history", history])
fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))

seen = b""


def read(seconds):
    """Reads what is there; answers the editor when it asks where the cursor is."""
    global seen
    ready, _, _ = select.select([master], [], [], seconds)
    if not ready:
        return True
    try:
        part = os.read(master, 65536)
    except OSError:
        return False
    if not part:
        return False
    seen += part
    for _ in range(part.count(b"\x1b[6n")):
        os.write(master, b"\x1b[1;1R")
    return True


def plain():
    text = re.sub(rb"\x1b\[[0-9;?<>=]*[a-zA-Z]", b"", seen)
    return re.sub(rb"\x1b[^\[]", b"", text).decode("utf-8", "replace")


def expect(what, seconds=60):
    end = time.time() + seconds
    while what not in plain():
        if time.time() > end or not read(0.2):
            print(f"did not see {what!r} in\n{plain()}")
            os.kill(pid, signal.SIGKILL)
            sys.exit(1)


def send(keys):
    global seen
    # What is still on its way belongs to the step before.
    while select.select([master], [], [], 0.15)[0]:
        if not read(0):
            break
    seen = b""
    os.write(master, keys)


expect("Ctrl-D leaves")
expect("> ")
# Completion: the only candidate is put in.
send(b":hel\t")
expect(":help ")
send(b"\r")
expect("What you type is evaluated")
send(b"x = $PendingT\t")
expect("$PendingTasks")
# Ctrl-C throws the line away, not the session.
send(b"\x03")
expect("> ")
# A statement over two lines.
send(b"y = min(50,\r")
expect(". ")
send(b"6 * 7)\r")
expect("y = 42 (double)")
send(b"6 * 7\r")
expect("42 (double)")
# Ctrl-C ends a run where it is.
send(b"$TargetDedicatedNodes = 2\r")
expect("asks for 2 dedicated nodes")
send(b":sim sampler.period=1s\r")
expect("lets time pass")
send(b":run 365d\r")
time.sleep(1.0)
os.write(master, b"\x03")
expect("stopped here")
send(b"y + 1\r")
expect("43 (double)")
# Ctrl-D leaves.
send(b"\x04")
end = time.time() + 30
while time.time() < end:
    read(0.1)
    done, status = os.waitpid(pid, os.WNOHANG)
    if done:
        sys.exit(os.waitstatus_to_exitcode(status))
print("still there after Ctrl-D\n" + plain())
os.kill(pid, signal.SIGKILL)
sys.exit(1)
