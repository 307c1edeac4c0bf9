#!/usr/bin/python3
"""An event that is taken back: the account is what it would be without it, whatever is killed meanwhile; and it stays a duplicate."""
import os
import sys
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))
from harness import *


def some_event(account, number):
    """Anything that can change an account, from a few names so that events are about the same things."""
    kind = rng.choice(('call', 'email', 'visit', 'ticket', 'ticket', 'account'))
    made = event(kind, account=account, ts=now() - rng.randrange(200 * DAY), id='e%d' % number, source=rng.choice(('', 'pbx')))
    made['direction'] = rng.choice(('in', 'out'))
    if rng.random() < 0.5 and kind != 'account':
        made.update(sentiment=rng.uniform(-1, 1), contact=rng.choice('abc'))
    more = {'call': {'outcome': ('answered', 'missed')}, 'email': {'thread': ('t1', 't2'), 'bounced': (True, False)},
            'visit': {'outcome': ('held', 'no_show', 'cancelled')},
            'ticket': {'ticket': ('T1', 'T2'), 'action': ('opened', 'replied', 'resolved', 'reopened'), 'severity': (1, 2, 3), 'csat': (1, 5)},
            'account': {'owner': ('kim', 'lee'), 'tier': ('key', 'standard'), 'value': (5, 7), 'status': ('active', 'churned')}}[kind]
    return dict(made, **{k: rng.choice(v) for k, v in more.items() if k in made or rng.random() < 0.7})


def picture(daemon, account, at):
    told = daemon.get(account, at=at)
    told.pop('alerts')
    told.pop('account')
    return told


def same(daemon, one, other, *what):
    at = daemon.now() + DAY
    equal(picture(daemon, one, at), picture(daemon, other, at), *what)


def strip(events):
    return [{k: v for k, v in e.items() if k != 'account'} for e in events]


@case
def as_if_it_had_never_been():
    """Random histories, random events of them taken back, in any order: the same as an account that never had them."""
    daemon = shared()
    for number in range(8):
        whole, part = fresh('whole'), fresh('part')
        events = [some_event(whole, i) for i in range(rng.randrange(2, 60))]
        wrong = rng.sample(events, rng.randrange(1, len(events)))
        daemon.load(events)
        daemon.load([dict(e, account=part) for e in events if e not in wrong])
        for w in wrong:
            answer = daemon.ok('event.void', account=whole, id=w['id'], source=w['source'], by='kim', reason='wrong')
            equal(answer, {'ok': True, 'before': False}, 'taken back')
        same(daemon, whole, part, 'history', number, 'without', [w['id'] for w in wrong])
        equal(strip(daemon.timeline(whole)), strip(daemon.timeline(part)), 'timeline')
        told = daemon.ok('account.timeline', account=whole, limit=1000)['voided']
        equal(sorted(v['event']['id'] for v in told), sorted(w['id'] for w in wrong), 'voided')
        check(all(v['by'] == 'kim' and v['reason'] == 'wrong' for v in told), 'by whom and why')
        reply = daemon.push(events)
        equal((reply['accepted'], reply['duplicate']), (0, len(events)), 'sent again')
        same(daemon, whole, part, 'after it was sent again')
        w = wrong[0]
        equal(daemon.ok('event.void', account=whole, id=w['id'], source=w['source'], by='lee')['before'], True, 'taken back again')
        same(daemon, whole, part, 'after it was taken back again')
        more = [event(account=whole), ticket(whole, 'T9', 'opened', now() - DAY)]
        daemon.load(more)
        daemon.load([dict(e, account=part) for e in more])
        same(daemon, whole, part, 'with events that came later')


@case
def what_is_refused():
    daemon, account = shared(), fresh()
    daemon.load([event(account=account, id='a', source='pbx')])
    good = {'account': account, 'id': 'a', 'source': 'pbx', 'by': 'kim'}
    for key in ('account', 'id', 'by'):
        daemon.refused('event.void', 'bad_request', **{k: v for k, v in good.items() if k != key})
    for change in ({'account': fresh()}, {'id': 'b'}, {'source': ''}, {'source': 'other'}):
        daemon.refused('event.void', 'not_found', **dict(good, **change))
    equal(daemon.get(account)['events'], {'call': 1}, 'it counts')
    daemon.ok('event.void', **good)
    equal((daemon.get(account)['events'], daemon.get(account)['last_contact']), ({}, None), 'without its only event')


@case
def alerts_stay_told_and_may_clear():
    daemon, account = shared(), fresh()
    daemon.load(weekly_calls(account, now() - DAY, weeks=5))
    wrong = ticket(account, 'T1', 'opened', now() - 5 * HOUR, severity=1)
    daemon.load([wrong])
    raised = daemon.wait_alert(account, 'ticket_overdue')
    daemon.ok('event.void', account=account, id=wrong['id'], by='kim')
    cleared = daemon.wait_alert(account, 'ticket_overdue', 'cleared')
    equal((cleared['id'], cleared['cause']), (raised['id'], None), 'cleared by time')
    equal([a['state'] for a in daemon.alerts(account=account, kind='ticket_overdue')], ['raised', 'cleared'], 'history')
    equal(daemon.get(account)['open_tickets'], 0, 'open tickets')
    before = len(daemon.alerts(account=account))
    daemon.load([event(account=account)])
    check('raised' not in {a['state'] for a in daemon.alerts(account=account)[before:]}, 'what was never there fell')


@case
def whatever_is_killed():
    """Answered is void, after kill -9, with snapshots on the way and other numbers of workers; verify and a back-test agree."""
    with Daemon(workers=2, snapshot__interval_ms=200, journal__segment_bytes='1M') as daemon:
        pairs = [(fresh('whole'), fresh('part')) for _ in range(4)]
        number = 0
        for workers in (2, 3, 1):
            for whole, part in pairs:
                events = [some_event(whole, number + i) for i in range(20)]
                number += 20
                wrong = rng.sample(events, 4)
                daemon.load(events)
                daemon.load([dict(e, account=part) for e in events if e not in wrong])
                for w in wrong[:3]:
                    daemon.ok('event.void', account=whole, id=w['id'], source=w['source'], by='kim')
                last = wrong[3]
                mark = daemon.dealer('query').send({'op': 'event.void', 'account': whole, 'id': last['id'], 'source': last['source'], 'by': 'kim'})
                check(mark, 'asked')
                daemon.crash(workers_too=True)
                daemon.ok('event.void', account=whole, id=last['id'], source=last['source'], by='kim')
                same(daemon, whole, part, 'after kill -9')
            daemon.restart(workers__count=workers)
            for whole, part in pairs:
                same(daemon, whole, part, 'with', workers, 'workers')
        equal(daemon.ok('stats')['events']['ticket'] % 2, 0, 'tickets of all are those of two equal halves')
        equal(daemon.stop(), 0, 'exit code')
        code, out, err = run([require('retainctl'), 'verify', daemon.state])
        equal(code, 0, 'verify', out, err)


@case
def an_erase_takes_it_along():
    with Daemon(workers=2) as daemon:
        account, word = fresh(), 'confidential%012x' % rng.getrandbits(48)
        daemon.load([event(account=account, id='a', contact=word), event(account=account, id='b')])
        daemon.ok('event.void', account=account, id='a', by=word, reason=word)
        daemon.ok('account.erase', account=account)
        equal(standing(daemon.state, [word.encode()]), [], 'where it still stands')
        equal(daemon.push([event(account=account, id='a')])['accepted'], 1, 'a new account')


@case
def too_old_to_be_taken_back():
    """Once other events of the account are no longer kept it is refused, and counts on."""
    account, options = fresh(), dict(journal__keep_days=30, journal__segment_bytes='1M', snapshot__bytes='1M', alerts__keep_days=1)
    with Daemon(workers=1, **options) as daemon:
        daemon.load([event(account=account, id='old', ts=daemon.now() - DAY)])
        for days in (20, 40, 60):  # segments are filled, covered by two snapshots, and go
            daemon.restart(debug__clock_offset_ms=days * DAY)
            daemon.load([event(ts=daemon.now() - HOUR, x='p' * 2000) for _ in range(1500)])
        check('journal=trimmed' in daemon.log_text(), 'the journal was not trimmed')
        daemon.load([event(account=account, id='new', ts=daemon.now())])
        equal([e['id'] for e in daemon.timeline(account)], ['new'], 'what is kept')
        equal(daemon.get(account)['events'], {'call': 2}, 'it counts for good')
        daemon.refused('event.void', 'too_old', account=account, id='new', by='kim')
        daemon.refused('event.void', 'not_found', account=account, id='old', by='kim')
        equal(daemon.get(account)['events'], {'call': 2}, 'nothing has changed')


@case
def a_back_test_leaves_it_out():
    with Daemon(workers=2) as daemon:
        names = [fresh() for _ in range(40)]
        t = now() - 300 * DAY
        for i, n in enumerate(names):
            daemon.load([event(account=n, ts=t + k * (3 + i % 5) * DAY, id='c%d' % k) for k in range(10 + i // 2)])
        daemon.load([event(account=n, id='wrong', ts=t - DAY) for n in ('only wrong', names[0])])
        for n in ('only wrong', names[0]):
            daemon.ok('event.void', account=n, id='wrong', by='kim')
        daemon.restart(workers__count=1)
        equal(daemon.stop(), 0, 'exit code')
        code, out, err = run([require('retainctl'), '--json', 'backtest', '--no-alerts', '--rhythm', '14', daemon.state])
        equal(code, 0, 'backtest', err)
        import json
        equal(json.loads(out)['accounts'], len(names), 'accounts')


@case
def on_the_command_line():
    daemon, account = shared(), fresh()
    daemon.load([event(account=account, id='a', source='pbx')])

    def ctl(*argv):
        return run([require('retainctl'), '--query', daemon.at['query']] + list(argv))
    equal(ctl('void', account)[0], 2, 'without an id')
    equal(ctl('void', account, 'a')[0], 1, 'of another source')
    equal(ctl('void', account, 'a', '--source', 'pbx', '--reason', 'wrong', '--by', 'kim')[:2], (0, 'taken back\n'), 'taken back')
    equal(ctl('void', account, 'a', '--source', 'pbx')[:2], (0, 'it was void before\n'), 'again')
    equal(ctl('export', account)[1], '', 'export')


if __name__ == '__main__':
    main()
