#!/usr/bin/python3
"""The tables of docs/SCORE.md, made anew: bench/evidence.py RETAINCTL [DATA_FOLDER].

Logs are looked for in DATA_FOLDER (default ../shared/data beside the tree): cdnow.csv and online_retail.csv, and the message logs of
SNAP, CollegeMsg.txt and email-Eu-core-temporal.txt. The rows of a log that is not there stay as they are, and that is said. The made
populations need no log. The column of gradient boosting needs python3-sklearn, and stays as it is without it.
"""
import csv
import datetime
import json
import os
import random
import subprocess
import sys
import tempfile

TREE = os.path.realpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), '..'))
DOCUMENT = os.path.join(TREE, 'docs', 'SCORE.md')
DAY = 86400000
FOLDS = 5


class Log:
    """A log as events, and the dates it is judged at."""

    def __init__(self, name, path, dates, horizon=None):
        self.name, self.path, self.dates, self.horizon = name, path, dates, horizon


def write_events(path, events):
    with open(path, 'w') as file:
        file.writelines(json.dumps(e) + '\n' for e in events)
    return path


def date_of(ms):
    return str(datetime.datetime.fromtimestamp(ms / 1000, datetime.timezone.utc).date())


# ---- logs -----------------------------------------------------------------------------------------------------------------------------


def purchases(data, scratch):
    path = os.path.join(data, 'cdnow.csv')
    with open(path, newline='') as file:
        events = [{'id': str(i), 'type': 'visit', 'account': r['customer'], 'ts': r['date']} for i, r in enumerate(csv.DictReader(file))]
    return Log('CDNOW (purchases)', write_events(os.path.join(scratch, 'cdnow.jsonl'), events), ['1997-10-01'])


def retail_rows(data):
    with open(os.path.join(data, 'online_retail.csv'), newline='') as file:
        return list(csv.DictReader(file))


def orders(data, scratch):
    events = [{'id': str(i), 'type': 'visit', 'account': r['customer'], 'ts': r['time']}
              for i, r in enumerate(retail_rows(data)) if r['kind'] == 'order']
    return Log('Online Retail (orders)', write_events(os.path.join(scratch, 'orders.jsonl'), events), ['2011-04-01', '2011-06-06', '2011-08-01'])


def messages(name, file_name, start):
    def log(data, scratch):
        with open(os.path.join(data, file_name)) as file:
            rows = [line.split() for line in file if line[:1].isdigit()]
        events = [{'id': str(i), 'type': 'email', 'account': r[0], 'ts': (start + int(r[2])) * 1000} for i, r in enumerate(rows)]
        times = [e['ts'] for e in events]
        dates = [date_of(min(times) + (max(times) - min(times)) * part) for part in (0.3, 0.5, 0.7)]
        return Log(name, write_events(os.path.join(scratch, file_name + '.jsonl'), events), dates)
    return log


LOGS = [purchases, orders, messages('CollegeMsg (messages sent)', 'CollegeMsg.txt', 0),
        messages('email-Eu-core (mails sent)', 'email-Eu-core-temporal.txt', 1082040961)]


# ---- made populations -----------------------------------------------------------------------------------------------------------------


def poisson(r, rate, start, end):
    t = start
    while t < end:
        yield t
        t += r.expovariate(rate)


def steady(r, gaps, shape, leaving, days):
    t = r.uniform(0, 200)
    end = t + r.expovariate(leaving)
    gap = r.choice(gaps)
    while t < min(end, days):
        yield t
        t += r.gammavariate(shape, gap / shape)


def fading(r, days):
    t, factor, turn, gap = r.uniform(0, 200), 1.0, r.uniform(60, 900), r.choice((4, 10, 25))
    while t < days and factor < 12:
        yield t
        factor *= 1.25 if t > turn else 1
        t += r.gammavariate(1.5, gap * factor / 1.5)


def bgnbd(r, days):
    rate, leaving, t = max(r.gammavariate(0.243, 1 / 30.9), 1e-9), r.betavariate(0.793, 2.426), r.uniform(0, 90)
    while t < days:
        yield t
        if r.random() < leaving:
            return
        t += r.expovariate(rate)


def pareto(r, days):
    t = r.uniform(0, 200)
    yield from poisson(r, max(r.gammavariate(1, 1 / 15), 1e-9), t, min(days, t + r.expovariate(max(r.gammavariate(0.6, 1 / 200), 1e-9))))


POPULATIONS = [
    ('weekly contact, stops at once', lambda r: steady(r, (7,), 4, 1 / 400, 540), 2000, 360),
    ('every 2, 7 or 30 days, stops at once', lambda r: steady(r, (2, 7, 30), 2, 1 / 400, 540), 3000, 360),
    ('gaps grow by a quarter each time before the end', lambda r: fading(r, 600), 3000, 400),
    ('as Pareto/NBD assumes', lambda r: pareto(r, 500), 4000, 300),
    ('as BG/NBD assumes, with the parameters of CDNOW', lambda r: bgnbd(r, 546), 6000, 273),
]


def population(name, live, count, cut, scratch):
    r, start = random.Random(name), 19358 * DAY  # 2023
    events = [{'id': str(i), 'type': 'visit', 'account': str(n), 'ts': start + int(t * DAY)}
              for n in range(count) for i, t in enumerate(live(r))]
    return Log(name, write_events(os.path.join(scratch, 'made.jsonl'), events), [date_of(start + cut * DAY)])


# ---- figures --------------------------------------------------------------------------------------------------------------------------


def retainctl(*argv):
    got = subprocess.run([PROGRAM, '--json'] + [str(a) for a in argv], capture_output=True, text=True)
    if got.returncode != 0:
        sys.exit('%s: %s' % (' '.join(map(str, argv)), got.stderr))
    return json.loads(got.stdout)


def three(value):
    return '–' if value is None else ('%.3f' % value).lstrip('0')


def boosting(rows):
    """ROC AUC of gradient boosting on what the score sees of contact, over five folds together; None without sklearn."""
    try:
        import numpy
        from sklearn.ensemble import HistGradientBoostingClassifier
        from sklearn.metrics import roc_auc_score
        from sklearn.model_selection import StratifiedKFold, cross_val_predict
    except ImportError:
        return None
    with open(rows, newline='') as file:
        table = list(csv.DictReader(file))
    keys = ('silence', 'count', 'age_days', 'span_days', 'calls', 'emails', 'visits', 'ticket_events', 'open_tickets')
    x, y = numpy.array([[float(r[k]) for k in keys] for r in table]), numpy.array([int(r['churned']) for r in table])
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=1)
    # The best of a few sizes: a yardstick may look at what it is measured by.
    found = 0
    for depth, least in ((2, 100), (3, 50), (3, 200)):
        model = HistGradientBoostingClassifier(max_depth=depth, min_samples_leaf=least, learning_rate=0.05, max_iter=100, random_state=1)
        chance = cross_val_predict(model, x, y, cv=folds, method='predict_proba')[:, 1]
        found = max(found, sum(roc_auc_score(y[t], chance[t]) for _, t in folds.split(x, y)) / FOLDS)
    return found


def ranking(log, scratch):
    rows = {}
    for at in log.dates:
        path = os.path.join(scratch, 'rows.csv')
        told = retainctl('backtest', '--no-alerts', '--at', at, '--rows', path, log.path)
        fixed = retainctl('backtest', '--no-alerts', '--at', at, '--rhythm', 14, log.path)
        base, best = told['baselines'], boosting(path)
        rows['%s, %s' % (log.name, at)] = [
            '%d' % told['accounts'], '%.0f %%' % (100 * told['base_rate']), '%.1f d' % told['g0'],
            '**%s** (%s–%s)' % (three(told['auc']), *map(three, told['auc_interval'])), three(fixed['auc']), three(base['silence']),
            three(base['count']), three(base['level']), three(base['bgnbd']), None if best is None else three(best)]
    return rows


def alerts(log, scratch):
    rows = {}
    for at in log.dates:
        told = retainctl('backtest', '--at', at, log.path)
        listed, load = told['alert_list'], told['alerts']
        rows['%s, %s' % (log.name, at)] = [
            '%d' % listed['listed'], three(listed['precision']), three(listed['precision_at_length']), three(told['base_rate']),
            '%.0f %%' % (100 * listed['warned_share']), '–' if listed['warning_days'] is None else '%.0f d' % listed['warning_days'],
            '%.1f' % (1000 * load['per_owner_week'] / told['accounts'])]
    return rows


def calibration(log, scratch):
    at, out = log.dates[len(log.dates) // 2], os.path.join(scratch, 'proposed.conf')
    if os.path.exists(out):
        os.unlink(out)
    told = retainctl('calibrate', '--at', at, '--output', out, log.path)
    today, proposed = told['today'], told['proposed']
    keys = {c['key']: c['proposed'] for c in told['changes']}
    return {'%s, %s' % (log.name, at): [
        '%s → **%s**' % (three(today['auc']), three(proposed['auc'])), '%d → %d' % (today['listed'], proposed['listed']),
        '%s → %s' % (three(today['precision']), three(proposed['precision'])),
        '%s → %s' % (three(today['found']), three(proposed['found'])),
        '%.1f → %.1f' % (today['per_owner_week'], proposed['per_owner_week']),
        ', '.join('`%s` %s' % (k.replace('tier.', ''), v) for k, v in sorted(keys.items()))]}


def made(log):
    told = retainctl('backtest', '--no-alerts', '--at', log.dates[0], log.path)
    return {log.name: ['%d' % told['accounts'], '%.1f d (×%g)' % (told['g0'], told['g0_multiple']), '**%s**' % three(told['auc']),
                       three(told['baselines']['silence']), three(told['baselines']['level']), three(told['baselines']['bgnbd'])]}


RETURNS = {
    'left out': [],
    'a ticket opened and resolved at once': [('opened', {}), ('resolved', {})],
    'the same, rated 1 of 5': [('opened', {}), ('resolved', {'csat': 1})],
    'a ticket that is only resolved, rated 1 of 5 (no contact)': [('resolved', {'csat': 1})],
    'a ticket that stays open': [('opened', {})],
}


def returns(data, scratch):
    rows = {}
    for name, actions in RETURNS.items():
        events = []
        for i, r in enumerate(retail_rows(data)):
            if r['kind'] == 'order':
                events.append({'id': str(i), 'type': 'visit', 'account': r['customer'], 'ts': r['time']})
                continue
            for action, more in actions:
                events.append(dict({'id': str(i) + action, 'type': 'ticket', 'ticket': str(i), 'action': action, 'severity': 3,
                                    'account': r['customer'], 'ts': r['time']}, **more))
        path = write_events(os.path.join(scratch, 'returns.jsonl'), events)
        rows[name] = [three(retainctl('backtest', '--no-alerts', '--at', at, '--horizon', 120, '--rhythm', 42, path)['auc'])
                      for at in ('2011-04-01', '2011-06-06', '2011-08-01')]
    return rows


# ---- the document ---------------------------------------------------------------------------------------------------------------------


def put(text, table, rows):
    """Rows of a table between <!-- evidence NAME --> and <!-- end -->, by their first cell; None keeps a cell."""
    begin, end = '<!-- evidence %s -->\n' % table, '<!-- end -->'
    at = text.index(begin) + len(begin)
    lines = text[at:text.index(end, at)].splitlines()
    for name, cells in rows.items():
        place = next((i for i, line in enumerate(lines) if line.split(' | ')[0].strip('| ') == name), None)
        old = [c.strip() for c in lines[place].strip('|').split('|')][1:] if place is not None else ['–'] * len(cells)
        line = '| %s |' % ' | '.join([name] + [o if c is None else c for c, o in zip(cells, old)])
        if place is None:
            lines.append(line)
        else:
            lines[place] = line
    return text[:at] + '\n'.join(lines) + '\n' + text[text.index(end, at):]


def main():
    with open(DOCUMENT) as file:
        text = file.read()
    with tempfile.TemporaryDirectory() as scratch:
        for make in LOGS:
            try:
                log = make(DATA, scratch)
            except FileNotFoundError as missing:
                print('skipped: %s is not there' % missing.filename)
                continue
            print(log.name, flush=True)
            text = put(text, 'ranking', ranking(log, scratch))
            text = put(text, 'alerts', alerts(log, scratch))
            text = put(text, 'calibration', calibration(log, scratch))
        if os.path.exists(os.path.join(DATA, 'online_retail.csv')):
            text = put(text, 'returns', returns(DATA, scratch))
        for name, live, count, cut in POPULATIONS:
            print(name, flush=True)
            text = put(text, 'made', made(population(name, live, count, cut, scratch)))
    with open(DOCUMENT, 'w') as file:
        file.write(text)


PROGRAM = os.path.abspath(sys.argv[1]) if len(sys.argv) > 1 else os.path.join(TREE, 'build', 'retainctl')
DATA = sys.argv[2] if len(sys.argv) > 2 else os.path.join(TREE, '..', 'shared', 'data')
if __name__ == '__main__':
    main()
