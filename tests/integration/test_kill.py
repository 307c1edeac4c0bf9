#!/usr/bin/python3
"""kill -9 of real processes under load, round after round on one state directory. RETAIND_KILL_ROUNDS says how many (8; `make
kill-rounds` does a thousand). After each round, by the public protocol: every event that was acknowledged is counted, and once; an
alert has one id for ever."""
import os
import sys
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))
from harness import *
from load import Load

ROUNDS = int(os.environ.get('RETAIND_KILL_ROUNDS') or 8)
VICTIMS = ('daemon', 'daemon and workers', 'worker', 'worker', 'all workers')


class Episodes:
    """Every alert that anybody was told of. An account with an overdue ticket has one, and no reason for a second."""

    def __init__(self):
        self.heard = 0
        self.ids = {}    # account: id of its overdue ticket's alert
        self.about = {}  # id: what it is about

    def learn(self, message, who):
        what = (message['account'], message['kind'])
        equal(what, self.about.setdefault(message['id'], what), who, 'tells of', message['id'], 'seed', SEED)
        if message['kind'] == 'ticket_overdue':
            known = self.ids.setdefault(message['account'], message['id'])
            equal(message['id'], known, who, 'tells of', message['account'], 'under another id; seed', SEED)

    def check_list(self, daemon, accounts):
        listed = daemon.alerts(kind='ticket_overdue')
        for message in listed:
            self.learn(message, 'the list')
        raised = [m['account'] for m in listed if m['state'] == 'raised']
        equal(sorted(raised), sorted(accounts), 'accounts with a raised alert, seed', SEED)
        equal(len({m['cursor'] for m in listed}), len(listed), 'cursors')


def kill_one(daemon, victim):
    """True if the daemon is gone."""
    workers = daemon.workers()
    if victim.startswith('daemon'):
        daemon.kill(workers_too=victim != 'daemon')
        return True
    for pid in workers if victim == 'all workers' else [rng.choice(workers)] if workers else []:
        kill(pid)
    return False


def fill(load, alarms, number):
    """The round's load: contacts, and among them tickets that raise an alert each."""
    for i in range(rng.randrange(20, 60)):
        batch = load.contacts(rng.choice((1, 5, 20)))
        if i % 10 == 3:
            account = 'alarm-%d-%d' % (number, i)
            alarms.append(account)
            batch.append(ticket(account, 'T', 'opened', now() - 5 * HOUR, severity=1))
        load.add(batch)


def one_round(daemon, load, ear, number, alarms, episodes):
    fill(load, alarms, number)
    victim = rng.choice(VICTIMS)
    load.until_acked(len(load.acked) + rng.randrange(1, 20))
    if kill_one(daemon, victim):
        load.disconnect()
        daemon.start()
        load.connect()
    load.finish()
    until(lambda: daemon.query('account.list', limit=1)['ok'], 'all partitions to be served')
    load.check_counts('round %d, %s killed:' % (number, victim), load.names + alarms[-20:])
    ear.pump()
    for message in ear.messages():
        episodes.learn(message, 'a publication')
        episodes.heard += 1
    del ear.heard[:]


@case
def nothing_is_lost_or_told_twice():
    daemon = Daemon(workers=2, workers__backoff_ms=1, alerts__cursor_ms=200)
    # One subscriber for all the daemons: a port that is free again may be another program's.
    daemon.options['listen.alerts'] = 'ipc://%s/alerts' % daemon.home
    with daemon:
        load, ear = Load(daemon, total=0), Subscriber(daemon, 'alert.')
        alarms, episodes = [], Episodes()
        for number in range(1, ROUNDS + 1):
            one_round(daemon, load, ear, number, alarms, episodes)
            if number % 50 == 0 or number == ROUNDS:
                until(lambda: len(daemon.alerts(kind='ticket_overdue')) >= len(alarms), 'all alerts to be listed', pause=0.2)
                episodes.check_list(daemon, alarms)
                load.check_counts('after %d rounds:' % number)
                print('# %d rounds, %d events, %d alerts' % (number, sum(map(len, load.batches.values())), len(alarms)), flush=True)
        check(episodes.heard > 0, 'nothing was heard on the alerts endpoint')
        load.check_all_duplicates()
        equal(daemon.ok('dead.list')['dead'], [], 'dead letters')
        equal(daemon.stop(), 0, 'exit code')
        daemon.start()
        load.check_counts('after a stop and a start:')
        episodes.check_list(daemon, alarms)
        ear.close()


if __name__ == '__main__':
    main()
