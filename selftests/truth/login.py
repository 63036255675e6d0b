# SPDX-License-Identifier: GPL-2.0
"""login.py events|prompt DIR SHELL: a login of alice on a terminal, compared with what its
client saw, what its shell said, what ssh -v printed and what reached the system's log.

DIR holds seen (client.py), records (sshobs -o json), ssh.log and auth.log; SHELL is the
path of her login shell.
"""
import json
import os
import re
import sys

from records import Wrong, expect, load, octets, only, session_of

ALICE = 1000
# How far the prompt's record may be from its bytes, in nanoseconds of the guest's time.
PROMPT_BAR = 100_000_000

# The names of the messages of the negotiation, in order; the first one is a line.
NEGOTIATION = {
    'out': [None, 'KEXINIT', 'KEX_REPLY', 'NEWKEYS'],
    'in': [None, 'KEXINIT', 'KEX_INIT', 'NEWKEYS'],
}
IDS = ('uid', 'euid', 'suid', 'gid', 'cap_eff')


def expect_order(what, steps):
    numbers = [step['seq'] for step in steps]
    if numbers != sorted(set(numbers)):
        told = ' '.join(f"{step['seq']}:{step['event']}" for step in steps)
        raise Wrong(f'{what} is not in order: {told}')


def beginning(records, session, seen):
    """From the SYN to the program that serves the connection."""
    syn = only(records, 'syn', peer_port=seen['peer_port'], session=0)
    expect('first events', ['established', 'accept', 'clone', 'exec'],
           [record['event'] for record in session[:4]])
    expect('who accepts and forks', [session[1]['pid']] * 3, [r['pid'] for r in session[:3]])
    expect('who becomes a program', session[2]['child'], session[3]['pid'])
    for event in ('established', 'accept', 'close'):
        only(session, event, **{key: seen[key] for key in
                                ('peer_addr', 'peer_port', 'local_addr', 'local_port')})
    return [syn, *session[:4]]


def negotiation(session, direction, version):
    """What one side said in clear text: its version, and the messages up to NEWKEYS."""
    told = [r for r in session if r['event'] == 'wire' and r['direction'] == direction]
    expect(f'clear text {direction}', NEGOTIATION[direction], [r.get('message') for r in told])
    expect(f'flags {direction}', [['whole']] * 3 + [['whole', 'last']], [r['flags'] for r in told])
    line = octets(told[0], 'data').decode()
    if not line.startswith('SSH-2.0-') or not line.endswith(version + '\r\n'):
        raise Wrong(f'the version {version!r} is told as {line!r}')
    return told


def acceptance(session, seen):
    """The way into the log, and the line there that says who was let in."""
    line = (f"Accepted publickey for alice from {seen['peer_addr']} "
            f"port {seen['peer_port']} ssh2: ED25519 ")
    logged = [r for r in session if r['event'] == 'log' and line in r['text']]
    expect('lines that say who was accepted', 1, len(logged))
    ways = [r for r in session if r['event'] == 'connect' and r['pid'] == logged[0]['pid']
            and r.get('path') == '/dev/log' and r['result'] == 0]
    if not ways:
        raise Wrong('who writes to the log does not connect to it')
    return [ways[0], logged[0]]


def shell(session, seen, path):
    """From the terminal to the end of the shell; and how it became the user's."""
    pid, number = seen['shell'], int(seen['tty'].split('/')[1])
    clone = only(session, 'clone', child=pid)
    cred = only(session, 'cred', pid=clone['pid'], uid=ALICE, euid=ALICE, suid=ALICE)
    ran = only(session, 'exec', pid=pid)
    expect('the shell', (path, ['-' + os.path.basename(path)], seen['tty'], ALICE),
           (ran['path'], ran['argv'], ran['tty'], ran['uid']))
    left = only(session, 'exit', pid=pid)
    expect("the shell's exit status", seen['status'], left['code'])
    for event in ('pty', 'prompt'):
        only(session, event, pts=number)
    return ([only(session, 'pty'), ran, only(session, 'prompt', pid=pid), left],
            [cred, clone, ran])


def expect_processes(session):
    """Each child is told of once and ends once, and nothing is told of strangers."""
    children = [r['child'] for r in session
                if r['event'] == 'clone' and 'CLONE_THREAD' not in r['flags']]
    expect('processes that end', sorted(children),
           sorted(r['pid'] for r in session if r['event'] == 'exit'))
    server = only(session, 'accept')['pid']
    expect('strangers', set(), {r['pid'] for r in session} - {*children, server, 0})


def expect_credentials(session):
    """Each change begins with what the one before it, or the parent, ended with."""
    now = {}
    for record in session:
        if record['event'] == 'clone':
            now[record['child']] = now.get(record['pid'])
        elif record['event'] == 'cred':
            before = [record['old_' + key] for key in IDS]
            after = [record[key] for key in IDS]
            if before == after:
                raise Wrong(f"record {record['seq']} changes nothing")
            expect(f"before record {record['seq']}", now.get(record['pid']) or before, before)
            now[record['pid']] = after


def expect_log(session, auth_log):
    """Line by line, what the members sent is what the system's log has of them."""
    logged = [r for r in session if r['event'] == 'log']
    pids = {r['pid'] for r in logged}
    # busybox puts the host and the priority between the time and the message.
    lines = re.findall(r'^\w+ +\d+ \S+ \S+ \S+ ((\S+)\[(\d+)\]: .*)$', auth_log, re.MULTILINE)
    expect('lines of the log', [line for line, _, pid in lines if int(pid) in pids],
           [re.sub(r'^\w+ +\d+ \S+ ', '', r['text']) for r in logged])


def expect_login(records, seen, ssh_log, auth_log, path):
    session = session_of(records, seen['peer_port'])
    begin = beginning(records, session, seen)
    client = re.search(r'Local version string (.*)', ssh_log).group(1)
    server = re.search(r'remote software version (.*)', ssh_log).group(1)
    accepted = acceptance(session, seen)
    terminal, to_user = shell(session, seen, path)
    end = [only(session, 'close'), only(session, 'end')]
    expect_order('the login', [*begin, *accepted, *terminal, *end])
    for direction, version in (('in', client), ('out', server)):
        said = negotiation(session, direction, version)
        expect_order(f'what was said {direction}', [begin[2], *said, *accepted])
    expect_order('the way to the user', [accepted[-1], *to_user])
    expect_processes(session)
    expect_credentials(session)
    expect_log(session, auth_log)


def expect_prompt(records, seen):
    told = only(session_of(records, seen['peer_port']), 'prompt')
    late = told['mono_ns'] - seen['prompt_ns']
    print(f'the prompt is told {late / 1e6:+.3f} ms after its bytes reached the client')
    if abs(late) > PROMPT_BAR:
        raise Wrong(f'that is more than {PROMPT_BAR / 1e6:.0f} ms')


def main():
    what, folder, path = sys.argv[1:]

    def read(name):
        with open(os.path.join(folder, name), encoding='utf-8', errors='replace') as file:
            return file.read()

    try:
        records = load(os.path.join(folder, 'records'))
        seen = json.loads(read('seen'))
        if what == 'prompt':
            expect_prompt(records, seen)
        else:
            expect_login(records, seen, read('ssh.log'), read('auth.log'), path)
    except Wrong as wrong:
        sys.exit(str(wrong))


main()
