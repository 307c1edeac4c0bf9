#!/usr/bin/python3
"""An erased account is in no byte of the state directory: whatever it left where, also after a crash at any call of the erase, also
in backups taken afterwards."""
import fcntl
import os
import sys
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))
from harness import *

CALLS = ('pwrite64', 'fdatasync', 'fsync', 'renameat', 'unlinkat', 'unlink')


class Customer:
    """An account with a name, people, telephone numbers and addresses that stand nowhere else."""

    def __init__(self):
        mark = '%012x' % rng.getrandbits(48)
        self.name = 'victim-' + mark
        self.person, self.phone, self.mail = 'Person ' + mark[::-1], '+49 ' + mark[:9], mark[3:] + '@example.org'
        self.words = [w.encode() for w in (self.name, self.person, self.phone, self.mail)]

    def profile(self, **keys):
        return event('account', account=self.name, name=self.name + ' Ltd', owner='kim',
                     contacts=[{'name': self.person, 'phone': self.phone, 'email': self.mail}], **keys)

    def history(self):
        made = [self.profile(ts=now() - 90 * DAY)]
        made += [event(account=self.name, contact=self.person, agent=self.mail, ts=now() - i * DAY) for i in range(5)]
        return made + critical_tickets(self.name, now() - 2 * DAY, 2)


def bury(daemon, *payloads):
    before = len(daemon.ok('dead.list', limit=1000)['dead'])
    hose = connect(zmq.PUSH, daemon.at['firehose'])
    for payload in payloads:
        hose.send(payload)
    until(lambda: len(daemon.ok('dead.list', limit=1000)['dead']) == before + len(payloads), 'dead letters')
    hose.close()


def settle(daemon, customer):
    """Its alerts are out, acknowledged, and a part of it lies in snapshots."""
    alert = daemon.wait_alert(customer.name, 'ticket_overdue')
    daemon.ok('alert.ack', id=alert['id'], by='kim', note='call ' + customer.phone)


@case
def wherever_it_was():
    """Profiles, events, tickets, alerts, acknowledgements, letters of every worker; logs of older generations, snapshots, backups."""
    with Daemon(workers=3, snapshot__interval_ms=200, journal__segment_bytes='1M') as daemon:
        people = [Customer() for _ in range(4)]
        others = [event(account='other-%d' % i) for i in range(60)]
        daemon.load(others)
        for one in people:
            daemon.load(one.history())
            settle(daemon, one)
            bury(daemon, pack(event(account=one.name, contact=one.person, sentiment=9)),  # known whose
                 b'\xc1 ' + one.name.encode() + b' ' + one.phone.encode())                # of nobody
        equal(daemon.stop(), 0, 'exit code')
        path = os.path.join(daemon.state, 'journal', '0001-000001.seg')
        with open(path, 'r+b') as log:  # a write that a power cut left without its commit
            log.seek(len(log.read().rstrip(b'\0')) + 100)
            log.write(people[0].name.encode())
        daemon.options['workers.count'] = 2
        daemon.start()
        daemon.load([one.profile(ts=now()) for one in people])
        daemon.restart(workers__count=3)
        for one in people:
            check(standing(daemon.state, one.words), 'the test itself finds nothing')
            daemon.ok('account.erase', account=one.name)
            equal(standing(daemon.state, one.words), [], 'left after the erase')
        equal(daemon.ok('dead.list')['dead'], [], 'dead letters')
        equal(sum(sum(a['events'].values()) for a in (daemon.get(e['account']) for e in others)), 60, 'events of the others')
        path = os.path.join(daemon.home, 'backup')
        equal(run([require('retainctl'), 'backup', daemon.state, path])[0], 0, 'backup')
        words = [w for one in people for w in one.words]
        equal(standing(path, words), [], 'left in the backup')
        daemon.crash(workers_too=True)
        daemon.restart(workers__count=1)
        equal(standing(daemon.state, words), [], 'left after starts')
    equal(run([require('retainctl'), 'verify', daemon.state])[0], 0, 'verify')


@case
def what_leaves_the_lists_leaves_the_disk():
    """Letters that were dropped, retried, or are too old or too many, and alerts that are too old: no erase could find them there."""
    keep = {'limits__dedupe_days': 1, 'journal__keep_days': 30, 'alerts__keep_days': 1, 'limits__dead_days': 1, 'snapshot__interval_ms': 200}
    with Daemon(workers=2, journal__segment_bytes='1M', **keep) as daemon:
        dropped, retried, old, alerted = people = [Customer() for _ in range(4)]
        bury(daemon, b'\xc1 ' + dropped.name.encode())
        daemon.ok('dead.drop', id=daemon.ok('dead.list')['dead'][0]['id'])
        # Refused for its time, which comes: not before a retry may it be taken.
        bury(daemon, pack(event(account=retried.name, contact=retried.phone, ts=daemon.now() + HOUR)))
        daemon.load(alerted.history())
        settle(daemon, alerted)
        bury(daemon, b'\xc1 ' + old.name.encode())
        daemon.crash(debug__clock_offset_ms=2 * HOUR)
        equal(daemon.ok('dead.retry', id=daemon.ok('dead.list')['dead'][0]['id'])['accepted'], 1, 'retried')
        equal(daemon.ok('account.erase', account=retried.name)['events'], 1, 'erased')
        until(lambda: not standing(daemon.state, dropped.words + retried.words), 'the dropped and the retried letter to be overwritten')
        check(standing(daemon.state, old.words) and standing(daemon.state, alerted.words), 'the test itself finds nothing')
        daemon.crash(debug__clock_offset_ms=3 * DAY)
        until(lambda: not standing(daemon.state, old.words), 'the old letter to be overwritten')
        equal(len(daemon.alerts(account=alerted.name)), 0, 'alerts in the list')
        daemon.ok('account.erase', account=alerted.name)
        equal(standing(daemon.state, [w for one in people for w in one.words]), [], 'left')
        daemon.crash(workers_too=True, workers__count=3)
        equal(standing(daemon.state, [w for one in people for w in one.words]), [], 'left after a start')


@case
def letters_that_are_too_many_leave_the_disk():
    with Daemon(workers=1, limits__dead_bytes='1M', snapshot__interval_ms=200, journal__segment_bytes='1M') as daemon:
        first = Customer()
        bury(daemon, b'\xc1 ' + first.name.encode())
        check(standing(daemon.state, first.words), 'the test itself finds nothing')
        hose = connect(zmq.PUSH, daemon.at['firehose'])
        for i in range(40):
            hose.send(b'\xc1' + b'z' * 60000)
        until(lambda: not standing(daemon.state, first.words), 'the oldest letter to be overwritten')
        hose.close()


class Tracer:
    """strace at a worker: kill -9 at its n-th call of a kind."""

    def __init__(self, pid, call, number):
        self.log = os.path.join(scratch(), 'strace')
        self.process = spawn(['strace', '-f', '-p', str(pid), '-o', self.log, '-e', 'trace=%s' % ','.join(CALLS),
                              '-e', 'inject=%s:signal=KILL:when=%d' % (call, number)], stderr=subprocess.PIPE)
        line = self.process.stderr.readline()
        if b'attached' not in line:
            skip('strace cannot attach: %s' % oneline(line.decode()))

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        self.process.wait()


def erase_killed_at(daemon, call, number):
    """True if the erase was over before the n-th call came."""
    one = Customer()
    daemon.load(one.history())
    settle(daemon, one)
    bury(daemon, b'\xc1 ' + one.name.encode() + b' ' + one.phone.encode())
    pid, = daemon.workers()
    tracer = Tracer(pid, call, number)
    reply = daemon.query('account.erase', account=one.name)
    if not reply['ok']:
        equal(reply['error'], 'unavailable', 'the answer while its worker dies')
        until(lambda: not alive(pid), 'the worker to be gone')
        until(lambda: daemon.query('stats')['ok'], 'the worker to be back')
    over = alive(pid)
    tracer.stop()
    told = daemon.query('account.get', account=one.name)
    if told['ok']:  # it had not begun
        check(not reply['ok'], 'what was erased is back')
        equal(told['events'], dict(told['events'], account=1, call=5, ticket=2), 'an erase that was cut short took a part')
        daemon.ok('account.erase', account=one.name)
    equal(standing(daemon.state, one.words), [], 'left after kill -9 at %s number %d' % (call, number))
    return over


def every_point(daemon):
    for call in CALLS:
        number = 1
        while not erase_killed_at(daemon, call, number) and number < 200:
            number += 1
            yield
        print('# %s: %d points' % (call, number - 1), flush=True)


@case
def killed_at_any_call():
    """A few of the calls of an erase; all of them with RETAIND_TEST_ROUNDS=all."""
    killed = 0
    with Daemon(workers=1, workers__backoff_ms=1, journal__segment_bytes='1M', snapshot__interval_ms=3600000) as daemon:
        daemon.load([event(account='other')])
        if os.environ.get('RETAIND_TEST_ROUNDS') == 'all':
            killed = sum(1 for _ in every_point(daemon))
        else:
            for call, most in rng.sample((('pwrite64', 6), ('pwrite64', 6), ('fdatasync', 2), ('fsync', 5), ('renameat', 3), ('unlinkat', 1), ('unlink', 1)), 5):
                killed += not erase_killed_at(daemon, call, rng.randint(1, most))
        print('# killed %d times' % killed)
        check(killed >= 2, 'killed only', killed, 'times')
        equal(daemon.get('other')['events'], {'call': 1}, 'the other account')


@case
def beyond_a_damaged_record():
    """A record that is damaged breaks the way back to what is older: that goes all the same, and only the damaged bytes stay."""
    with Daemon(workers=1, journal__segment_bytes='1M') as daemon:
        one = Customer()
        for e in one.history():
            daemon.load([e])
        equal(daemon.stop(), 0, 'exit code')
        path = os.path.join(daemon.state, 'journal', '0001-000001.seg')
        with open(path, 'r+b') as log:
            data = log.read()
            places = [i for i in range(len(data)) if data.startswith(one.name.encode(), i)]
            damaged = places[5]  # the profile names it twice, then comes an event each
            log.seek(damaged)
            log.write(b'\xff')
        daemon.start()
        daemon.ok('account.erase', account=one.name)
        with open(path, 'rb') as log:
            data = log.read()
        for word in one.words:
            where = [i for i in range(len(data)) if data.startswith(word, i)]
            check(all(abs(i - damaged) < 400 for i in where), 'left beyond the damaged record at', damaged, where)
        equal([f for f in standing(daemon.state, one.words) if not f.endswith('0001-000001.seg')], [], 'left elsewhere')


@case
def an_erase_that_was_cut_short_waits_for_a_backup():
    """Begun, killed, and done again by the next worker: not before the backup that came in between is over."""
    with Daemon(workers=1, workers__backoff_ms=2000, journal__segment_bytes='1M') as daemon:
        one = Customer()
        daemon.load(one.history())
        settle(daemon, one)
        pid, = daemon.workers()
        tracer = Tracer(pid, 'pwrite64', 5)  # the intent is on disk, the records are not overwritten
        daemon.refused('account.erase', 'unavailable', account=one.name)
        until(lambda: not alive(pid), 'the worker to be gone')
        tracer.stop()
        backup = os.open(os.path.join(daemon.state, 'journal'), os.O_RDONLY)
        fcntl.flock(backup, fcntl.LOCK_EX)
        until(lambda: 'erase=waits' in daemon.log_text(), 'the next worker to wait')
        daemon.refused('account.get', 'unavailable', account=one.name)
        check(standing(daemon.state, one.words), 'erased under the hands of a backup')
        os.close(backup)
        until(lambda: daemon.query('stats')['ok'], 'the worker to serve')
        daemon.refused('account.get', 'not_found', account=one.name)
        equal(standing(daemon.state, one.words), [], 'left after the backup')


if __name__ == '__main__':
    main()
