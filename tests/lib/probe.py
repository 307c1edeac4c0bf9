#!/usr/bin/python3
"""Tries what a service has no business doing, and prints `name yes` for what it could do, `name no` for what it could not.
For test_systemd.sh, which runs it with the settings of the unit and without them. Everything here is allowed to an ordinary
user of a machine, so that a `no` is the unit's doing. Arguments: a folder that is the service's own, and folders anybody may write to."""
import ctypes
import errno
import os
import socket
import sys

libc = ctypes.CDLL(None, use_errno=True)


def call(number, *arguments):
    return libc.syscall(number, *[ctypes.c_long(a) for a in arguments])


def in_child(attempt):
    """What cannot be undone is tried in a child."""
    child = os.fork()
    if child == 0:
        os._exit(0 if attempt() else 1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def writes(folder):
    path = os.path.join(folder, 'probe-%d' % os.getpid())
    with open(path, 'w') as file:
        file.write('x')
    os.unlink(path)
    return True


def set_user_id_file(folder):
    path = os.path.join(folder, 'probe-suid-%d' % os.getpid())
    with open(path, 'w'):
        pass
    try:
        os.chmod(path, 0o4755)
        return bool(os.stat(path).st_mode & 0o4000)
    finally:
        os.unlink(path)


def writable_code():
    libc.mmap.restype = ctypes.c_void_p
    return libc.mmap(None, ctypes.c_size_t(4096), 7, 0x22, -1, ctypes.c_long(0)) != ctypes.c_void_p(-1).value


def hash_socket():
    socket.socket(socket.AF_ALG, socket.SOCK_SEQPACKET).close()
    return True


def sees_others():
    return any(entry.isdigit() and os.stat('/proc/' + entry).st_uid != os.getuid() for entry in os.listdir('/proc'))


own, *others = sys.argv[1:]
attempts = {
    'ptrace': lambda: in_child(lambda: call(101, 0, 0, 0, 0) == 0),
    'user-namespace': lambda: in_child(lambda: libc.unshare(0x10000000) == 0),
    'personality': lambda: in_child(lambda: call(135, 0x40000) != -1),
    'priority': lambda: in_child(lambda: call(141, 0, 0, 19) == 0),
    'io-priority': lambda: in_child(lambda: call(251, 1, 0, (3 << 13) | 7) == 0),
    'writable-code': lambda: in_child(writable_code),
    'other-sockets': hash_socket,
    'set-user-id-file': lambda: set_user_id_file(own),
    'others-processes': sees_others,
    'own-folder': lambda: writes(own),
}
for folder in others:
    attempts['write:' + folder] = lambda folder=folder: writes(folder)
    attempts['read:' + folder] = lambda folder=folder: open(os.path.join(folder, 'open')).read() is not None
for name, attempt in attempts.items():
    try:
        could = attempt()
    except OSError as refusal:
        could = False
        print('#', name, errno.errorcode.get(refusal.errno, refusal.errno))
    print(name, 'yes' if could else 'no')
