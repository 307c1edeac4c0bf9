#!/usr/bin/python3
"""Real workers that crash on an event, hang or crawl, and clocks that somebody sets. tests/preload/misbehave.c makes them do it."""
import mmap
import os
import struct
import sys
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))
from harness import *

YEAR = 365 * DAY
_built = []


def preload():
    """The library, built once."""
    if os.environ.get('RETAIND_SANITIZED'):
        skip('nothing can be loaded before a sanitizer')
    if not _built:
        compiler = shutil.which('cc') or shutil.which('gcc')
        if not compiler:
            skip('no C compiler')
        path = os.path.join(scratch(), 'misbehave.so')
        code, _, err = run([compiler, '-D_GNU_SOURCE', '-O1', '-shared', '-fPIC', '-o', path,
                            os.path.join(REPO, 'tests', 'preload', 'misbehave.c'), '-ldl'])
        check(code == 0, 'the library does not build:', short(err))
        _built.append(path)
    return _built[0]


class WrongClock:
    """A daemon whose wall clock can be set."""

    def __init__(self, **options):
        self.daemon = Daemon(**options)
        path = os.path.join(self.daemon.home, 'clock')
        with open(path, 'wb') as file:
            file.write(bytes(8))
        with open(path, 'r+b') as file:
            self.memory = mmap.mmap(file.fileno(), 8)
        self.environment = dict(os.environ, LD_PRELOAD=preload(), RETAIND_TEST_CLOCK=path)

    def set(self, ms):
        self.memory[:8] = struct.pack('<q', ms)

    def __enter__(self):
        self.daemon.start(env=self.environment)
        return self

    def __exit__(self, *_):
        self.daemon.kill()

    def healthy(self):
        return self.daemon.http('/healthz')[0] == 200

    def wait_jump(self):
        def told():
            status, _, text = self.daemon.http('/healthz')
            return status == 503 and text.count('saw the clock jump') == 2
        until(told, 'both workers to see the clock jump')


@case
def an_event_that_kills_its_worker_is_buried():
    """Three crashes, then it is a dead letter; its neighbours count once, the other worker notices nothing."""
    with Daemon(workers=2, workers__backoff_ms=10) as daemon:
        daemon.kill()
        daemon.start(env=dict(os.environ, LD_PRELOAD=preload(), RETAIND_TEST_CRASH='crash-on-me'))
        names = ['n%d' % i for i in range(30)]
        daemon.load([event(account=n) for n in names])
        before = {w['pid'] for w in daemon.ok('stats')['workers']}
        batch = [event(account=n) for n in names] + [event(account='victim', contact='crash-on-me')] + [event(account=n) for n in names]
        reply = daemon.push(batch)
        equal((reply['accepted'] + reply['duplicate'], [(r['index'], r['code']) for r in reply['rejected']]), (60, [(30, 'poison')]), 'reply')
        equal(daemon.log_text().count('ended: Aborted'), 3, 'crashes')
        until(lambda: daemon.query('stats')['ok'], 'both workers to be there')
        letters = daemon.ok('dead.list')['dead']
        equal([('poison' in d['reason'], d['bytes']) for d in letters], [(True, pack(batch[30]))], 'dead letters')
        equal(len({w['pid'] for w in daemon.ok('stats')['workers']} & before), 1, 'workers that noticed nothing')
        hose = connect(zmq.PUSH, daemon.at['firehose'])
        hose.send(pack([event(account='n0'), event(account='victim', agent='crash-on-me')]))
        until(lambda: len(daemon.query('dead.list').get('dead', [])) == 2, 'the same by the firehose')
        hose.close()
        until(lambda: daemon.query('account.get', account='n0').get('events', {}).get('call') == 4, 'its neighbour')
        daemon.crash(workers_too=True)
        for name in names[1:]:
            equal(daemon.get(name)['events'], {'call': 3}, 'events of', name)
        equal([d['id'] for d in daemon.ok('dead.list')['dead']][:1], [letters[0]['id']], 'the letter after kill -9')
        daemon.refused('account.get', 'not_found', account='victim')


def owner_of(daemon, pids):
    """An account of each worker, by which of them sleeps when it is not answered."""
    dealer, found = Dealer(daemon.at['events']), {}
    kill(pids[0], signal.SIGSTOP)
    marks = {name: dealer.send(event(account=name)) for name in ('w%d' % i for i in range(40))}
    until(lambda: daemon.metrics()['retaind_events_accepted_total'] > 0, 'the other worker to answer')
    for name, mark in marks.items():
        try:
            dealer.wait(mark, 0.2 if 1 not in found else 0.01)
            found.setdefault(1, name)
        except Failed:
            found.setdefault(0, name)
        if len(found) == 2:
            break
    kill(pids[0], signal.SIGCONT)
    dealer.close()
    return found


@case
def a_hung_worker_is_found_and_replaced():
    """Within workers.hang_ms and a second or two; the other worker's partitions do not notice."""
    with Daemon(workers=2, workers__hang_ms=2000) as daemon:
        pids = [w['pid'] for w in daemon.ok('stats')['workers']]
        account = owner_of(daemon, pids)
        until(lambda: daemon.query('stats')['ok'], 'both to be there')
        kill(pids[0], signal.SIGSTOP)
        begin, other, slowest, dealer = time.monotonic(), 0, 0.0, Dealer(daemon.at['events'])
        mark = dealer.send(event(account=account[0], id='while-it-hangs'))
        while alive(pids[0]):
            sent = time.monotonic()
            equal(daemon.push(event(account=account[1]))['accepted'], 1, 'the other worker')
            slowest, other = max(slowest, time.monotonic() - sent), other + 1
            check(time.monotonic() - begin < 30, 'a hung worker is still there after 30 s')
        found = time.monotonic() - begin
        equal(dealer.wait(mark), {'accepted': 1, 'duplicate': 0, 'rejected': []}, 'handed over')
        print('# hung: found after %.1f s, answered after %.1f s; %d pushes to the other worker meanwhile, the slowest %.0f ms'
              % (found, time.monotonic() - begin, other, slowest * 1e3), flush=True)
        check(found >= 1.9, 'killed before workers.hang_ms')
        check(slowest < max(1.5, found / 2), 'the other worker waited %.1f s' % slowest)
        check('killed: it does not answer' in daemon.log_text(), 'the reason is not said')
        dealer.close()


@case
def a_slow_worker_is_no_hung_one():
    """Stopped and continued all the time it gets little done, but it answers: it is kept, and nothing is lost."""
    with Daemon(workers=2, workers__hang_ms=3000) as daemon:
        pids = [w['pid'] for w in daemon.ok('stats')['workers']]
        dealer, names = Dealer(daemon.at['events']), ['s%d' % i for i in range(50)]
        marks = [dealer.send([event(account=n) for n in names]) for _ in range(200)]
        for i in range(20):
            kill(pids[0], signal.SIGSTOP)
            time.sleep(0.15)  # asleep for most of the time
            kill(pids[0], signal.SIGCONT)
            time.sleep(0.02)
        for mark in marks:
            reply = dealer.wait(mark)
            equal((reply['accepted'], reply['rejected']), (50, []), 'a batch')
        equal([w['pid'] for w in daemon.ok('stats')['workers']], pids, 'workers')
        dealer.close()


def alarmed(daemon):
    return daemon.alerts(kind='silence') + daemon.alerts(kind='churn_risk')


@case
def the_clock_is_set_on_by_a_year_and_back():
    """Nobody is alarmed for a wrong clock; it is said in /healthz; events of the right time count all the while."""
    with WrongClock(workers=2) as clock:
        daemon = clock.daemon
        names = ['y%d' % i for i in range(40)]
        daemon.load([e for n in names for e in weekly_calls(n, now() - DAY, weeks=20)])
        before, told = {n: daemon.get(n)['events'] for n in names}, len(alarmed(daemon))
        clock.set(200 * DAY)  # silence for all; a year later they would be dormant
        clock.wait_jump()
        clock.set(YEAR)
        equal(daemon.push(event(account='y0'))['accepted'], 1, 'an event of the right time')
        equal(daemon.push(event(account='y1', ts=now() + YEAR))['accepted'], 1, 'an event of the wrong time')
        until(lambda: daemon.metrics()['retaind_worker_clock_jump{worker="0"}'] == 1, 'the metric')
        clock.set(0)
        equal(daemon.push(event(account='y2'))['accepted'], 1, 'an event after it was set back')
        for n in names[3:]:
            equal(daemon.get(n)['events'], before[n], 'events of', n)
        quiet = [m for m in alarmed(daemon)[told:] if m['account'] not in names[:3]]
        equal(quiet, [], 'alarms of accounts that nothing happened to')
        equal(daemon.stop(), 0, 'exit code')


@case
def the_clock_is_set_back_by_an_hour():
    """Time does not run backwards for anybody: no score rises, no alert is raised again, and what was said stands."""
    with WrongClock(workers=2) as clock:
        daemon = clock.daemon
        daemon.load(weekly_calls('a', now() - 3 * DAY, weeks=30) + [ticket('a', 'T', 'opened', now() - 5 * HOUR, severity=1)])
        daemon.wait_alert('a', 'ticket_overdue')
        score, listed = daemon.get('a')['score'], daemon.alerts()
        clock.set(-HOUR)
        clock.wait_jump()
        check(daemon.get('a')['score'] <= score + 1e-9, 'the score rose when the clock went back')
        equal(daemon.alerts(), listed, 'alerts')
        equal(daemon.push(event(account='b', ts=now() - HOUR))['accepted'], 1, 'an event of the clock as it is')
        for workers_too in (False, True):
            daemon.kill(workers_too)
            daemon.start(env=clock.environment)
            check(daemon.get('a')['score'] <= score + 1e-9, 'the score rose after a restart')
            equal([(m['id'], m['state'], m['ts']) for m in daemon.alerts()], [(m['id'], m['state'], m['ts']) for m in listed], 'alerts')
        check(clock.healthy(), 'a start knows of no jump')
        equal(daemon.push(ticket('c', 'T', 'opened', now() - 6 * HOUR, severity=1))['accepted'], 1, 'a new ticket')
        raised = daemon.wait_alert('c', 'ticket_overdue')
        check(raised['cursor'] not in {m['cursor'] for m in listed} and raised['ts'] >= max(m['ts'] for m in listed), 'the order of alerts')


if __name__ == '__main__':
    main()
