#!/usr/bin/python3
"""Real processes whose n-th system call on the state directory kills them, fails or falls short (tests/shim/bad_calls.c), daemon and
worker, in five workloads; checked through the public protocol. RETAIND_CRASH_STRIDE (1009): every n-th fault is tried, from a place the
seed decides; 1 tries all (make crash-walk).

After each: all that was acknowledged is counted, once; every alarm was raised once, and its alert keeps its id; an erased account is
in no file; what was taken back does not count, and what was set by hand is in force; nothing is left that a start would complain of.
"""
import os
import sys
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))
from harness import *
from bad_calls import COUNT, Plan, STRIDE, faults_of, require_shim, strided
from load import Load

class Lives:
    """A daemon that may die as planned, whoever of it the plan is for."""

    def __init__(self, plan_for):
        self.daemon = Daemon(workers=1, workers__backoff_ms=1, journal__segment_bytes='1M', snapshot__bytes='64K',
                             snapshot__interval_ms=100)
        self.plan = plan_for(self.daemon.home)
        self.env = self.plan.environment(self.daemon.state)
        self.alarms, self.armed = [], False

    def start(self, **options):
        self.daemon.options.update({k.replace('__', '.'): v for k, v in options.items()})
        for _ in range(4):
            self.daemon.start(wait=False, env=self.env if self.armed else None)
            try:
                return self.daemon.wait_ready()
            except Failed:
                if self.daemon.process.poll() is None or not self.plan.read()[0]:
                    raise
                self.daemon._gone()
        raise Failed('it does not start any more: ' + self.daemon.tail())

    def is_gone(self):
        if self.daemon.process.poll() is None:
            return False
        check(self.plan.read()[0], 'the daemon ended unasked:', self.daemon.tail())
        return True

    def stop(self):
        try:
            os.kill(self.daemon.pid, signal.SIGTERM)
        except ProcessLookupError:
            pass
        code = self.daemon.wait()
        check(code == 0 or self.plan.read()[0], 'exit code', code, self.daemon.tail())
        self.daemon._gone()

    def finish(self, load):
        end = time.monotonic() + DEADLINE
        while load.step(20):
            check(time.monotonic() < end, 'stuck:', self.daemon.tail())
            if self.is_gone():
                load.disconnect()
                self.start()
                load.connect()

    def push(self, load, batches, bytes_each=30000):
        for i in range(batches):
            events = load.contacts(6)
            for e in events:
                e['note'] = '.' * bytes_each
            if i % 2 == 0:
                self.alarms.append(fresh('alarm'))
                events.append(ticket(self.alarms[-1], 'T', 'opened', now() - 5 * HOUR, severity=1))
            load.add(events)
            self.finish(load)

    def ask(self, op, **keys):
        """Asks until there is an answer, whoever dies meanwhile."""
        end = time.monotonic() + DEADLINE
        while True:
            if self.is_gone():
                self.start()
            dealer = Dealer(self.daemon.at['query'])
            try:
                reply = dealer.ask(dict(keys, op=op), 2)
                if reply['ok'] or reply['error'] not in ('busy', 'unavailable', 'stopping'):
                    return reply
            except Failed:
                pass
            finally:
                dealer.close()
            check(time.monotonic() < end, op, 'is not answered:', self.daemon.tail())

    def check_all(self, load, what):
        for name, want in load.counts(load.batches).items():
            reply = self.ask('account.get', account=name)
            got = {k: n for k, n in reply.get('events', {}).items() if n}
            equal(got, want, what, 'count of', name)
        listed = {}
        for message in self.ask('alert.list', kind='ticket_overdue', limit=1000)['alerts']:
            check(message['account'] not in listed, what, message['account'], 'was raised twice')
            listed[message['account']] = (message['id'], message['cursor'])
        check(set(listed) >= set(self.alarms), what, 'alarms that are not listed')
        return listed


def fill(lives):
    lives.armed = True
    lives.start()
    load = Load(lives.daemon, total=0, accounts=8)
    lives.push(load, 8)
    return load


def stop_and_start(lives):
    lives.start()
    load = Load(lives.daemon, total=0, accounts=8)
    lives.push(load, 4)
    load.disconnect()
    lives.daemon.kill(workers_too=True)
    lives.armed = True
    lives.start()
    load.connect()
    lives.push(load, 2)
    load.disconnect()
    lives.stop()
    lives.armed = False
    lives.start()
    load.connect()
    return load


def erase(lives):
    lives.start()
    load = Load(lives.daemon, total=0, accounts=8)
    lives.push(load, 3)
    name = fresh('forgotten')
    number = load.add([event(account=name, note='.' * 3000) for _ in range(20)] + [ticket(name, 'T', 'opened', now() - 5 * HOUR)])
    lives.finish(load)
    load.disconnect()
    lives.stop()
    lives.armed = True
    lives.start()
    reply = lives.ask('account.erase', account=name)
    check(reply['ok'] or reply['error'] == 'not_found', short(reply))
    del load.batches[number], load.acked[number]
    found = standing(lives.daemon.state, [name.encode()])
    check(not found, name, 'was erased, and is in', found)
    load.connect()
    number = len(load.batches) + 1
    load.batches[number] = load.contacts(5)
    load.todo.append(number)
    lives.finish(load)
    check(not standing(lives.daemon.state, [name.encode()]), name, 'is back')
    return load


def operate(lives):
    """Events are taken back, and a score is set by hand."""
    lives.start()
    load = Load(lives.daemon, total=0, accounts=8)
    lives.push(load, 2)
    name = fresh('operated')
    lives.daemon.load([event(account=name, id='right-%d' % i) for i in range(3)] + [event(account=name, id='wrong-%d' % i) for i in range(2)])
    load.disconnect()
    lives.stop()
    lives.armed = True
    lives.start()
    asked = {'account': name, 'score': 12.5, 'by': 'kim', 'reason': 'why', 'until': now() + 30 * DAY}
    for op, keys in (('event.void', {'account': name, 'id': 'wrong-0', 'by': 'kim'}), ('account.override', asked),
                     ('event.void', {'account': name, 'id': 'wrong-1', 'by': 'kim'})):
        reply = lives.ask(op, **keys)
        check(reply['ok'], op, short(reply))
    for _ in range(2):
        told = lives.ask('account.get', account=name)
        equal((told['events'], told['override']['score']), ({'call': 3}, 12.5), 'what operators said')
        equal(sorted(e['id'] for e in lives.ask('account.timeline', account=name)['events']), ['right-0', 'right-1', 'right-2'], 'timeline')
        lives.daemon.kill(workers_too=True)
        lives.start()
    load.connect()
    lives.push(load, 1)
    return load


def upgrade(lives):
    lives.start()
    load = Load(lives.daemon, total=0, accounts=8)
    lives.push(load, 3, 3000)
    load.disconnect()
    lives.stop()
    lives.armed = True
    lives.start(workers__count=2)
    load.connect()
    lives.push(load, 2, 3000)
    return load


def one(workload, program, mode=COUNT, fault=0, at=0):
    """What the program called, and whether the fault was met."""
    lives = Lives(lambda home: Plan(home, program, mode, fault, at))
    try:
        load = workload(lives)
        lives.finish(load)
        before = lives.check_all(load, 'at the end')
        load.disconnect()
        lives.daemon.kill(workers_too=True)
        lives.armed = False
        lives.start()
        after = lives.check_all(load, 'after one more start')
        equal(after, before, 'ids and cursors of alerts after a start')
        equal(lives.ask('dead.list')['dead'], [], 'dead letters')
        load.connect()
        load.check_all_duplicates()
        load.socket.close()
        return lives.plan.read()
    except Failed as why:
        raise Failed('%s: %s, mode %d errno %d call %d: %s' % (workload.__name__, program, mode, fault, at, why))
    finally:
        lives.daemon.kill(workers_too=True)
        shutil.rmtree(lives.daemon.home, ignore_errors=True)


@case
def every_call():
    require_shim()
    place, met, tried = SEED % STRIDE, {}, 0
    for workload in (fill, stop_and_start, erase, operate, upgrade):
        for program in ('retain-worker', 'retaind'):
            _, calls = one(workload, program)
            check(len(calls) > 5, 'no calls of', program, 'were seen')
            for name, mode, fault, at in strided(calls, place):
                met[name] = met.get(name, 0) + one(workload, program, mode, fault, at)[0]
                tried += 1
            place += faults_of(calls)
            print('# %-14s %-13s %4d calls, %d faults tried so far, met: %s' % (
                workload.__name__, program, len(calls), tried, ', '.join('%d %s' % (n, k) for k, n in sorted(met.items()))), flush=True)


if __name__ == '__main__':
    main()
