# SPDX-License-Identifier: GPL-2.0
"""calls.py traced|failures RECORDS STRACE: what the processes of a login did, compared with
what strace -f of the server saw.

traced: of the same login, each execve, connect, fork and exit of each thread, in order.
failures: of a login that did the same without strace, all failures of execve.
"""
import sys
from collections import Counter, defaultdict

import strace
from records import Wrong, expect, load, octets


def connected(record):
    if 'path' in record:
        address = octets(record, 'path')
    else:
        address = (record['addr'], record['port'])
    return 'connect', address, record['result'] or None


TOLD = {
    'exec': lambda record: ('exec', octets(record, 'path')),
    'exec_fail': lambda record: ('exec_fail', octets(record, 'path'), record['errno']),
    'connect': connected,
    'clone': lambda record: ('clone', record['child']),
    'clone_fail': lambda record: ('clone_fail', record['errno']),
    'exit': lambda record: ('exit', record.get('signal') or record.get('code')),
}


def told_calls(path):
    """The same of the records."""
    told = defaultdict(list)
    for record in load(path):
        # Of TCP, how it ended is told once more.
        if record['event'] in TOLD and record.get('result') != 'begun':
            told[record['tid']].append(TOLD[record['event']](record))
    return dict(told)


def failures(calls):
    return sorted(call for done in calls.values() for call in done if call[0] == 'exec_fail')


def compare(what, records, trace):
    seen, told = strace.calls(trace), told_calls(records)
    if what == 'traced':
        for tid in sorted(seen.keys() | told.keys()):
            expect(f'calls of {tid}', seen.get(tid), told.get(tid))
        counts = Counter(call[0] for done in seen.values() for call in done)
    else:
        expect('failures', failures(seen), failures(told))
        counts = Counter(errno for _, _, errno in failures(seen))
    print(' '.join(f'{name}:{count}' for name, count in sorted(counts.items())))


if __name__ == '__main__':
    try:
        compare(*sys.argv[1:])
    except Wrong as wrong:
        sys.exit(str(wrong))
