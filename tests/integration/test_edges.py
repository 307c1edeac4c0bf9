#!/usr/bin/python3
"""Names with every byte that UTF-8 allows, limits at both ends of their ranges, and time zones."""
import os
import re
import sys
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))
from harness import *

NOT_IN_UTF8 = {0xc0, 0xc1} | set(range(0xf5, 0x100))


def every_text():
    """Short texts that together hold every byte UTF-8 allows, at the beginning, in the middle and at the end."""
    points = list(range(0x80)) + list(range(0x80, 0x800, 0x1f)) + [0x7ff, 0x800, 0xd7ff, 0xe000, 0xfffd, 0xffff, 0x10000, 0x10ffff]
    points += list(range(0x800, 0xd800, 0x3c1)) + list(range(0xe000, 0x10000, 0x3c1)) + list(range(0x10000, 0x110000, 0x3f11))
    texts = []
    for point in points:
        texts += [chr(point), 'a' + chr(point), chr(point) + 'z', 'a%sz' % chr(point)]
    held = set(b''.join(t.encode() for t in texts))
    equal(held, set(range(256)) - NOT_IN_UTF8, 'the test itself: bytes')
    return sorted(set(texts))


@case
def names_with_every_byte():
    """As accounts, ids, sources, tickets and owners: told apart, found, listed, heard and erased as they are."""
    with Daemon(workers=2) as daemon:
        names = every_text()
        ear = Subscriber(daemon, 'owner.')
        sent = {n: event(account=n, id=n, source=n, contact=n) for n in names}
        daemon.load(sent.values())
        equal(daemon.push(list(sent.values())[:5000])['duplicate'], min(5000, len(sent)), 'sent again')
        equal([a['account'].encode() for a in daemon.accounts()], sorted(n.encode() for n in names), 'listed')
        for n in rng.sample(names, 60):
            told = daemon.get(n)
            equal((told['account'], told['events']), (n, {'call': 1}), 'account', ascii(n))
            equal(daemon.timeline(n), [sent[n]], 'timeline of', ascii(n))
        some = [n for n in rng.sample(names, 60) if n != '-'] + ['.', '%', 'a.b', '\0', '\x7f']
        some = sorted(set(some))
        daemon.load(e for n in some for e in (event('account', account=n, owner=n), ticket(n, n, 'opened', now() - 5 * HOUR, severity=1)))
        for n in some:
            ear.wait(n, 'ticket_overdue')
            equal([m['owner'] for m in daemon.alerts(account=n, kind='ticket_overdue')], [n], 'owner of', ascii(n))
            equal([a['account'] for a in daemon.accounts(owner=n)], [n], 'accounts of the owner', ascii(n))
        for topic, message in ear.heard:
            parts = topic.split(b'.')
            equal(len(parts), 5, 'parts of the topic', topic)
            coded = [re.sub(rb'[.%\x00-\x1f\x7f]', lambda m: b'%%%02X' % m.group()[0], x.encode()) for x in (message['owner'], message['account'])]
            equal([parts[1].upper(), parts[4].upper()], [c.upper() for c in coded], 'topic')
        check(not re.search(r'account="', daemon.http('/metrics')[2]), 'an account in the metrics')
        victim = some[0]
        daemon.ok('account.erase', account=victim)
        daemon.refused('account.get', 'not_found', account=victim)
        daemon.crash(workers_too=True)
        equal(len(daemon.accounts()), len(names) - 1 + len([n for n in some if n not in sent]), 'accounts after kill -9')
        equal(daemon.get(some[1])['owner'], some[1], 'owner after kill -9')
        ear.close()


# (key, lowest, highest); a relation between keys is kept where there is one.
RANGES = [('workers.window_bytes', '64K', '4G'), ('workers.hang_ms', 100, 600000), ('workers.backoff_ms', 1, 30000), ('limits.message_bytes', '1K', '32M'),
          ('limits.event_bytes', 256, '256K'), ('limits.total_bytes', '64K', '256G'), ('limits.memory_bytes', '64M', '1024G'),
          ('limits.connections', 1, 1000000), ('limits.unread_bytes', '1M', '64G'), ('limits.answer_ms', 5000, 3600000), ('limits.dedupe_days', 1, 36500),
          ('limits.tickets', 16, 100000), ('limits.dead_days', 1, 36500), ('limits.dead_bytes', 0, '1024G'), ('limits.subscriptions', 1, 10000000),
          ('journal.keep_days', 1, 36500), ('snapshot.interval_ms', 100, DAY), ('snapshot.bytes', '64K', '1024G'), ('alerts.keep_days', 1, 36500),
          ('alerts.dormant_days', 1, 36500), ('alerts.cursor_ms', 10, 600000), ('alerts.quiet_ms', 10, 600000)]


def serves(daemon, size):
    """Everything once, with events of at most `size` bytes."""
    account = fresh()
    e = event(account=account)
    e['x'] = 'p' * (size - len(pack(dict(e, x=''))) - 4)
    check(size - 4 <= len(pack(e)) <= size, 'the test itself: a length of', len(pack(e)))
    equal(daemon.push(e), {'accepted': 1, 'duplicate': 0, 'rejected': []}, 'an event')
    equal(daemon.push(e), {'accepted': 0, 'duplicate': 1, 'rejected': []}, 'the same')
    hose = connect(zmq.PUSH, daemon.at['firehose'])
    hose.send(pack(event(account=account)))
    until(lambda: daemon.get(account)['events'] == {'call': 2}, 'the firehose')
    hose.close()
    daemon.load([ticket(account, 'T', 'opened', now() - 5 * HOUR, severity=1)])
    daemon.wait_alert(account, 'ticket_overdue')
    equal(len(daemon.timeline(account)), 3, 'timeline')
    daemon.ok('stats')
    equal(daemon.http('/healthz')[0], 200, 'health')
    return account


@case
def limits_at_their_lowest():
    with Daemon(workers=2, **{k.replace('.', '__'): low for k, low, _ in RANGES}) as daemon:
        account = serves(daemon, 256)
        equal([r['code'] for r in daemon.push([event(x='p' * 256)])['rejected']], ['bad_event'], 'an event of more than 256 bytes')
        equal(daemon.push([event(x='p' * 200) for _ in range(6)])['error'], 'too_large', 'a payload of more than a kilobyte')
        daemon.restart()
        equal(sum(daemon.get(account)['events'].values()), 3, 'events after a restart')
        equal(daemon.stop(), 0, 'exit code')


@case
def limits_at_their_highest():
    with Daemon(workers=2, **{k.replace('.', '__'): high for k, _, high in RANGES}) as daemon:
        account = serves(daemon, 256 << 10)
        equal(daemon.push([event(x='p' * 260000) for _ in range(100)])['accepted'], 100, 'a payload of 26 MB')
        daemon.crash(workers_too=True)
        equal(sum(daemon.get(account)['events'].values()), 3, 'events after kill -9')
        equal(daemon.stop(), 0, 'exit code')


@case
def beyond_their_ranges_is_refused():
    for key, low, high in RANGES:
        for value in ('-1', '99999999999999999999999', 'x', '', '1.5.1'):
            code, _, err = run([require('retaind'), '--check-config', '-o', '%s=%s' % (key, value)])
            check(code > 0 and key in err, key, '=', value, 'gives', code, err)


@case
def time_zones_change_nothing():
    """Days are UTC, whatever TZ says, also when it changes between two starts."""
    sent = [event(account='z', ts=now() // DAY * DAY - (i + 1) * 5 * DAY + rng.choice((0, 1, DAY - 1))) for i in range(60)]
    at, pictures = now() // DAY * DAY + 3 * DAY, []
    for zone in ('UTC', 'Pacific/Kiritimati', 'America/St_Johns', ':/no/such/zone'):
        with Daemon(workers=1) as daemon:
            daemon.kill()
            daemon.start(env=dict(os.environ, TZ=zone))
            daemon.load(sent)
            pictures.append(daemon.get('z', at=at))
            equal(daemon.stop(), 0, 'exit code')
            daemon.start(env=dict(os.environ, TZ='Asia/Kathmandu'))
            equal(daemon.get('z', at=at), pictures[-1], 'another zone at the next start')
        equal(pictures[-1], pictures[0], 'zone', zone)


if __name__ == '__main__':
    main()
