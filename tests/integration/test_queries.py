#!/usr/bin/python3
"""Queries: what each operation answers, refuses, pages and counts."""
import os
import sys
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))
from harness import *

BAD_LIMITS = (0, -1, 1001, 2 ** 40, 'x', '', True, False, 1.5, 1.0, [], {})
BAD_NAMES = (5, True, 1.5, b'bytes', [], {}, '')


def events_of(account):
    """Counts by type, those that are zero left out."""
    return {k: v for k, v in shared().get(account)['events'].items() if v}


@case
def refusals():
    daemon = shared()
    for op in ('account.get', 'account.timeline', 'account.erase'):
        daemon.refused(op, 'not_found', account=fresh('nobody'))
        daemon.refused(op, 'bad_request')
        daemon.refused(op, 'bad_request', account=None)
        for name in BAD_NAMES:
            daemon.refused(op, 'bad_request', 'not_found' if name == '' else 'bad_request', account=name)
    daemon.refused('account.nothing', 'unknown_op')
    daemon.refused('', 'unknown_op', 'bad_request')
    known = fresh()
    daemon.load([event(account=known)])
    for limit in BAD_LIMITS:
        daemon.refused('account.list', 'bad_request', limit=limit)
        daemon.refused('account.timeline', 'bad_request', account=known, limit=limit)
        daemon.refused('alert.list', 'bad_request', limit=limit)
    for at in ('x', True, 1.5, -1, [], 5, now() - DAY, now() - MINUTE):
        daemon.refused('account.get', 'bad_request', account=known, at=at)
    for key in ('since', 'until'):
        for value in ('x', True, 1.5, []):
            daemon.refused('account.timeline', 'bad_request', account=known, **{key: value})
    for sort in ('x', '', 5, True, 'ACCOUNT', '--score'):
        daemon.refused('account.list', 'bad_request', sort=sort)
    for key in ('owner', 'tier', 'band'):
        for value in (5, True, [], b'x'):
            daemon.refused('account.list', 'bad_request', **{key: value})
    for since in (5, True, [], 'no cursor of ours', ''):
        daemon.refused('alert.list', 'bad_request', 'cursor_gone', since=since)
    for value in ('x', 1, 'true'):
        daemon.refused('alert.list', 'bad_request', open=value)
    for after in (5, True, [], 1.5):
        daemon.refused('account.timeline', 'bad_request', account=known, after=after)
        daemon.refused('account.list', 'bad_request', after=after)
    for op in ('alert.ack', 'alert.snooze'):
        daemon.refused(op, 'bad_request')
        daemon.refused(op, 'bad_request', id=5)
        daemon.refused(op, 'not_found', 'bad_request', id='no such alert', by='kim')
        daemon.refused(op, 'not_found', id='0-99999999', by='kim', until=now() + DAY)


@case
def refused_key_twice():
    daemon = shared()
    data = map_bytes((pack('op'), pack('account.get')), (pack('account'), pack('a')), (pack('account'), pack('a')))
    reply = daemon.dealer('query').ask(data)
    check(reply.get('ok') is False, 'a known key twice', short(reply))


@case
def one_event_has_a_score():
    daemon = shared()
    for kind in ('call', 'email', 'visit', 'ticket', 'account'):
        made = event(kind)
        daemon.load([made])
        told = daemon.get(made['account'])
        equal(told['account'], made['account'], 'account')
        check(isinstance(told['score'], (int, float)) and 0 <= told['score'] <= 100, 'score', told['score'])
        check(abs(told['base'] + sum(f['points'] for f in told['factors']) - told['score']) < 0.05, 'sum of points')
        for factor in told['factors']:
            check(isinstance(factor['name'], str) and factor['name'], 'name of a factor')
            check(isinstance(factor['text'], str) and factor['text'], 'text of a factor')
            check(isinstance(factor['points'], (int, float)), 'points of a factor')
        want = 'healthy' if told['score'] >= 70 else 'watch' if told['score'] >= 40 else 'at_risk'
        equal(told['band'], want, 'band of', told['score'])
        equal({k: v for k, v in told['events'].items() if v}, {kind: 1}, 'events')
        equal(told['last_contact'], None if kind == 'account' else made['ts'], 'last_contact')
        equal(told['open_tickets'], 1 if kind == 'ticket' else 0, 'open_tickets')
        check(isinstance(told['alerts'], list), 'alerts')
        for key in ('name', 'owner', 'tier', 'region', 'renewal', 'value', 'currency', 'status', 'contacts'):
            check(told.get(key) is None, 'a profile key that was never set:', key)


@case
def counts_by_type():
    daemon, account = shared(), fresh()
    made, want = [], {}
    for _ in range(400):
        kind = rng.choice(('call', 'email', 'visit', 'ticket', 'account'))
        want[kind] = want.get(kind, 0) + 1
        made.append(event(kind, account=account, ts=now() - rng.randrange(900 * DAY)))
    daemon.load(made, batch=37)
    equal(events_of(account), want, 'events')


@case
def what_is_a_contact():
    daemon = shared()
    base = now() - 100 * DAY
    contacts = [event('call', outcome=o, direction=d) for o in ('answered', 'missed', 'voicemail', 'busy', 'failed', 'abandoned')
                for d in ('in', 'out')]
    contacts += [event('call'), event('visit'), event('visit', outcome='held'), event('email'), event('email', bounced=False)]
    contacts += [event('ticket', action=a) for a in ('opened', 'replied', 'reopened')]
    others = [event('visit', outcome='no_show'), event('visit', outcome='cancelled'), event('email', bounced=True),
              event('account', owner='kim')]
    others += [event('ticket', action=a) for a in ('updated', 'escalated', 'resolved', 'closed')]
    daemon.load(contacts + others)
    for made in contacts:
        equal(daemon.get(made['account'])['last_contact'], made['ts'], 'last_contact after', short(made))
    for made in others:
        equal(daemon.get(made['account'])['last_contact'], None, 'last_contact after', short(made))
    account = fresh()
    daemon.load([event(account=account, ts=base)] + [dict(o, account=account) for o in others])
    equal(daemon.get(account)['last_contact'], base, 'last_contact is the newest contact, not the newest event')
    daemon.load([event(account=account, ts=base - DAY)])
    equal(daemon.get(account)['last_contact'], base, 'an older contact, later')


@case
def open_tickets():
    daemon, base = shared(), now() - 50 * DAY
    stories = [
        (['opened'], 1), (['updated'], 1), (['replied'], 1), (['escalated'], 1), (['reopened'], 1), (['resolved'], 0),
        (['closed'], 0), (['opened', 'resolved'], 0), (['opened', 'closed'], 0), (['opened', 'resolved', 'reopened'], 1),
        (['opened', 'resolved', 'opened'], 1), (['opened', 'resolved', 'updated'], 0), (['opened', 'resolved', 'replied'], 0),
        (['opened', 'resolved', 'escalated'], 0), (['updated', 'closed'], 0), (['opened', 'closed', 'reopened', 'resolved'], 0),
        (['resolved', 'updated'], 0), (['updated', 'escalated', 'replied'], 1)]
    want = {}
    for actions, n in stories:
        for order in (1, -1, 0):
            account = fresh()
            events = [ticket(account, 'T', a, base + i * HOUR) for i, a in enumerate(actions)][::order or 1]
            if order == 0:
                rng.shuffle(events)
            if order < 0:
                for e in events:
                    daemon.load([e])
            else:
                daemon.load(events)
            want[account] = (n, actions, order)
    for account, (n, actions, order) in want.items():
        equal(daemon.get(account)['open_tickets'], n, 'open tickets after', actions, order)


@case
def tickets_at_the_same_moment():
    """Newest by ts, then opened < reopened < resolved < closed, then id."""
    daemon, base = shared(), now() - 5 * DAY
    for actions, n in ((['opened', 'resolved'], 0), (['resolved', 'reopened'], 0), (['opened', 'reopened'], 1),
                       (['closed', 'opened'], 0), (['closed', 'reopened', 'opened'], 0)):
        for ids in (('a', 'b', 'c'), ('c', 'b', 'a')):
            account = fresh()
            events = [ticket(account, 'T', a, base, id=i) for a, i in zip(actions, ids)]
            rng.shuffle(events)
            daemon.load(events, batch=1)
            equal(daemon.get(account)['open_tickets'], n, 'open after', actions, 'at one moment')


@case
def many_tickets():
    daemon, account = shared(), fresh()
    base = now() - 20 * DAY
    daemon.load([ticket(account, 'T%d' % i, 'opened', base + i) for i in range(60)])
    equal(daemon.get(account)['open_tickets'], 60, 'open')
    daemon.load([ticket(account, 'T%d' % i, 'closed', base + DAY) for i in range(0, 60, 2)])
    equal(daemon.get(account)['open_tickets'], 30, 'open')
    other = fresh()
    daemon.load([ticket(other, 'T1', 'opened', base)])
    equal((daemon.get(account)['open_tickets'], daemon.get(other)['open_tickets']), (30, 1), 'ticket numbers of accounts')


PROFILE = dict(name='Müller & Söhne', owner='kim', tier='key', region='north', renewal=1900000000000, value=1200.5,
               currency='EUR', status='active', contacts=[{'name': 'A', 'email': 'a@b', 'phone': '1'}, {'name': 'B'}])


@case
def profile_keys():
    daemon, account = shared(), fresh()
    daemon.load([event('account', account=account, ts=1000, **PROFILE)])
    told = daemon.get(account)
    for key, value in PROFILE.items():
        equal(told.get(key), value, 'profile key', key)
    # nil clears, an absent key stays
    daemon.load([event('account', account=account, ts=2000, **{k: None for k in PROFILE if k != 'name'})])
    told = daemon.get(account)
    equal(told['name'], PROFILE['name'], 'name')
    for key in PROFILE:
        check(key == 'name' or told.get(key) is None, key, 'was cleared, yet is', short(told.get(key)))
    # older news change nothing, and do not come back
    daemon.load([event('account', account=account, ts=1500, **PROFILE)])
    check(daemon.get(account).get('owner') is None, 'an older profile event undid a newer nil')
    daemon.load([event('account', account=account, ts=3000, contacts=[{'name': 'C'}])])
    equal(daemon.get(account)['contacts'], [{'name': 'C'}], 'contacts are replaced whole')


@case
def profile_newest_wins_key_by_key():
    daemon = shared()
    for _ in range(10):
        account, events, best = fresh(), [], {}
        for i in range(30):
            stamp = (1000 + rng.randrange(5), '%02d' % rng.randrange(100))
            keys = {k: v for k, v in (('owner', 'o%d' % i), ('region', 'r%d' % i), ('value', i), ('tier', 't%d' % (i % 3)),
                                      ('renewal', 10 ** 12 + i), ('name', None if i % 7 == 0 else 'n%d' % i))
                    if rng.random() < 0.5}
            if any(e['id'] == stamp[1] for e in events):
                continue
            events.append(event('account', account=account, ts=stamp[0], id=stamp[1], **keys))
            for k, v in keys.items():
                if stamp > best.get(k, ((0, ''), 0))[0]:
                    best[k] = (stamp, v)
        rng.shuffle(events)
        daemon.load(events, batch=rng.choice((1, 4, 50)))
        told = daemon.get(account)
        for key, (_, value) in best.items():
            equal(told.get(key), value, 'profile key', key, 'seed', SEED)


@case
def as_it_will_be():
    daemon, account = shared(), fresh()
    daemon.load(weekly_calls(account, now() - DAY, 30))
    scores = [daemon.get(account)['score']] + [daemon.score(account, now() + d * DAY) for d in (0, 1, 10, 100, 1000)]
    for a, b in zip(scores, scores[1:]):
        check(b <= a + 1e-9, 'the score rises by time alone', scores)
    check(scores[-1] < scores[0] / 4, 'silence costs little', scores)
    told = daemon.get(account, at=now() + 100 * DAY)
    check(abs(told['base'] + sum(f['points'] for f in told['factors']) - told['score']) < 0.05, 'sum of points in future')
    equal(told['events'], {'call': 30}, 'events')


# --- lists ------------------------------------------------------------------------------------------------

_world = {}


def world():
    """A daemon of its own with 250 accounts of known profiles."""
    if _world:
        return _world['daemon'], _world['accounts']
    daemon = Daemon(workers=3).start()
    accounts, events = {}, []
    for i in range(250):
        name = rng.choice(('a', 'B', 'é', '00', 'z.', ' ')) + '%03d' % i
        profile = {'account': name}
        if i % 3:
            profile['owner'] = 'owner%d' % (i % 5)
        if i % 4:
            profile['tier'] = rng.choice(('key', 'national', 'standard'))
        if i % 5:
            profile['value'] = rng.randrange(1000) * 10
        if i % 6:
            profile['renewal'] = now() + rng.randrange(100, 900) * DAY
        accounts[name] = profile
        events.append(event('account', ts=now() - DAY, **profile))
        events += weekly_calls(name, now() - rng.randrange(0, 60) * DAY, rng.randrange(0, 12))
    rng.shuffle(events)
    daemon.load(events)
    _world.update(daemon=daemon, accounts=accounts)
    return daemon, accounts


@case
def list_all():
    daemon, accounts = world()
    listed = daemon.accounts()
    equal([a['account'] for a in listed], sorted(accounts, key=lambda n: n.encode()), 'accounts by name')
    for entry in listed:
        profile = accounts[entry['account']]
        for key in ('owner', 'tier', 'value', 'renewal'):
            equal(entry.get(key), profile.get(key), key, 'of', entry['account'])
        check(0 <= entry['score'] <= 100, 'score')
        equal(entry['band'], 'healthy' if entry['score'] >= 70 else 'watch' if entry['score'] >= 40 else 'at_risk', 'band')
    for entry in rng.sample(listed, 20):
        told = daemon.get(entry['account'])
        check(abs(told['score'] - entry['score']) < 0.05, 'scores of list and get', told['score'], entry['score'])


@case
def list_pages():
    daemon, accounts = world()
    equal(len(daemon.ok('account.list')['accounts']), 100, 'default limit')
    equal(len(daemon.ok('account.list', limit=None)['accounts']), 100, 'limit nil')
    equal(daemon.ok('account.list', limit=1000).get('after'), None, 'after, at the end')
    check('after' not in daemon.ok('account.list', limit=1000), '`after` is there at the end')
    want = sorted(accounts, key=lambda n: n.encode())
    for limit in (1, 7, 100, 125, 250):
        equal([a['account'] for a in daemon.accounts(limit=limit)], want, 'pages of', limit)
    # a steady listing: accounts that come in between neither hide nor repeat the others
    first = daemon.ok('account.list', limit=50)
    extra = fresh('0000')
    daemon.load([event(account=extra)])
    rest, after = [], first['after']
    while after is not None:
        page = daemon.ok('account.list', limit=50, after=after)
        rest += page['accounts']
        after = page.get('after')
    seen = [a['account'] for a in first['accounts'] + rest]
    equal([n for n in seen if n != extra], want, 'a listing while an account is new')
    daemon.ok('account.erase', account=extra)


@case
def list_filters():
    daemon, accounts = world()
    for owner in ('owner0', 'owner1', 'nobody', '-'):
        want = sorted(n for n, p in accounts.items() if p.get('owner') == owner)
        got = [a['account'] for a in daemon.accounts(owner=owner, limit=17)]
        if owner == '-' and got:  # may be read as: those without one
            want = sorted(n for n, p in accounts.items() if 'owner' not in p)
        equal(sorted(got), want, 'accounts of', owner)
    for tier in ('key', 'standard', 'no such tier'):
        got = {a['account'] for a in daemon.accounts(tier=tier, limit=17)}
        want = {n for n, p in accounts.items() if p.get('tier') == tier}
        # an account without a tier may be of the default one
        check(want <= got and all('tier' not in accounts[n] for n in got - want), 'accounts of tier', tier)
    everyone = {a['account']: a['band'] for a in daemon.accounts()}
    for band in ('healthy', 'watch', 'at_risk'):
        got = daemon.accounts(band=band, limit=23)
        equal(sorted(a['account'] for a in got), sorted(n for n, b in everyone.items() if b == band), 'band', band)
    got = daemon.accounts(owner='owner1', tier='key', band='at_risk')
    equal({a['account'] for a in got}, {n for n, p in accounts.items() if p.get('owner') == 'owner1'
                                        and p.get('tier') == 'key' and everyone[n] == 'at_risk'}, 'all filters at once')


@case
def list_sorts():
    daemon, accounts = world()
    for sort in ('account', 'score', '-score', 'value', 'renewal'):
        got = daemon.accounts(sort=sort)
        equal(sorted(a['account'] for a in got), sorted(accounts), 'all are listed by', sort)
        in_order(got, sort)
        # a steady listing is promised for `account` only: others may move between pages
        page = daemon.ok('account.list', sort=sort, limit=40)
        for _ in range(10):
            equal(len(page['accounts']), 40 if page.get('after') is not None else len(page['accounts']), 'a page by', sort)
            in_order(page['accounts'], sort)
            if page.get('after') is None:
                break
            page = daemon.ok('account.list', sort=sort, limit=40, after=page['after'])
        check(page.get('after') is None, 'pages without an end by', sort)


def in_order(got, sort):
    if sort in ('score', '-score'):
        scores = [a['score'] for a in got] if sort == 'score' else [-a['score'] for a in got]
        check(all(a <= b + 1e-6 for a, b in zip(scores, scores[1:])), 'order by', sort, short(scores))
    elif sort != 'account':
        having = [a[sort] for a in got if a.get(sort) is not None]
        check(having in (sorted(having), sorted(having, reverse=True)), 'order by', sort, short(having))


@case
def list_limits_sorted():
    daemon, _ = world()
    everyone = daemon.accounts(sort='score')
    worst = daemon.ok('account.list', sort='score', limit=5)['accounts']
    equal([round(a['score'], 2) for a in worst], [round(a['score'], 2) for a in everyone[:5]], 'the five worst')


# --- timelines --------------------------------------------------------------------------------------------

@case
def timeline_as_sent():
    daemon, account = shared(), fresh()
    sent = [event('call', account=account, ts=now() - 5000, sentiment=0.5, x={'deep': [1, b'\0', None, 1.5]}),
            event('email', account=account, ts=msgpack.Timestamp(1600000000, 123456789), contact='é'),
            event('account', account=account, ts=1500000000000, owner='kim', name=None),
            event('ticket', account=account, ts=0, source='desk', severity=1)]
    order = sent[:]
    rng.shuffle(order)
    daemon.load(order, batch=1)
    equal(daemon.timeline(account), sent, 'the timeline')
    equal(daemon.push(sent)['duplicate'], 4, 'again')
    equal(daemon.timeline(account), sent, 'the timeline after duplicates')


@case
def timeline_order_window_and_pages():
    daemon, account = shared(), fresh()
    base = now() - 100 * DAY
    sent = [event(account=account, ts=base + rng.randrange(300)) for _ in range(700)]
    daemon.load(sent, batch=41)
    by_id = {e['id']: e for e in sent}
    equal(len(daemon.ok('account.timeline', account=account)['events']), 100, 'default limit')
    for since, until_, limit in ((None, None, 1000), (None, None, 13), (base + 50, base + 60, 1000), (base + 50, base + 60, 3),
                                 (base + 50, None, 100), (None, base + 50, 100), (base + 50, base + 51, 2),
                                 (base + 60, base + 50, 10), (0, 5, 10), (base, base, 10)):
        keys = {k: v for k, v in (('since', since), ('until', until_)) if v is not None}
        got = daemon.timeline(account, limit=limit, **keys)
        want = [e for e in sent if (since is None or e['ts'] >= since) and (until_ is None or e['ts'] < until_)]
        times = [e['ts'] for e in got]
        equal(times, sorted((e['ts'] for e in want), reverse=True), 'ts of', keys, 'in pages of', limit)
        equal(sorted(e['id'] for e in got), sorted(e['id'] for e in want), 'ids of', keys, 'in pages of', limit)
        check(all(by_id[e['id']] == e for e in got), 'events differ from those sent')
    page = daemon.ok('account.timeline', account=account, limit=1000)
    check('after' not in page or page['after'] is None, '`after` at the end')


@case
def timeline_of_one_moment_pages():
    daemon, account = shared(), fresh()
    daemon.load([event(account=account, ts=12345) for _ in range(60)])
    for limit in (1, 7, 59, 60, 61):
        got = [e['id'] for e in daemon.timeline(account, limit=limit)]
        equal((len(got), len(set(got))), (60, 60), 'events of one moment in pages of', limit)


@case
def timeline_of_big_events():
    """A page is cut, or too_large asks for a smaller one; nothing is lost."""
    daemon, account = shared(), fresh()
    sent = [event(account=account, ts=1000 + i, x='p' * 60000) for i in range(300)]
    daemon.load(sent, batch=50)
    reply = daemon.query('account.timeline', account=account, limit=1000)
    if not reply['ok']:
        equal(reply['error'], 'too_large', 'a page of 18 MB')
    got = daemon.timeline(account, limit=1000 if reply['ok'] else 10)
    equal([e['id'] for e in got], [e['id'] for e in sent[::-1]], 'the timeline')


@case
def timeline_does_not_mix_accounts():
    daemon = shared()
    names = [fresh() for _ in range(20)]
    sent = [event(account=rng.choice(names)) for _ in range(1000)]
    daemon.load(sent, batch=100)
    for name in names:
        equal(sorted(e['id'] for e in daemon.timeline(name)), sorted(e['id'] for e in sent if e['account'] == name), 'of', name)


@case
def the_same_after_restart():
    """Timelines, accounts, lists: nothing changes by a restart or kill -9."""
    with Daemon(workers=2) as daemon:
        names = ['acct%d' % i for i in range(20)]
        sent = [event(rng.choice(('call', 'email', 'visit', 'ticket', 'account')), account=rng.choice(names),
                      ts=now() - rng.randrange(200 * DAY), owner=rng.choice(('kim', 'lee'))) for _ in range(1500)]
        daemon.load(sent)
        at = now() + DAY

        def picture():
            state = {n: daemon.get(n, at=at) for n in names}
            for s in state.values():
                del s['alerts']
            return state, {n: daemon.timeline(n) for n in names}
        before = picture()
        for again in (daemon.restart, daemon.crash, lambda: daemon.crash(workers_too=True)):
            again()
            after = picture()
            for n in names:
                equal(after[0][n], before[0][n], 'account.get of', n)
                equal(after[1][n], before[1][n], 'timeline of', n)


# --- erase, stats, the rest -------------------------------------------------------------------------------

@case
def erase():
    with Daemon(workers=2) as daemon:
        victim, other = 'victim-%016x' % rng.getrandbits(64), 'bystander-%016x' % rng.getrandbits(64)
        person = 'person-%016x' % rng.getrandbits(64)
        long_ago = now() - 60 * DAY
        made = [event('account', account=victim, name=person, owner='kim', ts=long_ago)]
        made += [event(account=victim, contact=person, ts=long_ago + i * DAY) for i in range(20)]
        made += critical_tickets(victim, now() - 2 * DAY)  # so that there are alerts to forget
        kept = [dict(e, account=other, contact='someone', name='someone') for e in made]
        daemon.load(made[:10] + kept)
        daemon.restart()  # some of it in sealed files and snapshots, some not
        daemon.load(made[10:])
        hose = connect(zmq.PUSH, daemon.at['firehose'])  # dead letters speak of it as well
        hose.send(pack(event(account=victim, contact=person, sentiment=9)))
        hose.send(pack(event(account=other, contact='someone', sentiment=9)))
        until(lambda: len(daemon.ok('dead.list')['dead']) == 2, 'two dead letters')
        hose.close()
        words = [victim.encode(), person.encode()]
        check(standing(daemon.state, words), 'the test itself finds nothing on disk before')
        daemon.wait_alert(victim, 'ticket_overdue')
        equal(daemon.ok('account.erase', account=victim)['events'], len(made), 'events erased')
        equal(standing(daemon.state, words), [], 'left on disk')

        def gone():
            daemon.refused('account.get', 'not_found', account=victim)
            daemon.refused('account.timeline', 'not_found', account=victim)
            daemon.refused('account.erase', 'not_found', account=victim)
            check(victim not in [a['account'] for a in daemon.accounts()], 'still listed')
            equal(daemon.alerts(account=victim), [], 'alerts of it')
            equal(len(daemon.ok('dead.list')['dead']), 1, 'dead letters left')
        gone()
        told = daemon.get(other)
        equal(sum(told['events'].values()), len(kept), 'events of the other')
        equal(len(daemon.timeline(other)), len(kept), 'timeline of the other')
        daemon.crash(workers_too=True)
        gone()
        equal(standing(daemon.state, words), [], 'left on disk after kill -9')
        daemon.restart()
        gone()
        equal(standing(daemon.state, words), [], 'left on disk after a restart')
        daemon.load([event('email', account=victim, ts=now() - HOUR)])
        told = daemon.get(victim)
        equal(({k: v for k, v in told['events'].items() if v}, told['open_tickets'], told.get('owner')),
              ({'email': 1}, 0, None), 'a new account')
        equal(len(daemon.timeline(victim)), 1, 'its timeline')
        daemon.crash()
        equal(len(daemon.timeline(victim)), 1, 'its timeline after kill -9')
        equal(sum(daemon.get(other)['events'].values()), len(kept), 'events of the other')
        equal(daemon.push(kept), {'accepted': 0, 'duplicate': len(kept), 'rejected': []}, 'the other sent again')


@case
def stats():
    with Daemon(workers=3) as daemon:
        told = daemon.ok('stats')
        check(isinstance(told['version'], str) and told['version'], 'version')
        equal(told['protocol'], 1, 'protocol')
        equal(told['accounts'], 0, 'accounts')
        equal(sum(told['events'].values()), 0, 'events')
        equal(len(told['workers']), 3, 'workers')
        events = [event(kind, account='s%d' % (i % 30)) for i, kind in enumerate(['call', 'call', 'email', 'visit', 'ticket',
                                                                                  'account'] * 20)]
        daemon.load(events)
        daemon.push(events[:25])
        daemon.push([event(sentiment=5)] * 7)
        told = daemon.ok('stats')
        equal(told['accounts'], 30, 'accounts')
        equal({k: v for k, v in told['events'].items() if v}, {'call': 40, 'email': 20, 'visit': 20, 'ticket': 20,
                                                               'account': 20}, 'events')
        equal({k: told['outcomes'][k] for k in ('accepted', 'duplicate', 'rejected', 'dead')},
              {'accepted': 120, 'duplicate': 25, 'rejected': 7, 'dead': 0}, 'outcomes')
        equal(sum(w['accounts'] for w in told['workers']), 30, 'accounts of the workers')
        equal(sorted(w['pid'] for w in told['workers']), sorted(daemon.workers()), 'pids of the workers')
        check(all(isinstance(w['queue_bytes'], int) and w['queue_bytes'] >= 0 for w in told['workers']), 'queue_bytes')
        check(isinstance(told['limits'], dict) and told['limits'], 'limits')
        check(isinstance(told['uptime_ms'], int) and told['uptime_ms'] >= 0, 'uptime_ms')
        until(lambda: daemon.ok('stats')['uptime_ms'] > told['uptime_ms'], 'uptime to go on')
        daemon.restart()
        again = daemon.ok('stats')
        equal((again['accounts'], again['events']), (told['accounts'], told['events']), 'after a restart')


@case
def read_your_writes():
    daemon = shared()
    pushing, asking = Dealer(daemon.at['events']), Dealer(daemon.at['query'])
    account, counts, total = fresh(), {}, 0
    names = [fresh() for _ in range(30)]
    for i in range(300):
        size = rng.choice((1, 1, 2, 20))
        name = rng.choice(names)
        equal(pushing.ask([event(account=name) for _ in range(size)])['accepted'], size, 'push')
        counts[name] = counts.get(name, 0) + size
        total += size
        told = asking.ask({'op': 'account.get', 'account': name})
        equal(told['events'].get('call'), counts[name], 'count right after the push was answered')
        if i % 10 == 0:
            equal(len(asking.ask({'op': 'account.timeline', 'account': name, 'limit': 1000})['events']), counts[name],
                  'timeline right after')
            listed = {a["account"] for a in daemon.accounts()}
            check(set(counts) <= listed, 'list right after')
    equal(asking.ask({'op': 'account.get', 'account': account})['error'], 'not_found', 'an account nobody has heard of')
    pushing.close()
    asking.close()


@case
def many_queries_in_flight():
    daemon = shared()
    names = [fresh() for _ in range(20)]
    daemon.load([event(account=n) for n in names for _ in range(names.index(n) + 1)])
    order = [rng.choice(names) for _ in range(2000)]
    replies = daemon.dealer('query').ask_all([{'op': 'account.get', 'account': n} for n in order])
    for n, reply in zip(order, replies):
        equal((reply['account'], reply['events']['call']), (n, names.index(n) + 1), 'a reply in a crowd')


@case
def portfolio():
    daemon = shared()
    owner = fresh('owner')
    daemon.load([event('account', owner=owner, account=fresh(), value=100) for _ in range(3)])
    reply = daemon.ok('report.portfolio', owner=owner)
    check(len(reply) > 1, 'an empty report', short(reply))
    reply = daemon.query('report.portfolio', owner='nobody-of-that-name')
    check(reply['ok'] or reply['error'] == 'not_found', 'a report of nobody', short(reply))
    daemon.refused('report.portfolio', 'bad_request', owner=5)


if __name__ == '__main__':
    main()
