"""A producer that insists: it sends until all is acknowledged, across the death of whoever serves it."""
from harness import *


class Load:
    """Batches of events over one DEALER with a window; remembers what was acknowledged and sends the rest again."""

    def __init__(self, daemon, total=20000, accounts=60, batch=50, window=40):
        self.daemon = daemon
        self.batches, self.acked, self.flying, self.window = {}, {}, {}, window
        self.todo = []
        self.refused_whole = 0
        self.names = ['load-%d-%d' % (os.getpid(), i) for i in range(accounts)]
        for n in range(total // batch):
            self.add(self.contacts(batch))
        self.connect()

    def contacts(self, count):
        return [event(rng.choice(('call', 'email', 'visit')), account=rng.choice(self.names),
                      ts=now() - rng.randrange(90 * DAY)) for _ in range(count)]

    def add(self, events):
        """One batch more; returns its number."""
        n = len(self.batches)
        self.batches[n] = events
        self.todo.append(n)
        return n

    def connect(self):
        self.socket = connect(zmq.DEALER, self.daemon.at['events'])

    def disconnect(self):
        """What was in flight is in doubt: it goes again."""
        self.socket.close()
        self.todo = sorted(set(self.flying) | set(self.todo))
        self.flying = {}

    def step(self, wait_ms=50):
        """Fills the window and takes what has come; returns whether there is more to do."""
        while self.todo and len(self.flying) < self.window:
            n = self.todo.pop(0)
            self.flying[n] = time.monotonic()
            self.socket.send_multipart([b'%d' % n, pack(self.batches[n])])
        while self.socket.poll(wait_ms):
            self.take(self.socket.recv_multipart())
            wait_ms = 0
        return self.todo or self.flying

    def take(self, frames):
        n, reply = int(frames[0]), unpack(frames[1])
        check(n in self.flying, 'a reply twice, or to nothing')
        del self.flying[n]
        if 'error' in reply:
            check(reply['error'] in ('busy', 'stopping'), 'refused as', short(reply))
            self.refused_whole += 1
            self.todo.append(n)
            return
        # The worker's part of a batch may be refused alone: those events go again, with it the others as duplicates.
        busy = [r for r in reply['rejected'] if r['code'] in ('busy', 'stopping')]
        check(len(busy) == len(reply['rejected']), 'rejected', short(reply))
        equal(reply['accepted'] + reply['duplicate'] + len(reply['rejected']), len(self.batches[n]), 'the sum')
        if busy:
            self.todo.append(n)
            return
        self.acked[n] = (reply['accepted'], reply['duplicate'])

    def until_acked(self, many, deadline=DEADLINE):
        end = time.monotonic() + deadline
        while len(self.acked) < many and self.step():
            check(time.monotonic() < end, 'stuck with', len(self.acked), 'of', many, 'batches;', self.daemon.tail(500))
        return self

    def settle(self):
        """Takes the replies to all that is in flight."""
        window, self.window = self.window, 0
        end = time.monotonic() + DEADLINE
        while self.flying:
            self.step()
            check(time.monotonic() < end, 'no reply to what was in flight')
        self.window = window

    def finish(self, deadline=DEADLINE):
        return self.until_acked(len(self.batches), deadline)

    def counts(self, batches):
        want = {}
        for n in batches:
            for e in self.batches[n]:
                want.setdefault(e['account'], {}).setdefault(e['type'], 0)
                want[e['account']][e['type']] += 1
        return want

    def held(self, names=None):
        """Counts per account and type in the daemon, of all accounts or of those named."""
        names = sorted(names or self.counts(self.batches))
        replies = self.daemon.dealer('query').ask_all([{'op': 'account.get', 'account': n} for n in names])
        return {n: {k: v for k, v in r['events'].items() if v} for n, r in zip(names, replies) if r['ok']}

    def check_counts(self, what, names=None):
        want = self.counts(self.batches)
        want = {n: want[n] for n in names or want if n in want}
        got = self.held(want)
        wrong = [n for n in want if got.get(n) != want[n]]
        check(not wrong, what, len(wrong), 'accounts wrong, as', wrong[:1], [got.get(n) for n in wrong[:1]],
              [want[n] for n in wrong[:1]], 'seed', SEED)

    def check_at_least_acked(self, what):
        got = self.held()
        for name, kinds in self.counts(self.acked).items():
            for kind, n in kinds.items():
                check(got.get(name, {}).get(kind, 0) >= n, what, name, kind, 'acknowledged', n, 'held',
                      got.get(name, {}).get(kind, 0), 'seed', SEED)

    def check_all_duplicates(self):
        replies = self.daemon.dealer('events').ask_all([self.batches[n] for n in self.batches], 20)
        for reply, n in zip(replies, self.batches):
            equal(reply, {'accepted': 0, 'duplicate': len(self.batches[n]), 'rejected': []}, 'sent again')
