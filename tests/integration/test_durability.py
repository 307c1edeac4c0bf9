#!/usr/bin/python3
"""Durability: whatever is killed, all that was acknowledged is counted exactly once."""
import os
import sys
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))
from harness import *
from load import Load


@case
def daemon_killed_under_load():
    with Daemon(workers=2) as daemon:
        load = Load(daemon)
        for round_ in range(4):
            load.until_acked(60 + 70 * round_)
            daemon.kill(workers_too=round_ % 2 == 1)
            load.disconnect()
            daemon.start()
            load.check_at_least_acked('after kill -9 number %d:' % round_)
            load.connect()
        load.finish()
        load.check_counts('at the end')
        load.check_all_duplicates()
        daemon.crash()
        load.check_counts('after one more kill')


@case
def worker_killed_under_load():
    with Daemon(workers=2) as daemon:
        load = Load(daemon)
        for round_ in range(4):
            load.until_acked(50 + 60 * round_)
            pids = sorted(daemon.workers())
            equal(len(pids), 2, 'workers')
            victim = rng.choice(pids)
            kill(victim)
            until(lambda: not alive(victim), 'the victim to be gone')
            load.until_acked(80 + 60 * round_)
            until(lambda: len(daemon.workers()) == 2, 'a new worker')
            check(daemon.process.poll() is None, 'the daemon ended with its worker')
        load.finish()
        load.check_counts('at the end')
        load.check_all_duplicates()
        equal(sorted(w['pid'] for w in daemon.ok('stats')['workers']), sorted(daemon.workers()), 'pids in stats')
        daemon.restart()
        load.check_counts('after a restart')


@case
def both_workers_killed_at_once():
    with Daemon(workers=2) as daemon:
        load = Load(daemon, total=10000)
        load.until_acked(50)
        for pid in daemon.workers():
            kill(pid)
        load.finish()
        load.check_counts('at the end')
        load.check_all_duplicates()


@case
def other_partitions_do_not_notice():
    """While one worker is stopped, the other answers; the stopped one's events are not lost."""
    with Daemon(workers=2) as daemon:
        names = ['n%d' % i for i in range(20)]
        daemon.load([event(account=n) for n in names])
        victim = rng.choice(daemon.workers())
        kill(victim, signal.SIGSTOP)
        dealer = Dealer(daemon.at['events'])
        sent = [event(account=n) for n in names]
        marks = [dealer.send(e) for e in sent]
        answered = set()

        def some():
            for i, mark in enumerate(marks):
                if i not in answered:
                    try:
                        dealer.wait(mark, 0.05)
                        answered.add(i)
                    except Failed:
                        pass
            return answered
        until(some, 'answers of the worker that runs', 25)
        kill(victim, signal.SIGCONT)
        kill(victim)
        for i, mark in enumerate(marks):
            if i not in answered:
                reply = dealer.wait(mark)
                check(reply.get('error') == 'busy' or reply.get('accepted', 0) + reply.get('duplicate', 0) == 1, short(reply))
        dealer.close()
        until(lambda: all('error' not in r for r in [daemon.push(e) for e in sent]), 'all to be taken', pause=0.2)
        for n in names:
            equal(daemon.get(n)['events'], {'call': 2}, 'count of', n)


def drain(load):
    """Takes the replies that the daemon left in the connection when it ended."""
    while load.socket.poll(500):
        load.take(load.socket.recv_multipart())


@case
def sigterm_under_load():
    """Stops reading, finishes what was read, answers it, exits 0: what is counted was answered."""
    for round_ in range(3):
        with Daemon(workers=2) as daemon:
            load = Load(daemon, batch=20, total=8000, window=60)
            load.until_acked(60 + round_ * 60)
            os.kill(daemon.pid, signal.SIGTERM)
            end = time.monotonic() + DEADLINE
            while daemon.process.poll() is None:
                check(time.monotonic() < end, 'no end after SIGTERM')
                load.step(20)
            equal(daemon.process.returncode, 0, 'exit code')
            check(not os.path.exists(os.path.join(daemon.state, 'endpoints')), 'endpoints file left behind')
            drain(load)
            acked = set(load.acked)
            load.disconnect()
            daemon._gone()
            daemon.start()
            got, want = load.held(), load.counts(acked)
            equal(got, want, 'counted against answered, seed', SEED)
            load.connect()
            load.finish()
            for n in set(load.acked) - acked:
                equal(load.acked[n], (20, 0), 'sent anew after the stop')
            load.check_counts('at the end')


@case
def busy_when_nothing_is_committed_in_time():
    with Daemon(workers=1, limits__answer_ms=1500) as daemon:
        daemon.load([event(account='a')])
        victim = daemon.workers()[0]
        kill(victim, signal.SIGSTOP)
        dealer = Dealer(daemon.at['events'])
        made = event(account='a')
        reply = dealer.ask(made, 30)
        kill(victim, signal.SIGCONT)
        check(reply.get('error') == 'busy' or reply.get('accepted') == 1 or reply.get('duplicate') == 1, 'answered', short(reply))
        check(reply.get('error') != 'busy' or reply.get('message'), 'busy without a message')

        def taken():
            return 'error' not in dealer.ask(made)
        until(taken, 'the event to be taken', pause=0.2)
        equal(daemon.get('a')['events'], {'call': 2}, 'count')
        dealer.close()


@case
def killed_while_erasing():
    """An erase that was cut short is whole or not begun; what was answered stays erased; the others keep every event."""
    with Daemon(workers=2) as daemon:
        other = [event(account='other%d' % (i % 9), x='p' * 300) for i in range(3000)]
        daemon.load(other)
        for round_ in range(4):
            victim = 'victim-%d-%08x' % (round_, rng.getrandbits(32))
            mine = [event(account=victim, x='p' * 300) for _ in range(1500)]
            daemon.load(mine)
            asker = Dealer(daemon.at['query'])
            mark = asker.send({'op': 'account.erase', 'account': victim})
            answered = False
            try:
                answered = asker.wait(mark, rng.random() * 0.05)['ok']
            except Failed:
                pass
            daemon.crash(workers_too=round_ % 2 == 0)
            asker.close()
            reply = daemon.query('account.get', account=victim)
            if reply['ok']:
                check(not answered, 'what was erased is back')
                equal(reply['events'].get('call'), len(mine), 'an erase that was cut short took a part')
                equal(daemon.ok('account.erase', account=victim)['events'], len(mine), 'events erased')
            daemon.refused('account.timeline', 'not_found', account=victim)
            for i in range(9):
                equal(sum(daemon.get('other%d' % i)['events'].values()), len(other[i::9]), 'events of another account')
        equal(daemon.push(other), {'accepted': 0, 'duplicate': len(other), 'rejected': []}, 'the others, sent again')


@case
def never_a_partial_answer_in_silence():
    """While a worker is down, a list is whole or `unavailable`."""
    with Daemon(workers=2) as daemon:
        names = sorted('n%03d' % i for i in range(60))
        daemon.load([event('account', account=n, owner='kim') for n in names])
        asked, end = 0, time.monotonic() + 6
        asker = Dealer(daemon.at['query'])
        while time.monotonic() < end or asked < 20:
            victim = rng.choice(daemon.workers() or [0])
            if victim:
                kill(victim)
            for op, keys in (('account.list', {'limit': 1000}), ('account.list', {'limit': 1000, 'owner': 'kim', 'sort': 'score'}),
                             ('stats', {}), ('account.get', {'account': rng.choice(names)})):
                reply = asker.ask(dict(keys, op=op))
                asked += 1
                if not reply['ok']:
                    check(reply['error'] in ('unavailable', 'busy'), op, 'answered', short(reply))
                elif op == 'account.list':
                    equal(sorted(a['account'] for a in reply['accounts']), names, 'a list while a worker is down')
                elif op == 'stats':
                    equal(reply['accounts'], len(names), 'accounts in stats while a worker is down')
            until(lambda: asker.ask({'op': 'account.list'})['ok'], 'all partitions to be served', pause=0.1)
        asker.close()


@case
def sigint_stops_as_well():
    with Daemon(workers=1) as daemon:
        daemon.load([event(account='a') for _ in range(100)])
        equal(daemon.stop(signal.SIGINT), 0, 'exit code')
        daemon.start()
        equal(daemon.get('a')['events'], {'call': 100}, 'count')


@case
def changed_worker_count():
    with Daemon(workers=1) as daemon:
        load = Load(daemon, total=6000, accounts=80)
        load.until_acked(40)
        daemon.load(weekly_calls('ruin', now() - 2 * DAY) + critical_tickets('ruin', now() - DAY))
        daemon.wait_alert('ruin', 'churn_risk')
        at = now() + DAY
        names = sorted(load.counts(load.acked)) + ['ruin']

        def picture():
            return {n: {k: v for k, v in daemon.get(n, at=at).items()} for n in names}, daemon.alerts(account='ruin')
        for workers in (3, 2, 1):
            load.until_acked(min(120, len(load.acked) + 15))
            load.settle()
            load.disconnect()
            before = picture()
            timeline = daemon.timeline(names[0])
            daemon.crash(workers__count=workers) if workers == 2 else daemon.restart(workers__count=workers)
            equal(len(daemon.workers()), workers, 'workers')
            after = picture()
            for n in names:
                equal(after[0][n], before[0][n], 'account', n, 'with', workers, 'workers')
            equal([m['id'] for m in after[1]], [m['id'] for m in before[1]], 'alerts with', workers, 'workers')
            equal(daemon.timeline(names[0]), timeline, 'timeline with', workers, 'workers')
            load.connect()
        load.finish()
        load.check_counts('at the end')
        load.check_all_duplicates()


def logs_in(daemon):
    """Numbers of the logs that have segments."""
    return {name.split('-')[0] for name in os.listdir(os.path.join(daemon.state, 'journal')) if name.endswith('.seg')}


@case
def logs_of_older_generations_go_when_their_time_has_come():
    keep = {'limits__dedupe_days': 1, 'journal__keep_days': 1, 'alerts__keep_days': 1, 'limits__dead_days': 1,
            'snapshot__interval_ms': 100, 'journal__segment_bytes': '1M'}
    with Daemon(workers=1, **keep) as daemon:
        names = ['old%d' % i for i in range(40)]
        sent = [event(account=n) for n in names for _ in range(5)]
        daemon.load(sent)
        daemon.restart(workers__count=2)
        until(lambda: len([n for n in os.listdir(os.path.join(daemon.state, 'snapshots')) if n.endswith('.snap')]) >= 256,
              'a snapshot of every partition')
        equal(daemon.push(sent), {'accepted': 0, 'duplicate': len(sent), 'rejected': []}, 'within dedupe_days')
        equal(logs_in(daemon), {'0001', '0002', '0003'}, 'logs while their events are to be kept')
        daemon.crash(debug__clock_offset_ms=3 * DAY)
        until(lambda: '0001' not in logs_in(daemon), 'the log of the first generation to go')
        check(logs_in(daemon) >= {'0002', '0003'}, 'the logs that are written went, too:', logs_in(daemon))
        for workers in (2, 3):
            daemon.crash(workers__count=workers)
            for n in names:
                equal(daemon.get(n)['events'], {'call': 5}, 'count of', n)


def fall(daemon, account, since, step, at_most=40):
    """Opens small tickets one by one until the score lies 15 points below `since`; every step alone is less."""
    last = daemon.get(account)['score']
    for i in range(at_most):
        if since - last >= 15.5:
            return
        daemon.load([ticket(account, 'fall-%s-%d' % (step, i), 'opened', now() - MINUTE, severity=4)])
        score = daemon.get(account)['score']
        check(last - score < 14, 'one small ticket took', last - score)
        last = score
    raise Failed('%d small tickets took %.1f points only' % (at_most, since - last))


@case
def a_fall_is_measured_against_days_before_a_kill():
    """score_drop remembers the highest score of each of the last days: also of those since the last snapshot."""
    with Daemon(workers=2, snapshot__interval_ms=DAY) as daemon:
        names = ['steady', 'loaded']
        daemon.load([event(account='steady', ts=now() - 2 * DAY)])
        daemon.load(weekly_calls('steady', now() - DAY))
        daemon.load(weekly_calls('loaded', now() - DAY), quiet=True)
        until(lambda: daemon.metrics()['retaind_worker_deadlines{worker="0"}'] + daemon.metrics()['retaind_worker_deadlines{worker="1"}'] >= 2,
              'the quiet load to be judged', pause=0.2)
        high = {n: daemon.get(n)['score'] for n in names}
        for n in names:
            daemon.load([ticket(n, 'first-%d' % i, 'opened', now() - MINUTE, severity=4) for i in range(2)])
            daemon.load([event(account=n, ts=now())])
            check(high[n] - daemon.get(n)['score'] > 3, 'first tickets took nothing')
        daemon.crash(workers_too=True)
        for n in names:
            equal(daemon.alerts(account=n, kind='score_drop'), [], 'score_drop before the fall')
            fall(daemon, n, high[n], 'kill')
            raised = daemon.wait_alert(n, 'score_drop')
            check('from %.0f' % high[n] in raised['text'], 'the fall of', n, 'from', high[n], 'is told as', raised['text'])


@case
def subscriber_away_and_back():
    with Daemon(workers=2) as daemon:
        ear = Subscriber(daemon, 'alert.')
        for i in range(10):
            daemon.load([ticket('here%d' % i, 'T', 'opened', now() - 5 * HOUR, severity=1)])
            ear.wait('here%d' % i, 'ticket_overdue')
        seen = {m['cursor']: m for m in ear.messages()}
        reconciled = daemon.ok('alert.list', limit=1000)['cursor']
        ear.close()
        for i in range(10):
            daemon.load([ticket('away%d' % i, 'T', 'opened', now() - 5 * HOUR, severity=1)])
            daemon.wait_alert('away%d' % i, 'ticket_overdue')
        daemon.crash()
        ear = Subscriber(daemon, 'alert.', ready=False)
        missed = daemon.alerts(since=reconciled)
        equal({m['account'] for m in missed}, {'away%d' % i for i in range(10)}, 'what was missed')
        check(not set(m['cursor'] for m in missed) & set(seen), 'told twice')
        ear.until(lambda: ear.cursors, 'to be subscribed')
        daemon.load([ticket('back', 'T', 'opened', now() - 5 * HOUR, severity=1)])
        ear.wait('back', 'ticket_overdue')
        everything = daemon.alerts()
        equal(len({m['cursor'] for m in everything}), len(everything), 'cursors in the list')
        known = set(seen) | {m['cursor'] for m in missed} | {m['cursor'] for m in ear.messages()}
        equal({m['cursor'] for m in everything}, known, 'all alerts are known')
        ear.close()


@case
def a_slow_subscriber_stops_nobody():
    with Daemon(workers=2) as daemon:
        deaf = connect(zmq.SUB, daemon.at['alerts'])
        deaf.setsockopt(zmq.RCVHWM, 1)
        deaf.setsockopt(zmq.SUBSCRIBE, b'')
        daemon.load(event('ticket', account='t%d' % i, ts=now() - 5 * HOUR, severity=1) for i in range(5000))
        daemon.wait_alert('t4999', 'ticket_overdue')
        equal(daemon.push(event())['accepted'], 1, 'still served')
        until(lambda: len(daemon.alerts(kind='ticket_overdue')) >= 5000, 'all in the list', pause=0.5)
        equal(len(daemon.alerts(kind='ticket_overdue')), 5000, 'all in the list, once')
        deaf.close()


@case
def a_client_that_never_reads():
    with Daemon(workers=2) as daemon:
        mute = connect(zmq.DEALER, daemon.at['events'])
        mute.setsockopt(zmq.RCVHWM, 1)
        for i in range(3000):
            mute.send_multipart([b'x' * 1000, pack(event(account='mute'))])
        for _ in range(100):
            equal(daemon.push(event(account='polite'))['accepted'], 1, 'another client')
        equal(daemon.get('polite')['events'], {'call': 100}, 'count')
        mute.close()


@case
def killed_again_and_again():
    with Daemon(workers=1) as daemon:
        sent = [event(account='hardy') for _ in range(300)]
        daemon.load(sent, batch=7)
        for i in range(4):
            daemon.crash(workers_too=i % 2 == 0)
            equal(daemon.push(sent), {'accepted': 0, 'duplicate': len(sent), 'rejected': []}, 'sent again')
            more = [event(account='hardy') for _ in range(10)]
            daemon.load(more)
            sent += more
        equal(daemon.get('hardy')['events'], {'call': len(sent)}, 'count')


if __name__ == '__main__':
    main()
