#!/usr/bin/python3
"""retainctl calibrate: proposes from history, shows both sides, writes a file that retaind takes, and applies nothing."""
import json
import os
import random
import re
import sys
sys.dont_write_bytecode = True

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))
from harness import *

START, AT = 1704067200000, '2024-10-01'
CUT, END = START + 274 * DAY, START + 366 * DAY


def calibrate(*argv, good=True):
    code, out, err = run([require('retainctl'), '--json', 'calibrate'] + [str(a) for a in argv], deadline=120)
    check((code == 0) == good, 'calibrate', argv, 'gave', code, short(err))
    return json.loads(out) if good else err


def checked(path):
    return run([require('retaind'), '--check-config', '-c', path])


_log = []


def log():
    """Key accounts are in touch every third day, the others once in a month; a third of either stops."""
    if not _log:
        # Always the same: what pays is a matter of chance in so small a world.
        dice = random.Random(5)
        path = os.path.join(scratch(), 'log.jsonl')
        with open(path, 'w') as file:
            for n in range(500):
                name, tier, gap = 'a%03d' % n, ('key', 'standard')[n % 2], (3, 30)[n % 2]
                t, stop = START + dice.randrange(30 * DAY), END
                if n % 3 == 0:
                    stop = START + dice.randrange(100, 270) * DAY
                file.write(json.dumps({'id': 'p', 'type': 'account', 'account': name, 'ts': t, 'tier': tier, 'owner': 'o%d' % (n % 4)}) + '\n')
                i = 0
                while t < stop:
                    file.write(json.dumps({'id': str(i), 'type': 'visit', 'account': name, 'ts': t}) + '\n')
                    t += round(gap * dice.uniform(0.5, 1.5) * DAY)
                    i += 1
        _log.append(path)
    return _log[0]


@case
def a_proposal_that_retaind_takes():
    out = os.path.join(scratch(), 'proposed.conf')
    told = calibrate('--at', AT, '--output', out, log())
    code, _, err = checked(out)
    check(code == 0, 'the proposal is refused:', err)
    equal(os.stat(out).st_mode & 0o777, 0o600, 'mode')
    with open(out) as file:
        text = file.read()
    check('retaind --check-config' in text and 'today: 14' in text, text)
    changes = {c['key']: (float(c['today']), float(c['proposed'])) for c in told['changes']}
    check(0.34 * 2.7 < changes['tier.key.rhythm_days'][1] < 1.42 * 3.5, 'rhythm of key accounts', changes)
    check(0.34 * 27 < changes['tier.standard.rhythm_days'][1] < 1.42 * 34, 'rhythm of the others', changes)
    equal(changes['tier.key.rhythm_days'][0], 14, 'today')
    for key, (_, value) in changes.items():
        section, _, name = key.rpartition('.')
        check(re.search(r'\[%s\][^\[]*\n%s = ' % (re.escape(section), name), text), key, 'is not in the file')
    equal(len(re.findall('^# today:', text, re.M)), len(changes), 'changes in the file')
    check(told['proposed']['auc'] > told['today']['auc'] + 0.01, 'auc', told)
    for side in ('today', 'proposed'):
        check(0 <= told[side]['listed_churned'] <= told[side]['listed'] <= told[side]['looked_at'], side, told[side])
        check(told[side]['per_owner_week'] >= 0, 'alerts per owner and week', told[side])
    check(not set(told['newly_listed']) & set(told['no_longer_listed']), 'on both lists')
    # what is measured by backtest under each configuration is what was said
    rows = os.path.join(scratch(), 'rows.csv')
    for side, argv in (('today', ['--rhythm', 14]), ('proposed', ['--config', out])):
        code, got, err = run([require('retainctl'), '--json', 'backtest', '--at', AT, '--rows', rows, log()] + [str(a) for a in argv])
        equal(json.loads(got)['alerts']['raised'], told[side]['raised'], 'alerts raised', side)


@case
def nothing_is_overwritten():
    out = os.path.join(scratch(), 'proposed.conf')
    with open(out, 'w') as file:
        file.write('mine')
    check('already' in calibrate('--at', AT, '--output', out, log(), good=False), 'an output that is there')
    with open(out) as file:
        equal(file.read(), 'mine', 'the file that was there')


@case
def what_today_says_is_kept():
    home = scratch()
    today, out, again = (os.path.join(home, n) for n in ('today.conf', 'out.conf', 'again.conf'))
    with open(today, 'w') as file:
        file.write('[listen]\nhttp = 127.0.0.1:9999\n[tier]\nack_days = 3\n[tier.key]\ndrop_points = 12\n[tier.never seen]\nrhythm_days = 77\n')
    told = calibrate('--at', AT, '--config', today, '--output', out, log())
    with open(out) as file:
        text = file.read()
    for kept in ('http = 127.0.0.1:9999', 'ack_days = 3', 'drop_points = 12', '[tier.never seen]\nrhythm_days = 77'):
        check(kept in text, kept, 'is lost in', text)
    with open(today) as file:
        check('drop_points = 12' in file.read(), "today's file was touched")
    check(told['changes'], 'no change')
    # Under the proposal there is little left to propose.
    next_ = calibrate('--at', AT, '--config', out, '--output', again, log())
    check(len(next_['changes']) < len(told['changes']), 'changes of a second calibration', next_['changes'])
    equal(checked(again)[0], 0, 'the second proposal')


@case
def logs_that_teach_nothing():
    home = scratch()
    path, out = os.path.join(home, 'one.jsonl'), os.path.join(home, 'out.conf')
    with open(path, 'w') as file:
        file.write('{"id":"1","type":"call","account":"x","ts":%d}\n' % START)
    check('nothing to learn' in calibrate('--at', AT, '-o', out, path, good=False), 'one account')
    check('nothing to learn' in calibrate('--at', '2020-01-01', '-o', out, log(), good=False), 'nobody before')
    equal(run([require('retainctl'), 'calibrate', '-'], input=b'')[0], 2, 'standard input')
    check(not os.path.exists(out), 'a file was left')
    code, text, err = run([require('retainctl'), 'calibrate', '--at', AT, '-o', out, log()])
    check(code == 0 and 'nothing is applied' in text and 'tier.key.rhythm_days' in text, 'for people', code, text, err)


if __name__ == '__main__':
    require('retainctl')
    main()
