"""Real programs whose n-th system call on files below a folder kills them, fails or falls short: tests/shim/bad_calls.c, told and read.

RETAIND_CRASH_STRIDE (1009): every n-th fault is tried, from a place the seed decides; 1 tries all.
"""
import errno
import mmap
import os
import struct
from harness import *

STRIDE = int(os.environ.get('RETAIND_CRASH_STRIDE') or 1009)
SHIM = os.path.join(os.environ.get('RETAIND_SHIM_DIR') or os.path.join(REPO, 'build', 'tests', 'shim'), 'bad_calls.so')
HEAD, CALLS = '=qqiiii', 8192
COUNT, KILL, FAIL, SHORT = range(4)
WAYS = (  # name, mode, errno, the calls it can happen to (all if none are named)
    ('killed', KILL, 0, ''), ('EIO', FAIL, errno.EIO, ''), ('ENOSPC', FAIL, errno.ENOSPC, 'owratld'), ('short write', SHORT, 0, 'w'))


def require_shim():
    if os.environ.get('RETAIND_SANITIZED'):
        skip('a sanitizer wants to be loaded first')
    check(os.path.exists(SHIM), SHIM, 'is not built (make test-programs)')


class Plan:
    """What goes wrong, in a file that the shim and the test share."""

    def __init__(self, home, program, mode=COUNT, fault=0, at=0):
        self.path = os.path.join(home, 'plan')
        with open(self.path, 'wb') as file:
            file.write(struct.pack(HEAD, at, 0, mode, fault, 0, 0) + bytes(CALLS))
        with open(self.path, 'r+b') as file:
            self.map = mmap.mmap(file.fileno(), 0)
        self.program = program

    def environment(self, *folders):
        return dict(os.environ, LD_PRELOAD=SHIM, RETAIND_BAD_PROGRAM=self.program, RETAIND_BAD_PLAN=self.path,
                    RETAIND_BAD_STATE=':'.join(os.path.realpath(f) for f in folders))

    def read(self):
        """Whether the fault was met, and a letter for each call."""
        _, calls, _, _, hit, _ = struct.unpack_from(HEAD, self.map)
        size = struct.calcsize(HEAD)
        return bool(hit), self.map[size:size + min(calls, CALLS)].decode()


def all_faults(calls):
    for at, what in enumerate(calls, 1):
        for name, mode, fault, only in WAYS:
            if not only or what in only:
                yield name, mode, fault, at


def faults_of(calls):
    return sum(1 for _ in all_faults(calls))


def strided(calls, place):
    """Those of all faults whose turn it is, counted on from `place`."""
    return [f for n, f in enumerate(all_faults(calls), place + 1) if n % STRIDE == 0]
