"""Peers that speak ZMTP by hand, so that they can do what no library does; and what a process costs."""
import os
import re
import socket

GREETING = b'\xff' + bytes(8) + b'\x7f' + b'\x03\x00' + b'NULL' + bytes(16) + b'\x00' + bytes(31)
MORE, LONG, COMMAND = 1, 2, 4


def frame(data, flags=0):
    if len(data) < 256:
        return bytes([flags, len(data)]) + data
    return bytes([flags | LONG]) + len(data).to_bytes(8, 'big') + data


def take(peer, size):
    data = b''
    while len(data) < size:
        more = peer.recv(size - len(data))
        if not more:
            raise ConnectionError('the other side ended')
        data += more
    return data


def half_open(address):
    """A connection that says nothing."""
    if address.startswith('ipc://'):
        peer = socket.socket(socket.AF_UNIX)
        peer.connect(address[len('ipc://'):])
        return peer
    host, port = address[len('tcp://'):].rsplit(':', 1)
    return socket.create_connection((host, int(port)))


def connected(address, kind):
    """A peer that has introduced itself as a socket of this kind (b'DEALER')."""
    peer = half_open(address)
    peer.settimeout(60)
    peer.sendall(GREETING)
    take(peer, 64)
    ready = b'\x05READY' + b'\x0bSocket-Type' + len(kind).to_bytes(4, 'big') + kind
    peer.sendall(frame(ready, COMMAND))
    take(peer, take(peer, 2)[1])
    return peer


def resident_bytes(pid):
    with open('/proc/%d/status' % pid) as status:
        return int(re.search(r'VmRSS:\s+(\d+)', status.read()).group(1)) << 10


def descriptors(pid):
    """How many a process has open; 0 where only root may know (the daemon hides its memory)."""
    try:
        return len(os.listdir('/proc/%d/fd' % pid))
    except PermissionError:
        return 0


def processor_seconds(pid):
    with open('/proc/%d/stat' % pid) as stat:
        fields = stat.read().rsplit(')', 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')
