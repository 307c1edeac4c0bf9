#!/usr/bin/python3
"""retainctl backtest: the same figures from files and from a state directory, in any order of events, beside figures worked out here."""
import csv
import io
import json
import os
import sys
import xml.etree.ElementTree
sys.dont_write_bytecode = True

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))
from harness import *

START, AT, LATER, END = 1704067200000, '2024-07-01', '2024-09-01', 1735689600000  # 2024
CUT = START + 182 * DAY
OWNERS = ['kim', 'lee', 'sam']


def backtest(*argv, good=True, **options):
    code, out, err = run([require('retainctl'), '--json', 'backtest'] + [str(a) for a in argv], **options)
    check((code == 0) == good, 'backtest', argv, 'gave', code, short(err))
    return json.loads(out) if good else err


_made = []


def world():
    """Accounts of many rhythms; a third of them stops one day. In the order of time."""
    if not _made:
        for n in range(300):
            name, gap, t, stop = 'a%03d' % n, rng.choice([2, 5, 9, 20]), START + rng.randrange(60 * DAY), END
            if n % 3 == 0:
                stop = START + rng.randrange(60, 300) * DAY
            _made.append({'id': 'p', 'type': 'account', 'account': name, 'ts': t, 'owner': OWNERS[n % 3]})
            i = 0
            while t < stop:
                _made.append({'id': str(i), 'type': rng.choice(['call', 'email', 'visit']), 'account': name, 'ts': t})
                t += round(rng.expovariate(1 / gap) * DAY) + 1
                i += 1
        _made.sort(key=lambda e: (e['ts'], e['account'], e['id']))
    return _made


def write(events, name='log.jsonl'):
    path = os.path.join(scratch(), name)
    with open(path, 'w') as file:
        file.writelines(json.dumps(e) + '\n' for e in events)
    return path


def auc_of(pairs):
    """By counting every pair of one who left and one who stayed."""
    left = [h for h, churned in pairs if churned]
    stayed = [h for h, churned in pairs if not churned]
    return sum((a < b) + (a == b) / 2 for a in left for b in stayed) / (len(left) * len(stayed))


@case
def figures_are_those_of_the_rows():
    home = scratch()
    rows, svg = os.path.join(home, 'rows.csv'), os.path.join(home, 'roc.svg')
    told = backtest('--at', AT, '--horizon', 60, '--rows', rows, '--svg', svg, write(world()))
    with open(rows, newline='') as file:
        table = list(csv.DictReader(file))
    contacts = [e for e in world() if e['type'] != 'account']
    before = {e['account'] for e in contacts if e['ts'] < CUT}
    after = {e['account'] for e in contacts if CUT <= e['ts'] < CUT + 60 * DAY}
    equal({r['account']: r['churned'] == '1' for r in table}, {a: a not in after for a in before}, 'who churned')
    equal((told['accounts'], told['churned']), (len(before), len(before - after)), 'accounts and churned')
    for key in ('score', 'silence', 'count', 'level', 'bgnbd'):
        sign = -1 if key == 'silence' else 1
        want = auc_of([(sign * float(r[key]), r['churned'] == '1') for r in table])
        got = told['auc'] if key == 'score' else told['baselines'][key]
        check(abs(got - want) < 1e-6, 'auc by', key, got, want)
    low, high = told['auc_interval']
    check(low <= told['auc'] <= high and high - low < 0.3, 'interval', low, told['auc'], high)
    for r in table:
        days = {e['ts'] // DAY for e in contacts if e['account'] == r['account'] and e['ts'] < CUT}
        equal(int(r['count']), len(days), 'active days of', r['account'])
    listed = [r for r in table if r['listed'] == '1']
    equal(told['alert_list']['listed'], len(listed), 'listed')
    check(len(listed) > 5, 'too few listed to tell', len(listed))
    check(abs(told['alert_list']['precision'] - sum(r['churned'] == '1' for r in listed) / len(listed)) < 1e-9, 'precision')
    lowest = sorted(table, key=lambda r: float(r['score']))[:len(listed)]
    check(abs(told['alert_list']['precision_at_length'] - sum(r['churned'] == '1' for r in lowest) / len(lowest)) < 1e-9,
          'precision at the length of the list')
    warned = sorted(float(r['warning_days']) for r in table if r['warning_days'])
    equal(told['alert_list']['warned'], len(warned), 'warned')
    check(all(0 < w < 366 for w in warned) and len(warned) > 5, 'warning time', warned)
    equal(sum(f['churned'] for f in told['fifths']), told['churned'], 'churned by fifth')
    check(told['fifths'][0]['share'] > told['fifths'][4]['share'], 'fifths', told['fifths'])
    load = told['alerts']
    equal((load['owners'], sum(load['by_kind'].values())), (3, load['raised']), 'owners and alerts')
    check(abs(load['per_owner_week'] - load['raised'] / 3 / load['weeks']) < 1e-9, 'per owner and week', load)
    picture = xml.etree.ElementTree.parse(svg).getroot()
    check(picture.tag.endswith('svg'), picture.tag)
    equal(len(picture.findall('.//{http://www.w3.org/2000/svg}polyline')), 5, 'curves')


def same_list(got, want):
    """An alert that time brings may come a millisecond earlier or later where the way to its moment was another."""
    second = 1 / 86400
    check(abs(got.pop('warning_days') - want.pop('warning_days')) < second, 'warning days', got, want)
    equal(got, want, 'alert list')


@case
def many_dates_are_each_their_own():
    path = write(world())
    both = backtest('--at', LATER, '--at', AT, '--horizon', 45, path)
    equal([d['at'] for d in both['dates']], [AT, LATER], 'dates in order')
    for date in both['dates']:
        alone = backtest('--at', date['at'], '--horizon', 45, '--rhythm', date['g0'], path)
        for key in ('auc', 'accounts', 'churned', 'baselines', 'lift_top_decile'):
            equal(date[key], alone[key], key, 'at', date['at'])
    same_list(backtest('--at', AT, '--horizon', 45, '--rhythm', both['dates'][0]['g0'], path)['alert_list'],
              both['dates'][0]['alert_list'])
    code, out, err = run([require('retainctl'), 'backtest', '--at', AT, '--at', LATER, path])
    check(code == 0 and out.count('judged at') == 2 and 'BG/NBD' in out, 'for people', code, short(out), err)
    for wrong in (['--at', AT, '--at', AT], ['--at', 'tomorrow']):
        equal(run([require('retainctl'), 'backtest'] + wrong + [path])[0], 2, 'exit status of', wrong)


@case
def order_is_no_matter():
    mixed = list(world())
    rng.shuffle(mixed)
    sorted_, shuffled = backtest('--at', AT, write(world())), backtest('--at', AT, write(mixed))
    for key in ('auc', 'accounts', 'churned', 'g0', 'baselines', 'fifths', 'bgnbd'):
        equal(shuffled[key], sorted_[key], key)
    equal(sorted_['alerts']['late_events'], 0, 'late events of a sorted log')
    check(shuffled['alerts']['late_events'] > 100, 'late events of a shuffled log')


@case
def said_to_have_left_is_churned():
    stays = {e['account'] for e in world() if e['ts'] >= CUT + DAY and e['type'] != 'account'}
    known = {e['account'] for e in world() if e['ts'] < CUT}
    name = sorted(stays & known)[0]
    before = backtest('--at', AT, write(world()))
    left = backtest('--at', AT, write(world() + [{'id': 'left', 'type': 'account', 'account': name, 'ts': CUT + DAY, 'status': 'churned'}]))
    equal(left['churned'], before['churned'] + 1, 'churned')
    left = backtest('--at', AT, write([{'id': 'left', 'type': 'account', 'account': name, 'ts': CUT - DAY, 'status': 'churned'}] + world()))
    equal((left['accounts'], left['churned'], left['known_left']), (before['accounts'], before['churned'], 1), 'known before')


@case
def what_is_read_once():
    data = '\n'.join(json.dumps(e) for e in world()).encode()
    path = write(world())
    once = backtest('--at', AT, '-', '--format', 'jsonl', input=data)
    check('alerts' not in once and 'alert_list' not in once, 'alerts without a rhythm', once)
    equal(once['auc'], backtest('--at', AT, '--no-alerts', path)['auc'], 'auc')
    known = backtest('--at', AT, '--rhythm', 9, '-', '--format', 'jsonl', input=data)
    equal(known, backtest('--at', AT, '--rhythm', 9, path), 'with a rhythm')
    check('--at' in backtest('-', good=False, input=data), 'standard input without --at')


@case
def nobody_before_the_date():
    """No figures, then, and no number that is none."""
    path = write(world())
    code, out, err = run([require('retainctl'), 'backtest', '--at', '1990-01-01', path])
    equal(code, 1, 'exit status')
    check('no account had a contact before' in err and 'nan' not in out, 'what it prints', out, err)
    told = json.loads(run([require('retainctl'), '--json', 'backtest', '--at', '1990-01-01', path])[1])
    equal((told['accounts'], told['auc'], told['lift_top_decile']), (0, None, None), 'figures')


@case
def the_seed_is_the_intervals():
    path = write(world())
    first, again, other = (backtest('--at', AT, '--seed', s, path) for s in (5, 5, 6))
    equal((first['bootstrap']['seed'], first['auc_interval']), (5, again['auc_interval']), 'of one seed')
    check(other['auc_interval'] != first['auc_interval'], 'of another seed')
    equal(other['auc'], first['auc'], 'auc')


@case
def the_journal_of_a_state_directory():
    events = [e for e in world() if e['account'] < 'a120']
    daemon = Daemon(workers=2)
    with daemon:
        half = len(events) // 2
        daemon.load(events[:half], quiet=True)
        err = backtest('--at', AT, daemon.state, good=False)
        check('running daemon' in err, 'of a directory in use:', err)
        equal(daemon.stop(), 0, 'exit code')
        daemon.options['workers.count'] = 3
        daemon.start()
        daemon.load(events[half:], quiet=True)
        equal(daemon.stop(), 0, 'exit code')
    from_journal, from_file = backtest('--at', AT, daemon.state), backtest('--at', AT, write(events))
    # The journal has its own order between accounts, and floating point sums follow it.
    for key in ('auc', 'accounts', 'churned', 'g0', 'fifths', 'alert_list', 'events', 'rejected', 'damaged'):
        equal(from_journal[key], from_file[key], key)
    for key in ('by_kind', 'owners', 'weeks', 'late_events'):
        equal(from_journal['alerts'][key], from_file['alerts'][key], key)
    check('no state directory' in backtest('--at', AT, scratch(), good=False), 'a folder that is none')


@case
def lines_that_are_no_events():
    path = write(world())
    with open(path, 'a') as file:
        file.write('{"id":"1","type":"call","account":"x"}\nnonsense\n')
    code, out, err = run([require('retainctl'), '--json', 'backtest', '--at', AT, path])
    equal((code, json.loads(out)['rejected']), (0, 2), 'rejected')
    equal(len([l for l in err.splitlines() if ':%d:' % (len(world()) + 1) in l]), 1, 'told once: ' + err)


if __name__ == '__main__':
    require('retainctl')
    main()
