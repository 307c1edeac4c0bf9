#!/usr/bin/python3
"""report.management over a random world: every figure and list worked out again from the events, in Python."""
import csv
import html.parser
import io
import json
import math
import os
import sys
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))
from harness import *

TIERS = {'key': {'visit_days': 60, 'response': (2, 6, 24, 48)}, None: {'visit_days': 0, 'response': (1, 4, 24, 48)}}
LIMITS = (4, 24, 72, 168)
BANDS = ('at_risk', 'watch', 'healthy')
HOSTILE = '<script>alert(1)</script> & "O\'Neil" \u202etxt\x1b[31m ]]> =1+1'


def options():
    return {'tier__key__visit_days': 60, 'tier__key__response_limit_hours_1': 2, 'tier__key__response_limit_hours_2': 6}


class World:
    """Accounts with all that a report tells of, at times that no limit ends near."""

    def __init__(self, size=160):
        self.base = now() - 17 * MINUTE
        self.events = []
        self.profiles, self.tickets, self.mails, self.visits, self.contacts = {}, {}, {}, {}, {}
        for i in range(size):
            self.account('%s-%03d' % (fresh('r'), i))

    def send(self, kind, account, ts, **keys):
        self.events.append(event(kind, account=account, ts=ts, **keys))

    def ago(self, days):
        return self.base - rng.randrange(days * 24) * HOUR

    def account(self, name):
        profile = {'owner': rng.choice(('kim', 'lee', 'pat', None)), 'tier': rng.choice(('key', 'standard', None)),
                   'region': rng.choice(('north', 'south', HOSTILE, None)), 'currency': rng.choice(('EUR', 'EUR', 'USD', None)),
                   'value': rng.choice((None, rng.randrange(1000, 90000), 0.5 + rng.randrange(1000))),
                   'renewal': rng.choice((None, self.base + rng.randrange(-30, 140) * DAY + 5 * HOUR)),
                   'status': rng.choice(('active',) * 8 + ('churned', None)), 'name': rng.choice((None, 'Firm ' + name, HOSTILE))}
        self.profiles[name] = profile
        self.tickets[name], self.mails[name], self.visits[name], self.contacts[name] = {}, {}, [], []
        self.send('account', name, self.base - 200 * DAY, **{k: absent if v is None else v for k, v in profile.items()})
        for step in rng.sample((self.calls, self.meetings, self.desk, self.desk, self.letters, self.booming), rng.randrange(0, 5)):
            step(name)

    def calls(self, name):
        for _ in range(rng.randrange(1, 25)):
            ts = self.ago(rng.choice((20, 90, 300)))
            self.contacts[name].append(ts)
            self.send('call', name, ts, contact='person %d' % rng.randrange(4))

    def booming(self, name):
        """Contact on most days of late, seldom before."""
        for day in list(range(0, 50)) + [120, 140]:
            self.contacts[name].append(self.base - day * DAY)
            self.send('call', name, self.base - day * DAY, contact='person %d' % (day % 5), sentiment=0.8)

    def meetings(self, name):
        for _ in range(rng.randrange(1, 4)):
            ts, outcome = self.ago(150), rng.choice((absent, 'held', 'no_show', 'cancelled'))
            if outcome in (absent, 'held'):
                self.visits[name].append(ts)
                self.contacts[name].append(ts)
            self.send('visit', name, ts, outcome=outcome)

    def desk(self, name):
        for _ in range(rng.randrange(1, 4)):
            number, severity, ts = fresh('T'), rng.choice((1, 2, 3, 4, absent)), self.ago(rng.choice((3, 30, 120)))
            log = [(ts, 'opened', absent)]
            for _ in range(rng.randrange(0, 4)):
                log.append((log[-1][0] + rng.randrange(1, 60) * HOUR, rng.choice(('replied', 'resolved', 'closed', 'reopened', 'updated')),
                            rng.choice(('in', 'out', absent))))
            log = [(at, action, direction) for at, action, direction in log if at <= self.base]
            self.tickets[name][number] = (3 if severity is absent else severity, log)
            for at, action, direction in log:
                if action in ('opened', 'replied', 'reopened'):
                    self.contacts[name].append(at)
                self.send('ticket', name, at, ticket=number, action=action, direction=direction,
                          severity=severity if action == 'opened' else absent)

    def letters(self, name):
        for _ in range(rng.randrange(1, 3)):
            thread, ts = fresh('thread'), self.ago(rng.choice((3, 45)))
            for _ in range(rng.randrange(1, 4)):
                direction = rng.choice(('in', 'out'))
                self.mails[name][thread] = (ts, direction)
                self.contacts[name].append(ts)
                self.send('email', name, ts, thread=thread, direction=direction)
                ts += rng.randrange(1, 30) * HOUR
                if ts > self.base:
                    break


def band(score):
    return 'healthy' if score >= 70 else 'watch' if score >= 40 else 'at_risk'


class Standing:
    """One account at a moment, from what was sent, its score, its score's history and open alerts."""

    def __init__(self, world, name, at, scores, history, alerts):
        self.name, self.profile = name, world.profiles[name]
        self.churned = self.profile['status'] == 'churned'
        self.contacted = bool(world.contacts[name])
        self.worth = self.profile['value'] or 0
        self.score, self.ahead = scores[name][0], scores[name][1:]
        self.before = [history.get(((at - days * DAY) // DAY) * DAY) for days in (7, 30)]
        self.alerts = alerts.get(name, [])
        self.growing = 'upsell' in self.alerts
        tier = TIERS['key' if self.profile['tier'] == 'key' else None]
        self.open, self.owed = [], []
        self.pace = {'responses': [0, 0, 0], 'resolutions': [0, 0, 0]}  # kept, missed, waiting
        for number, (severity, log) in world.tickets[name].items():
            self.ticket(number, severity, log, at, tier)
        self.tickets_overdue = sum(1 for owed in self.owed if owed[1] == 'ticket')
        self.waiting = [ts for ts, direction in world.mails[name].values()
                        if direction == 'in' and at > ts + DAY and ts >= at - 30 * DAY]
        self.owed += [(ts + DAY, 'mail', None) for ts in self.waiting]
        self.visit(world, tier, at)

    def ticket(self, number, severity, log, at, tier):
        first = min(ts for ts, _, _ in log)
        order = {'opened': 1, 'reopened': 2, 'resolved': 3, 'closed': 4}
        ended, state = max((ts, order[action]) for ts, action, _ in log if action in order)
        answers = [ts for ts, action, direction in log if action in ('replied', 'resolved', 'closed') and direction != 'in']
        is_open, recent = state < 3, first >= at - 90 * DAY
        for what, limit, done in (('responses', tier['response'][severity - 1], min(answers) if answers else None),
                                  ('resolutions', LIMITS[severity - 1], None if is_open else ended)):
            due = first + limit * HOUR
            if done is None and is_open and at > due:
                self.owed.append((due, {'responses': 'response', 'resolutions': 'ticket'}[what], number))
            if not recent:
                continue
            if done is not None:
                self.pace[what][0 if done <= due else 1] += 1
            elif is_open:
                self.pace[what][2 if at <= due else 1] += 1
            elif ended > due:
                self.pace[what][1] += 1
        if is_open:
            self.open.append((severity, first, number, bool(answers)))

    def visit(self, world, tier, at):
        days = lambda moments: max(moments) // DAY
        self.visit_wanted = tier['visit_days'] > 0
        self.last_visit = days(world.visits[self.name]) * DAY if world.visits[self.name] else None
        self.visit_at = None
        if self.visit_wanted and self.contacted:
            since = self.last_visit if self.last_visit is not None else min(world.contacts[self.name]) // DAY * DAY
            self.visit_at = since + tier['visit_days'] * DAY
        self.visit_due = self.visit_wanted and (self.visit_at is None or at >= self.visit_at)

    def renews(self, at, days):
        renewal = self.profile['renewal']
        return renewal is not None and 0 <= renewal - at <= days * DAY


def sums(standings, at):
    """The figures that totals and rows of groups share."""
    alive = [s for s in standings if not s.churned]
    scored = [s for s in alive if s.contacted]
    risky = [s for s in scored if s.score < 40]
    return {
        'accounts': len(standings), 'churned': len(standings) - len(alive), 'never_contacted': len(alive) - len(scored),
        'scored': len(scored), 'score': sum(s.score for s in scored) / len(scored) if scored else None,
        'bands': {b: sum(band(s.score) == b for s in scored) for b in BANDS},
        'value': sum(s.worth for s in alive), 'value_at_risk': sum(s.worth for s in risky),
        'value_weighted': sum(s.worth * (100 - s.score) / 100 for s in risky),
        'renewals_due': sum(s.renews(at, 90) for s in alive), 'renewals_value': sum(s.worth for s in alive if s.renews(at, 90)),
        'open_tickets': sum(len(s.open) for s in alive), 'tickets_overdue': sum(s.tickets_overdue for s in alive),
        'overdue': sum(len(s.owed) for s in alive), 'responses_kept': sum(s.pace['responses'][0] for s in alive),
        'responses_missed': sum(s.pace['responses'][1] for s in alive), 'visits_due': sum(s.visit_due for s in alive),
        'growing': sum(s.growing for s in alive), 'open_alerts': sum(len(s.alerts) for s in alive)}


def past(scored, i):
    """The accounts of today as they stood then."""
    rank = lambda score: BANDS.index(band(score))
    known = [s for s in scored if s.before[i] is not None]
    return {'bands': {b: sum(band(s.before[i]) == b for s in known) for b in BANDS}, 'unknown': len(scored) - len(known),
            'fell': sum(rank(s.score) < rank(s.before[i]) for s in known), 'rose': sum(rank(s.score) > rank(s.before[i]) for s in known)}


def whole(standings, at):
    alive = [s for s in standings if not s.churned]
    scored = [s for s in alive if s.contacted]
    told = sums(standings, at)
    told['scores'] = {str(t): sum(min(int(s.score // 10) * 10, 90) == t for s in scored) for t in range(0, 100, 10)}
    told['ahead'] = {d: {b: sum(band(s.ahead[i]) == b for s in scored) for b in BANDS} for i, d in enumerate(('7', '30'))}
    told['before'] = {d: past(scored, i) for i, d in enumerate(('7', '30'))}
    told['renewals'] = {str(d): {'accounts': sum(s.renews(at, d) for s in alive), 'value': sum(s.worth for s in alive if s.renews(at, d)),
                                 'bands': {b: sum(band(s.score) == b for s in scored if s.renews(at, d)) for b in BANDS}}
                        for d in (30, 60, 90)}
    told['severities'] = {str(n): sum(t[0] == n for s in alive for t in s.open) for n in range(1, 5)}
    for what in ('responses', 'resolutions'):
        told[what] = {k: sum(s.pace[what][i] for s in alive) for i, k in enumerate(('kept', 'missed', 'waiting'))}
    told['mails_waiting'] = sum(len(s.waiting) for s in alive)
    told['visits_wanted'] = sum(s.visit_wanted for s in alive)
    kinds = 'churn_risk score_drop silence ticket_overdue sentiment renewal_risk upsell'.split()
    told['alerts'] = {k: sum(s.alerts.count(k) for s in alive) for k in kinds}
    told['acknowledged'] = told['lapsed'] = told['overrides'] = 0
    return told


def lists(standings, at):
    """Keys by name: what the lists hold, and what their order goes by."""
    alive = [s for s in standings if not s.churned]
    ordered = lambda found, key: {s.name: key(s) + (s.name.encode(),) for s in found}
    return {
        'at_risk': ordered((s for s in alive if s.contacted and s.score < 40), lambda s: (-s.worth * (100 - s.score) / 100, s.score)),
        'next_renewals': ordered((s for s in alive if s.renews(at, 90)), lambda s: (s.profile['renewal'], s.score)),
        'complaints': ordered((s for s in alive if s.open), lambda s: min(s.open)[:2]),
        'owed': ordered((s for s in alive if s.owed), lambda s: (min(s.owed, key=lambda o: o[0])[0], -s.worth)),
        'visits': ordered((s for s in alive if s.visit_due), lambda s: (s.visit_at or 0, -s.worth)),
        'growth': ordered((s for s in alive if s.growing), lambda s: (-s.worth, -s.score))}


def near(got, want, *what):
    """Scores move while we look: numbers to within a thousandth."""
    if isinstance(want, dict):
        equal(sorted(got), sorted(want), *what)
        for key in want:
            near(got[key], want[key], *what, key)
    elif isinstance(want, float) or isinstance(got, float):
        check(got is not None and want is not None and math.isclose(got, want, rel_tol=1e-3, abs_tol=0.05), *what, got, 'is not', want)
    else:
        equal(got, want, *what)


def in_order(told, keys, *what):
    """Those of `keys`, in their order; where two are as good as equal they may have changed places since."""
    equal(sorted(told), sorted(keys), *what)
    for before, after in zip(told, told[1:]):
        if keys[before] > keys[after]:
            a, b = next((a, b) for a, b in zip(keys[before], keys[after]) if a != b)
            check(not isinstance(a, bytes) and math.isclose(a, b, rel_tol=1e-4, abs_tol=0.01), *what, 'out of order', before, after)


def scores_of(daemon, name):
    at = daemon.now() + 10 * SECOND
    return [daemon.get(name, at=at + ahead * DAY)['score'] for ahead in (0, 7, 30)]


def history_of(daemon, name):
    """The score at the end of each day that is known."""
    return {point['ts']: point['score'] for point in daemon.get(name, history=True)['history']['days']}


def without_the_undecided(daemon, world):
    """Scores move while we look: accounts that stand at the edge of a band or of ten points are erased."""
    for name in list(world.profiles):
        if any(abs(score - round(score, -1)) < 0.05 for score in scores_of(daemon, name)) and world.contacts[name]:
            daemon.ok('account.erase', account=name)
            del world.profiles[name]


def open_alerts(daemon):
    found = {}
    for told in daemon.alerts(open=True):
        found.setdefault(told['account'], []).append(told['kind'])
    return found


def report_and_alerts(daemon, **filters):
    """A report, and the alerts that were open before and after it."""
    def look():
        before = open_alerts(daemon)
        told = daemon.ok('report.management', limit=1000, **filters)
        return open_alerts(daemon) == before and (told, before)
    return until(look, 'a moment in which no alert moves')


def compare(daemon, world, **filters):
    told, alerts = report_and_alerts(daemon, **filters)
    at = told['at']
    check(abs(at - daemon.now()) < MINUTE, 'the moment of the report', at)
    names = [n for n, p in world.profiles.items() if all((p[k] or '-') == v for k, v in filters.items())]
    standings = [Standing(world, n, at, {n: scores_of(daemon, n)}, history_of(daemon, n), alerts) for n in names]
    for key in ('owner', 'tier', 'region'):
        equal(told[key], filters.get(key), 'filter', key)
    want = whole(standings, at)
    near({k: told[k] for k in want}, want, 'figures', filters)
    for group, key in (('owners', 'owner'), ('tiers', 'tier'), ('regions', 'region'), ('currencies', 'currency')):
        names = sorted({s.profile[key] for s in standings}, key=lambda n: (n or '').encode())
        equal([row['name'] for row in told[group]], names, group)
        for row in told[group]:
            near({k: v for k, v in row.items() if k != 'name'}, sums([s for s in standings if s.profile[key] == row['name']], at),
                 group, row['name'])
    for name, want in lists(standings, at).items():
        in_order([line['account'] for line in told[name]], want, name, filters)
    rows(told, {s.name: s for s in standings})
    return told


def rows(told, standings):
    """What the lines of the lists say beside their order."""
    for line in (line for name in ('at_risk', 'next_renewals', 'complaints', 'owed', 'visits', 'growth') for line in told[name]):
        for key in ('owner', 'tier', 'region', 'currency', 'name', 'value', 'renewal'):
            equal(line[key], standings[line['account']].profile[key], key)
        equal(line['band'], band(line['score']), 'band')
    for line in told['complaints']:
        s = standings[line['account']]
        worst = min(s.open)
        equal([line[k] for k in ('severity', 'since', 'ticket', 'answered', 'open_tickets', 'tickets_overdue')],
              [worst[0], worst[1], worst[2], worst[3], len(s.open), s.tickets_overdue], 'complaint')
    for line in told['owed']:
        s = standings[line['account']]
        equal((line['due'], line['overdue']), (min(s.owed, key=lambda o: o[0])[0], len(s.owed)), 'owed')
        check((line['due'], line['what'], line['ticket']) in s.owed, 'owed', line, s.owed)
    for line in told['visits']:
        s = standings[line['account']]
        equal((line['last_visit'], line['due']), (s.last_visit, s.visit_at), 'visit')
    for line in told['growth']:
        check(line['recent_days'] >= 1.2 * line['days_before'] and line['people'] >= 0 and line['score'] >= 75, 'growth', line)


@case
def every_figure_is_what_the_events_say():
    world = World()
    with Daemon(workers=1, **options()) as daemon:
        daemon.load(world.events)
        without_the_undecided(daemon, world)
        told = compare(daemon, world)
        for name in ('at_risk', 'next_renewals', 'complaints', 'owed', 'visits', 'growth'):
            check(told[name], 'nothing to test with in', name)
        for filters in ({'owner': 'kim'}, {'owner': '-'}, {'tier': 'key', 'region': 'north'}, {'region': HOSTILE}):
            compare(daemon, world, **filters)
        cut = daemon.ok('report.management', limit=3)
        for name in ('complaints', 'owed', 'visits'):
            equal([line['account'] for line in cut[name]], [line['account'] for line in told[name]][:3], 'the first three of', name)
        # The same over more workers, and by what was stored.
        daemon.restart(workers__count=3)
        compare(daemon, world)
        compare(daemon, world, tier='key')


@case
def what_was_is_what_was_reckoned_then():
    """Of those that nothing happened to the closed form tells it; of the others what was kept before."""
    names = [fresh() for _ in range(40)]
    with Daemon(workers=2, tier__rhythm_days=2, debug__clock_offset_ms=-40 * DAY) as daemon:
        t = daemon.now()
        daemon.load([event(account=n, ts=t - i * DAY - HOUR) for n in names for i in range(20)])
        daemon.restart(debug__clock_offset_ms=-5 * DAY)  # 35 days of silence
        told = daemon.ok('report.management')
        equal(told['bands'], {'at_risk': 40, 'watch': 0, 'healthy': 0}, 'silent for 35 days')
        equal(told['before']['30'], {'bands': {'at_risk': 0, 'watch': 0, 'healthy': 40}, 'unknown': 0, 'fell': 40, 'rose': 0}, 'before')
        daemon.load([event(account=n, ts=daemon.now() - i * DAY) for n in names[:15] for i in range(8)])
        for again in range(2):  # from the points that wait, then from disk
            told = daemon.ok('report.management')
            equal(told['bands'], {'at_risk': 25, 'watch': 0, 'healthy': 15}, 'after fifteen were heard of, late')
            equal(told['before']['7'], {'bands': {'at_risk': 40, 'watch': 0, 'healthy': 0}, 'unknown': 0, 'fell': 0, 'rose': 15},
                  'what came since does not change what was')
            equal(told['before']['30']['bands'], {'at_risk': 0, 'watch': 0, 'healthy': 40}, 'a month before')
            if again == 0:
                daemon.restart(workers__count=3)
        daemon.load([event(account=fresh(), ts=daemon.now() - HOUR)])
        equal(daemon.ok('report.management')['before']['30']['unknown'], 1, 'a newcomer')


@case
def an_acknowledgement_that_ran_out_is_a_promise():
    daemon = shared()
    region, account = fresh('region'), fresh()
    daemon.load([event('account', account=account, region=region)] +
                [ticket(account, 'T', 'opened', now() - 9 * HOUR, severity=1), ticket(account, 'T', 'replied', now() - 9 * HOUR)])
    alert = daemon.wait_alert(account, 'ticket_overdue')['id']
    ends = daemon.now() + 500
    daemon.ok('alert.ack', id=alert, by='kim', until=ends)
    daemon.wait_alert(account, 'ticket_overdue', 'reminded')
    told = daemon.ok('report.management', region=region)
    equal((told['lapsed'], told['acknowledged'], told['overdue']), (1, 0, 2), 'it ran out')
    equal((told['owed'][0]['what'], told['owed'][0]['overdue']), ('ticket', 2), 'the ticket was due before')
    daemon.load([event('ticket', account=account, ticket='T', action='resolved', ts=now() - HOUR)])
    daemon.wait_alert(account, 'ticket_overdue', 'cleared')
    equal(daemon.ok('report.management', region=region)['lapsed'], 0, 'cleared')
    # A promise alone: the score is low, no ticket is late.
    lonely = fresh()
    daemon.load([event('account', account=lonely, region=region)] + critical_tickets(lonely, now() - 30 * MINUTE) + weekly_calls(lonely, now() - DAY))
    alert = daemon.wait_alert(lonely, 'churn_risk')['id']
    ends = daemon.now() + 500
    daemon.ok('alert.ack', id=alert, by='kim', until=ends)
    daemon.wait_alert(lonely, 'churn_risk', 'reminded')
    row = daemon.ok('report.management', region=region)['owed'][0]
    equal((row['what'], row['kind'], row['due'], row['ticket'], row['overdue']), ('alert', 'churn_risk', ends, None, 1), 'owed')
    daemon.ok('alert.ack', id=alert, by='kim', until=daemon.now() + DAY)
    told = daemon.ok('report.management', region=region)
    equal((told['lapsed'], told['acknowledged'], told['owed']), (0, 1, []), 'promised anew')


@case
def of_many_names_the_first_have_a_row():
    daemon = shared()
    region = fresh('many')
    names = ['%s %04d' % (region, i) for i in range(400)]
    daemon.load([event('account', account=fresh(), owner=n, region=region, value=7) for n in names + names])
    told = daemon.ok('report.management', region=region)
    equal(told['accounts'], 800, 'all are in the totals')
    equal([(row['name'], row['accounts'], row['value']) for row in told['owners']], [(n, 2, 14) for n in names[:256]], 'owners')


@case
def what_is_done_is_no_longer_owed():
    daemon = shared()
    region, account = fresh('region'), fresh()
    daemon.load([event('account', account=account, region=region), ticket(account, 'T', 'opened', now() - 3 * HOUR, severity=1)])
    told = daemon.ok('report.management', region=region)
    equal((told['overdue'], told['responses']['missed'], told['owed'][0]['what']), (1, 1, 'response'), 'late')
    daemon.load([ticket(account, 'T', 'resolved', now() - 2 * HOUR - 30 * MINUTE)])
    told = daemon.ok('report.management', region=region)
    equal((told['overdue'], told['open_tickets'], told['owed'], told['complaints']), (0, 0, [], []), 'done')
    equal((told['responses']['kept'], told['resolutions']['kept']), (1, 1), 'in time, as we hear now')
    equal(daemon.ok('account.erase', account=account)['events'], 3, 'events')
    equal(daemon.ok('report.management', region=region)['accounts'], 0, 'erased')


# --- retainctl --------------------------------------------------------------------------------------------

def ctl(daemon, *argv):
    code, out, err = run([require('retainctl'), '--query', daemon.at['query'], 'report'] + list(argv))
    check(code == 0, argv, 'gave', code, short(err or out))
    return out


def hostile_account():
    """All that a stranger may write, in a region of its own."""
    region, account = fresh('r') + HOSTILE, fresh('a') + HOSTILE
    shared().load([event('account', account=account, owner=HOSTILE, tier='=2+3' + HOSTILE, region=region, name=HOSTILE, currency=HOSTILE,
                         value=1234567.5, renewal=now() + 20 * DAY),
                   event('account', account=account, owner=HOSTILE, ts=now() - 2 * HOUR)] +
                  [ticket(account, ('T%d' % i + HOSTILE)[:64], 'opened', now() - DAY * 9, severity=1) for i in range(3)])
    return region, account


@case
def csv_holds_every_figure():
    daemon = shared()
    region, account = hostile_account()
    told = daemon.ok('report.management', region=region)
    rows = list(csv.reader(io.StringIO(ctl(daemon, '--csv', '--region', region), newline='')))
    equal(rows[0], ['table', 'row', 'column', 'value'], 'heading')
    check(all(len(row) == 4 for row in rows), 'four cells a line')
    figures = {row[2]: row[3] for row in rows if row[0] == 'figures'}
    for key, value in told.items():
        if isinstance(value, (int, float)) and key not in ('ok', 'at', 'score', 'value_weighted'):
            equal(float(figures[key]), value, key)
    equal(int(figures['bands.at_risk']), told['bands']['at_risk'], 'a band')
    equal(int(figures['renewals.30.accounts']), 1, 'renewals')
    owed = {row[2]: row[3] for row in rows if row[0] == 'owed'}
    equal((owed['what'], owed['overdue'], owed['severity']), ('response', '6', '1'), 'what is owed')
    table = list(csv.DictReader(io.StringIO(ctl(daemon, '--table', 'owed', '--region', region), newline='')))
    equal([(row['what'], row['overdue'], row['severity']) for row in table], [('response', '6', '1')], 'the table alone')
    tier = [row[1] for row in rows if row[0] == 'tiers'][0]
    check(tier.startswith("'=2+3"), 'a formula stays a text', tier)
    for row in rows:
        for cell in row:
            check(cell[:1] not in ('=', '+', '-', '@'), 'a formula', cell)
            check(not any(ord(c) < 32 or c == '\u202e' for c in cell), 'control characters', cell)


class Page(html.parser.HTMLParser):
    """What a browser would see."""
    ALLOWED = set('html head meta title style body h1 h2 p div b span figure figcaption svg rect text table thead tbody tr th td'.split())

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.texts, self.open = [], []
        self.feed(text)
        self.close()
        equal(self.open, [], 'tags that are left open')

    def handle_starttag(self, tag, attributes):
        check(tag in self.ALLOWED, 'a tag', tag)
        for name, value in attributes:
            check(name in ('lang', 'charset', 'http-equiv', 'content', 'name', 'class', 'role', 'viewbox', 'width', 'height', 'x', 'y', 'fill',
                           'stroke', 'text-anchor'), 'an attribute', name, value)
            check('url' not in (value or '') and '//' not in (value or ''), 'something from elsewhere', value)
        if tag != 'meta':
            self.open.append(tag)

    def handle_endtag(self, tag):
        equal(tag, self.open.pop(), 'the tag that ends')

    def handle_data(self, data):
        self.texts.append(data)


@case
def the_page_is_a_page_whatever_the_names():
    daemon = shared()
    region, account = hostile_account()
    path = os.path.join(scratch(), 'review.html')
    equal(ctl(daemon, '--html', path, '--region', region), '', 'nothing on standard output')
    with open(path, encoding='utf-8', newline='') as file:
        text = file.read()
    equal(ctl(daemon, '--html', '-', '--region', region).count('<svg'), text.count('<svg'), 'the same on standard output')
    page = Page(text)
    check(any('<script>alert(1)</script> & "O\'Neil"' in data for data in page.texts), 'names are told')
    check('1,234,568' in page.texts, 'the value')
    equal(text.count('<svg'), 4, 'charts')
    check('@media print' in text and "default-src 'none'" in text, 'for print, and closed')
    check(not any(ord(c) < 32 and c != '\n' or c == '\u202e' for c in text), 'control characters')
    check('=2+3' in text, 'a tier')


@case
def the_terminal_shows_it():
    daemon = shared()
    region, account = hostile_account()
    out = ctl(daemon, '--region', region)
    for line in ('accounts by health', 'value of accounts at risk', 'renewals within', 'first answers', 'Promised and overdue', 'By owner'):
        check(line in out, 'nothing of', line)
    check('\x1b' not in out and '\u202e' not in out, 'control characters')
    told = json.loads(ctl(daemon, '--management', '--json', '--region', region))
    equal(told['accounts'], 1, 'JSON')
    equal(told['owed'][0]['account'], account, 'JSON')
    check('portfolio' in ctl(daemon), 'without options the portfolio')
    for argv in (['--table', 'nonsense'], ['--csv', '--html', '-'], ['--json', '--csv'], ['a', 'b'], ['--limit', 'x']):
        code, out, err = run([require('retainctl'), '--query', daemon.at['query'], 'report'] + argv)
        check(code == 2 and err.strip(), argv, 'gives', code, out)
    code, out, err = run([require('retainctl'), '--query', daemon.at['query'], 'report', '--html', '/nonexistent/x.html'])
    check(code == 1 and 'nonexistent' in err, 'a page that cannot be written', code, err)


@case
def refusals():
    for key, values in (('owner', (5, '', True)), ('tier', (5, '', [])), ('region', (5, '', {}, 'x' * 129)), ('limit', (0, 1001, 'x', 1.5))):
        for value in values:
            shared().refused('report.management', 'bad_request', **{key: value})


if __name__ == '__main__':
    main()
