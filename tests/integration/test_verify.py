#!/usr/bin/python3
"""retainctl verify: a sound directory passes, and every kind of damage is named by file and offset."""
import glob
import json
import os
import shutil
import struct
import sys
sys.dont_write_bytecode = True

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))
from harness import *


def verify(state, json_=True):
    code, out, err = run([require('retainctl')] + ['--json'] * json_ + ['verify', state])
    return code, json.loads(out) if json_ and out else out, err


def findings(state):
    code, told, err = verify(state)
    check(code in (0, 1), 'verify ended with', code, err)
    equal(code == 0, told['ok'], 'exit status and ok')
    return [(f['file'], f['offset'], f['weight']) for f in told['findings']]


_made = {}


def made():
    """A directory with two generations, full segments, indexes, snapshots and an erase, stopped; a copy for each case."""
    if 'state' not in _made:
        daemon = Daemon(workers=1, journal__segment_bytes='1M')
        with daemon:
            sent = []
            for _ in range(6):
                sent.append([event(account='acct-%d' % (i % 40), contact='x' * 100) for i in range(3000)])
                daemon.load(sent[-1])
            sent.append(critical_tickets('acct-1', now() - DAY))
            daemon.load(sent[-1])
            daemon.ok('account.erase', account='acct-7')
            equal(daemon.stop(), 0, 'exit code')
            daemon.options['workers.count'] = 2
            daemon.start()
            sent.append([event(account='acct-%d' % (i % 40)) for i in range(100)])
            daemon.load(sent[-1])
            equal(daemon.stop(), 0, 'exit code')
        _made['state'] = daemon.state
        _made['sent'] = [[e for e in batch if e['account'] != 'acct-7'] for batch in sent]
    copy = os.path.join(scratch(), 'state')
    shutil.copytree(_made['state'], copy)
    return copy


def flip(state, name, offset, bit=3):
    with open(os.path.join(state, name), 'r+b') as file:
        file.seek(offset)
        byte = file.read(1)[0]
        file.seek(offset)
        file.write(bytes([byte ^ 1 << bit]))


def used(state, name):
    """Size of a segment up to its last byte that is not zero."""
    with open(os.path.join(state, name), 'rb') as file:
        return len(file.read().rstrip(b'\0'))


def records(state, name):
    """(offset, type) of each record."""
    with open(os.path.join(state, name), 'rb') as file:
        data = file.read()
    offset, found = 4096, []
    while offset < len(data) and struct.unpack_from('<I', data, offset + 4)[0]:
        found.append((offset, data[offset + 10]))
        offset += struct.unpack_from('<I', data, offset + 4)[0] + 7 & ~7
    return found


FULL = 'journal/0001-000001.seg'  # a full segment


@case
def a_sound_directory_passes():
    state = made()
    before = {p: open(p, 'rb').read() for p in glob.glob(state + '/**', recursive=True) if os.path.isfile(p)}
    code, told, err = verify(state)
    check(code == 0 and told['ok'] and told['findings'] == [], 'verify', code, short(told), err)
    equal((told['accounts'], told['events']), (40, 18000 - 450 + 6 + 100), 'accounts and events')
    check(told['indexes'] > 0 and told['snapshots'] > 0 and told['segments'] >= 5, 'looked at', short(told))
    code, out, err = verify(state, json_=False)
    check(code == 0 and 'nothing is damaged' in out, 'for people:', code, out, err)
    after = {p: open(p, 'rb').read() for p in glob.glob(state + '/**', recursive=True) if os.path.isfile(p)}
    equal(after, before, 'the directory after verify')


@case
def it_refuses_what_it_cannot_check():
    with Daemon(workers=1) as daemon:
        code, out, err = verify(daemon.state, json_=False)
        check(code == 2 and 'running daemon' in err, 'a daemon runs:', code, out, err)
    for path in (daemon.state + '-is-not-there', scratch()):
        code, out, err = verify(path, json_=False)
        check(code == 2 and 'not checked' in err, path, 'gives', code, out, err)


@case
def a_record_is_named_by_its_offset():
    state = made()
    offset, following = (at for at, _ in records(state, FULL)[500:502])
    flip(state, FULL, (offset + following) // 2)
    equal(findings(state), [(FULL, offset, 'lost')], 'one record')
    code, out, _ = verify(state, json_=False)
    check(code == 1 and FULL in out and str(offset) in out and 'DAMAGED' in out, 'for people:', code, out)


@case
def headers_are_there_twice():
    for offset in (0, 9, 30, 55, 2048, 2048 + 40, 100, 4000):
        state = made()
        flip(state, FULL, offset)
        equal(findings(state), [(FULL, offset, 'mended')], 'offset %d' % offset)
    state = made()
    flip(state, FULL, 33)
    flip(state, FULL, 2048 + 33)
    equal(findings(state), [(FULL, 0, 'lost')], 'both')


@case
def ends_and_tails():
    state = made()
    end = max(offset for offset, kind in records(state, FULL) if kind == 9)
    flip(state, FULL, end + 12)
    check((FULL, end, 'lost') in findings(state), 'the END record', end, findings(state))
    state = made()
    flip(state, FULL, (1 << 20) - 5)
    equal(findings(state), [(FULL, (1 << 20) - 5, 'mended')], 'a byte behind the END')
    state = made()
    flip(state, FULL, used(state, FULL) - 1)
    check(findings(state), 'the last byte of a full segment')
    state = made()
    last = sorted(glob.glob(state + '/journal/0003-*.seg'))[0][len(state) + 1:]
    flip(state, last, used(state, last) + 100)
    equal([f[0] for f in findings(state)], [last], 'behind the last commit')


@case
def files_that_are_cut_short():
    for size in (0, 100, 4096, 500000, (1 << 20) - 1):
        state = made()
        os.truncate(os.path.join(state, FULL), size)
        told = findings(state)
        check(told and all(f[0] == FULL for f in told), 'cut at', size, 'told', told)
    for pattern in ('snapshots/*.snap', 'journal/*.idx'):
        state = made()
        path = rng.choice(sorted(glob.glob(os.path.join(state, pattern))))
        os.truncate(path, rng.randrange(os.path.getsize(path)))
        told = findings(state)
        check([f[0] for f in told] == [path[len(state) + 1:]], 'cut', path, 'told', told)
    state = made()
    os.unlink(os.path.join(state, 'journal/0001-000002.seg'))
    equal(findings(state), [('journal/0001-000002.seg', 0, 'lost')], 'a segment that is missing')


@case
def snapshots_indexes_and_small_files():
    state = made()

    def flipped(name, offset, bit, *wanted):
        offset %= os.path.getsize(os.path.join(state, name))
        flip(state, name, offset, bit)
        told = [(f[0], f[2]) for f in findings(state)]
        flip(state, name, offset, bit)
        check(any((name, weight) in told for weight in wanted), 'flipped', name, offset, 'told', told)

    for pattern, offsets in (('snapshots/*.snap', (0, 20, 40, 50, 70, 72, -1)), ('journal/*.idx', (0, 12, 70, 583, 600, 4096, -1, -4000))):
        for offset in offsets:
            flipped(rng.choice(sorted(glob.glob(os.path.join(state, pattern))))[len(state) + 1:], offset, 3, 'mended')
    for name in ('format', 'generations'):
        for offset in rng.sample(range(os.path.getsize(os.path.join(state, name))), 10):
            flipped(name, offset, 4, 'lost')
    flipped('secret', 16, 4, 'lost')  # before that any digit may stand
    with open(os.path.join(state, 'generations'), 'r+') as file:
        text = file.read().replace('workers 1 log 1', 'workers 2 log 1').replace('log 2', 'log 3')
        file.seek(0)
        file.write(text)
    check(('generations', 0, 'lost') in findings(state), 'another number of workers:', findings(state))


@case
def a_daemon_recovers_the_rest_and_names_the_place():
    """Real workers over one damaged place each: counted once, or named; what is sent again is counted at most once."""
    for _ in range(int(os.environ.get('RETAIND_TEST_ROUNDS') or 6)):
        state = made()
        path = rng.choice(sorted(glob.glob(os.path.join(state, rng.choice(('journal/*.seg', 'snapshots/*.*', 'journal/*.idx'))))))
        name, size = path[len(state) + 1:], os.path.getsize(path)
        offset = rng.randrange(used(state, name) if name.endswith('.seg') and rng.random() < 0.8 else size)
        if rng.random() < 0.3:
            os.truncate(path, offset)
        else:
            flip(state, name, offset, rng.randrange(8))
        check(name in [f[0] for f in findings(state)], 'verify does not name', name, offset, 'seed', SEED)
        daemon = Daemon(workers=rng.choice((1, 2, 3)), journal__segment_bytes='1M')
        os.rmdir(daemon.state)
        os.rename(state, daemon.state)
        want = {}
        for e in [e for batch in _made['sent'] for e in batch]:
            want[e['account']] = want.get(e['account'], 0) + 1
        with daemon:
            def counted():
                replies = {a: daemon.query('account.get', account=a) for a in want}
                return {a: sum(r['events'].values()) if r['ok'] else 0 for a, r in replies.items()}
            told, named = counted(), name in daemon.log_text()
            check(all(told[a] <= want[a] for a in want), 'counted twice', name, offset, 'seed', SEED)
            check(told == want or named, 'lost in silence', name, offset, 'seed', SEED)
            daemon.dealer('events').ask_all(_made['sent'])
            named = name in daemon.log_text()
            again = counted()
            check(again == want or named, 'sent again: neither mended nor named', name, offset, 'seed', SEED)


@case
def what_a_stop_leaves_behind_is_no_damage():
    with Daemon(workers=2, journal__segment_bytes='1M') as daemon:
        for _ in range(3):
            mark = daemon.dealer('events').send([event(account=fresh()) for _ in range(5000)])
        daemon.dealer('events').wait(mark)
    equal([f for f in findings(daemon.state) if f[2] != 'note'], [], 'after kill -9')
    os.makedirs(os.path.join(daemon.state, 'snapshots'), exist_ok=True)
    for name, text in (('journal/0001-000009.seg.new', 'half'), ('snapshots/0001.new', 'half'), ('endpoints', 'x')):
        with open(os.path.join(daemon.state, name), 'w') as file:
            file.write(text)
    equal([f for f in findings(daemon.state) if f[2] != 'note'], [], 'unfinished files')


if __name__ == '__main__':
    main()
