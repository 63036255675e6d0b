#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""sshobs inspect of the logins from some addresses, field by field, with /proc and ss.

/proc and ss are read before and after: what sshobs tells has to be what one of them had, or to
lie between them, where it is a number that moves.
"""
import json
import subprocess
import sys

import proc

# What a process that waits may still change by itself; kB, and the tolerance of VmRSS.
RSS_SLACK = 512
# The server was started with it.
MARK = 'SSHOBS_MARK=given at exec'
counts = {'processes': 0, 'fields': 0, 'fds': 0, 'sockets': 0}
wrong = []


def expect(where, name, told, *wanted):
    counts['fields'] += 1
    if told not in wanted:
        wrong.append(f'{where} {name}: {told!r}, not {wanted[0]!r}')


def between(where, name, told, before, after, slack=0):
    counts['fields'] += 1
    if not min(before, after) - slack <= told <= max(before, after) + slack:
        wrong.append(f'{where} {name}: {told!r}, not from {before!r} to {after!r}')


def inspect(*args):
    return json.loads(subprocess.run(('sshobs', 'inspect', '-q', '-o', 'json', *args),
                                     stdout=subprocess.PIPE, check=True).stdout.decode())


def reading(pids):
    """All that /proc has of some processes."""
    told = {}
    for pid in pids:
        told[pid] = {'status': proc.status(pid), 'times': proc.times(pid),
                     'limits': proc.limits(pid), 'used': proc.used(pid), 'fds': proc.fds(pid),
                     'argv': proc.strings(proc.read(pid, 'cmdline')),
                     'environ': proc.strings(proc.read(pid, 'environ'))}
    return told


def compare_status(where, told, before, after):
    for name, value in before['status'].items():
        if name in ('rss_kb', 'rss_peak_kb'):
            between(where, name, told[name], value, after['status'][name], RSS_SLACK)
        elif name.endswith('switches'):
            between(where, name, told[name], value, after['status'][name])
        else:
            expect(where, name, told[name], value, after['status'][name])
    for name, value in before['times'].items():
        between(where, name, told[name] * proc.TICK // 10**9, value, after['times'][name], 1)
    expect(where, 'argv', told['argv'], before['argv'], after['argv'])
    expect(where, 'environ', told['environ'], before['environ'], after['environ'])


def compare_environ(where, told):
    """What was given at exec: as it still is, or for the server, with the mark that it was given."""
    given = told['exec_environ']
    if told['environ_overwritten']:
        expect(where, 'environ', MARK in told['environ'], False)
        expect(where, 'exec_environ', MARK in (given or []), True)
    elif given is not None and not told['exec_environ_cut']:
        expect(where, 'exec_environ', given, told['environ'])


def compare_limits(where, told, before, after):
    limits = {limit['name']: limit for limit in told['limits']}
    expect(where, 'limits', sorted(limits), sorted(before['limits']))
    for name, (soft, hard) in before['limits'].items():
        expect(where, name + ' soft', limits[name]['soft'], soft)
        expect(where, name + ' hard', limits[name]['hard'], hard)
    for name, value in before['used'].items():
        between(where, name + ' used', limits[name]['used'], value, after['used'][name])


def compare_tcp(where, told, before, after):
    expect(where, 'family', told['family'] in ('inet', 'inet6'), True)
    expect(where, 'state', told['state'], before['state'], after['state'])
    expect(where, 'local', (told['local_addr'], told['local_port']), before['local'])
    expect(where, 'peer', (told['peer_addr'], told['peer_port']), before['peer'])
    expect(where, 'cookie', told['cookie'], before['cookie'])
    if told['state'] != 'LISTEN':
        for name, value in before['info'].items():
            between(where, 'tcp_info ' + name, told['tcp_info'][name], value,
                    after['info'].get(name, value))


def compare_unix(where, told, before):
    expect(where, 'family', told['family'], 'unix')
    for name in 'type', 'state', 'peer_ino', 'local_name':
        value = told[name]
        if name == 'local_name' and value and value[0] == '\0':
            value = '@' + value[1:]
        expect(where, name, value, before[name])


def compare_socket(where, told, before, after):
    counts['sockets'] += 1
    inode = told['ino']
    if inode in before['tcp']:
        compare_tcp(where, told, before['tcp'][inode], after['tcp'].get(inode))
    elif inode in before['unix']:
        compare_unix(where, told, before['unix'][inode])
    else:
        expect(where, 'family', told['family'] in ('tcp', 'unix'), False)


def compare_fds(where, told, before, after):
    fds = {fd['fd']: fd for fd in told['fds']}
    expect(where, 'fds', sorted(fds), sorted(before['fds']), sorted(after['fds']))
    for number in fds.keys() & before['fds'].keys() & after['fds'].keys():
        counts['fds'] += 1
        here = f'{where} fd {number}'
        for name, value in before['fds'][number].items():
            expect(here, name, fds[number][name], value, after['fds'][number][name])


def holders(told, *names):
    return {(holder['pid'], holder['fd']) for name in names for holder in told[name]}


def compare_links(told, sockets):
    """Each end's holders are those that ss names, and each pair that ss has is there."""
    members = {process['pid'] for process in told['processes']}
    for link in told['links']:
        if link['kind'] == 'tcp':
            expect('link', 'tcp', holders(link, 'holders'), sockets['tcp'][link['ino']]['users'])
        elif link['kind'] == 'unix':
            for ino, name in (link['ino'], 'holders'), (link['peer_ino'], 'peer_holders'):
                expect('link', f'unix {ino}', holders(link, name), sockets['unix'][ino]['users'])
    pairs = set()
    for inode, one in sockets['unix'].items():
        other = sockets['unix'].get(one['peer_ino'])
        if other and {pid for pid, _ in one['users']} <= members and one['users'] and \
                other['users'] and {pid for pid, _ in other['users']} <= members and \
                len({pid for pid, _ in one['users'] | other['users']}) > 1:
            pairs.add((min(inode, one['peer_ino']), max(inode, one['peer_ino'])))
    expect('links', 'unix', {(link['ino'], link['peer_ino']) for link in told['links']
                             if link['kind'] == 'unix'}, pairs)


def members_of(peer, sockets):
    """Who descends from the process that serves a client. Two addresses may have the same port."""
    users = [socket['users'] for socket in sockets['tcp'].values()
             if socket['peer'] == peer and socket['state'] == 'ESTAB'
             and socket['local'][1] in (22, 222)]
    return descendants(min(pid for pid, _ in users[0]))


def descendants(first):
    parents = {pid: proc.ppid(pid) for pid in proc.pids()}
    found, more = set(), {first}
    while more:
        found |= more
        more = {pid for pid, parent in parents.items() if parent in more}
    return found


def compare(session, orphan, sockets):
    """One session; an orphan left it for pid 1, and is known by its name."""
    wanted = members_of((session['peer_addr'], session['peer_port']), sockets)
    for pid in proc.pids():
        if orphan and proc.read(pid, 'comm').startswith(orphan.encode()):
            wanted |= descendants(pid)
    before = reading(wanted)
    told = inspect(str(session['session']))
    after = reading(wanted)
    where = session['peer_addr']
    expect(where, 'processes', {one['pid'] for one in told['processes']}, wanted)
    for process in told['processes']:
        pid = process['pid']
        if pid not in wanted:
            continue
        counts['processes'] += 1
        name = f'{where} {process["comm"]}[{pid}]'
        expect(name, 'session', process['session'], session['session'])
        compare_status(name, process, before[pid], after[pid])
        compare_environ(name, process)
        compare_limits(name, process, before[pid], after[pid])
        compare_fds(name, process, before[pid], after[pid])
    compare_links(told, sockets)
    return told


def sockets_now():
    return {'tcp': proc.tcp_sockets(), 'unix': proc.unix_sockets()}


def up():
    """By the client's address: the sessions that are up."""
    lines = subprocess.run(('sshobs', 'list', '-o', 'json'), stdout=subprocess.PIPE,
                           check=True).stdout.decode().splitlines()
    return {one['peer_addr']: one for one in map(json.loads, lines) if one['state'] == 'up'}


def main():
    sessions, before = up(), sockets_now()
    told = [compare(sessions[address], orphan, before) for address, _, orphan in
            (arg.partition('=') for arg in sys.argv[1:])]
    after = sockets_now()
    for process in (one for session in told for one in session['processes']):
        for fd in process['fds']:
            if fd['kind'] == 'socket':
                where = f'{process["comm"]}[{process["pid"]}] fd {fd["fd"]}'
                compare_socket(where, fd, before, after)
    print(', '.join(f'{count} {name}' for name, count in counts.items()))
    if wrong:
        print('\n'.join(wrong[:40]))
    sys.exit(bool(wrong) or not all(counts.values()))


main()
