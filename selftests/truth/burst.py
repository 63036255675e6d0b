# SPDX-License-Identifier: GPL-2.0
"""burst.py FILE LISTEN CONNECT PORT N: N connections, one after the other, to a server of
its own. Both sides say a line, as SSH begins, and the server closes. Writes the ends of
each connection to FILE, as JSON, in the words of client.py.
"""
import json
import socket
import sys


def listen(address, port):
    server = socket.socket(socket.AF_INET6 if ':' in address else socket.AF_INET)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if address == '::':
        server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    server.bind((address, port))
    server.listen()
    return server


LINE = b'SSH-2.0-burst\r\n'


def talk(server, client):
    taken = server.accept()[0]
    client.sendall(LINE)
    taken.recv(len(LINE))
    taken.sendall(LINE)
    client.recv(len(LINE))
    taken.close()
    local, peer = client.getsockname(), client.getpeername()
    return {'peer_addr': local[0], 'peer_port': local[1],
            'local_addr': peer[0], 'local_port': peer[1]}


def main():
    path, address, target, port, count = sys.argv[1:]
    seen = []
    with listen(address, int(port)) as server:
        for _ in range(int(count)):
            with socket.create_connection((target, int(port))) as client:
                seen.append(talk(server, client))
    with open(path, 'w', encoding='utf-8') as out:
        json.dump(seen, out)


main()
