# SPDX-License-Identifier: GPL-2.0
"""client.py FILE SSH-ARGUMENT...: a person's login, seen from the person's side of it.

Runs ssh on a terminal, notes when the bytes of the prompt arrive there, types a line
that has the shell say who it is, and leaves. Writes what it saw to FILE, as JSON.
"""
import json
import os
import pty
import re
import select
import sys
import time

# The shell is told to prompt with this; see ./run.
PROMPT = b'READY-FOR-YOU> '
LINE = b'echo "shell=$$ tty=$(tty) connection=$SSH_CONNECTION."; exit 6\n'
SAID = re.compile(rb'shell=(\d+) tty=/dev/(\S+) connection=(\S+) (\d+) (\S+) (\d+)\.')
# Seconds: long enough for an emulated machine under load.
PATIENCE = 120


class Terminal:
    def __init__(self, argv):
        self.text = b''
        self.pid, self.fd = pty.fork()
        if not self.pid:
            os.execvp(argv[0], argv)

    def more(self):
        """Read on. Return False at the end."""
        if not select.select([self.fd], [], [], PATIENCE)[0]:
            sys.exit(f'the terminal is silent for {PATIENCE} s; so far: {self.text!r}')
        try:
            chunk = os.read(self.fd, 65536)
        except OSError:     # EIO: the other side is closed
            return False
        self.text += chunk
        return bool(chunk)

    def wait_for(self, text):
        while text not in self.text:
            if not self.more():
                sys.exit(f'the login has ended without {text!r}: {self.text!r}')
        return time.monotonic_ns()

    def end(self):
        """To the end. Return ssh's exit status."""
        while self.more():
            pass
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


def main():
    terminal = Terminal(['ssh', '-tt', *sys.argv[2:]])
    prompt_ns = terminal.wait_for(PROMPT)
    # A person reads first. What is told by the first key only would be late.
    time.sleep(0.5)
    os.write(terminal.fd, LINE)
    status = terminal.end()
    said = SAID.search(terminal.text)
    if not said:
        sys.exit(f'the shell did not say who it is: {terminal.text!r}')
    shell, tty, peer_addr, peer_port, local_addr, local_port = map(bytes.decode, said.groups())
    seen = {
        'prompt_ns': prompt_ns, 'status': status, 'shell': int(shell), 'tty': tty,
        'peer_addr': peer_addr, 'peer_port': int(peer_port),
        'local_addr': local_addr, 'local_port': int(local_port),
    }
    with open(sys.argv[1], 'w', encoding='utf-8') as out:
        json.dump(seen, out)


main()
