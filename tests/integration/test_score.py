#!/usr/bin/python3
"""The laws of the score, seen from outside: small random histories, compared at one moment through `at`."""
import os
import sys
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))
from harness import *

EPS = 1e-6   # the score is unrounded
ROUNDS = 40
G0 = 14 * DAY


def daemon():
    return shared(workers=3)


def history(account, size=None, span=300 * DAY, end=None, grid=1, names=3):
    """A random life of an account, of all kinds of events; a coarse grid makes many of them fall together."""
    end = end or now() - DAY
    made = []
    for _ in range(rng.randrange(1, 40) if size is None else size):
        kind = rng.choice(('call', 'call', 'email', 'visit', 'ticket', 'account'))
        keys = {'ts': (end - rng.randrange(span)) // grid * grid, 'direction': rng.choice(('in', 'out', absent)),
                'contact': rng.choice(['person%d' % rng.randrange(names), absent]), 'sentiment': rng.choice((absent, absent, -0.9, -0.3, 0, 0.4, 1))}
        if kind == 'call':
            keys['outcome'] = rng.choice((absent, 'answered', 'missed', 'voicemail', 'busy', 'failed', 'abandoned'))
        elif kind == 'visit':
            keys['outcome'] = rng.choice((absent, 'held', 'no_show', 'cancelled'))
        elif kind == 'email':
            keys.update(bounced=rng.choice((absent, False, False, True)), thread=rng.choice([absent, 't%d' % rng.randrange(names)]))
        elif kind == 'ticket':
            keys.update(ticket='T%d' % rng.randrange(names + 1), severity=rng.choice((absent, 1, 2, 3, 4)), csat=rng.choice((absent, 1, 3, 5)),
                        action=rng.choice('opened updated replied escalated resolved reopened closed'.split()))
        else:
            keys.update(name='Name', tier=rng.choice((absent, None, 'key', 'national', 'standard', 'odd')), value=rng.randrange(1000), renewal=now() + rng.randrange(10, 100) * DAY, region='north')
            keys.pop('sentiment')
            keys.pop('direction')
            keys.pop('contact')
        made.append(event(kind, account=account, **keys))
    return made


def copied(events, account):
    return [dict(e, account=account) for e in events]


class Variants:
    """Histories to compare: collected, loaded at once, evaluated at one moment."""

    def __init__(self):
        self.events = []
        self.at = now() + 2 * HOUR

    def add(self, events):
        account = fresh()
        self.events += copied(events, account)
        return account

    def load(self):
        daemon().load(self.events, batch=1000, quiet=True)
        names = sorted({e['account'] for e in self.events})
        replies = daemon().dealer('query').ask_all([{'op': 'account.get', 'account': n, 'at': self.at} for n in names])
        self.told = dict(zip(names, replies))
        for name, told in self.told.items():
            check(told.get('ok'), name, short(told))
            sums_up(told)

    def score(self, account):
        return self.told[account]['score']


def sums_up(told):
    check(0 <= told['score'] <= 100, 'score', told['score'])
    total = told['base'] + sum(f['points'] for f in told['factors'])
    check(abs(total - told['score']) <= 0.05, 'base and points make', total, 'not', told['score'])
    equal(told['band'], 'healthy' if told['score'] >= 70 else 'watch' if told['score'] >= 40 else 'at_risk',
          'band of %r' % told['score'])


def essence(told):
    return {k: v for k, v in told.items() if k not in ('account', 'alerts')}


def close(a, b):
    if isinstance(a, float) or isinstance(b, float):
        return isinstance(a, (int, float)) and isinstance(b, (int, float)) and abs(a - b) <= EPS
    if isinstance(a, dict):
        return isinstance(b, dict) and a.keys() == b.keys() and all(close(a[k], b[k]) for k in a)
    if isinstance(a, list):
        return isinstance(b, list) and len(a) == len(b) and all(close(x, y) for x, y in zip(a, b))
    return a == b


@case
def law_1_order_and_batching():
    d = daemon()
    at = now() + HOUR
    for round_ in range(24):
        # also: many of a moment, long lives, more threads, people and tickets than any bounded state keeps
        base = history('x') if round_ % 3 == 0 else history(
            'x', size=rng.choice((20, 100, 400)), span=rng.choice((10, 600, 6000)) * DAY, grid=rng.choice((1, HOUR, DAY, 7 * DAY)),
            names=rng.choice((2, 12, 60)))
        first, told = None, None
        for variant in range(4):
            account = fresh()
            events = copied(base, account)
            if variant == 1:
                events.sort(key=lambda e: e['ts'])
            elif variant == 2:
                events.sort(key=lambda e: -e['ts'])
            elif variant:
                rng.shuffle(events)
            for reply in d.dealer('events').ask_all([events[i:i + 1 + variant * 7] for i in range(0, len(events), 1 + variant * 7)]
                                                    if variant != 1 else events, 1 if variant == 0 and len(events) < 50 else 16):
                check(reply.get('accepted'), short(reply))
            told = essence(d.get(account, at=at))
            first = first or told
            check(close(first, told), 'round', round_, 'variant', variant, 'seed', SEED, short(first, 900), 'and', short(told, 900))


def tickets_in_any_order(count):
    d, at, first = daemon(), now() + HOUR, None
    base, left = [], 0
    for i in range(count):
        ts = now() - rng.randrange(5, 500) * DAY
        base.append(ticket('x', 'T%d' % i, 'opened', ts, severity=rng.randrange(1, 5)))
        if i % 40:
            base.append(ticket('x', 'T%d' % i, 'closed', ts + rng.randrange(4 * DAY)))
        else:
            left += 1
    for variant in range(4):
        account = fresh()
        events = copied(base, account)
        if variant == 1:
            events.sort(key=lambda e: e['ts'])
        elif variant == 2:
            events.sort(key=lambda e: -e['ts'])
        elif variant == 3:
            rng.shuffle(events)
        d.load(events, batch=rng.choice((100, 1000)), quiet=True)
        told = essence(d.get(account, at=at))
        equal(told['open_tickets'], left, 'open tickets, variant', variant)
        first = first or told
        check(close(first, told), 'variant', variant, 'seed', SEED, short(first, 900), 'and', short(told, 900))


@case
def law_1_many_tickets():
    tickets_in_any_order(900)


@case
def law_1_more_tickets_than_are_kept():
    """More than limits.tickets, most of them closed, in any order."""
    tickets_in_any_order(1200)


@case
def law_1_workers_and_restarts():
    with Daemon(workers=1) as d:
        lives = {('life%d' % i): history('life%d' % i, size=rng.randrange(1, 60)) for i in range(25)}
        everything = [e for life in lives.values() for e in life]
        rng.shuffle(everything)
        d.load(everything[::2])
        d.restart(workers__count=3)
        d.load(everything[1::2])
        at = now() + DAY
        before = {n: essence(d.get(n, at=at)) for n in lives}
        for how in ('restart', 'crash', 'two workers'):
            if how == 'two workers':
                d.restart(workers__count=2)
            else:
                getattr(d, how)()
            for n in lives:
                told = essence(d.get(n, at=at))
                check(close(told, before[n]), how, n, 'seed', SEED, short(before[n], 900), 'and', short(told, 900))
        with Daemon(workers=2) as other:
            rng.shuffle(everything)
            other.load(everything, batch=3)
            for n in lives:
                told = essence(other.get(n, at=at))
                check(close(told, before[n]), 'another daemon', n, 'seed', SEED, short(before[n], 900), 'and', short(told, 900))


@case
def law_2_sending_again_changes_nothing():
    d, at = daemon(), now() + HOUR
    for _ in range(10):
        account = fresh()
        events = history(account)
        d.load(events)
        before = d.get(account, at=at)
        rng.shuffle(events)
        equal(d.push(events)['duplicate'], len(events), 'again')
        equal(d.push([dict(e, sentiment=-1, ts=5) for e in events])['duplicate'], len(events), 'again, changed')
        check(close(d.get(account, at=at), before), 'seed', SEED)


@case
def law_3_time_alone_never_raises_it():
    d, v = daemon(), Variants()
    names = [v.add(history('x', end=now() - rng.choice((0, 1, 20, 200)) * DAY)) for _ in range(ROUNDS)]
    names.append(v.add(weekly_calls('x', now() - HOUR)))
    v.load()
    steps = sorted([0, MINUTE, HOUR] + [rng.randrange(400 * DAY) for _ in range(40)] + [i * 28 * DAY for i in range(1, 20)])
    begin = now() + HOUR
    for name in names:
        replies = d.dealer('query').ask_all([{'op': 'account.get', 'account': name, 'at': begin + s} for s in steps])
        scores = [r['score'] for r in replies]
        for r in replies:
            sums_up(r)
        for i, (a, b) in enumerate(zip(scores, scores[1:])):
            check(b <= a + EPS, name, 'rises from', a, 'to', b, 'within', steps[i + 1] - steps[i], 'ms at', steps[i], 'seed', SEED)


@case
def law_3_a_long_silence_costs_most_of_it():
    v = Variants()
    names = [v.add(history('x', size=rng.randrange(1, 60), end=now() - HOUR) + [event(ts=now() - HOUR)]) for _ in range(ROUNDS)]
    names += [v.add(weekly_calls('x', now() - HOUR)), v.add(weekly_calls('x', now() - HOUR, 400, DAY)), v.add([event()])]
    v.load()
    for name in names:
        last = v.told[name]['last_contact']
        soon, late = daemon().score(name, last + DAY), daemon().score(name, last + 12 * G0)
        check(late <= soon / 4 + EPS, name, soon, 'a day after,', late, 'after 12 g0; seed', SEED)


@case
def law_4_an_open_ticket():
    """`updated` opens a ticket and is no contact, so nothing but the ticket differs."""
    v, made = Variants(), []
    for _ in range(ROUNDS):
        life = [e for e in history('x', end=now() - 2 * DAY) if e['type'] != 'ticket'] + [event(ts=now() - 3 * DAY)]
        day = now() - rng.randrange(1, 40) * DAY
        opening = rng.choice(('updated', 'opened', 'escalated'))
        open_ = [ticket('x', 'new', opening, day, severity=s) for s in (1, 2, 3, 4)]
        at_once = v.add(life + [open_[0], ticket('x', 'new', 'resolved', day, id='zz')])
        open_by_severity = [v.add(life + [o]) for o in open_]
        unstated = v.add(life + [ticket('x', 'new', opening, day)])
        later = v.add(life + [open_[0], ticket('x', 'new', 'resolved', now() - MINUTE)])
        made.append((at_once, open_by_severity, unstated, later))
    v.load()
    for at_once, by_severity, unstated, later in made:
        scores = [v.score(n) for n in by_severity]
        check(all(a < b for a, b in zip(scores, scores[1:])), 'by severity', scores, 'seed', SEED)
        check(scores[-1] < v.score(at_once), 'the least open ticket', scores[-1], 'resolved at once', v.score(at_once))
        check(abs(v.score(unstated) - scores[2]) < EPS, 'severity unstated', v.score(unstated), 'and 3', scores[2])
        check(abs(v.score(later) - v.score(at_once)) < 0.05, 'resolved later', v.score(later), 'at once', v.score(at_once))


@case
def law_4_an_older_ticket_lowers_it_more():
    v, made = Variants(), []
    for _ in range(ROUNDS):
        life = [e for e in history('x', end=now() - 2 * DAY) if e['type'] != 'ticket'] + [event(ts=now() - 3 * DAY)]
        days = sorted(rng.sample(range(1, 60), 4))
        made.append([v.add(life + [ticket('x', 'new', 'updated', now() - d * DAY, severity=2)]) for d in days])
    v.load()
    for names in made:
        scores = [v.score(n) for n in names]
        check(all(a > b for a, b in zip(scores, scores[1:])), 'older and older', scores, 'seed', SEED)


@case
def law_4_many_tickets_down_to_the_floor():
    v = Variants()
    life = weekly_calls('x', now() - DAY, 30)
    names = [v.add(life + [ticket('x', 'n%d' % i, 'updated', now() - DAY, severity=1) for i in range(n)]) for n in (0, 1, 2, 5, 20, 100)]
    v.load()
    scores = [v.score(n) for n in names]
    check(all(a >= b for a, b in zip(scores, scores[1:])) and scores[0] > scores[1], 'with more tickets', scores)
    account = v.add([])
    daemon().load(copied(life, account) + [ticket(account, 'n%d' % i, 'updated', now() - DAY, severity=1) for i in range(20)])
    daemon().load([ticket(account, 'n%d' % i, 'closed', now() - HOUR) for i in range(20)])
    check(abs(daemon().score(account, v.at) - scores[0]) < 0.05, 'all closed again', daemon().score(account, v.at), scores[0])


def opposites():
    ts = now() - rng.randrange(1, 100) * DAY
    return rng.choice([
        (event('call', ts=ts, sentiment=rng.choice((-1, -0.7, -0.2))), event('call', ts=ts, sentiment=rng.choice((0.2, 0.8, 1)))),
        (event('email', ts=ts, sentiment=-0.9), event('email', ts=ts, sentiment=0.9)),
        (event('call', ts=ts, direction='in', outcome=rng.choice(('missed', 'voicemail', 'busy', 'abandoned', 'failed'))),
         event('call', ts=ts, direction='in', outcome='answered')),
        (event('call', ts=ts, direction='out', outcome='failed'), event('call', ts=ts, direction='out')),
        (event('visit', ts=ts, outcome='no_show'), event('visit', ts=ts, outcome='held')),
        (event('email', ts=ts, bounced=True), event('email', ts=ts, bounced=False)),
    ])


@case
def law_5_opposite_outcomes():
    v, made = Variants(), []
    for _ in range(ROUNDS * 2):
        life = history('x')
        bad, good = opposites()
        n = rng.choice((1, 1, 1, 5))
        bads = [dict(bad, id='%s-%d' % (bad['id'], i)) for i in range(n)]
        goods = [dict(good, id='%s-%d' % (good['id'], i)) for i in range(n)]
        made.append((v.add(life + bads), v.add(life + goods), bad, good))
    v.load()
    for low, high, bad, good in made:
        check(v.score(low) <= v.score(high) + EPS, short(bad), v.score(low), 'above', short(good), v.score(high), 'seed', SEED)


@case
def law_5_they_do_lower_it():
    """In a plain healthy life, far from any floor, each bad outcome costs something."""
    v, made = Variants(), []
    life = weekly_calls('x', now() - DAY, 20)
    ts = now() - 8 * DAY
    pairs = [(dict(direction='in', outcome=o), dict(direction='in', outcome='answered'), 'call')
             for o in ('missed', 'voicemail', 'busy', 'abandoned', 'failed')]
    pairs += [(dict(sentiment=-0.5), dict(sentiment=0.5), k) for k in ('call', 'email', 'visit')]
    pairs += [(dict(outcome='no_show'), dict(outcome='held'), 'visit'), (dict(bounced=True), dict(bounced=False), 'email'),
              (dict(direction='out', outcome='failed'), dict(direction='out'), 'call')]
    for bad, good, kind in pairs:
        made.append((v.add(life + [event(kind, ts=ts, **bad)]), v.add(life + [event(kind, ts=ts, **good)]), bad))
    alone = v.add(life)
    no_show = v.add(life + [event('visit', ts=ts, outcome='no_show')])
    bounced = v.add(life + [event('email', ts=ts, bounced=True)])
    v.load()
    for low, high, bad in made:
        check(v.score(low) < v.score(high), bad, v.score(low), 'is not below', v.score(high))
    check(v.score(no_show) < v.score(alone), 'a no-show against no event', v.score(no_show), v.score(alone))
    check(v.score(bounced) < v.score(alone), 'a bounce against no event', v.score(bounced), v.score(alone))


@case
def law_5_no_show_and_bounce_against_nothing():
    v, made = Variants(), []
    for _ in range(ROUNDS):
        life = history('x')
        ts = now() - rng.randrange(1, 500) * DAY
        bad = rng.choice((event('visit', ts=ts, outcome='no_show'), event('email', ts=ts, bounced=True)))
        made.append((v.add(life), v.add(life + [bad]), bad))
    v.load()
    for without, with_, bad in made:
        check(v.score(with_) <= v.score(without) + EPS, short(bad), 'raised', v.score(without), 'to', v.score(with_), 'seed', SEED)


@case
def law_5_a_good_event_never_lowers_it():
    v, made = Variants(), []
    for _ in range(ROUNDS * 3):
        life = history('x')
        ts = max(0, now() - rng.choice((0, 1, 5, 30, 100, 400, 600, 3000)) * DAY - rng.randrange(DAY))
        who = {'contact': rng.choice(('ann', 'dee', absent))}
        good = rng.choice((event('call', ts=ts, **who), event('call', ts=ts, sentiment=1, **who), event('visit', ts=ts, **who),
                           event('email', ts=ts, **who), event('call', ts=ts, direction='in', outcome='answered'),
                           event('visit', ts=ts, channel='onsite', sentiment=0.8), event('email', ts=ts, bounced=False)))
        made.append((v.add(life), v.add(life + [good]), good))
    v.load()
    for without, with_, good in made:
        check(v.score(with_) >= v.score(without) - EPS, short(good), 'lowered', v.score(without), 'to', v.score(with_), 'seed', SEED)


@case
def profiles_move_no_score():
    v, made = Variants(), []
    for _ in range(15):
        life = [e for e in history('x') if e['type'] != 'account'] + [event()]
        profile = event('account', owner='kim', name='N', value=1e6, renewal=now() + rng.randrange(1, 90) * DAY, region='r',
                        status=rng.choice(('active', 'churned')), contacts=[{'name': 'A'}])
        # keys that belong to contacts are no contact here
        odd = event('account', direction='in', contact='zed', ts=now())
        made.append((v.add(life), v.add(life + [profile]), v.add(life + [odd])))
    v.load()
    for names in made:
        scores = [v.score(n) for n in names]
        check(max(scores) - min(scores) < EPS, 'with and without a profile', scores)


@case
def a_life_of_contact_is_healthy_and_six_tickets_are_not():
    v = Variants()
    healthy = v.add(weekly_calls('x', now() - HOUR))
    ruined = v.add(weekly_calls('x', now() - HOUR) + critical_tickets('x', now() - HOUR))
    v.load()
    check(v.score(healthy) >= 70, 'a year of weekly contact has', v.score(healthy))
    check(v.score(ruined) < 40, 'with six critical tickets', v.score(ruined))


if __name__ == '__main__':
    main()
