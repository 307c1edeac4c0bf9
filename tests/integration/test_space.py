#!/usr/bin/python3
"""A disk that fills up, and a journal that reaches its limit: announced early, busy and never lost, and on again by itself."""
import os
import socket
import subprocess
import sys
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))
from harness import *

MIB = 1 << 20


class SmallDisk:
    """A file system of its own for the state directory of a daemon."""

    def __init__(self, daemon, mib):
        self.daemon, self.at, self.filler = daemon, daemon.state, os.path.join(daemon.state, 'filler')
        told = subprocess.run(['mount', '-t', 'tmpfs', '-o', 'size=%dM,mode=700' % mib, 'tmpfs', self.at],
                              stderr=subprocess.PIPE)
        if told.returncode != 0:
            skip('no file system can be mounted here: ' + oneline(told.stderr.decode()))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.daemon.kill()
        until(lambda: subprocess.run(['umount', self.at], stderr=subprocess.DEVNULL).returncode == 0, 'the disk to be let go')

    def left(self):
        disk = os.statvfs(self.at)
        return disk.f_bavail * disk.f_frsize

    def fill(self, leave=0):
        with open(self.filler, 'ab') as filler:
            try:
                while self.left() > leave:
                    filler.write(b'x' * max(1, min(self.left() - leave, MIB)))
                    filler.flush()
            except OSError:
                pass

    def make_room(self):
        os.unlink(self.filler)


def large(account, size=50000):
    return [event(account=account, note='.' * size) for _ in range(10)]


class Sender:
    """Pushes and remembers what was acknowledged."""

    def __init__(self, daemon):
        self.daemon, self.acked, self.refused = daemon, 0, None

    def push(self):
        """True if it was taken whole."""
        batch = self.refused or large('a')
        reply = self.daemon.push(batch)
        busy = reply.get('error') == 'busy' or any(r['code'] == 'busy' for r in reply.get('rejected', ()))
        self.refused = batch if busy else None
        if busy:
            check(reply.get('accepted', 0) == 0, 'busy, and yet accepted:', short(reply))
            return False
        equal(reply['accepted'] + reply['duplicate'], len(batch), 'taken')
        self.acked += len(batch)
        return True

    def until(self, condition, what, most=400):
        for _ in range(most):
            if condition():
                return
            check(self.push(), 'busy before', what)
        raise Failed('never ' + what)


def metric(daemon, name):
    return daemon.metrics()['retaind_worker_%s{worker="0"}' % name]


def is_low(daemon):
    """Wherever it has to be said."""
    status, _, text = daemon.http('/healthz')
    return status == 200 and text.startswith('ok\n') and 'warning: worker 0 has little disk space' in text \
        and metric(daemon, 'disk_low') == 1


def is_full(daemon):
    status, _, text = daemon.http('/healthz')
    return status == 503 and 'no disk space' in text and metric(daemon, 'disk_full') == 1


def is_well(daemon):
    return daemon.http('/healthz')[::2] == (200, 'ok\n') and metric(daemon, 'disk_full') == metric(daemon, 'disk_low') == 0


def until_busy(daemon, sender):
    end = time.monotonic() + DEADLINE
    while sender.push():
        check(time.monotonic() < end, 'never busy')
    until(lambda: is_full(daemon), 'a full disk to be said')


@case
def a_disk_that_fills_up():
    daemon = Daemon(workers=1, journal__segment_bytes='1M', journal__warn_percent=25)
    with SmallDisk(daemon, 40) as disk:
        status = Status(daemon)
        daemon.start(env=dict(os.environ, NOTIFY_SOCKET=status.path))
        sender = Sender(daemon)
        until(lambda: is_well(daemon), 'all to be well')
        until(lambda: status() == 'Serving', 'STATUS=Serving')
        disk.fill(leave=14 * MIB)
        sender.until(lambda: disk.left() < 8 * MIB, 'fewer than 8 MiB left')
        until(lambda: is_low(daemon), 'a warning')
        until(lambda: status().startswith('Serving; warning: worker 0'), 'STATUS= to warn')
        check('journal=low-on-space' in daemon.log_text(), 'no warning in the log')
        check(sender.push(), 'busy at the warning already')
        until_busy(daemon, sender)
        until(lambda: status().startswith('worker 0 has no disk space'), 'STATUS= to say it')
        check('journal=full' in daemon.log_text(), 'nothing in the log')
        equal(daemon.get('a')['events'], {'call': sender.acked}, 'a query on a full disk')
        disk.fill()
        kill(daemon.workers()[0])
        until(lambda: daemon.query('account.get', account='a')['ok'], 'a start on a full disk', pause=0.1)
        equal(daemon.get('a')['events'], {'call': sender.acked}, 'after a crash on a full disk')
        check(not sender.push(), 'accepted on a full disk')
        disk.make_room()
        until(lambda: is_well(daemon), 'all to be well again, though nobody sends')
        until(lambda: status() == 'Serving', 'STATUS=Serving again')
        check(sender.push(), 'busy though there is room')
        equal(daemon.get('a')['events'], {'call': sender.acked}, 'at the end')


@case
def a_limit_that_is_reached_and_raised():
    """journal.max_bytes: the firehose waits and loses nothing; a reload with a larger limit is enough."""
    config = os.path.join(scratch(), 'conf')

    def limit(mib):
        with open(config, 'w') as file:
            file.write('[journal]\nmax_bytes = %dM\nsegment_bytes = 1M\n' % mib)
    limit(12)
    with Daemon(workers=1, config=config) as daemon:
        sender = Sender(daemon)
        until(lambda: is_well(daemon), 'all to be well')
        sender.until(lambda: 'journal=low-on-space' in daemon.log_text(), 'a warning, which comes before the limit')
        until(lambda: is_low(daemon), 'a warning')
        until_busy(daemon, sender)
        check(metric(daemon, 'journal_bytes') <= 12 * MIB, 'more journal than journal.max_bytes')
        hose = connect(zmq.PUSH, daemon.at['firehose'])
        waiting = [large('b', 20000) for _ in range(20)]
        for batch in waiting:
            hose.send(pack(batch))
        check(not sender.push(), 'accepted at the limit')
        limit(60)
        os.kill(daemon.pid, signal.SIGHUP)
        until(lambda: is_well(daemon), 'all to be well again')
        until(lambda: daemon.query('account.get', account='b').get('events', {}).get('call') == 200,
              'what waited in the firehose to be counted', pause=0.1)
        check(sender.push(), 'busy though there is room')
        daemon.crash()
        equal(daemon.get('a')['events'], {'call': sender.acked}, 'at the end')
        equal(daemon.get('b')['events'], {'call': 200}, 'of the firehose')
        hose.close()


if __name__ == '__main__':
    main()
