# SPDX-License-Identifier: GPL-2.0
"""What strace -f wrote: the calls of each thread, in the words of the records."""
import codecs
import re
from collections import defaultdict

STRING = r'@?"(?:[^"\\]|\\.)*"'
LINE = re.compile(r'(\d+) +(.*)\n')
BEGIN = re.compile(r'(\w+)\((.*)')
RESULT = re.compile(r'.*\) += (?:(\d+)|-1 (E\w+) \(.*\))$')
EXIT = re.compile(r'\+\+\+ (?:exited with (\d+)|killed by (\w+)(?: \(core dumped\))?) \+\+\+')
UNIX = re.compile(r'\d+, \{sa_family=AF_UNIX, sun_path=(' + STRING + r')\}, \d+\)')
INET = re.compile(r'\d+, \{sa_family=AF_INET, sin_port=htons\((\d+)\), '
                  r'sin_addr=inet_addr\("([\d.]+)"\)\}')
INET6 = re.compile(r'\d+, \{sa_family=AF_INET6, sin6_port=htons\((\d+)\), .*'
                   r'inet_pton\(AF_INET6, "([^"]+)"')


def _bytes(string):
    """A string of C; strace puts an @ before an abstract name of AF_UNIX."""
    abstract, string = string.startswith('@'), string.lstrip('@')[1:-1]
    return abstract * b'\0' + codecs.escape_decode(string.encode())[0]


def _path(name, args):
    """What is to be executed, as the kernel names it."""
    if name == 'execve':
        return _bytes(re.match(STRING, args).group())
    fd, string = re.match(rf'(\w+), ({STRING})', args).groups()
    path = _bytes(string)
    if fd == 'AT_FDCWD' or path.startswith(b'/'):
        return path
    return b'/dev/fd/' + fd.encode() + (b'/' + path if path else b'')


def _address(args):
    unix = UNIX.match(args)
    if unix:
        return _bytes(unix.group(1))
    inet = INET.match(args) or INET6.match(args)
    # The kernel itself writes ::1 where a program asks for ::.
    return inet and (re.sub('^::$', '::1', inet.group(2)), int(inet.group(1)))


def _call(begin, result):
    """A call that has ended, or None if sshobs does not tell of its kind."""
    name, args = begin
    number, errno = result
    if name.startswith('exec'):
        return ('exec_fail', _path(name, args), errno) if errno else ('exec', _path(name, args))
    if name == 'connect':
        address = _address(args)
        return address and ('connect', address, errno)
    return ('clone_fail', errno) if errno else ('clone', int(number))


def calls(path):
    """For each thread: what it did, in order. Calls that others interrupt are two lines."""
    done, pending = defaultdict(list), {}
    with open(path, encoding='ascii') as lines:
        for line in lines:
            tid, text = LINE.match(line).groups()
            begin, result, ended = BEGIN.match(text), RESULT.match(text), EXIT.match(text)
            if begin:
                pending[tid] = begin.groups()
            if result and tid in pending:
                call = _call(pending.pop(tid), result.groups())
                if call:
                    done[int(tid)].append(call)
            if ended:
                code, signal = ended.groups()
                done[int(tid)].append(('exit', signal or int(code)))
    return dict(done)
