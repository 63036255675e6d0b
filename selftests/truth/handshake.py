# SPDX-License-Identifier: GPL-2.0
"""handshake.py DIR: connections, compared with what tcpdump saw of them.

DIR holds seen (a login, from client.py), burst (connections, from burst.py), records
(sshobs -o json) and capture (tcpdump -w).
"""
import json
import os
import statistics
import sys
from collections import defaultdict

from pcap import ACK, SYN, segments
from records import Wrong, expect, load, octets, only, realtime_ns, session_of

# tcpdump sees a segment where it enters the loopback device's queue, the records tell
# when TCP had it in its hands. In nanoseconds, how long the way may take, in the middle
# of many: one segment alone may have met a processor that the host had taken away.
TOLERANCE = 500_000

ENDS = ('peer_addr', 'peer_port', 'local_addr', 'local_port')


class Connection:
    """Both directions of one connection, as the wire had them."""

    def __init__(self, capture, seen):
        ports = seen['peer_port'], seen['local_port']
        self.to_server = [s for s in capture if (s.sport, s.dport) == ports]
        self.to_client = [s for s in capture if (s.dport, s.sport) == ports]
        self.syns = [s for s in self.to_server if s.flags & SYN]
        self.synack = next(s for s in self.to_client if s.flags & SYN)
        self.ack = next(s for s in self.to_server if not s.flags & SYN and s.flags & ACK)


class Delays:
    """How much later than tcpdump the records are, by what they tell of."""

    def __init__(self, record):
        self.offset = realtime_ns(record) - record['mono_ns']
        self.of = defaultdict(list)

    def add(self, what, time_ns, mono_ns):
        self.of[what].append(mono_ns + self.offset - time_ns)

    def judge(self):
        for what, delays in self.of.items():
            middle = statistics.median(delays)
            print(f'{what}: {middle / 1e3:+.0f} us after tcpdump, '
                  f'{min(delays) / 1e3:+.0f} to {max(delays) / 1e3:+.0f} of {len(delays)}')
            if abs(middle) > TOLERANCE:
                raise Wrong(f'more than {TOLERANCE / 1e3:.0f} us')


def compare_handshake(connection, syn, session, delays):
    established, accept = only(session, 'established'), only(session, 'accept')
    expect('SYNs', len(connection.syns), established['syns'])
    expect("the client's ISN in syn", connection.syns[0].seq, syn['peer_isn'])
    expect('the window', connection.syns[0].window, syn['window'])
    expect("the client's ISN", connection.syns[0].seq, established['peer_isn'])
    expect("the server's ISN", connection.synack.seq, established['local_isn'])
    delays.add('syn, the record', connection.syns[0].time_ns, syn['mono_ns'])
    delays.add('SYN', connection.syns[0].time_ns, established['syn_ns'])
    delays.add('SYN-ACK', connection.synack.time_ns, established['synack_ns'])
    delays.add('ACK', connection.ack.time_ns, established['established_ns'])
    expect('begin of the wait in the queue', established['established_ns'],
           accept['start_ns'] - accept['queue_ns'])
    # Two of the times are in whole microseconds.
    times = [established['syn_ns'] // 1000 * 1000, established['synack_ns'],
             established['established_ns'], accept['start_ns'], accept['mono_ns']]
    expect('order of the times', sorted(times), times)
    expect('RTT', (established['established_ns'] - established['synack_ns']) // 1000,
           established['rtt_us'])


def stream(direction, isn):
    """The bytes of a direction, and for each segment how far it reaches and when it came."""
    text, ends = b'', []
    for segment in direction:
        offset = (segment.seq - isn - 1) % 2**32
        if segment.payload and offset == len(text):
            text += segment.payload
            ends.append((len(text), segment.time_ns))
    return text, ends


def compare_clear_text(session, direction, sent, delays):
    """The bytes, one record after the other up to the last, and when they were on the wire."""
    text, ends = sent
    end, flags = 0, []
    for record in session:
        if record['event'] != 'wire' or record['direction'] != direction:
            continue
        data, flags = octets(record, 'data'), record['flags']
        expect(f'offset in the clear text {direction}', end, record['offset'])
        end += len(data)
        expect(f'clear text {direction}', text[record['offset']:end], data)
        times = [time_ns for reach, time_ns in ends if reach >= end]
        # In: a newer segment may have come before the server read this one.
        told = record['net_ns'] + delays.offset
        time_ns = min(times, key=lambda t: abs(told - t)) if direction == 'in' else times[0]
        delays.add(f'clear text {direction}', time_ns, record['net_ns'])
    if 'last' not in flags:
        expect(f'bytes of clear text {direction}', len(text), end)


def compare_connection(capture, records, seen, delays):
    connection = Connection(capture, seen)
    session = session_of(records, seen['peer_port'])
    syn = only(records, 'syn', peer_port=seen['peer_port'])
    # An IPv4 client of an IPv6 socket is an IPv4 client, as sshd tells its user.
    for record in [syn] + [only(session, event) for event in ('established', 'accept', 'close')]:
        expect(f'ends in {record["event"]}', [seen[end] for end in ENDS],
               [record[end] for end in ENDS])
    compare_handshake(connection, syn, session, delays)
    received = stream(connection.to_server, connection.syns[0].seq)
    sent = stream(connection.to_client, connection.synack.seq)
    compare_clear_text(session, 'in', received, delays)
    compare_clear_text(session, 'out', sent, delays)
    close = only(session, 'close')
    # What is sent again counts again.
    expect('bytes in and out', (len(received[0]), sum(len(s.payload) for s in connection.to_client)),
           (close['bytes_received'], close['bytes_sent']))


def main():
    def read(name):
        with open(os.path.join(sys.argv[1], name), encoding='utf-8') as file:
            return json.load(file)

    records = load(os.path.join(sys.argv[1], 'records'))
    capture = list(segments(os.path.join(sys.argv[1], 'capture')))
    delays = Delays(records[0])
    try:
        for seen in [read('seen'), *read('burst')]:
            compare_connection(capture, records, seen, delays)
        delays.judge()
    except Wrong as wrong:
        sys.exit(str(wrong))


main()
