#!/usr/bin/python3
"""Alerts: each kind raised and cleared, what a message says, topics, cursors, acknowledging, time."""
import os
import sys
import urllib.parse
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))
from harness import *

KINDS = 'churn_risk score_drop silence ticket_overdue sentiment renewal_risk upsell'.split()
SEVERITIES = ('info', 'warning', 'critical')


def check_message(m):
    """Shape and types of one alert, every key of it."""
    for key in ('id', 'cursor', 'text', 'account'):
        check(isinstance(m.get(key), str) and m[key], key, 'of', short(m))
    check(m['kind'] in KINDS, 'kind', m['kind'])
    check(m['severity'] in SEVERITIES, 'severity', m['severity'])
    check(m['state'] in ('raised', 'changed', 'reminded', 'cleared'), 'state', m['state'])
    for key in ('owner', 'tier', 'clears'):
        check(key in m and (m[key] is None or isinstance(m[key], str)), key, 'of', short(m))
    check(m['state'] == 'cleared' or m['clears'], '`clears` of an open alert says nothing')
    check(not isinstance(m['score'], bool) and isinstance(m['score'], (int, float)) and 0 <= m['score'] <= 100, 'score', m['score'])
    check('previous' in m and (m['previous'] is None or isinstance(m['previous'], (int, float))), 'previous', m.get('previous'))
    if m['state'] == 'raised':
        check(m['previous'] is None or m['kind'] == 'score_drop', '`previous` of a first message', m['previous'])
    else:
        check(m['previous'] is not None, '`previous` is nil though it spoke before')
    check(isinstance(m['ts'], int) and isinstance(m['published'], int), 'ts and published')
    check(m['ts'] > 0 and m['published'] > 0, 'ts and published', m['ts'], m['published'])
    check('worsens' in m and (m['worsens'] is None or isinstance(m['worsens'], int)), 'worsens', m.get('worsens'))
    check(m['worsens'] is None or m['worsens'] > m['ts'], 'it gets worse before now', m['worsens'], m['ts'])
    check('cause' in m, 'no cause')
    if m['cause'] is not None:
        check(m['cause']['type'] in ('call', 'email', 'visit', 'ticket', 'account') and isinstance(m['cause']['id'], str), 'cause')
    check(isinstance(m['reasons'], list), 'reasons')
    for r in m['reasons']:
        check(isinstance(r['factor'], str) and isinstance(r['points'], (int, float)) and isinstance(r['text'], str) and r['text'],
              'reason', short(r))
    if m['state'] != 'cleared':
        check(m['reasons'], 'an open alert without reasons')
    points = [r['points'] for r in m['reasons']]
    orders = (sorted(points), sorted(points, reverse=True), sorted(points, key=lambda p: -abs(p)))
    check(points in orders, 'reasons are not the heaviest first', points)
    for key in ('ack', 'snooze'):
        check(key in m, 'no', key)
        if m[key] is not None:
            check(isinstance(m[key]['by'], str) and isinstance(m[key]['until'], int) and isinstance(m[key]['ts'], int), key)
            check('note' in m[key], 'no note')


def encode(name):
    return ''.join('%%%02X' % b if b < 32 or b == 127 or chr(b) in '.%' else chr(b) for b in name.encode()).encode('latin-1')


def topics(m):
    owner = b'-' if m['owner'] is None else encode(m['owner'])
    tail = b'.'.join((m['severity'].encode(), m['kind'].encode(), encode(m['account'])))
    return {b'alert.' + tail, b'owner.' + owner + b'.' + tail}


def silent_life(account, moment, days=3):
    """Contacts on `days` days in a row, so that the silence alert is due at `moment`; days >= 3.

    last + max(7 d, 3 * ((last - first) + 2 g0) / (active days + 1)), with g0 = 14 d
    """
    mean = ((days - 1) * DAY + 28 * DAY) // (days + 1)
    last = moment - max(7 * DAY, 3 * mean)
    return [event('call', account=account, ts=last - i * DAY, direction='in') for i in range(days)]


def quiet_life(account, end=None):
    """Healthy and nothing to say of."""
    return weekly_calls(account, end or now() - HOUR, 30)


_heard = {}


def listener():
    """The shared daemon and a subscriber of everything."""
    daemon = shared(workers=2)
    if _heard.get('daemon') is not daemon or _heard.get('pid') != daemon.pid:
        _heard.update(daemon=daemon, pid=daemon.pid, everything=Subscriber(daemon, 'alert.'))
    return daemon, _heard['everything']


def open_kinds(daemon, account):
    return {a['kind'] for a in daemon.get(account)['alerts']}


def raised_and_cleared(kind, start, cure, first=()):
    """Raises by `start`, clears by `cure`; on the fast path and in the list."""
    daemon, ear = listener()
    account = start[0]['account']
    if first:
        daemon.load(first)
    daemon.load(start, batch=10000)
    raised = ear.wait(account, kind, 'raised')
    check_message(raised)
    check(kind in open_kinds(daemon, account), 'account.get does not list the open alert')
    listed = daemon.alerts(account=account, kind=kind)
    equal(listed, [raised], 'alert.list against what was published')
    daemon.load(cure, batch=10000)
    cleared = ear.wait(account, kind, 'cleared')
    check_message(cleared)
    equal(cleared['id'], raised['id'], 'id of the episode')
    check(cleared['cursor'] != raised['cursor'], 'a cursor for each message')
    check(kind not in open_kinds(daemon, account), 'account.get lists a cleared alert')
    equal(daemon.alerts(account=account, kind=kind, open=True), [], 'open after it was cleared')
    told = daemon.alerts(account=account, kind=kind)
    equal([m['state'] for m in told if m['state'] in ('raised', 'cleared')], ['raised', 'cleared'], 'states')
    equal({m['id'] for m in told}, {raised['id']}, 'ids')
    return raised, cleared


@case
def churn_risk():
    account, day = fresh(), now() - DAY
    tickets = critical_tickets(account, day)
    raised, cleared = raised_and_cleared('churn_risk', tickets, [ticket(account, t['ticket'], 'resolved', now() - HOUR) for t in tickets],
                                         weekly_calls(account, now() - 2 * DAY))
    check(raised['score'] < 40, 'raised at', raised['score'])
    check(cleared['score'] >= 45, 'cleared at', cleared['score'])
    check(raised['severity'] in ('warning', 'critical'), 'severity')
    equal(raised['cause']['type'], 'ticket', 'type of the cause')
    check(raised['cause']['id'] in [t['id'] for t in tickets], 'id of the cause')


@case
def score_drop():
    daemon, ear = listener()
    account = fresh()
    daemon.load(weekly_calls(account, now() - DAY))
    before = daemon.get(account)['score']
    tickets = critical_tickets(account, now() - HOUR)
    daemon.load(tickets)
    raised = ear.wait(account, 'score_drop', 'raised')
    check_message(raised)
    check(before - raised['score'] >= 15, 'from', before, 'to', raised['score'])
    equal(raised['cause']['type'], 'ticket', 'cause')


@case
def no_score_drop_for_little():
    daemon, ear = listener()
    account = fresh()
    daemon.load(weekly_calls(account, now() - DAY))
    daemon.load([event('email', account=account, bounced=True, ts=now() - HOUR)])
    daemon.load(witness())
    ear.wait(_witness[-1])
    equal(daemon.alerts(account=account), [], 'alerts of a healthy account')


_witness = []


def witness():
    """Events of a new account that surely raise an alert: when it is out, earlier ones would be, too."""
    _witness.append(fresh('witness'))
    return [ticket(_witness[-1], 'W', 'opened', now() - 10 * DAY, severity=1)]


def settled(daemon, ear):
    """Everything pushed before was judged, on every worker."""
    for _ in range(8):
        daemon.load(witness())
        ear.wait(_witness[-1], 'ticket_overdue')


@case
def silence():
    account = fresh()
    raised, _ = raised_and_cleared('silence', silent_life(account, now() - 5 * DAY), [event(account=account, ts=now() - HOUR)])
    check(raised['severity'] in ('warning', 'critical'), 'severity')


@case
def silence_needs_three_days_or_a_ticket():
    daemon, ear = listener()
    two, three, with_ticket = fresh(), fresh(), fresh()
    long_ago = now() - 60 * DAY
    daemon.load([event(account=two, ts=long_ago), event(account=two, ts=long_ago + HOUR), event(account=two, ts=long_ago - DAY)])
    daemon.load([event(account=with_ticket, ts=long_ago), ticket(with_ticket, 'T', 'updated', now() - HOUR, severity=4)])
    daemon.load([event(account=three, ts=long_ago - i * DAY) for i in range(3)])
    ear.wait(three, 'silence', 'raised')
    ear.wait(with_ticket, 'silence', 'raised')
    settled(daemon, ear)
    check(not open_kinds(daemon, two) & {'silence', 'churn_risk'}, 'two active days raised', open_kinds(daemon, two))


@case
def ticket_overdue():
    account = fresh()
    raised, _ = raised_and_cleared('ticket_overdue', [ticket(account, 'T', 'opened', now() - 5 * HOUR, severity=1)],
                                   [ticket(account, 'T', 'resolved', now() - MINUTE)])
    equal(raised['cause']['type'], 'ticket', 'cause')


@case
def overdue_by_severity():
    daemon, ear = listener()
    limits = {1: 4 * HOUR, 2: DAY, 3: 3 * DAY, 4: 7 * DAY, absent: 3 * DAY}
    due, not_due = [], []
    for severity, limit in limits.items():
        for margin, names in ((MINUTE, due), (-10 * MINUTE, not_due)):
            names.append(fresh('sev'))
            daemon.load(quiet_life(names[-1], now() - 10 * DAY))
            events = [ticket(names[-1], 'T', 'opened', now() - limit - margin)]
            if severity is not absent:
                events[0]['severity'] = severity
            daemon.load(events)
    for account in due:
        ear.wait(account, 'ticket_overdue', 'raised')
    settled(daemon, ear)
    for account in not_due:
        check('ticket_overdue' not in open_kinds(daemon, account), account, 'is overdue too early')
    # its age runs from its earliest event, and severity is the newest stated
    account, other = fresh(), fresh()
    daemon.load([ticket(account, 'T', 'opened', now() - HOUR, severity=1)])
    daemon.load([ticket(account, 'T', 'updated', now() - 5 * HOUR)])
    ear.wait(account, 'ticket_overdue', 'raised')
    daemon.load([ticket(other, 'T', 'opened', now() - 5 * HOUR, severity=4)])
    daemon.load([ticket(other, 'T', 'updated', now() - HOUR, severity=1)])
    ear.wait(other, 'ticket_overdue', 'raised')


@case
def sentiment():
    account = fresh()
    day = now() - DAY
    raised, _ = raised_and_cleared('sentiment', [event(account=account, ts=day + i, sentiment=-0.8) for i in range(3)],
                                   [event(account=account, ts=day + HOUR + i, sentiment=1) for i in range(40)],
                                   quiet_life(account, now() - 2 * DAY))
    check(raised['cause']['type'] == 'call', 'cause')


@case
def sentiment_needs_three():
    daemon, ear = listener()
    two, mild = fresh(), fresh()
    daemon.load([event(account=two, sentiment=-1, ts=now() - HOUR - i) for i in range(2)])
    daemon.load([event(account=mild, sentiment=-0.25, ts=now() - HOUR - i) for i in range(5)])
    settled(daemon, ear)
    for account in (two, mild):
        check('sentiment' not in open_kinds(daemon, account), account, 'raised a sentiment alert')


@case
def renewal_risk():
    account = fresh()
    raised, _ = raised_and_cleared(
        'renewal_risk', [event('account', account=account, ts=now() - HOUR, renewal=now() + 60 * DAY, owner='kim', tier='key')],
        [event('account', account=account, ts=now() - MINUTE, renewal=now() + 400 * DAY)],
        [event(account=account, ts=now() - 50 * DAY)])
    check(raised['score'] < 60, 'score', raised['score'])
    equal((raised['owner'], raised['tier']), ('kim', 'key'), 'owner and tier')
    equal(raised['cause']['type'], 'account', 'cause')


@case
def no_renewal_risk():
    daemon, ear = listener()
    healthy, late = fresh(), fresh()
    daemon.load(quiet_life(healthy) + [event('account', account=healthy, renewal=now() + 60 * DAY)])
    daemon.load([event(account=late), event('account', account=late, renewal=now() + 100 * DAY)])
    settled(daemon, ear)
    check(daemon.get(healthy)['score'] >= 60, 'the test itself: not healthy')
    for account in (healthy, late):
        check('renewal_risk' not in open_kinds(daemon, account), account, 'is a renewal at risk')


@case
def upsell():
    account, end = fresh(), now() - HOUR
    busy = [event('call', account=account, ts=end - i * DAY, direction='in') for i in range(85)]
    raised, _ = raised_and_cleared('upsell', busy, critical_tickets(account, now() - MINUTE, 8), weekly_calls(account, end - 91 * DAY, 30))
    equal(raised['severity'], 'info', 'severity')
    check(raised['score'] >= 80, 'score', raised['score'])


@case
def a_healthy_account_raises_nothing():
    daemon, ear = listener()
    account = fresh()
    daemon.load(weekly_calls(account, now() - HOUR))
    settled(daemon, ear)
    equal(daemon.alerts(account=account), [], 'alerts')


@case
def a_new_episode_has_a_new_id():
    daemon, ear = listener()
    account = fresh()
    daemon.load([ticket(account, 'A', 'opened', now() - 5 * HOUR, severity=1)])
    first = ear.wait(account, 'ticket_overdue', 'raised')
    daemon.load([ticket(account, 'A', 'resolved', now() - 4 * HOUR)])
    ear.wait(account, 'ticket_overdue', 'cleared')
    daemon.load([ticket(account, 'B', 'opened', now() - 5 * HOUR, severity=1)])
    ear.until(lambda: len(ear.messages(account, 'ticket_overdue', 'raised')) == 2, 'the second episode')
    second = ear.messages(account, 'ticket_overdue', 'raised')[-1]
    check(second['id'] != first['id'], 'two episodes, one id')
    # what did not change is not said again
    daemon.load([event(account=account, ts=now() - MINUTE)])
    settled(daemon, ear)
    told = [m['state'] for m in daemon.alerts(account=account, kind='ticket_overdue')]
    equal([s for s in told if s != 'changed'], ['raised', 'cleared', 'raised'], 'states')


@case
def two_topic_trees():
    daemon, everything = listener()
    kim = 'kim'
    owners = {kim: 'plain', kim + '.b': 'dotted', 'a%c.d\x01é\x7f': 'encoded', None: 'none'}
    accounts = {o: '%s.%s%%\x02ü' % (fresh(), w) for o, w in owners.items()}
    trees = {'alert': Subscriber(daemon, 'alert.', ready=False), 'owner': Subscriber(daemon, 'owner.', ready=False),
             'kim': Subscriber(daemon, 'owner.kim.', ready=False), 'nobody': Subscriber(daemon, 'owner.-.', ready=False),
             'critical': Subscriber(daemon, 'alert.critical.', ready=False),
             'overdue': Subscriber(daemon, 'alert.warning.ticket_overdue.', 'alert.critical.ticket_overdue.', ready=False),
             'one': Subscriber(daemon, b'alert.critical.ticket_overdue.' + encode(accounts[kim]),
                               b'alert.warning.ticket_overdue.' + encode(accounts[kim]), ready=False)}
    for ear in trees.values():
        ear.until(lambda: ear.cursors, 'the first cursor message')
    for owner, account in accounts.items():
        if owner is not None:
            daemon.load([event('account', account=account, owner=owner)])
        daemon.load([ticket(account, 'T', 'opened', now() - 5 * HOUR, severity=1)])
    last = fresh('last')
    daemon.load([event('account', account=last, owner=kim)])
    daemon.load([ticket(last, 'T', 'opened', now() - 5 * HOUR, severity=1)])
    for name in ('alert', 'owner', 'kim', 'overdue'):
        trees[name].wait(last, 'ticket_overdue')
    everything.wait(last, 'ticket_overdue')
    for name in ('alert', 'owner'):
        trees[name].until(lambda: {m['account'] for m in trees[name].messages()} >= set(accounts.values()), 'all of ' + name)
    for topic, m in trees['alert'].heard + trees['owner'].heard:
        check_message(m)
        check(topic.replace(b'%2e', b'%2E') in topics(m) or topic.upper() in {t.upper() for t in topics(m)}, 'topic', topic,
              'of', short(topics(m)))
    for name in ('alert', 'owner'):
        cursors = [m['cursor'] for m in trees[name].messages()]
        equal(len(cursors), len(set(cursors)), 'messages heard twice on one tree: ' + name)
    equal({m['cursor'] for m in trees['alert'].messages()}, {m['cursor'] for m in trees['owner'].messages()}, 'both trees')
    equal([m for _, m in trees['alert'].heard if m['account'] == last], [m for _, m in trees['owner'].heard if m['account'] == last],
          'payloads on both trees')
    equal({m['owner'] for m in trees['kim'].messages()}, {kim}, 'owners heard by owner.kim.')
    trees['nobody'].wait(accounts[None])
    equal({m['owner'] for m in trees['nobody'].messages()}, {None}, 'owners heard by owner.-.')
    check(all(m['severity'] == 'critical' for m in trees['critical'].messages()), 'heard by alert.critical.')
    check(all(m['kind'] == 'ticket_overdue' for m in trees['overdue'].messages()), 'heard by kind')
    trees['one'].wait(accounts[kim])
    equal({m['account'] for m in trees['one'].messages()}, {accounts[kim]}, 'heard by account')
    for ear in trees.values():
        ear.close()


@case
def cursor_topic():
    daemon, _ = listener()
    ear = Subscriber(daemon)
    ear.until(lambda: len(ear.cursors) >= 2, 'two cursor messages', 20)
    for message in ear.cursors:
        check(isinstance(message['cursor'], str) and message['cursor'], 'cursor')
        check(abs(message['ts'] - daemon.now()) < MINUTE, 'ts')
    equal(ear.heard, [], 'a subscriber of `cursor` alone hears')
    gap = ear.cursors[1]['ts'] - ear.cursors[0]['ts']
    check(2000 < gap < 15000, 'every 5 seconds, and not', gap)
    cursor = ear.cursors[-1]['cursor']
    account = fresh()
    daemon.load([ticket(account, 'T', 'opened', now() - 5 * HOUR, severity=1)])
    daemon.wait_alert(account, 'ticket_overdue')
    check(account in [a['account'] for a in daemon.alerts(since=cursor)], 'what came after a cursor message')
    ear.close()


@case
def cursors_give_what_came_after():
    with Daemon(workers=3) as daemon:
        ear = Subscriber(daemon, 'alert.')
        names = ['acct%02d' % i for i in range(30)]
        start = daemon.ok('alert.list')
        equal(start['alerts'], [], 'alerts of a new daemon')
        check(isinstance(start['cursor'], str), 'a cursor always')
        for name in names:
            daemon.load([ticket(name, 'T', 'opened', now() - rng.choice((5, 50)) * HOUR, severity=rng.choice((1, 2))),
                         event('account', account=name, owner=rng.choice(('kim', 'lee')))])
        for name in names[::3]:
            daemon.load([ticket(name, 'T', 'closed', now() - HOUR)])
        for name in names[::3]:
            daemon.wait_alert(name, 'ticket_overdue', 'cleared') if daemon.alerts(account=name) else None
        until(lambda: daemon.alerts() == daemon.alerts(), 'rest')
        everything = daemon.alerts()
        ear.until(lambda: len(ear.heard) >= len(everything), 'all to be published')
        equal(sorted(m['cursor'] for m in ear.messages()), sorted(m['cursor'] for m in everything), 'published and listed')
        by_cursor = {m['cursor']: m for m in ear.messages()}
        equal(len(by_cursor), len(everything), 'cursors are unique')
        for m in everything:
            check_message(m)
            equal(by_cursor[m['cursor']], m, 'a message and its entry in the list')
        published = [m['published'] for m in everything]
        check(published == sorted(published), 'the list is not oldest first')
        equal(daemon.alerts(since=start['cursor']), everything, 'since the first cursor')
        # after each message: each later one once, none lost, none twice
        for i, m in enumerate(everything):
            after = daemon.ok('alert.list', since=m['cursor'], limit=1000)
            equal([a['cursor'] for a in after['alerts']], [a['cursor'] for a in everything[i + 1:]], 'since message %d' % i)
        end = daemon.ok('alert.list', limit=1000)['cursor']
        reply = daemon.ok('alert.list', since=end)
        equal(reply['alerts'], [], 'since the end')
        check(isinstance(reply['cursor'], str), 'a cursor with an empty list')
        for limit in (1, 2, 7):
            since, got = start['cursor'], []
            while True:
                page = daemon.ok('alert.list', since=since, limit=limit)
                check(len(page['alerts']) <= limit, 'a page over its limit')
                if not page['alerts']:
                    break
                got += page['alerts']
                since = page['cursor']
            equal([a['cursor'] for a in got], [a['cursor'] for a in everything], 'pages of %d' % limit)
        for keys in (dict(owner='kim'), dict(account=names[4]), dict(kind='ticket_overdue'), dict(kind='upsell'),
                     dict(severity='critical'), dict(owner='lee', severity='warning'), dict(account='nobody')):
            want = [m['cursor'] for m in everything if all(m[k] == v for k, v in keys.items())]
            equal([m['cursor'] for m in daemon.alerts(**keys)], want, 'list by', keys)
            since, got = start['cursor'], []
            while True:
                page = daemon.ok('alert.list', since=since, limit=3, **keys)
                if not page['alerts']:
                    break
                got += page['alerts']
                since = page['cursor']
            equal([a['cursor'] for a in got], want, 'pages by', keys)
        last = {}
        for m in everything:
            last[m['id']] = m
        want = sorted(m['cursor'] for m in last.values() if m['state'] != 'cleared')
        equal(sorted(m['cursor'] for m in daemon.alerts(open=True)), want, 'open: the last of each open episode')
        for kind in ('nonsense', 5, ''):
            daemon.refused('alert.list', 'bad_request', kind=kind)
        daemon.refused('alert.list', 'bad_request', severity='dire')
        # nothing of it changes by restarts, kill -9 and another number of workers
        for again in (daemon.restart, daemon.crash, lambda: daemon.crash(workers_too=True),
                      lambda: daemon.restart(workers__count=2)):
            again()
            equal(daemon.alerts(), everything, 'the list after it')
            equal(daemon.ok('alert.list', since=end)['alerts'], [], 'since the end, after it')
            for m in rng.sample(everything, 5):
                i = everything.index(m)
                equal(daemon.alerts(since=m['cursor']), everything[i + 1:], 'since message %d, after it' % i)
        # and it goes on after the old cursors
        daemon.load([ticket('new', 'T', 'opened', now() - 5 * HOUR, severity=1)])
        daemon.wait_alert('new', 'ticket_overdue')
        after = daemon.alerts(since=end)
        check(after and {a['account'] for a in after} == {'new'}, 'since the old end', short(after))


def acknowledged(daemon, account, op='alert.ack', **keys):
    alert = daemon.wait_alert(account, 'ticket_overdue')
    reply = daemon.ok(op, id=alert['id'], by='kim', note='called them', **keys)
    told = reply['alert']
    equal((told['id'], told['account']), (alert['id'], account), 'the alert answered')
    word = op.split('.')[1]
    equal((told[word]['by'], told[word]['note']), ('kim', 'called them'), word)
    check(abs(told[word]['ts'] - daemon.now()) < 5 * MINUTE, 'ts of it')
    return alert, told[word]


@case
def acknowledge_then_reminded():
    daemon, ear = listener()
    account, other = fresh(), fresh()
    for name in (account, other):
        daemon.load([ticket(name, 'T', 'opened', now() - 5 * HOUR, severity=1)])
    until_ = daemon.now() + 3 * SECOND
    alert, ack = acknowledged(daemon, account, until=until_)
    equal(ack['until'], until_, 'until')
    _, ack = acknowledged(daemon, other)
    check(abs(ack['until'] - (daemon.now() + 7 * DAY)) < 5 * MINUTE, 'default end', ack['until'] - daemon.now())
    reminded = ear.wait(account, 'ticket_overdue', 'reminded')
    check_message(reminded)
    equal(reminded['id'], alert['id'], 'id')
    check(reminded['published'] >= until_ - 50, 'reminded before its time')
    check(daemon.now() >= until_, 'reminded before its time')
    mine = [a for a in daemon.get(other)['alerts'] if a['kind'] == 'ticket_overdue']
    equal((len(mine), mine[0]['ack']['by']), (1, 'kim'), 'the acknowledged alert stays open, with its ack')
    equal(ear.messages(other, 'ticket_overdue', 'reminded'), [], 'reminded too early')
    # once reminded, it is not said again and again
    settled(daemon, ear)
    equal(len(ear.messages(account, 'ticket_overdue', 'reminded')), 1, 'reminded')


@case
def acknowledged_is_quiet_and_clears():
    daemon, ear = listener()
    account = fresh()
    daemon.load([ticket(account, 'T', 'opened', now() - 5 * HOUR, severity=2), ticket(account, 'U', 'opened', now() - 26 * HOUR, severity=2)])
    alert, _ = acknowledged(daemon, account, until=daemon.now() + HOUR)
    ear.wait(account, 'ticket_overdue', 'raised')
    heard = len(ear.messages(account, 'ticket_overdue'))
    daemon.load([ticket(account, 'V', 'opened', now() - 30 * HOUR, severity=2)])
    settled(daemon, ear)
    equal(len(ear.messages(account, 'ticket_overdue')), heard, 'messages of an acknowledged alert')
    daemon.load([ticket(account, t, 'closed', now() - MINUTE) for t in 'TUV'])
    cleared = daemon.wait_alert(account, 'ticket_overdue', 'cleared')
    equal(cleared['id'], alert['id'], 'id')
    daemon.refused('alert.ack', 'not_open', id=alert['id'], by='kim')
    daemon.refused('alert.snooze', 'not_open', id=alert['id'], by='kim', until=daemon.now() + HOUR)


@case
def severity_moves():
    """`changed` when severity moves, under the same id, with the score of the message before."""
    daemon, ear = listener()
    account = fresh()
    daemon.load(quiet_life(account))
    daemon.load([ticket(account, 'T', 'opened', now() - 4 * DAY, severity=3)])
    first = ear.wait(account, 'ticket_overdue', 'raised')
    daemon.load([ticket(account, 'U', 'opened', now() - 30 * HOUR, severity=1)])
    settled(daemon, ear)
    told = ear.messages(account, 'ticket_overdue')
    for a, b in zip(told, told[1:]):
        check_message(b)
        equal((b['state'], b['id']), ('changed', first['id']), 'a later message')
        check(b['severity'] != a['severity'], '`changed` without a change')
        equal(b['previous'], a['score'], 'previous')
    now_ = [a for a in daemon.get(account)['alerts'] if a['kind'] == 'ticket_overdue']
    equal(now_, told[-1:], 'account.get tells the last message')


@case
def refused_acknowledgements():
    daemon, ear = listener()
    account = fresh()
    daemon.load([ticket(account, 'T', 'opened', now() - 5 * HOUR, severity=1)])
    alert = ear.wait(account, 'ticket_overdue', 'raised')
    for op in ('alert.ack', 'alert.snooze'):
        for keys in (dict(by=5), dict(by=True), dict(by='kim', note=5), dict(by='kim', until='x'), dict(by='kim', until=1.5),
                     dict(by='kim', until=True), dict(by='kim', note=['x'])):
            daemon.refused(op, 'bad_request', id=alert['id'], **keys)
    mine = [a for a in daemon.get(account)['alerts'] if a['id'] == alert['id']]
    equal((mine[0]['ack'], mine[0]['snooze']), (None, None), 'after refusals')


@case
def alerts_are_soon():
    """Within a second of the commit: the middle of 30, so that a busy machine is no fault."""
    daemon, ear = listener()
    delays = []
    for _ in range(30):
        account = fresh()
        daemon.load([ticket(account, 'T', 'opened', now() - 5 * HOUR, severity=1)])
        begin = time.monotonic()
        ear.wait(account, 'ticket_overdue', 'raised')
        delays.append(time.monotonic() - begin)
    check(sorted(delays)[15] < 1, 'the middle of the delays is', sorted(delays)[15], 's')


@case
def a_new_owner_hears_it():
    daemon, ear = listener()
    account, old, new = fresh(), fresh('old'), fresh('new')
    owners = Subscriber(daemon, 'owner.%s.' % old, 'owner.%s.' % new)
    daemon.load([event('account', account=account, owner=old, ts=now() - 2 * HOUR),
                 ticket(account, 'T', 'opened', now() - 5 * HOUR, severity=1)])
    equal(owners.wait(account, 'ticket_overdue', 'raised')['owner'], old, 'owner')
    daemon.load([event('account', account=account, owner=new, ts=now() - HOUR)])
    daemon.load([ticket(account, 'T', 'closed', now() - MINUTE)])
    cleared = owners.wait(account, 'ticket_overdue', 'cleared')
    equal(cleared['owner'], new, 'owner after the change')
    topic = [t for t, m in owners.heard if m['cursor'] == cleared['cursor']]
    check(topic[0].startswith(b'owner.%s.' % new.encode()), 'topic', topic)
    equal([m['cursor'] for m in daemon.alerts(account=account, owner=new, kind='ticket_overdue')], [cleared['cursor']], 'list by owner')
    owners.close()


@case
def erased_alerts_leave_cursors_in_order():
    with Daemon(workers=2) as daemon:
        for i in range(6):
            daemon.load([ticket('e%d' % i, 'T', 'opened', now() - 5 * HOUR, severity=1)])
            daemon.wait_alert('e%d' % i, 'ticket_overdue')
        told = daemon.alerts()
        daemon.ok('account.erase', account='e2')
        left = [m for m in told if m['account'] != 'e2']
        for again in (None, daemon.crash):
            if again:
                again()
            equal(daemon.alerts(), left, 'the list without the erased')
            for i, m in enumerate(told):
                equal(daemon.alerts(since=m['cursor']), [x for x in told[i + 1:] if x['account'] != 'e2'], 'since message %d' % i)


@case
def snooze_is_logged_not_published():
    daemon, ear = listener()
    account = fresh()
    daemon.load(quiet_life(account))
    daemon.load([ticket(account, 'T', 'opened', now() - 4 * DAY, severity=3)])
    alert, snooze = acknowledged(daemon, account, 'alert.snooze', until=daemon.now() + HOUR)
    check(abs(snooze['until'] - daemon.now() - HOUR) < 5 * MINUTE, 'until')
    ear.wait(account, 'ticket_overdue', 'raised')
    heard = len(ear.messages(account, 'ticket_overdue'))
    daemon.load([ticket(account, 'U', 'opened', now() - 5 * HOUR, severity=1)])
    settled(daemon, ear)
    listed = daemon.alerts(account=account, kind='ticket_overdue')
    spoken = ear.messages(account, 'ticket_overdue')
    critical = [m for m in listed if m['state'] == 'changed' and m['severity'] == 'critical']
    if critical and alert['severity'] != 'critical':
        check(any(m['cursor'] == critical[0]['cursor'] for m in spoken), 'a snoozed alert became critical in silence')
    else:
        equal(len(spoken), heard, 'messages of a snoozed alert')
    other = fresh()
    daemon.load([ticket(other, 'T', 'opened', now() - 4 * DAY, severity=3)])
    acknowledged(daemon, other, 'alert.snooze', until=daemon.now() + HOUR)
    daemon.load([ticket(other, 'T', 'closed', now() - MINUTE)])
    daemon.wait_alert(other, 'ticket_overdue', 'cleared')
    equal(daemon.alerts(account=other, kind='ticket_overdue', open=True), [], 'open')
    settled(daemon, ear)
    equal([m['state'] for m in ear.messages(other, 'ticket_overdue')], ['raised'], 'heard of a snoozed alert that cleared')


@case
def alerts_of_nobody():
    """`-` is the owner of accounts without one: in topics, and wherever an owner is asked for."""
    with Daemon(workers=2) as daemon:
        daemon.load([event('account', account='owned', owner='kim', ts=now() - 6 * HOUR)] +
                    [ticket(name, 'T', 'opened', now() - 5 * HOUR, severity=1) for name in ('owned', 'free')])
        daemon.wait_alert('owned', 'ticket_overdue')
        daemon.wait_alert('free', 'ticket_overdue')
        for open_only in (False, True):
            for owner, name in (('-', 'free'), ('kim', 'owned'), ('lee', None)):
                heard = daemon.alerts(owner=owner, open=open_only)
                equal({m['account'] for m in heard}, {name} - {None}, 'alerts of', owner, 'open', open_only)


@case
def ack_and_snooze_outlive_restarts():
    with Daemon(workers=2) as daemon:
        for name in ('a', 'b', 'c'):
            daemon.load([ticket(name, 'T', 'opened', now() - 5 * HOUR, severity=1)])
        a, ack = acknowledged(daemon, 'a')
        b, snooze = acknowledged(daemon, 'b', 'alert.snooze', until=now() + 20 * DAY)
        c, _ = acknowledged(daemon, 'c', until=now() + 30 * DAY)

        def overdue(name):
            return next(x for x in daemon.get(name)['alerts'] if x['kind'] == 'ticket_overdue')
        before = daemon.alerts()
        for again in (daemon.crash, daemon.restart, lambda: daemon.crash(workers_too=True)):
            again()
            equal((overdue('a')['ack'], overdue('b')['snooze']), (ack, snooze), 'after a restart')
            equal(daemon.alerts(), before, 'the list')
        # eight days on, the acknowledgement of seven has run out, that of thirty has not
        daemon.crash(debug__clock_offset_ms=8 * DAY)
        reminded = daemon.wait_alert('a', 'ticket_overdue', 'reminded')
        equal(reminded['id'], a['id'], 'id')
        equal(len(daemon.alerts(account='a', kind='ticket_overdue')), len([m for m in before if m['account'] == 'a' and
                                                                           m['kind'] == 'ticket_overdue']) + 1, 'said once')
        check('reminded' not in [m['state'] for m in daemon.alerts(account='c')], 'reminded too early')
        daemon.restart()
        equal([m['state'] for m in daemon.alerts(account='a', kind='ticket_overdue')].count('reminded'), 1, 'reminded once')


@case
def churned_clears_and_raises_nothing():
    daemon, ear = listener()
    account = fresh()
    daemon.load(weekly_calls(account, now() - 2 * DAY) + critical_tickets(account, now() - DAY))
    ear.wait(account, 'churn_risk', 'raised')
    ear.wait(account, 'ticket_overdue', 'raised')
    daemon.load([event('account', account=account, status='churned', ts=now() - HOUR)])
    ear.wait(account, 'churn_risk', 'cleared')
    ear.wait(account, 'ticket_overdue', 'cleared')
    until(lambda: daemon.get(account)['alerts'] == [], 'all alerts of a churned account to clear')
    count = len(daemon.alerts(account=account))
    daemon.load([ticket(account, 'more', 'opened', now() - 20 * DAY, severity=1), event(account=account, sentiment=-1),
                 event(account=account, sentiment=-1), event(account=account, sentiment=-1)])
    settled(daemon, ear)
    equal(len(daemon.alerts(account=account)), count, 'messages of a churned account')
    check(0 <= daemon.get(account)['score'] <= 100, 'still scored')
    daemon.load([event('account', account=account, status='active', ts=now() - MINUTE)])
    again = daemon.wait_alert(account, 'ticket_overdue', 'raised')
    check(again['id'] not in [m['id'] for m in ear.messages(account, 'ticket_overdue', 'cleared')], 'a new episode, the old id')


@case
def dormant_raises_nothing():
    daemon, ear = listener()
    dormant, awake = fresh(), fresh()
    for name, days in ((dormant, 400), (awake, 300)):
        daemon.load([event(account=name, ts=now() - (days + i) * DAY, sentiment=-1) for i in range(10)]
                    + [ticket(name, 'T', 'updated', now() - (days - 1) * DAY, severity=1),
                       event('account', account=name, renewal=now() + 20 * DAY, owner='kim')], batch=1000)
    ear.wait(awake, 'silence', 'raised')
    settled(daemon, ear)
    equal(daemon.alerts(account=dormant), [], 'alerts of a dormant account')


@case
def quiet_loads():
    daemon, ear = listener()
    names = [fresh('quiet') for _ in range(5)]
    last = fresh('quiet-last')
    for name in names + [last]:
        daemon.load([ticket(name, 'T', 'opened', now() - 5 * HOUR, severity=1)], quiet=True)
        check(not daemon.get(name)['alerts'] or name == last, 'judged while the load goes on')
        equal(daemon.get(name)['open_tickets'], 1, 'counted at once')
        check(daemon.get(name)['score'] >= 0, 'scored at once')
    for name in names + [last]:
        daemon.wait_alert(name, 'ticket_overdue')
        equal(len(daemon.alerts(account=name, kind='ticket_overdue')), 1, 'messages')


@case
def quiet_load_judged_by_its_end_state():
    daemon, ear = listener()
    account, witness_ = fresh('quiet'), fresh('quiet')
    daemon.load(weekly_calls(account, now() - HOUR, 40)[20:], quiet=True)
    daemon.load(critical_tickets(account, now() - 50 * DAY), quiet=True)
    daemon.load([ticket(account, 'crit-%d' % i, 'resolved', now() - 49 * DAY) for i in range(6)], quiet=True)
    daemon.load(weekly_calls(account, now() - HOUR, 20), quiet=True)
    daemon.load([ticket(witness_, 'T', 'opened', now() - 5 * HOUR, severity=1)], quiet=True)
    daemon.wait_alert(witness_, 'ticket_overdue')
    settled(daemon, ear)
    told = [m['kind'] for m in daemon.alerts(account=account)]
    check(not set(told) & {'ticket_overdue', 'churn_risk', 'silence'}, 'history that is over raised', told)


@case
def silence_by_time_alone():
    """Nothing is sent; the moment comes within seconds, and with it the alert."""
    daemon, ear = listener()
    account = fresh()
    moment = daemon.now() + 4 * SECOND
    daemon.load(silent_life(account, moment))
    check(daemon.now() > moment or not ear.messages(account, 'silence'), 'raised before its moment')
    raised = ear.wait(account, 'silence', 'raised')
    heard = daemon.now()
    check_message(raised)
    check(heard >= moment - 20, 'heard', moment - heard, 'ms before its moment')
    equal(raised['cause'], None, 'cause: time did')
    check(moment - 50 <= raised['ts'] <= heard + 50, 'ts', raised['ts'] - moment, 'ms after its moment')
    check(raised['published'] >= moment - 50, 'published before its moment')
    check(raised['published'] - moment < 15 * SECOND, 'published', raised['published'] - moment, 'ms after its moment')
    equal(len(ear.messages(account, 'silence')), 1, 'messages')


@case
def overdue_by_time_alone():
    daemon, ear = listener()
    moments = {}
    for severity, limit in ((1, 4 * HOUR), (2, DAY), (3, 3 * DAY), (4, 7 * DAY)):
        account = fresh()
        moments[account] = daemon.now() + rng.randrange(2000, 4000)
        daemon.load(quiet_life(account, now() - 8 * DAY))
        daemon.load([ticket(account, 'T', 'opened', moments[account] - limit, severity=severity)])
    for account, moment in moments.items():
        raised = ear.wait(account, 'ticket_overdue', 'raised')
        check(raised['published'] >= moment - 50, 'published', moment - raised['published'], 'ms early')
        check(raised['published'] - moment < 15 * SECOND, 'published', raised['published'] - moment, 'ms late')
        equal(raised['cause'], None, 'cause')


@case
def silence_under_a_clock_offset():
    for offset in (40 * DAY,):
        with Daemon(workers=1, debug__clock_offset_ms=offset) as daemon:
            ear = Subscriber(daemon, 'alert.')
            moment = daemon.now() + 3 * SECOND
            daemon.load(silent_life('a', moment))
            raised = ear.wait('a', 'silence', 'raised')
            check(moment - 50 <= raised['published'] <= moment + 15 * SECOND, 'published', raised['published'] - moment)
            ear.close()


@case
def contact_moves_the_silence_away():
    daemon, ear = listener()
    account, witness_ = fresh(), fresh()
    moment = daemon.now() + 3 * SECOND
    daemon.load(silent_life(account, moment) + silent_life(witness_, moment))
    daemon.load([event(account=account, ts=now() - DAY)])
    ear.wait(witness_, 'silence', 'raised')
    settled(daemon, ear)
    equal(daemon.alerts(account=account, kind='silence'), [], 'silence alerts')


def random_life(account):
    """Contacts of the last year, tickets, perhaps a renewal and an end; and the kinds of alert that its rules ask for."""
    base = now()
    made, contacts_, tickets = [], [], {}
    silent = rng.choice((0, 0, 20, 50, 90)) * DAY
    for _ in range(rng.choice((1, 2, 4, 10, 40))):
        ts = base - HOUR - silent - rng.choice((rng.randrange(200 * DAY), rng.randrange(60 * DAY)))
        made.append(rng.choice((event('call', account=account, ts=ts), event('visit', account=account, ts=ts),
                                event('email', account=account, ts=ts))))
        contacts_.append(ts)
    ranks = {'opened': 1, 'reopened': 2, 'resolved': 3, 'closed': 4}
    for i in range(rng.choice((0, 0, 1, 2, 8))):
        number = 'T%d' % rng.randrange(3)
        ts = base - MINUTE - rng.choice((rng.randrange(9 * HOUR), rng.randrange(12 * DAY), rng.randrange(100 * DAY)))
        action = rng.choice('opened updated replied escalated resolved reopened closed'.split())
        severity = rng.choice((absent, 1, 2, 3, 4))
        made.append(event('ticket', account=account, ticket=number, action=action, ts=ts, severity=severity))
        if action in ('opened', 'replied', 'reopened'):
            contacts_.append(ts)
        t = tickets.setdefault(number, {'first': ts, 'state': (-1, 1), 'severity': (-1, 3)})
        t['first'] = min(t['first'], ts)
        if action in ranks:
            t['state'] = max(t['state'], (ts, ranks[action]))
        if severity is not absent:
            t['severity'] = max(t['severity'], (ts, severity))
    profile = {}
    if rng.random() < 0.5:
        profile['renewal'] = base + rng.randrange(-20, 200) * DAY + HOUR
    if rng.random() < 0.15:
        profile['status'] = 'churned'
    if profile:
        made.append(event('account', account=account, ts=base - HOUR, **profile))
    rng.shuffle(made)
    open_ = [t for t in tickets.values() if t['state'][1] < 3]
    days = len({c // DAY for c in contacts_})
    limits = {1: 4 * HOUR, 2: DAY, 3: 3 * DAY, 4: 7 * DAY}
    gap = (max(contacts_) - min(contacts_) + 28 * DAY) / (days + 1)

    def wanted(score, at=None):
        kinds, base = set(), at or now()
        if profile.get('status') == 'churned':
            return kinds
        if any(base - t['first'] > limits[t['severity'][1]] for t in open_):
            kinds.add('ticket_overdue')
        if (days >= 3 or open_) and base - max(contacts_) > max(7 * DAY, 3 * gap):
            kinds.add('silence')
        if (days >= 3 or open_) and score < 40:
            kinds.add('churn_risk')
        if 0 <= profile.get('renewal', -1) - base <= 90 * DAY and score < 60:
            kinds.add('renewal_risk')
        return kinds
    return made, wanted


@case
def rules_on_random_histories():
    """Each life loaded at once, so that no threshold was crossed before: what is open is what the rules ask for."""
    daemon, ear = listener()
    lives = {}
    for _ in range(150):
        account = fresh('life')
        made, lives[account] = random_life(account)
        daemon.load(made, batch=1000)
    settled(daemon, ear)
    tally = {}
    for account, wanted in lives.items():
        told = daemon.get(account)
        got = {a['kind'] for a in told['alerts']} & {'ticket_overdue', 'silence', 'churn_risk', 'renewal_risk'}
        equal(got, wanted(told['score']), 'open alerts of', account, 'with score', told['score'], 'seed', SEED)
        for kind in got:
            tally[kind] = tally.get(kind, 0) + 1
        for a in told['alerts']:
            check_message(a)
    check(len(tally) == 4, 'the test itself: kinds that came up', tally)


@case
def rules_as_time_passes():
    """The same lives 12 and 30 days later, without any event: what is open is again what the rules ask for."""
    with Daemon(workers=2) as daemon:
        lives = {}
        for i in range(120):
            account = 'life%d' % i
            made, lives[account] = random_life(account)
            daemon.load(made, batch=1000)
        for days in (0, 12, 30):
            if days:
                daemon.restart(debug__clock_offset_ms=days * DAY)
            daemon.load([ticket('witness%d' % days, 'W', 'opened', daemon.now() - 10 * DAY, severity=1)])
            daemon.wait_alert('witness%d' % days, 'ticket_overdue')

            def settled_():
                wrong = []
                for account, wanted in lives.items():
                    told = daemon.get(account)
                    got = {a['kind'] for a in told['alerts']} & {'ticket_overdue', 'silence', 'churn_risk', 'renewal_risk'}
                    if got != wanted(told['score'], daemon.now()):
                        wrong.append((account, told['score'], sorted(got), sorted(wanted(told['score'], daemon.now()))))
                return wrong
            try:
                until(lambda: not settled_(), 'the alerts to be those of the rules', 10, 0.2)
            except Failed:
                raise Failed('after %d days, open and wanted: %s, seed %d' % (days, short(settled_()), SEED))
        told, seen = daemon.alerts(), {}
        for m in told:
            key = m['account'], m['kind']
            check((m['state'] == 'raised') == (seen.get(key) is None), m['state'], 'after', seen.get(key), 'of', key)
            seen[key] = None if m['state'] == 'cleared' else m['id']


@case
def a_stop_over_a_weekend():
    """What became due while it was down is judged once, at start, in order of its moment."""
    with Daemon(workers=2) as daemon:
        moments = {}
        for i in rng.sample(range(12), 12):
            name = 'silent%02d' % i
            moments[name] = now() + (2 + 4 * i) * HOUR
            daemon.load(silent_life(name, moments[name]))
        for i in range(3):
            name = 'ticket%d' % i
            moments[name] = now() + (3 + 4 * i) * HOUR
            daemon.load(quiet_life(name) + [ticket(name, 'T', 'opened', moments[name] - 3 * DAY, severity=3)])
        later = now() + 90 * HOUR
        daemon.load(silent_life('later', later))
        both = {n: ('silence' if n.startswith('silent') else 'ticket_overdue') for n in moments}
        before = daemon.alerts()
        for n, kind in both.items():
            equal([m for m in before if m['account'] == n and m['kind'] == kind], [], 'alerts before their time')
        equal(daemon.stop(), 0, 'exit code')
        daemon.options['debug.clock_offset_ms'] = 70 * HOUR
        daemon.start()
        for n, kind in both.items():
            daemon.wait_alert(n, kind)
        told = daemon.alerts()
        ours = [m for m in told if both.get(m['account']) == m['kind']]
        equal(sorted(m['account'] for m in ours), sorted(both), 'each raised, once')
        check(all(m['state'] == 'raised' and m['cause'] is None for m in ours), 'raised by time')
        order = [moments[m['account']] for m in ours]
        check(order == sorted(order), 'not in order of their moments', [m['account'] for m in ours])
        check(not [m for m in told if m['account'] == 'later' and m['kind'] == 'silence'], 'raised before its time')
        for m in ours:
            check_message(m)
        for again in (daemon.restart, daemon.crash):
            again()
            equal([m['cursor'] for m in daemon.alerts()], [m['cursor'] for m in told], 'nothing is judged again')
        # and the next one still comes
        daemon.restart(debug__clock_offset_ms=91 * HOUR)
        daemon.wait_alert('later', 'silence')


@case
def order_of_kinds_and_times_survives_a_kill():
    """What was said stands; what comes after a kill -9 is said under the same ids."""
    with Daemon(workers=2) as daemon:
        names = ['k%d' % i for i in range(10)]
        for name in names:
            daemon.load(weekly_calls(name, now() - 2 * DAY, 30) + critical_tickets(name, now() - DAY), batch=1000)
            daemon.wait_alert(name, 'churn_risk')
        told = daemon.alerts()
        ids = {(m['account'], m['kind']): m['id'] for m in told}
        daemon.crash(workers_too=True)
        equal(daemon.alerts(), told, 'the list after kill -9')
        for name in names:
            daemon.load([ticket(name, 'crit-%d' % i, 'resolved', now() - HOUR) for i in range(6)])
        for name in names:
            for kind in ('churn_risk', 'ticket_overdue'):
                equal(daemon.wait_alert(name, kind, 'cleared')['id'], ids[name, kind], 'id of %s %s' % (name, kind))


if __name__ == '__main__':
    main()
