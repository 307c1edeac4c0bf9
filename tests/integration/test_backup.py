#!/usr/bin/python3
"""retainctl backup: taken while the daemon works, checked by itself, and a restore that is held against the original."""
import fcntl
import json
import os
import shutil
import sys
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))
from harness import *
from load import Load

SMALL = {'journal__segment_bytes': '1M'}


def backup(daemon, *argv, to=None):
    """(exit code, standard output, standard error, where it was to be)"""
    to = to or os.path.join(daemon.home, fresh('backup'))
    return run([require('retainctl'), 'backup', *argv, daemon.state, to]) + (to,)


def taken(daemon):
    code, out, err, path = backup(daemon)
    check(code == 0 and 'nothing is damaged' in out and not err, 'backup gave', code, out, err)
    check(not os.path.exists(path + '.partial'), 'the partial copy is left')
    code, out, err = run([require('retainctl'), 'verify', path])
    check(code == 0, 'verify of a backup gave', code, out, err)
    return path


def restored(path, **options):
    """A daemon over a copy of the backup."""
    daemon = Daemon(**dict(SMALL, **options))
    os.rmdir(daemon.state)
    shutil.copytree(path, daemon.state)
    return daemon


def picture(daemon, names, at):
    """All that a reader can see. An alert that was published after the copy began has another number in it."""
    alerts = [{k: v for k, v in m.items() if k not in ('cursor', 'published')} for m in daemon.alerts()]
    dead = daemon.ok('dead.list', limit=1000)['dead']
    return {n: daemon.get(n, at=at) for n in names}, {n: daemon.timeline(n) for n in names}, alerts, dead


def holder(state, how):
    folder = os.open(os.path.join(state, 'journal'), os.O_RDONLY)
    fcntl.flock(folder, how)
    return folder


@case
def a_restore_is_the_same():
    names = ['b%d' % i for i in range(60)]
    with Daemon(workers=2, **SMALL) as daemon:
        for i in range(4):
            daemon.load([event(account=rng.choice(names), contact='y' * 100, ts=now() - rng.randrange(80 * DAY)) for _ in range(3000)])
        for n in names[:10]:
            daemon.load(critical_tickets(n, now() - 2 * DAY))
            daemon.wait_alert(n, 'ticket_overdue')
        daemon.ok('alert.ack', id=daemon.alerts(account=names[0], open=True)[0]['id'], by='kim', note='seen')
        firehose = connect(zmq.PUSH, daemon.at['firehose'])
        firehose.send(b'\xc1 no msgpack')
        until(lambda: daemon.ok('dead.list')['dead'], 'a dead letter')
        firehose.close()
        daemon.restart(workers__count=3)  # several generations
        daemon.load([event(account=n) for n in names])
        daemon.ok('account.erase', account=names[59])
        at = now() + DAY
        before = picture(daemon, names[:59], at)
        path = taken(daemon)
    for workers in (3, 1):
        with restored(path, workers=workers) as copy:
            equal(picture(copy, names[:59], at), before, 'restored, with', workers, 'workers')
            copy.refused('account.get', 'not_found', account=names[59])


@case
def under_load_all_that_was_acknowledged_is_in_it():
    with Daemon(workers=2, snapshot__interval_ms=300, **SMALL) as daemon:
        load = Load(daemon, total=30000)
        load.until_acked(100)
        copies = []
        while len(load.acked) < len(load.batches) and len(copies) < 3:
            sure = set(load.acked)
            path = os.path.join(daemon.home, 'copy%d' % len(copies))
            process = spawn([require('retainctl'), 'backup', daemon.state, path], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            while process.poll() is None:
                load.step(5)
            equal(process.returncode, 0, 'backup under load: %s' % process.stdout.read().decode())
            copies.append((sure, path))
            load.until_acked(len(load.acked) + 40)
        load.finish()
        load.check_counts('the daemon itself')
    for sure, path in copies:
        equal(run([require('retainctl'), 'verify', path])[0], 0, 'verify')
        with restored(path, workers=2) as copy:
            load.daemon = copy
            held, least, most = load.held(), load.counts(sure), load.counts(load.batches)
            for name in most:
                for kind, n in most[name].items():
                    check(least.get(name, {}).get(kind, 0) <= held.get(name, {}).get(kind, 0) <= n, name, kind, 'seed', SEED)
            replies = copy.dealer('events').ask_all([load.batches[n] for n in load.batches], 20)
            known = sum(sum(kinds.values()) for kinds in held.values())
            equal(sum(r['duplicate'] for r in replies), known, 'sent again: each that was counted is a duplicate')
            load.check_counts('after all was sent again')


@case
def an_erase_waits_for_a_backup_and_a_backup_for_an_erase():
    with Daemon(workers=2, **SMALL) as daemon:
        daemon.load([event(account='gone', contact='Zacharias Q. Unique')] + [event(account='here') for _ in range(50)])
        hold = holder(daemon.state, fcntl.LOCK_EX)
        daemon.refused('account.erase', 'busy', account='gone')
        equal(daemon.get('gone')['events'], {'call': 1}, 'what was not erased')
        code, out, err, path = backup(daemon, '--wait', '0')
        check(code == 1 and 'another backup' in err, 'two backups at once:', code, out, err)
        os.close(hold)
        hold = holder(daemon.state, fcntl.LOCK_SH)
        code, out, err, path = backup(daemon, '--wait', '0')
        check(code == 1 and 'an erase' in err, 'a backup during an erase:', code, out, err)
        check(not os.path.exists(path) and not os.path.exists(path + '.partial'), 'something is left')
        os.close(hold)
        equal(daemon.ok('account.erase', account='gone')['events'], 1, 'events erased')
        path = taken(daemon)
    for folder, _, files in os.walk(path):
        for name in files:
            with open(os.path.join(folder, name), 'rb') as file:
                data = file.read()
            check(b'gone' not in data and b'Zacharias' not in data, 'the erased account stands in', name)


@case
def a_backup_of_a_directory_that_is_not_used():
    with Daemon(workers=1, **SMALL) as daemon:
        daemon.load([event(account='a') for _ in range(100)])
        daemon.kill()
        path = taken(daemon)
    with restored(path, workers=1) as copy:
        equal(copy.get('a')['events'], {'call': 100}, 'restored after kill -9')
    again = os.path.join(daemon.home, 'again')
    equal(run([require('retainctl'), 'backup', path, again])[0], 0, 'a backup of a backup')
    equal(run([require('retainctl'), 'verify', again])[0], 0, 'verify of it')


@case
def refusals_leave_nothing():
    with Daemon(workers=1, **SMALL) as daemon:
        daemon.load([event(account='a')])
        path = taken(daemon)
        kept = {p: os.stat(os.path.join(path, p)).st_mtime_ns for p in os.listdir(path)}
        code, out, err, _ = backup(daemon, to=path)
        check(code == 1 and 'is there already' in err, 'an existing destination:', code, out, err)
        equal({p: os.stat(os.path.join(path, p)).st_mtime_ns for p in os.listdir(path)}, kept, 'the existing destination')
        os.mkdir(path + '2.partial')
        code, out, err, _ = backup(daemon, to=path + '2')
        check(code == 1 and 'remove it' in err, 'a partial copy in the way:', code, out, err)
        code, out, err, _ = backup(daemon, to=os.path.join(daemon.home, 'no', 'such', 'folder'))
        check(code == 1 and 'no backup was taken' in err, 'no such folder:', code, out, err)
        for argv in ([], [daemon.state], [daemon.state, ''], [daemon.state, 'a', 'b']):
            equal(run([require('retainctl'), 'backup'] + argv)[0], 2, 'usage of', argv)
        code, out, err = run([require('retainctl'), 'backup', scratch(), path + '3'])
        check(code == 1 and not os.path.exists(path + '3.partial'), 'no state directory:', code, out, err)


@case
def a_damaged_source_is_told_and_the_copy_kept_apart():
    with Daemon(workers=1, **SMALL) as daemon:
        for _ in range(4):
            daemon.load([event(account='a', contact='z' * 100) for _ in range(3000)])
        with open(os.path.join(daemon.state, 'journal', '0001-000001.seg'), 'r+b') as file:
            file.seek(700000)
            byte = file.read(1)[0]
            file.seek(700000)
            file.write(bytes([byte ^ 4]))
        to = os.path.join(daemon.home, 'copy')
        code, out, err = run([require('retainctl'), '--json', 'backup', daemon.state, to])
        told = json.loads(out)
        check(code == 1 and not told['ok'] and 'kept as' in err, 'backup of a damaged directory:', code, out, err)
        equal([f['file'] for f in told['findings']], ['journal/0001-000001.seg'], 'named')
        check(not os.path.exists(to) and os.path.isdir(to + '.partial'), 'where it is kept')
    with restored(to + '.partial', workers=1) as copy:
        equal(copy.get('a')['events'], {'call': 11999}, 'all but the damaged record')
        check('file=journal/0001-000001.seg offset=%d' % told['findings'][0]['offset'] in copy.log_text(), 'the log does not name it')


if __name__ == '__main__':
    main()
