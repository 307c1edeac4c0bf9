#!/usr/bin/python3
"""A score or band set by hand: beside the computed one, followed by the rules until it ends by itself, and there after whatever happens."""
import os
import sys
import threading
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))
from harness import *


def healthy(daemon, account, **keys):
    """In touch every week for a year. What it scores."""
    daemon.load(weekly_calls(account, daemon.now() - HOUR) + [event('account', account=account, owner='kim', ts=daemon.now() - DAY, **keys)])
    score = daemon.get(account)['score']
    check(score > 70, 'a healthy customer scores', score)
    return score


def set_by_hand(daemon, account, **keys):
    asked = dict({'by': 'kim', 'reason': 'they told me', 'until': daemon.now() + 30 * DAY}, **keys)
    return daemon.ok('account.override', account=account, **asked)['override'], asked


def kinds(daemon, account):
    return {a['kind'] for a in daemon.get(account)['alerts']}


@case
def beside_the_computed_score():
    daemon, account = shared(), fresh()
    score = healthy(daemon, account)
    before = daemon.get(account)
    check('override' not in before, 'there is none')
    said, asked = set_by_hand(daemon, account, score=31.25)
    equal((said['score'], said['band'], said['set'], said['by'], said['reason'], said['until']),
          (31.25, 'at_risk', 'score', 'kim', 'they told me', asked['until']), 'what is in force')
    after = daemon.get(account, at=daemon.now() + HOUR)
    equal(after['override'], said, 'account.get')
    check(abs(after['score'] - score) < 1 and after['band'] == 'healthy', 'the computed score', after['score'], after['band'])
    check(abs(after['base'] + sum(f['points'] for f in after['factors']) - after['score']) < 0.05, 'points')
    check('override' not in daemon.get(account, at=asked['until']), 'after its end')
    listed = {a['account']: a for a in daemon.accounts(owner='kim')}[account]
    equal((listed['override']['score'], listed['band']), (31.25, 'healthy'), 'account.list')
    replaced, _ = set_by_hand(daemon, account, band='watch', reason='not that bad', by='lee')
    equal((replaced['score'], replaced['band'], replaced['set'], replaced['by']), (69, 'watch', 'band', 'lee'), 'another replaces it')
    equal(daemon.ok('account.override.end', account=account, by='kim'), {'ok': True, 'override': None}, 'ended')
    equal(daemon.ok('account.override.end', account=account, by='kim'), {'ok': True, 'override': None}, 'ended again')
    check('override' not in daemon.get(account), 'none any more')
    told = daemon.ok('account.timeline', account=account, limit=3)
    equal([(o.get('score'), o.get('band'), o.get('ended'), o['by'], o['reason']) for o in told['overrides']],
          [(None, None, True, 'kim', ''), (None, 'watch', None, 'lee', 'not that bad'), (31.25, None, None, 'kim', 'they told me')], 'timeline')
    equal(len(told['events']), 3, 'events')
    check('overrides' not in daemon.ok('account.timeline', account=account, limit=3, after=told['after']), 'on another page')
    check('overrides' not in daemon.ok('account.timeline', account=account, until=told['overrides'][-1]['ts']), 'outside of the time')
    check('overrides' not in daemon.ok('account.timeline', account=account, since=told['overrides'][0]['ts'] + 1), 'outside of the time')


@case
def what_is_refused():
    daemon, account = shared(), fresh()
    healthy(daemon, account)
    good = {'account': account, 'score': 5, 'by': 'kim', 'reason': 'why', 'until': daemon.now() + DAY}
    for key in ('account', 'score', 'by', 'reason', 'until'):
        check(key in daemon.refused('account.override', 'bad_request', **{k: v for k, v in good.items() if k != key})['message'], 'without', key)
    for key, value in (('score', 101), ('score', -0.5), ('score', '5'), ('score', True), ('by', ''), ('reason', ''), ('reason', 'x' * 1025),
                       ('until', now() - 1), ('until', now() + 368 * DAY), ('until', 2 ** 62), ('until', 'soon'), ('band', 'watch')):
        check(key in daemon.refused('account.override', 'bad_request', **dict(good, **{key: value}))['message'], key, value)
    daemon.refused('account.override', 'not_found', **dict(good, account=fresh()))
    daemon.refused('account.override.end', 'not_found', account=fresh(), by='kim')
    daemon.refused('account.override.end', 'bad_request', account=account)
    check('override' not in daemon.get(account), 'nothing is in force')


@case
def rules_follow_it_and_it_ends_by_itself():
    """No event comes: the alert is raised when it is set, and cleared at its end."""
    daemon, account = shared(), fresh()
    healthy(daemon, account)
    set_by_hand(daemon, account, score=12)
    raised = daemon.wait_alert(account, 'churn_risk')
    equal((raised['score'], raised['severity'], raised['cause']), (12, 'critical', None), 'what was judged')
    reason = {r['factor']: r for r in raised['reasons']}['override']
    check('kim' in reason['text'] and 'they told me' in reason['text'] and reason['points'] < -50, 'reason', reason)
    check('kim' in raised['text'] and 'set by hand' in raised['clears'], 'sentence', raised['text'], raised['clears'])
    check('score_drop' not in kinds(daemon, account), 'nothing has happened that made it fall')
    asked = {'account': account, 'score': 12, 'by': 'kim', 'reason': 'they told me'}

    def soon():
        asked['until'] = daemon.now() + 1000
        return daemon.query('account.override', **asked)['ok']
    until(soon, 'an end that still lies ahead when it is read')
    cleared = daemon.wait_alert(account, 'churn_risk', 'cleared')
    equal(cleared['id'], raised['id'], 'episode')
    check(cleared['ts'] >= asked['until'], 'cleared', asked['until'] - cleared['ts'], 'ms before its end')
    check(cleared['score'] > 70, 'by the computed score', cleared['score'])


@case
def a_band_keeps_alerts_back():
    daemon, account = shared(), fresh()
    healthy(daemon, account)
    set_by_hand(daemon, account, band='healthy', reason='a known fault of ours, they do not mind')
    daemon.load(critical_tickets(account, daemon.now() - MINUTE))
    check('churn_risk' not in kinds(daemon, account), 'held')
    check(daemon.get(account)['score'] < 40, 'the computed score', daemon.get(account)['score'])
    equal(daemon.get(account)['override']['score'], 70, 'as it is set')
    daemon.ok('account.override.end', account=account, by='kim', reason='they do')
    daemon.wait_alert(account, 'churn_risk')


@case
def whatever_is_killed():
    """kill -9 while it is said, snapshots, other numbers of workers: each that was answered is in force, none that was not asked."""
    with Daemon(workers=2, snapshot__interval_ms=200, journal__segment_bytes='1M') as daemon:
        names = [fresh() for _ in range(6)]
        daemon.load([e for name in names for e in weekly_calls(name, daemon.now() - HOUR)])
        said = {}  # account -> what was asked last, and what was asked and perhaps not answered

        def say(stop, address):
            socket, number = connect(zmq.DEALER, address), 0
            while not stop.is_set():
                name = names[number % len(names)]
                asked = {'account': name, 'score': number % 101, 'by': 'kim', 'reason': 'number %d' % number, 'until': daemon.now() + 30 * DAY}
                said.setdefault(name, [None, None])[1] = asked
                socket.send(pack(dict(asked, op='account.override')))
                while not socket.poll(50) and not stop.is_set():
                    pass
                if socket.poll(0) and unpack(socket.recv()).get('ok'):
                    said[name] = [asked, asked]
                number += 1
            socket.close()

        for workers in (2, 3, 1, 2):
            stop = threading.Event()
            thread = threading.Thread(target=say, args=(stop, daemon.at['query']))
            before = {n: s[0] for n, s in said.items()}
            thread.start()
            until(lambda: len([n for n in names if said.get(n, [None])[0] != before.get(n)]) == len(names), 'overrides')
            daemon.kill(workers_too=True)
            stop.set()
            thread.join()
            daemon.options['workers.count'] = workers
            daemon.start()
            for name in names:
                found = daemon.get(name)['override']
                check(any(a and (a['score'], a['reason'], a['until']) == (found['score'], found['reason'], found['until']) for a in said[name]),
                      name, 'has', found, 'after', said[name])
                said[name] = [dict(said[name][0], score=found['score'], reason=found['reason'], until=found['until'])] * 2
                told = [o['reason'] for o in daemon.ok('account.timeline', account=name, limit=1000)['overrides']]
                equal(told[0], found['reason'], 'the newest of the timeline')
        equal(daemon.stop(), 0, 'exit code')
        code, out, err = run([require('retainctl'), 'verify', daemon.state])
        equal(code, 0, 'verify', out, err)


@case
def it_ends_while_nobody_runs():
    with Daemon(workers=1) as daemon:
        account = fresh()
        healthy(daemon, account)
        set_by_hand(daemon, account, score=12, until=daemon.now() + DAY)
        raised = daemon.wait_alert(account, 'churn_risk')
        daemon.restart(debug__clock_offset_ms=2 * DAY)
        cleared = daemon.wait_alert(account, 'churn_risk', 'cleared')
        equal(cleared['id'], raised['id'], 'episode')
        check('override' not in daemon.get(account), 'it is over')


@case
def an_erase_takes_it_along():
    with Daemon(workers=2) as daemon:
        account = fresh()
        healthy(daemon, account)
        word = 'confidential%012x' % rng.getrandbits(48)
        set_by_hand(daemon, account, score=12, reason=word, by='by ' + word)
        daemon.wait_alert(account, 'churn_risk')
        set_by_hand(daemon, account, band='watch', reason=word)
        daemon.wait_alert(account, 'churn_risk', 'cleared')
        daemon.ok('account.override.end', account=account, by='kim', reason=word)
        daemon.restart()
        daemon.ok('account.erase', account=account)
        equal(standing(daemon.state, [word.encode()]), [], 'where it still stands')
        daemon.load([event(account=account)])
        check('override' not in daemon.get(account), 'a new account has none')


@case
def on_the_command_line():
    daemon, account = shared(), fresh()
    healthy(daemon, account)

    def ctl(*argv, code=0):
        got, out, err = run([require('retainctl'), '--query', daemon.at['query']] + list(argv))
        equal(got, code, 'exit code of', argv, out, err)
        return out + err
    check('at_risk' in ctl('override', account, '--score', '12', '--until', '7d', '--reason', 'because', '--by', 'kim'), 'it says what is set')
    equal(daemon.get(account)['override']['score'], 12, 'set')
    for argv in (['get', account], ['list', '--owner', 'kim'], ['timeline', account]):
        check('12' in ctl(*argv) and ('kim' in ctl(*argv)), argv, 'does not show it', ctl(*argv))
    check('override' in ctl('timeline', account), 'the timeline does not')
    check('nothing' in ctl('override', account, '--end', '--by', 'kim'), 'it says that nothing is set')
    check('override' not in daemon.get(account), 'ended')
    for argv in ([], [account], [account, '--score', '5'], [account, '--score', '5', '--until', '7d'], [account, '--end', '--score', '5'],
                 [account, '--score', '5', '--band', 'watch', '--until', '7d', '--reason', 'x']):
        ctl('override', *argv, code=2)
    ctl('override', account, '--score', '500', '--until', '7d', '--reason', 'x', code=1)


if __name__ == '__main__':
    main()
