#!/usr/bin/python3
"""The history of a score: a point for each day and week that is over, also of days on which nobody looked; over crashes, restarts,
another number of workers, erases, backups and damage."""
import json
import os
import pty
import sys
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))
from harness import *


def history(daemon, account):
    told = daemon.ok('account.get', account=account, history=True)['history']
    for series, step, most in (('days', DAY, 90), ('weeks', 7 * DAY, 104)):
        points = told[series]
        check(len(points) <= most, series, 'hold', len(points))
        stamps = [p['ts'] for p in points]
        equal(stamps, sorted(set(stamps)), series, 'in order')
        check(all(ts % DAY == 0 and ts <= daemon.now() for ts in stamps), series, 'at midnight', stamps)
        check(all(0 <= p['score'] <= 100 and p['score'] * 2 == int(p['score'] * 2) for p in points), series, points)
        if series == 'weeks':
            check(all(ts // DAY % 7 == 4 for ts in stamps), 'weeks end with Sunday')
    return told


def points(daemon, account, series='days'):
    return {p['ts']: p['score'] for p in history(daemon, account)[series]}


def world(**options):
    """At noon, so that no day ends while a test looks."""
    options.setdefault('debug__clock_offset_ms', DAY // 2 - now() % DAY)
    return Daemon(workers=2, snapshot__interval_ms=200, journal__segment_bytes='1M', **options)


def call(daemon, account, **keys):
    return event(account=account, ts=daemon.now(), **keys)


def calls(account, count, end, gap=7):
    return [event(account=account, ts=end - i * gap * DAY) for i in range(count)]


def go_on(daemon, days, **options):
    """The same state, so many days later."""
    daemon.restart(debug__clock_offset_ms=daemon.options['debug.clock_offset_ms'] + days * DAY, **options)


def saved(daemon, account):
    """Its points are in a file: a snapshot has been taken since."""
    path = os.path.join(daemon.state, 'curves')
    return os.path.isdir(path) and any(n.endswith('.curve') for n in os.listdir(path))


@case
def nothing_is_asked_nothing_is_told():
    with world() as daemon:
        account = fresh()
        daemon.load(calls(account, 3, daemon.now() - HOUR))
        check('history' not in daemon.get(account), 'the history came unasked')
        check('history' in daemon.ok('account.get', account=account, history=True), 'it was asked for')
        check('history' not in daemon.ok('account.get', account=account, history=False), 'it was not wanted')
        daemon.refused('account.get', 'bad_request', account=account, history=1)
        new = fresh()
        daemon.push([call(daemon, new)])
        equal(history(daemon, new), {'days': [], 'weeks': []}, 'of one that is new')
        nobody = fresh()
        daemon.push([event('account', account=nobody, ts=daemon.now(), name='x')])
        equal(history(daemon, nobody), {'days': [], 'weeks': []}, 'of a profile')


@case
def days_that_nobody_looked_at_are_filled():
    """What account.get foretold for each midnight is what the history says when it is over."""
    with world() as daemon:
        account = fresh()
        daemon.load(calls(account, 20, daemon.now() - HOUR))
        midnights = [(daemon.now() // DAY + i) * DAY for i in range(1, 40)]
        foretold = {at: daemon.score(account, at) for at in midnights}
        go_on(daemon, 30)
        seen = points(daemon, account)
        wanted = [at for at in midnights if at <= daemon.now()]
        check(len(wanted) >= 30, 'days', len(wanted))
        for at in wanted:
            check(abs(seen[at] - foretold[at]) <= 0.25 + 1e-9, 'at', at, seen[at], 'foretold', foretold[at])
        daemon.push([call(daemon, account, sentiment=-1), call(daemon, account)])  # the closed form ends: what stands is kept
        equal({at: points(daemon, account)[at] for at in wanted}, {at: seen[at] for at in wanted}, 'after an event')
        go_on(daemon, 3)
        after = points(daemon, account)
        equal({at: after[at] for at in wanted}, {at: seen[at] for at in wanted}, 'three days later')
        check(len(after) >= len(seen) + 3, 'days since', len(after), len(seen))


@case
def late_events_do_not_change_what_was():
    with world() as daemon:
        account = fresh()
        daemon.load(calls(account, 20, daemon.now() - HOUR))
        go_on(daemon, 5)
        daemon.push([call(daemon, account)])
        before = points(daemon, account)
        go_on(daemon, 1)
        daemon.load([event(account=account, ts=daemon.now() - 4 * DAY, sentiment=-1) for _ in range(20)])
        after = points(daemon, account)
        equal({at: after[at] for at in before}, before, 'points')


@case
def it_survives():
    """A crash, before and after a snapshot; another number of workers; a clean restart."""
    with world() as daemon:
        accounts = [fresh() for _ in range(12)]
        for account in accounts:
            daemon.load(calls(account, 10, daemon.now() - HOUR))
        for number, workers in enumerate((2, 3, 1, 2)):
            go_on(daemon, 2, workers__count=workers)
            daemon.push([call(daemon, a) for a in accounts])
            seen = {a: points(daemon, a) for a in accounts}
            if number % 2:
                until(lambda: saved(daemon, accounts[0]), 'the points in a file')
            daemon.crash(workers_too=True)
            equal({a: points(daemon, a) for a in accounts}, seen, 'after a crash with', workers, 'workers')
        check(min(len(s) for s in seen.values()) >= 7, 'days', {a: len(s) for a, s in seen.items()})
        daemon.restart()
        equal({a: points(daemon, a) for a in accounts}, seen, 'after a restart')
        equal(daemon.stop(), 0, 'exit code')
        code, out, err = run([require('retainctl'), 'verify', daemon.state])
        equal(code, 0, 'verify', out, err)


@case
def it_is_bounded():
    """Days for ninety days, weeks for two years."""
    with world() as daemon:
        account = fresh()
        daemon.load(calls(account, 50, daemon.now() - HOUR, gap=3))
        for _ in range(8):
            go_on(daemon, 100)
            daemon.push([call(daemon, account)])
        told = history(daemon, account)
        equal(len(told['days']), 90, 'days')
        check(len(told['weeks']) in (103, 104), 'weeks', len(told['weeks']))
        daemon.stop()
        sizes = [os.path.getsize(os.path.join(daemon.state, 'curves', n)) for n in os.listdir(os.path.join(daemon.state, 'curves'))]
        equal(sum(sizes) - 64 * len(sizes), 224, 'bytes of one account')


@case
def an_erased_account_begins_anew():
    with world() as daemon:
        account, other = fresh(), fresh()
        daemon.load(calls(account, 10, daemon.now() - HOUR) + calls(other, 10, daemon.now() - HOUR))
        go_on(daemon, 4)
        daemon.push([call(daemon, account), call(daemon, other)])
        kept = points(daemon, other)
        check(len(points(daemon, account)) >= 4, 'points before')
        daemon.ok('account.erase', account=account)
        daemon.push([call(daemon, account)])
        equal(points(daemon, account), {}, 'after the erase')
        daemon.crash(workers_too=True)
        equal(points(daemon, account), {}, 'after a crash')
        equal(points(daemon, other), kept, "another's")
        daemon.stop()
        sizes = [os.path.getsize(os.path.join(daemon.state, 'curves', n)) for n in os.listdir(os.path.join(daemon.state, 'curves'))]
        equal(sum(sizes) - 64 * len(sizes), 224, 'bytes: the other one only')


@case
def a_backup_has_it():
    with world() as daemon:
        account = fresh()
        daemon.load(calls(account, 10, daemon.now() - HOUR))
        go_on(daemon, 6)
        daemon.push([call(daemon, account)])
        seen = points(daemon, account)
        until(lambda: saved(daemon, account), 'the points in a file')
        copy = os.path.join(scratch(), 'copy')
        code, out, err = run([require('retainctl'), 'backup', daemon.state, copy])
        equal(code, 0, 'backup', out, err)
        offset = daemon.options['debug.clock_offset_ms']
    with Daemon(workers=1, debug__clock_offset_ms=offset) as other:
        other.stop()
        run(['rm', '-rf', other.state])
        run(['cp', '-a', copy, other.state])
        other.start()
        equal(points(other, account), seen, 'from the copy')


@case
def damage_is_told_and_stops_nothing():
    """Every file of curves cut, filled with noise, or gone: a start, events, erases and backups do not care."""
    with world() as daemon:
        accounts = [fresh() for _ in range(6)]
        for account in accounts:
            daemon.load(calls(account, 10, daemon.now() - HOUR))
        go_on(daemon, 5)
        daemon.push([call(daemon, a) for a in accounts])
        daemon.stop()
        folder = os.path.join(daemon.state, 'curves')
        for number, name in enumerate(sorted(os.listdir(folder))):
            with open(os.path.join(folder, name), 'r+b') as file:
                if number % 3 == 0:
                    file.truncate(100)
                elif number % 3 == 1:
                    file.write(os.urandom(64))
                else:
                    file.seek(150)
                    file.write(b'\xaa')
        code, out, err = run([require('retainctl'), 'verify', daemon.state])
        check(code == 1 and 'curves/' in out + err, 'verify says', code, out, err)
        daemon.start()
        for account in accounts:
            check(daemon.get(account)['score'] > 0, 'the score is there')
            history(daemon, account)
        go_on(daemon, 2)
        daemon.push([call(daemon, a) for a in accounts])
        daemon.ok('account.erase', account=accounts[0])
        for account in accounts[1:]:
            check(len(points(daemon, account)) >= 2, 'new points of', account)
        daemon.stop()
        code, out, err = run([require('retainctl'), 'verify', daemon.state])
        equal(code, 0, 'verify after that', out, err)


def on_a_terminal(daemon, account, locale):
    """What retainctl get prints to a terminal in that locale."""
    master, slave = pty.openpty()
    env = dict(os.environ, LC_ALL=locale, TERM='xterm')
    process = spawn([require('retainctl'), '--query', daemon.at['query'], 'get', account], stdout=slave, stderr=slave, env=env)
    os.close(slave)
    seen = b''
    while True:
        try:
            piece = os.read(master, 4096)
        except OSError:  # how Linux says that the other end is closed
            break
        if not piece:
            break
        seen += piece
    os.close(master)
    equal(process.wait(DEADLINE), 0, 'exit code', seen)
    return seen.decode()


@case
def bars_where_they_can_be_shown():
    with world() as daemon:
        account = fresh()
        daemon.load(calls(account, 20, daemon.now() - HOUR))
        go_on(daemon, 80)
        bars = set('▁▂▃▄▅▆▇█')
        seen = on_a_terminal(daemon, account, 'C.UTF-8')
        line = [l for l in seen.splitlines() if l.startswith('daily')]
        check(len(line) == 1 and len([c for c in line[0] if c in bars]) == 40, 'eighty days as forty bars', seen)
        drawn = [c for c in line[0] if c in bars]
        check(drawn == sorted(drawn, reverse=True) and len(set(drawn)) > 3, 'falling', drawn)
        for plain in (on_a_terminal(daemon, account, 'C'),
                      run([require('retainctl'), '--query', daemon.at['query'], 'get', account], env=dict(os.environ, LC_ALL='C.UTF-8'))[1]):
            check('daily' in plain and 'between' in plain and not bars & set(plain), 'plain', plain)
        code, out, err = run([require('retainctl'), '--query', daemon.at['query'], '--json', 'get', account])
        equal((code, len(json.loads(out)['history']['days'])), (0, 80), 'as JSON', err)


if __name__ == '__main__':
    main()
