#!/usr/bin/python3
"""Time passes (debug.clock_offset_ms): moments that come by themselves, and what is kept how long."""
import os
import sys
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))
from harness import *


@case
def counted_for_good():
    """Identities hold for dedupe_days from the commit; counts for ever."""
    with Daemon(workers=2) as daemon:
        names = ['n%d' % i for i in range(10)]
        sent = [event(account=rng.choice(names), ts=now() - rng.randrange(2000 * DAY)) for _ in range(500)]
        sent += [event('account', account=n, owner='kim', ts=now() - DAY) for n in names]
        daemon.load(sent)
        before = {n: daemon.get(n)['events'] for n in names}
        for days in (20, 29):
            daemon.restart(debug__clock_offset_ms=days * DAY)
            equal(daemon.push(sent), {'accepted': 0, 'duplicate': len(sent), 'rejected': []}, 'sent again after', days, 'days')
        daemon.crash(debug__clock_offset_ms=29 * DAY + 12 * HOUR)
        equal(daemon.push(sent)['duplicate'], len(sent), 'sent again after kill -9')
        for days in (700, 800, 3000):
            daemon.restart(debug__clock_offset_ms=days * DAY)
            for n in names:
                told = daemon.get(n)
                equal(told['events'], before[n], 'counts after', days, 'days')
                equal(told.get('owner'), 'kim', 'profile after', days, 'days')
            if days == 700:
                equal(sum(len(daemon.timeline(n)) for n in names), len(sent), 'timelines within journal.keep_days')
        equal(daemon.push(event(account='n0', ts=daemon.now()))['accepted'], 1, 'new events')


@case
def old_alerts_are_listed_or_the_cursor_is_gone():
    """alerts.keep_days: never a gap in silence."""
    with Daemon(workers=2) as daemon:
        begin = daemon.ok('alert.list')['cursor']
        for i in range(4):
            daemon.load([ticket('old%d' % i, 'T', 'opened', now() - 5 * HOUR, severity=1)])
            daemon.wait_alert('old%d' % i, 'ticket_overdue')
            daemon.load([ticket('old%d' % i, 'T', 'closed', now() - HOUR)])
            daemon.wait_alert('old%d' % i, 'ticket_overdue', 'cleared')
        told = daemon.alerts()
        for days in (300, 500, 900):
            daemon.restart(debug__clock_offset_ms=days * DAY)
            daemon.load([ticket('new%d' % days, 'T', 'opened', daemon.now() - 5 * HOUR, severity=1)])
            daemon.wait_alert('new%d' % days, 'ticket_overdue')
            for cursor, rest in ((begin, told), (told[0]['cursor'], told[1:]), (told[-1]['cursor'], [])):
                reply = daemon.query('alert.list', since=cursor, limit=1000)
                if reply['ok']:
                    equal(reply['alerts'][:len(rest)], rest, 'since an old cursor after', days, 'days')
                    check('new%d' % days in [a['account'] for a in reply['alerts']], 'the new one')
                else:
                    equal(reply['error'], 'cursor_gone', 'error after', days, 'days')
                    check(days > 400, 'gone before alerts.keep_days')
                    check(isinstance(reply.get('oldest'), str), 'cursor_gone without the oldest', short(reply))
                    again = daemon.ok('alert.list', since=reply['oldest'], limit=1000)
                    check('new%d' % days in [a['account'] for a in again['alerts']], 'since the oldest', short(again))


@case
def journal_keep_days():
    """Bytes go after keep_days from the commit; counts, scores and duplicates' harmlessness stay."""
    with Daemon(workers=1, journal__keep_days=40, limits__dedupe_days=30) as daemon:
        sent = [event(account='a', ts=now() - i * HOUR, x='p' * 2000) for i in range(3000)]
        daemon.load(sent)
        daemon.restart(debug__clock_offset_ms=60 * DAY)
        daemon.load([event(account='a', ts=daemon.now())])
        daemon.restart(debug__clock_offset_ms=61 * DAY)
        equal(daemon.get('a')['events'], {'call': 3001}, 'count')
        line = daemon.timeline('a')
        check(line and line[0]['ts'] > now() + 50 * DAY, 'the newest in the timeline')
        equal(len({e['id'] for e in line}), len(line), 'no event twice')


@case
def open_alerts_outlive_their_bytes():
    """account.get and `open` know every open episode, also when the journal has its message no more."""
    options = dict(journal__keep_days=30, journal__segment_bytes='1M', snapshot__bytes='1M', alerts__keep_days=1)
    with Daemon(workers=1, **options) as daemon:
        daemon.load([ticket('a', 'T', 'opened', now() - 5 * HOUR, severity=1)])
        raised = daemon.wait_alert('a', 'ticket_overdue')
        for days in (20, 40, 60):  # segments are filled, covered by two snapshots, and go
            daemon.restart(debug__clock_offset_ms=days * DAY)
            daemon.load([ticket('a', 'T', 'updated', daemon.now())])
            daemon.load([event(account='b', ts=daemon.now() - HOUR, x='p' * 2000) for _ in range(1500)])
        check('journal=trimmed' in daemon.log_text(), 'the journal was not trimmed')
        mine = [m for m in daemon.get('a')['alerts'] if m['kind'] == 'ticket_overdue']
        listed = daemon.alerts(account='a', kind='ticket_overdue', open=True)
        equal([(m['id'], m['cursor']) for m in mine], [(m['id'], m['cursor']) for m in listed], 'account.get and alert.list')
        for key in ('id', 'kind', 'severity', 'account', 'ts', 'cursor', 'clears'):
            equal([m[key] for m in mine], [raised[key]], key)
        check('open for 60 days' in mine[0]['text'], 'text as of now', mine[0]['text'])
        held = daemon.ok('alert.ack', id=raised['id'], by='kim')['alert']
        equal((held['id'], held['ack']['by']), (raised['id'], 'kim'), 'acknowledged')


@case
def open_alerts_keep_their_words():
    """What was said last of an open episode is listed as it was said, however old; what is over goes after alerts.keep_days."""
    with Daemon(workers=2, alerts__keep_days=1, snapshot__interval_ms=200) as daemon:
        daemon.load([ticket(n, 'T', 'opened', now() - 5 * HOUR, severity=1) for n in ('open', 'over')])
        for name in ('open', 'over'):
            daemon.wait_alert(name, 'ticket_overdue')
        daemon.load([ticket('over', 'T', 'closed', now())])
        daemon.wait_alert('over', 'ticket_overdue', 'cleared')
        told = daemon.alerts(account='open')
        daemon.restart(debug__clock_offset_ms=3 * DAY)
        daemon.load([event(account='other', ts=daemon.now())])
        for again in (daemon.restart, daemon.crash):
            equal(daemon.alerts(account='open', open=True), told, 'open ones')
            equal(sorted(daemon.get('open')['alerts'], key=lambda m: m['cursor']), told, 'account.get')
            equal(daemon.alerts(account='over'), [], 'what is over')
            again()


def near(daemon, raised, moment, what):
    check(moment - 50 <= raised['published'], what, 'published', moment - raised['published'], 'ms before its moment')
    check(raised['published'] <= moment + 15 * SECOND, what, 'published', raised['published'] - moment, 'ms after its moment')
    equal(raised['cause'], None, 'cause of', what)


@case
def renewal_comes_near():
    with Daemon(workers=1) as daemon:
        moment = daemon.now() + 3 * SECOND
        daemon.load([event(account='a', ts=now() - 40 * DAY), event('account', account='a', renewal=moment + 90 * DAY, owner='kim')])
        check(daemon.get('a')['score'] < 60, 'the test itself: too healthy')
        near(daemon, daemon.wait_alert('a', 'renewal_risk'), moment, 'renewal_risk')


@case
def the_score_crosses_its_threshold():
    """The moment is found by asking for the future; the alert comes then, without any event."""
    with Daemon(workers=1) as daemon:
        daemon.load([event(account='a', ts=now() - i * 3 * DAY) for i in range(12)])
        low, high = now() + MINUTE, now() + 400 * DAY
        check(daemon.score('a', low) > 40 > daemon.score('a', high), 'the test itself: no crossing')
        while high - low > 1:
            middle = (low + high) // 2
            if daemon.score('a', middle) < 40:
                high = middle
            else:
                low = middle
        equal(daemon.stop(), 0, 'exit code')
        daemon.options['debug.clock_offset_ms'] = high - now() - 4 * SECOND
        daemon.start()
        if daemon.now() < high - SECOND:
            equal(daemon.alerts(account='a', kind='churn_risk'), [], 'raised before its moment')
        near(daemon, daemon.wait_alert('a', 'churn_risk'), high, 'churn_risk')
        check(abs(daemon.alerts(account='a', kind='churn_risk')[0]['score'] - 40) < 0.01, 'the score it tells')


@case
def quiet_load_and_a_kill():
    """The load's end never comes: judged at the next start."""
    with Daemon(workers=2) as daemon:
        for round_ in range(3):
            name = 'q%d' % round_
            daemon.load([ticket(name, 'T', 'opened', now() - 5 * HOUR, severity=1)], quiet=True)
            daemon.crash(workers_too=round_ != 1)
            daemon.wait_alert(name, 'ticket_overdue')
            equal(len(daemon.alerts(account=name, kind='ticket_overdue')), 1, 'messages')


@case
def a_moment_during_a_kill():
    """Due between kill -9 and the next start: raised once, then."""
    with Daemon(workers=2) as daemon:
        moment = daemon.now() + 1500
        daemon.load([ticket('a', 'T', 'opened', moment - 4 * HOUR, severity=1)])
        daemon.kill(workers_too=True)
        until(lambda: now() > moment + 200, 'the moment to pass')
        daemon.start()
        daemon.wait_alert('a', 'ticket_overdue')
        daemon.crash()
        equal([m['state'] for m in daemon.alerts(account='a', kind='ticket_overdue')], ['raised'], 'messages')


if __name__ == '__main__':
    main()
