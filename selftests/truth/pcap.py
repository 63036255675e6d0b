# SPDX-License-Identifier: GPL-2.0
"""The TCP segments of a capture that tcpdump -w wrote on lo, with nanoseconds."""
import socket
import struct
from collections import namedtuple

MAGIC_NS = 0xa1b23c4d
ETHERNET = 1
IPV4, IPV6 = 0x0800, 0x86dd
FIN, SYN, ACK = 1, 2, 16

Segment = namedtuple('Segment', 'time_ns src sport dst dport seq ack flags window payload')


def _tcp(time_ns, src, dst, segment):
    sport, dport, seq, ack, offset, flags, window = struct.unpack_from('!HHIIBBH', segment)
    return Segment(time_ns, src, sport, dst, dport, seq, ack, flags, window,
                   segment[(offset >> 4) * 4:])


def _ethernet(time_ns, frame):
    kind, = struct.unpack_from('!H', frame, 12)
    packet = frame[14:]
    if kind == IPV4:
        length, = struct.unpack_from('!H', packet, 2)
        return _tcp(time_ns, socket.inet_ntop(socket.AF_INET, packet[12:16]),
                    socket.inet_ntop(socket.AF_INET, packet[16:20]),
                    packet[(packet[0] & 15) * 4:length])
    if kind == IPV6:
        length, = struct.unpack_from('!H', packet, 4)
        return _tcp(time_ns, socket.inet_ntop(socket.AF_INET6, packet[8:24]),
                    socket.inet_ntop(socket.AF_INET6, packet[24:40]), packet[40:40 + length])
    raise ValueError(f'a frame of type {kind:#x}')


def segments(path):
    with open(path, 'rb') as file:
        capture = file.read()
    magic, link = struct.unpack_from('<I16xI', capture)
    if magic != MAGIC_NS or link != ETHERNET:
        raise ValueError(f'no capture of Ethernet frames with nanoseconds: {path}')
    at = 24
    while at < len(capture):
        seconds, nanoseconds, stored, length = struct.unpack_from('<IIII', capture, at)
        if stored != length:
            raise ValueError('a frame was cut')
        yield _ethernet(seconds * 10**9 + nanoseconds, capture[at + 16:at + 16 + stored])
        at += 16 + stored
