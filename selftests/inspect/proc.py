# SPDX-License-Identifier: GPL-2.0
"""What /proc and ss(8) have of a process and of its sockets, in the words of sshobs inspect."""
import os
import re
import subprocess

LIMITS = {
    'CPU': 'Max cpu time', 'FSIZE': 'Max file size', 'DATA': 'Max data size',
    'STACK': 'Max stack size', 'CORE': 'Max core file size', 'RSS': 'Max resident set',
    'NPROC': 'Max processes', 'NOFILE': 'Max open files', 'MEMLOCK': 'Max locked memory',
    'AS': 'Max address space', 'LOCKS': 'Max file locks', 'SIGPENDING': 'Max pending signals',
    'MSGQUEUE': 'Max msgqueue size', 'NICE': 'Max nice priority',
    'RTPRIO': 'Max realtime priority', 'RTTIME': 'Max realtime timeout'}
NONE = 0xffffffff
TICK = os.sysconf('SC_CLK_TCK')


def read(pid, name):
    with open(f'/proc/{pid}/{name}', 'rb') as file:
        return file.read()


def stat(pid):
    """The fields after the name, which may hold anything; state is number 3."""
    return [None] * 3 + read(pid, 'stat').rpartition(b') ')[2].decode().split()


def ppid(pid):
    try:
        return int(stat(pid)[4])
    except (FileNotFoundError, ProcessLookupError):
        return 0


def pids():
    return [int(name) for name in os.listdir('/proc') if name.isdigit()]


def _number(value):
    return None if value == 'unlimited' else int(value)


def _none(value):
    return None if value == NONE else value


def status(pid):
    """All that is one number or one word."""
    lines = dict(line.split(':\t', 1) for line in read(pid, 'status').decode(
        errors='surrogateescape').splitlines())
    fields = stat(pid)
    told = {
        # Backslash and newline are escaped in status.
        'comm': read(pid, 'comm')[:-1].decode(), 'state': lines['State'][0],
        'pid': int(lines['Pid']), 'ppid': int(lines['PPid']), 'tracer': int(lines['TracerPid']),
        'threads': int(lines['Threads']), 'no_new_privs': bool(int(lines['NoNewPrivs'])),
        'seccomp': int(lines['Seccomp']), 'pgid': int(fields[5]), 'sid': int(fields[6]),
        'loginuid': _none(int(read(pid, 'loginuid'))),
        'audit_session': _none(int(read(pid, 'sessionid'))),
        'voluntary_switches': int(lines['voluntary_ctxt_switches']),
        'nonvoluntary_switches': int(lines['nonvoluntary_ctxt_switches'])}
    for line, names in (('Uid', 'uid euid suid fsuid'), ('Gid', 'gid egid sgid fsgid')):
        told.update(zip(names.split(), map(int, lines[line].split())))
    for name in 'Inh', 'Prm', 'Eff', 'Bnd', 'Amb':
        told['cap_' + name.lower()] = int(lines['Cap' + name], 16)
    for name, line in (('vm_kb', 'VmSize'), ('vm_peak_kb', 'VmPeak'), ('rss_kb', 'VmRSS'),
                       ('rss_peak_kb', 'VmHWM'), ('swap_kb', 'VmSwap'), ('locked_kb', 'VmLck')):
        told[name] = int(lines.get(line, '0').split()[0])
    try:
        told['exe'] = os.readlink(f'/proc/{pid}/exe')
    except FileNotFoundError:
        told['exe'] = None
    number = int(fields[7])
    major, minor = os.major(number), os.minor(number)
    told['tty'] = None if not number else f'pts/{(major - 136) * 256 + minor}'
    return told


def times(pid):
    """In ticks: when it began, user and system time."""
    fields = stat(pid)
    return {'start_boot_ns': int(fields[22]), 'utime_ns': int(fields[14]),
            'stime_ns': int(fields[15])}


def limits(pid):
    text = read(pid, 'limits').decode()
    return {name: tuple(map(_number, re.search(rf'^{line} +(\w+) +(\w+)', text, re.M).groups()))
            for name, line in LIMITS.items()}


def used(pid):
    """What counts against a limit, where /proc tells it."""
    lines = dict(line.split(':\t', 1) for line in read(pid, 'status').decode(
        errors='surrogateescape').splitlines())
    told = {'NOFILE': len(os.listdir(f'/proc/{pid}/fd')),
            'SIGPENDING': int(lines['SigQ'].split('/')[0])}
    for name, line in ('AS', 'VmSize'), ('DATA', 'VmData'), ('MEMLOCK', 'VmLck'):
        told[name] = 1024 * int(lines.get(line, '0').split()[0])
    return told


def _mounts(pid):
    """The device of each mount. Of a file in an overlay, stat tells another one."""
    lines = [line.split() for line in read(pid, 'mountinfo').decode().splitlines()]
    return {int(words[0]): tuple(map(int, words[2].split(':'))) for words in lines}


def fds(pid):
    told, mounts = {}, _mounts(pid)
    for name in os.listdir(f'/proc/{pid}/fd'):
        path = f'/proc/{pid}/fd/{name}'
        info = dict(line.split(':\t', 1) for line in read(pid, f'fdinfo/{name}').decode()
                    .splitlines() if ':\t' in line)
        file = os.stat(path)
        major, minor = mounts.get(int(info['mnt_id']),
                                  (os.major(file.st_dev), os.minor(file.st_dev)))
        told[int(name)] = {
            'path': os.readlink(path), 'pos': int(info['pos']), 'flags': int(info['flags'], 8),
            'mode': file.st_mode, 'ino': file.st_ino,
            'dev_major': major, 'dev_minor': minor,
            'rdev_major': os.major(file.st_rdev), 'rdev_minor': os.minor(file.st_rdev)}
    return told


def strings(data):
    """The strings of cmdline or environ, each of which ends in NUL."""
    parts = data.decode().split('\0')
    return parts[:-1] if parts[-1] == '' else parts


def _ss(*args):
    # Without cgroup2 it complains of that for each socket.
    return subprocess.run(('ss', '-H', '-O', *args), stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, check=True,
                          universal_newlines=True).stdout.splitlines()


USER = re.compile(r'pid=(\d+),fd=(\d+)')


def _users(line):
    return {(int(pid), int(fd)) for pid, fd in USER.findall(line)}


def _end(text):
    address, port = text.rsplit(':', 1)
    return address.strip('[]').replace('::ffff:', '').replace('*', '0.0.0.0'), int(port.replace('*', '0'))


def tcp_sockets():
    """By inode: what ss -tnpe has, and the numbers of ss -i."""
    told = {}
    for line in _ss('-t', '-a', '-n', '-p', '-e', '-i'):
        words = line.split()
        inode = re.search(r' ino:(\d+) ', line)
        if not inode:
            continue
        local, peer = _end(words[3]), _end(words[4])
        told[int(inode.group(1))] = {
            'state': words[0], 'local': local, 'peer': peer, 'users': _users(line),
            'cookie': int(re.search(r' sk:(\w+)', line).group(1), 16), 'info': _info(line)}
    return told


# Name in ss -i, member of struct tcp_info, and what that is a multiple of.
INFO = (('mss', 'snd_mss', 1), ('pmtu', 'pmtu', 1), ('rcvmss', 'rcv_mss', 1),
        ('advmss', 'advmss', 1), ('cwnd', 'snd_cwnd', 1), ('rto', 'rto', 1000),
        ('minrtt', 'min_rtt', 1000), ('bytes_sent', 'bytes_sent', 1),
        ('bytes_acked', 'bytes_acked', 1), ('bytes_received', 'bytes_received', 1),
        ('bytes_retrans', 'bytes_retrans', 1), ('segs_out', 'segs_out', 1),
        ('segs_in', 'segs_in', 1), ('data_segs_out', 'data_segs_out', 1),
        ('data_segs_in', 'data_segs_in', 1), ('delivered', 'delivered', 1),
        ('rcv_ssthresh', 'rcv_ssthresh', 1), ('rcv_space', 'rcv_space', 1),
        ('snd_wnd', 'snd_wnd', 1))


def _info(line):
    told = {}
    for name, member, factor in INFO:
        match = re.search(rf' {name}:([\d.]+)', line)
        if match:
            told[member] = round(float(match.group(1)) * factor)
    match = re.search(r' rtt:([\d.]+)/([\d.]+)', line)
    if match:
        told['rtt'], told['rttvar'] = (round(float(ms) * 1000) for ms in match.groups())
    return told


TYPES = {'u_str': 'stream', 'u_dgr': 'dgram', 'u_seq': 'seqpacket'}


def unix_sockets():
    """By inode: what ss -xpe has. A name may have blanks, but none is here."""
    told = {}
    for line in _ss('-x', '-a', '-p', '-e'):
        words = line.split()
        told[int(words[5])] = {
            'type': TYPES[words[0]], 'state': words[1], 'peer_ino': int(words[7]) or None,
            'local_name': None if words[4] == '*' else words[4], 'users': _users(line)}
    return told
