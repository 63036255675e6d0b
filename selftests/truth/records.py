# SPDX-License-Identifier: GPL-2.0
"""The stream as `sshobs -o json` tells it, and what holds for all of it."""
import base64
import json
from datetime import datetime, timezone

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


class Wrong(Exception):
    """What sshobs told is not what happened."""


def expect(what, want, got):
    if want != got:
        raise Wrong(f'{what}: it was {want!r}, sshobs tells {got!r}')


def realtime_ns(record):
    """The record's "time", which has nine decimals, as nanoseconds since 1970."""
    seconds, decimals = record['time'].rstrip('Z').split('.')
    whole = datetime.fromisoformat(seconds).replace(tzinfo=timezone.utc) - EPOCH
    return (whole.days * 86400 + whole.seconds) * 10**9 + int(decimals)


def octets(record, key):
    """The bytes of a string that may not have been UTF-8."""
    if key + '_b64' in record:
        return base64.b64decode(record[key + '_b64'])
    return record[key].encode()


def load(path):
    """All records of a file, which must be the whole stream."""
    with open(path, encoding='utf-8') as lines:
        records = [json.loads(line) for line in lines]
    for at, record in enumerate(records):
        expect(f'number of record {at + 1}', at + 1, record['seq'])
        if at and record['mono_ns'] < records[at - 1]['mono_ns']:
            raise Wrong(f'time falls at record {at + 1}')
    return records


def only(records, event, **fields):
    """The one record of an event that has these fields."""
    found = [r for r in records if r['event'] == event
             and all(r.get(key) == value for key, value in fields.items())]
    if len(found) != 1:
        raise Wrong(f'there are {len(found)} of {event} {fields or ""}, not one')
    return found[0]


def session_of(records, peer_port):
    """The records of the session whose client has this port: all of them, complete."""
    number = only(records, 'accept', peer_port=peer_port)['session']
    session = [r for r in records if r['session'] == number]
    expect('numbers in the session', list(range(1, len(session) + 1)),
           [r['session_seq'] for r in session])
    expect('last event', 'end', session[-1]['event'])
    expect('what is missing', [], session[-1]['incomplete'])
    return session
