#!/usr/bin/python3
"""The firehose, and the dead letters of what could not be counted."""
import os
import sys
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))
from harness import *

KB = 1024


class Hose:
    def __init__(self, daemon):
        self.socket = connect(zmq.PUSH, daemon.at['firehose'])

    def send(self, payload, before=()):
        data = payload if isinstance(payload, bytes) else pack(payload)
        self.socket.send_multipart(list(before) + [data])

    def close(self):
        self.socket.setsockopt(zmq.LINGER, 10000)
        self.socket.close()


def counts(daemon, account):
    reply = daemon.query('account.get', account=account)
    return sum(reply['events'].values()) if reply['ok'] else 0


def wait_count(daemon, account, want):
    try:
        until(lambda: counts(daemon, account) >= want, '%d events of %s' % (want, account))
    except Failed as why:
        raise Failed('%s; counted %d' % (why, counts(daemon, account)))
    equal(counts(daemon, account), want, 'count of', account)


def dead(daemon, limit=1000):
    after, found = None, []
    while True:
        page = daemon.ok('dead.list', limit=limit, **({} if after is None else {'after': after}))
        check(len(page['dead']) <= limit, 'a page over its limit')
        found += page['dead']
        after = page.get('after')
        if after is None:
            return found
        check(page['dead'], 'an empty page that says there is more')


def same_bytes(letter, payload):
    """`bytes` holds the first 64 KiB, or (read another way) says how many there are."""
    got = letter['bytes']
    if isinstance(got, int):
        return got in (len(payload), min(len(payload), 64 * KB))
    return got == payload[:64 * KB]


def wait_letter(daemon, payload):
    return until(lambda: next((d for d in dead(daemon) if same_bytes(d, payload)), None),
                 'a dead letter of %s' % short(payload, 60))


@case
def counted_without_a_reply():
    daemon, account = shared(), fresh()
    hose = Hose(daemon)
    for i in range(500):
        hose.send(event(account=account))
    hose.send([event(account=account) for _ in range(300)])
    hose.send({'events': [event('email', account=account) for _ in range(200)]})
    hose.send({'events': [event('email', account=account) for _ in range(100)], 'quiet': True})
    hose.send([])
    wait_count(daemon, account, 1100)
    hose.close()


@case
def last_frame_is_the_payload():
    daemon, account = shared(), fresh()
    hose = Hose(daemon)
    for before in ([], [b''], [b'x', b''], [pack(event())], [b'\xc1'] * 8, [b'x' * 4096]):
        hose.send(event(account=account), before)
    wait_count(daemon, account, 6)
    hose.close()


@case
def too_much_envelope_is_dropped_and_counted():
    daemon, account = shared(), fresh()
    before = daemon.metrics()
    hose = Hose(daemon)
    envelopes = [[b'x'] * 9, [b'x' * 4097], [b''] * 12]
    for envelope in envelopes:
        hose.send(event(account=account), envelope)
    hose.send(event('email', account=account))
    until(lambda: counts(daemon, account), 'the good one')
    equal(daemon.get(account)['events'], {'email': 1}, 'counted')

    def counted():
        after = daemon.metrics()
        return [k for k in after if after[k] - before.get(k, 0) == len(envelopes)]
    until(counted, 'a metric that counts %d dropped requests' % len(envelopes), 10)
    hose.close()


@case
def duplicates_count_once():
    daemon, account = shared(), fresh()
    hose = Hose(daemon)
    events = [event(account=account) for _ in range(100)]
    for _ in range(3):
        hose.send(events)
    one = event(account=account)
    equal(daemon.push([one])['accepted'], 1, 'pushed')
    hose.send(one)
    hose.send(event(account=account))
    wait_count(daemon, account, 102)
    equal(daemon.push(events), {'accepted': 0, 'duplicate': 100, 'rejected': []}, 'then on 7600')
    hose.close()


@case
def bad_payloads_become_dead_letters():
    daemon = shared()
    hose = Hose(daemon)
    before = daemon.ok('stats')['outcomes']['dead']
    mark = fresh().encode()
    payloads = [b'\xc1' + mark, b'\x81\xa2id' + mark[:0], b'\x91' * 20 + mark, pack(mark.decode()), pack(event()) + mark,
                pack({'events': 5, 'x': mark}), b'\xdd\xff\xff\xff\xff' + mark]
    for payload in payloads:
        hose.send(payload)
    for payload in payloads:
        letter = wait_letter(daemon, payload)
        check(isinstance(letter['reason'], str) and letter['reason'], 'a letter without a reason')
        check(isinstance(letter['ts'], int) and abs(letter['ts'] - now()) < 10 * MINUTE, 'ts of a letter', letter['ts'])
        check(letter['id'] is not None, 'a letter without an id')
    until(lambda: daemon.ok('stats')['outcomes']['dead'] - before == len(payloads), 'stats to count the dead letters')
    check(len({d['id'] for d in dead(daemon)}) == len(dead(daemon)), 'ids of letters are unique')
    hose.close()


@case
def bad_events_become_dead_letters_good_ones_count():
    daemon, account = shared(), fresh()
    hose = Hose(daemon)
    bad = [event(account=account, sentiment=7), event(account=account, ts=absent), event('visit', account=account, channel='x'),
           event(account=account, ts=now() + DAY)]
    batch = []
    for b in bad:
        batch += [event(account=account), b]
    hose.send(batch)
    wait_count(daemon, account, len(bad))
    reasons = {}
    for b in bad:
        reasons[b['id']] = wait_letter(daemon, pack(b))['reason']
    for b, field in zip(bad, ('sentiment', 'ts', 'channel', 'ts')):
        check(field in reasons[b['id']] or 'future' in reasons[b['id']], 'reason', reasons[b['id']], 'does not name', field)
    hose.close()


@case
def rejected_on_7600_is_no_dead_letter():
    daemon = shared()
    before = len(dead(daemon))
    for _ in range(20):
        equal(len(daemon.push(event(sentiment=9))['rejected']), 1, 'rejected')
    check('error' in daemon.push(b'\xc1'), 'bad payload answered')
    equal(len(dead(daemon)), before, 'dead letters')


@case
def letters_are_cut_at_64_kib():
    daemon = shared()
    hose = Hose(daemon)
    for size in (64 * KB - 1, 64 * KB, 64 * KB + 1, 300 * KB, 3 << 20):
        payload = b'\xc1' + os.urandom(size - 1)
        hose.send(payload)
        letter = wait_letter(daemon, payload)
        if isinstance(letter['bytes'], bytes):
            equal(len(letter['bytes']), min(size, 64 * KB), 'bytes kept of', size)
    hose.close()


@case
def oldest_letters_go_first():
    """limits.dead_bytes holds for all of them together, also after kill -9; the newest stay."""
    def listed():
        letters = dead(daemon)
        return [(x['id'], x['ts']) for x in letters], sum(len(x['bytes']) for x in letters)
    for payload in (lambda i: b'\xc1%04d' % i + b'x' * 30000,  # no account: all in one partition
                    lambda i: pack(event(account=fresh('dead'), sentiment=9, x='x' * 30000))):
        with Daemon(workers=2, limits__dead_bytes='1M') as daemon:
            hose = Hose(daemon)
            for i in range(120):
                hose.send(payload(i))
            until(lambda: daemon.ok('stats')['outcomes']['dead'] == 120, 'all are dead')
            kept, size = listed()
            check(size <= 1 << 20, 'too many bytes are kept', size)
            check(len(kept) >= 14, 'letters kept', len(kept))
            daemon.crash(workers_too=True)
            equal(listed(), (kept, size), 'after kill -9')
            daemon.restart()
            equal(listed(), (kept, size), 'after a stop')


@case
def too_large_payloads():
    daemon, account = shared(), fresh()
    hose = Hose(daemon)
    before = daemon.ok('stats')['outcomes']['dead']
    payload = b'\x91\xc6' + (5 << 20).to_bytes(4, 'big') + b'q' * (5 << 20)
    hose.send(payload)
    wait_letter(daemon, payload)
    hose.send(event(account=account))
    wait_count(daemon, account, 1)
    until(lambda: daemon.ok('stats')['outcomes']['dead'] > before, 'stats')
    # Beyond twice the limit the connection is dropped; the sender comes back.
    hose.send(b'\xc1' * (9 << 20))
    again = fresh()

    def comes_back():
        hose.send(event(account=again))
        return counts(daemon, again)
    until(comes_back, 'the firehose after a dropped connection', pause=0.2)
    hose.close()


@case
def list_pages_and_drop():
    daemon = shared()
    hose = Hose(daemon)
    payloads = [b'\xc1page' + fresh().encode() for _ in range(23)]
    for payload in payloads:
        hose.send(payload)
    wait_letter(daemon, payloads[-1])
    until(lambda: all(any(same_bytes(d, p) for d in dead(daemon)) for p in payloads), 'all letters')
    everything = dead(daemon)
    for limit in (1, 7, 1000):
        equal([d['id'] for d in dead(daemon, limit)], [d['id'] for d in everything], 'pages of', limit)
    victim = wait_letter(daemon, payloads[5])
    daemon.ok('dead.drop', id=victim['id'])
    check(victim['id'] not in [d['id'] for d in dead(daemon)], 'a dropped letter is still listed')
    daemon.refused('dead.drop', 'not_found', id=victim['id'])
    daemon.refused('dead.retry', 'not_found', id=victim['id'])
    equal(len(dead(daemon)), len(everything) - 1, 'the others')
    daemon.refused('dead.drop', 'bad_request')
    daemon.refused('dead.retry', 'bad_request')
    for limit in (0, -1, 1001, 'x', True, 1.5):
        daemon.refused('dead.list', 'bad_request', limit=limit)
    for op in ('dead.drop', 'dead.retry'):
        reply = daemon.query(op, id='no such letter' if isinstance(victim['id'], str) else 1 << 60)
        check(reply['ok'] is False and reply['error'] in ('not_found', 'bad_request'), op, 'of nothing', short(reply))
    hose.close()


@case
def workers_killed_and_stopped_lose_nothing():
    """Only a kill of the daemon may cost what is in flight; a worker's end or sleep is its own affair."""
    with Daemon(workers=2) as daemon:
        hose = Hose(daemon)
        names = ['n%d' % i for i in range(20)]
        total = 0
        for round_ in range(3):
            for i in range(150):
                hose.send([event(account=n) for n in names])
                total += 1
                if i in (50, 100):
                    kill(rng.choice(daemon.workers() or [daemon.pid + 10 ** 6]))
            for name in names:
                wait_count(daemon, name, total)
        sleepers = daemon.workers()
        for pid in sleepers:
            kill(pid, signal.SIGSTOP)
        for i in range(300):
            hose.send([event(account=n, x='p' * 1000) for n in names])
            total += 1
        for pid in sleepers:
            kill(pid, signal.SIGCONT)
        for name in names:
            wait_count(daemon, name, total)
        equal(dead(daemon), [], 'dead letters')
        hose.close()


@case
def pressure_reaches_the_sender():
    """With its workers asleep the daemon stops reading; what a sender could not send it keeps."""
    with Daemon(workers=1) as daemon:
        hose = ctx.socket(zmq.PUSH)
        hose.setsockopt(zmq.SNDHWM, 10)
        hose.setsockopt(zmq.LINGER, 0)
        hose.connect(daemon.at['firehose'])
        daemon.load([event(account='a')])
        sleeper = daemon.workers()[0]
        kill(sleeper, signal.SIGSTOP)
        sent, payload = 0, 'p' * 60000
        try:
            while sent < 8000:  # 480 MB, more than anybody should hold in memory
                if not hose.poll(2000, zmq.POLLOUT):
                    break
                hose.send(pack(event(account='a', x=payload)))
                sent += 1
        finally:
            kill(sleeper, signal.SIGCONT)
        check(sent < 8000, 'the daemon took 480 MB though nothing could be committed')
        wait_count(daemon, 'a', 1 + sent)
        hose.close()


@case
def a_stop_with_a_failed_worker_ends_soon_and_says_what_is_lost():
    """A message is in hand and waits for a worker that cannot start. SIGTERM: the other worker's part of all that was read is on
    disk, the rest is counted in the log, and the exit status tells."""
    real = program('retain-worker')
    if not real:
        skip('retain-worker is not beside retaind')
    copy = os.path.join(scratch(), 'worker')
    shutil.copy(real, copy)
    with Daemon(workers=2, workers__program=copy, workers__window_bytes=100000, workers__backoff_ms=10,
                limits__message_bytes=65536) as daemon:
        with open(copy + '.new', 'w') as script:
            script.write('#!/bin/sh\nexit 3\n')
        os.chmod(copy + '.new', 0o755)
        os.rename(copy + '.new', copy)
        kill(next(w['pid'] for w in daemon.ok('stats')['workers']))
        until(lambda: 'worker=0 failed' in daemon.log_text(), 'the worker to be given up')
        hose = ctx.socket(zmq.PUSH)
        hose.setsockopt(zmq.SNDHWM, 10)
        hose.setsockopt(zmq.SNDTIMEO, 500)
        hose.setsockopt(zmq.LINGER, 0)
        hose.connect(daemon.at['firehose'])
        names = ['n%d' % i for i in range(40)]
        try:
            while True:
                hose.send(pack([event(account=n, x='p' * 900) for n in names]))
        except zmq.Again:
            pass
        read = lambda: daemon.metrics()['retaind_payloads_total{endpoint="firehose"}']
        until(lambda: read() >= 2, 'a payload in a window and one in hand')
        total = int(read())
        begin = time.monotonic()
        equal(daemon.stop(), 1, 'exit code of a stop that lost something')
        check(time.monotonic() - begin < 40, 'the stop took', time.monotonic() - begin, 's')
        lost = re.search(r'worker=0 stopped: (\d+) unacknowledged payloads of the firehose lost', daemon.log_text())
        check(lost, 'what is lost is not said:', daemon.tail())
        said = sum(int(n) for n in re.findall(r'worker=0 stopped: (\d+) unacknowledged', daemon.log_text()))
        equal(said, total, 'payloads that lost a part')
        hose.close()
        daemon.options['workers.program'] = real
        daemon.start()
        held = [counts(daemon, n) for n in names]
        equal(set(held), {0, total}, 'events of each account, of', total, 'payloads that were read')
        equal(daemon.stop(), 0, 'exit code of a stop that lost nothing')


@case
def retry_of_a_still_bad_event():
    daemon = shared()
    hose = Hose(daemon)
    bad = event(sentiment=3)
    hose.send(bad)
    letter = wait_letter(daemon, pack(bad))
    reply = daemon.ok('dead.retry', id=letter['id'])
    equal((reply['accepted'], reply['duplicate'], len(reply['rejected'])), (0, 0, 1), 'a retry of the still bad')
    equal((reply['rejected'][0]['index'], reply['rejected'][0]['code']), (0, 'bad_field'), 'why')
    check(any(same_bytes(d, pack(bad)) for d in dead(daemon)), 'the letter was lost by its retry')
    hose.close()


@case
def letters_outlive_restarts_and_a_retry_counts():
    with Daemon(workers=2) as daemon:
        hose = Hose(daemon)
        early = event(ts=now() + 30 * MINUTE)
        junk = b'\xc1junk' + fresh().encode()
        hose.send(early)
        hose.send(junk)
        letter, other = wait_letter(daemon, pack(early)), wait_letter(daemon, junk)
        hose.close()
        daemon.crash(workers_too=True)
        equal(wait_letter(daemon, pack(early)), letter, 'the letter after kill -9')
        daemon.restart(debug__clock_offset_ms=40 * MINUTE)
        equal(wait_letter(daemon, junk), other, 'the letter after a restart')
        reply = daemon.ok('dead.retry', id=letter['id'])
        equal((reply['accepted'], reply['duplicate'], reply['rejected']), (1, 0, []), 'a retry when its time has come')
        equal(daemon.get(early['account'])['events'], {'call': 1}, 'counted')
        equal(daemon.push(early), {'accepted': 0, 'duplicate': 1, 'rejected': []}, 'and sent again')
        check(not any(same_bytes(d, pack(early)) for d in dead(daemon)), 'a letter that was accepted is still listed')
        daemon.ok('dead.drop', id=other['id'])
        daemon.crash()
        equal(dead(daemon), [], 'dead letters, after retry, drop and kill -9')
        equal(daemon.get(early['account'])['events'], {'call': 1}, 'counted once')


if __name__ == '__main__':
    main()
