#!/usr/bin/python3
"""Real logs, where they lie beside the checkout: counts, duplicates, kill -9, the back-test."""
import collections
import csv
import datetime
import json
import os
import sys
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))
from harness import *

DATA = os.path.join(REPO, '..', 'shared', 'data')


def table(name):
    path = os.path.join(DATA, name)
    if not os.path.exists(path):
        skip('no %s in ../shared/data' % name)
    with open(path, newline='') as file:
        return path, list(csv.DictReader(file))


def push(daemon, path, *argv):
    code, out, err = run([require('retainctl'), '--events', daemon.at['events'], '--query', daemon.at['query'], '--json',
                          'push', '--quiet-alerts'] + list(argv) + [path], deadline=180)
    check(code == 0, 'push gave', code, short(err))
    reply = json.loads(out)
    rejected = reply['rejected']
    return reply['accepted'], reply['duplicate'], len(rejected) if isinstance(rejected, list) else rejected


def held(daemon, accounts, at):
    names = sorted(accounts)
    replies = daemon.dealer('query').ask_all([{'op': 'account.get', 'account': n, 'at': at} for n in names])
    return {n: (r.get('events'), r.get('last_contact'), r.get('score'), r.get('factors')) for n, r in zip(names, replies)}


def whole(name, account, ts, stamp):
    path, rows = table(name)
    want = collections.Counter(r[account] for r in rows)
    argv = ('--map', 'account=%s,ts=%s' % (account, ts), '--set', 'type=visit')
    with Daemon(workers=2) as daemon:
        equal(push(daemon, path, *argv), (len(rows), 0, 0), 'first push')
        stats = daemon.ok('stats')
        equal((stats['accounts'], stats['events']['visit']), (len(want), len(rows)), 'stats')
        at = now() + DAY
        state = held(daemon, want, at)
        for n, count in want.items():
            equal({k: v for k, v in state[n][0].items() if v}, {'visit': count}, 'count of', n)
        last = {}
        for r in rows:
            last[r[account]] = max(last.get(r[account], 0), stamp(r[ts]))
        for n in want:
            equal(state[n][1], last[n], 'last_contact of', n)
        equal([a['account'] for a in daemon.accounts()], sorted(want), 'account.list')
        equal(push(daemon, path, *argv), (0, len(rows), 0), 'second push')
        daemon.crash(workers_too=True)
        check(held(daemon, want, at) == state, 'state after kill -9 of everything')
        equal(push(daemon, path, *argv), (0, len(rows), 0), 'push after kill -9')
        busiest = max(want, key=want.get)
        equal(len(daemon.timeline(busiest)), want[busiest], 'timeline of the busiest')
        check(held(daemon, want, at) == state, 'state after the last push')


def date_ms(text):
    moment = datetime.datetime.fromisoformat(text.replace('Z', '+00:00'))
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=datetime.timezone.utc)
    return round(moment.timestamp() * 1000)


@case
def cdnow_whole():
    whole('cdnow.csv', 'customer', 'date', date_ms)


@case
def online_retail_whole():
    whole('online_retail.csv', 'customer', 'time', date_ms)


def backtest(rows, account, ts, at, least_auc):
    """Over a file in the columns of the contract; accounts and churned are counted here as well."""
    path = os.path.join(scratch(), 'log.csv')
    with open(path, 'w', newline='') as file:
        out = csv.writer(file)
        out.writerow(['type', 'account', 'ts'])
        for r in rows:
            out.writerow(['visit', r[account], r[ts]])
    cut = date_ms(at)
    known = {r[account] for r in rows if date_ms(r[ts]) < cut}
    back = {r[account] for r in rows if date_ms(r[ts]) >= cut}
    code, out, err = run([require('retainctl'), '--json', 'backtest', '--at', at, path], deadline=120)
    check(code == 0, 'backtest gave', code, short(err))
    reply = json.loads(out)
    equal((reply['accounts'], reply['churned']), (len(known), len(known - back)), 'accounts and churned')
    print('# auc %.4f lift_top_decile %s' % (reply['auc'], reply['lift_top_decile']), flush=True)
    check(isinstance(reply['lift_top_decile'], (int, float)), 'lift_top_decile')
    check(least_auc <= reply['auc'] <= 1, 'auc', reply['auc'], 'is not', least_auc)
    again = run([require('retainctl'), '--json', 'backtest', '--at', at, path], deadline=120)[1]
    equal(json.loads(again)['auc'], reply['auc'], 'auc of a second run')
    # a horizon of 30 days: fewer come back
    soon = {r[account] for r in rows if cut <= date_ms(r[ts]) < cut + 30 * DAY}
    out = run([require('retainctl'), '--json', 'backtest', '--at', at, '--horizon', '30', '--rhythm', '14', path], deadline=120)[1]
    reply = json.loads(out)
    equal((reply['accounts'], reply['churned']), (len(known), len(known - soon)), 'with --horizon 30')
    check(run([require('retainctl'), 'backtest', '--at', at, path], deadline=120)[1].strip(), 'backtest for people')


@case
def backtest_cdnow():
    _, rows = table('cdnow.csv')
    backtest(rows, 'customer', 'date', '1997-10-01', 0.768)


@case
def backtest_online_retail():
    _, rows = table('online_retail.csv')
    backtest([r for r in rows if r['kind'] == 'order'], 'customer', 'time', '2011-06-06', 0.721)


@case
def backtest_by_hand():
    """Who counts, who churned: contacts only, before and after midnight UTC of the date; the same from every format."""
    cut = date_ms('2024-06-01')
    lives = {'stays': (-50, 10), 'leaves': (-50,), 'at midnight': (-3, 0), 'late': (5, 9), 'back after': (-9, 40),
             'just before': (-1 / 86400000,)}
    made = [{'id': '%s%d' % (n, i), 'type': 'call', 'account': n, 'ts': round(cut + d * DAY)}
            for n, days in lives.items() for i, d in enumerate(days)]
    made += [{'id': 'x1', 'type': 'visit', 'account': 'no contact', 'ts': cut - DAY, 'outcome': 'no_show'},
             {'id': 'x2', 'type': 'visit', 'account': 'leaves', 'ts': cut + DAY, 'outcome': 'no_show'},
             {'id': 'x3', 'type': 'account', 'account': 'leaves', 'ts': cut + DAY, 'owner': 'kim'},
             {'id': 'x4', 'type': 'email', 'account': 'leaves', 'ts': cut + DAY, 'bounced': True}]
    home = scratch()
    files = {'log.jsonl': '\n'.join(json.dumps(e) for e in made).encode(), 'log.msgpack': b''.join(pack(e) for e in made)}
    keys = ['id', 'type', 'account', 'ts', 'outcome', 'owner', 'bounced']
    rows = [keys] + [[str(e.get(k, '')).lower() if k == 'bounced' else str(e.get(k, '')) for k in keys] for e in made]
    files['log.csv'] = '\n'.join(','.join(r) for r in rows).encode()
    aucs = set()
    for name, data in files.items():
        path = os.path.join(home, name)
        with open(path, 'wb') as file:
            file.write(data)
        for argv, churned in (([], 2), (['--horizon', '20'], 3), (['--horizon', '5'], 4)):
            code, out, err = run([require('retainctl'), '--json', 'backtest', '--at', '2024-06-01'] + argv + [path])
            check(code == 0, name, argv, 'gave', code, err)
            reply = json.loads(out)
            equal((reply['accounts'], reply['churned']), (5, churned), 'accounts and churned of', name, argv)
            if not argv:
                aucs.add(round(reply['auc'], 9))
    equal(len(aucs), 1, 'auc by format')


@case
def backtest_of_the_file_as_it_is():
    path, rows = table('cdnow.csv')
    code, out, err = run([require('retainctl'), '--json', 'backtest', '--at', '1997-10-01', '--map', 'account=customer,ts=date',
                          '--set', 'type=visit', path], deadline=120)
    check(code == 0, 'backtest with --map gave', code, short(err))
    check(json.loads(out)['auc'] >= 0.768, 'auc', out)


if __name__ == '__main__':
    require('retainctl')
    main()
