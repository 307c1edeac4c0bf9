#!/usr/bin/python3
"""Floods: strangers that take connections, memory, subscriptions or time. Meanwhile memory and descriptors stay within the bounds of
docs/OPERATIONS.md, a polite client is served, and afterwards all is as before. Every flood is bounded in count, none in time."""
import os
import resource
import sys
import threading
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))
from harness import *
from stranger import *

MIB = 1 << 20
SANITIZED = bool(os.environ.get('RETAIND_SANITIZED'))
SPARE = (1000 if SANITIZED else 40) * MIB  # what memory may move by for reasons of its own
resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)


class Polite:
    """A client that sends one event after the other, each once, beside a flood."""

    def __init__(self, daemon, size=1):
        self.daemon, self.account, self.taken, self.slowest, self.note = daemon, fresh('polite'), 0, 0.0, 'p' * size
        self.dealer = Dealer(daemon.at['events'])

    def push(self, count=1):
        for _ in range(count):
            begin = time.monotonic()
            equal(self.dealer.ask(event(account=self.account, note=self.note)), {'accepted': 1, 'duplicate': 0, 'rejected': []}, 'a polite push')
            self.slowest = max(self.slowest, time.monotonic() - begin)
            self.taken += 1
        return self

    def check(self):
        self.push()
        equal(self.daemon.get(self.account)['events'], {'call': self.taken}, 'polite events')
        self.dealer.close()


class Watch:
    """The most memory that a process has while the block runs."""

    def __init__(self, pid):
        self.pid, self.most, self.ended = pid, 0, threading.Event()
        self.before = resident_bytes(pid)
        self.thread = threading.Thread(target=self.look)

    def look(self):
        while not self.ended.wait(0.01):
            self.most = max(self.most, resident_bytes(self.pid))

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.thread.join()

    def check(self, bound, what):
        check(self.most - self.before <= bound + SPARE, what, 'took', (self.most - self.before) // MIB, 'MiB, more than', bound // MIB)
        print('# %s: %d MiB more' % (what, (self.most - self.before) // MIB), flush=True)


def dropped(daemon, what):
    return daemon.metrics()['retaind_dropped_total{what="%s"}' % what]


def mute(kind, address):
    """A client that will read nothing."""
    socket = ctx.socket(kind)
    socket.setsockopt(zmq.LINGER, 0)
    socket.setsockopt(zmq.RCVHWM, 1)
    socket.setsockopt(zmq.RCVBUF, 4096)
    socket.setsockopt(zmq.SNDHWM, 0)
    socket.connect(address)
    return socket


@case
def half_open_connections():
    """They hold their places for three seconds at most, and never those of others."""
    with Daemon(limits__connections=100) as daemon:
        polite, before = Polite(daemon).push(), descriptors(daemon.pid)
        for round_ in range(3):
            held = [half_open(daemon.at['events']) for _ in range(300)]
            polite.push(10)
            Polite(daemon).check()  # a new client, while all places are held
            check(descriptors(daemon.pid) <= before + 101 + 20, 'descriptors', descriptors(daemon.pid))
            if round_ == 2:
                # As if from one that only holds its place: ended by the daemon, not by us.
                until(lambda: descriptors(daemon.pid) <= before + 5, 'half-open connections to be ended', 30)
            for peer in held:
                peer.close()
        check(dropped(daemon, 'connections') >= 3 * 150, 'connections ended', dropped(daemon, 'connections'))
        polite.check()


@case
def no_descriptors_left():
    """Idle connections of all endpoints, with few descriptors to be had: a worker can still be started, nothing spins."""
    daemon = Daemon()
    try:
        daemon.start(argv=['prlimit', '--nofile=600:600'] + daemon.argv())
        polite, idle = Polite(daemon).push(), []
        for name, kind in (('events', b'DEALER'), ('firehose', b'PUSH'), ('alerts', b'SUB'), ('query', b'DEALER')):
            for _ in range(100):
                try:
                    idle.append(connected(daemon.at[name], kind))
                except OSError:
                    pass  # one too many
        idle += [half_open('tcp://' + daemon.at['http']) for _ in range(300)]
        check(descriptors(daemon.pid) < 600 - 20, 'descriptors', descriptors(daemon.pid))
        polite.push(10)
        victim = daemon.workers()[0]
        kill(victim)
        until(lambda: len(daemon.workers()) == 2 and victim not in daemon.workers(), 'a new worker')
        until(lambda: daemon.http('/healthz')[0] == 200, 'good health')
        used, begin = processor_seconds(daemon.pid), time.monotonic()
        for _ in range(20):
            polite.push()
        until(lambda: time.monotonic() - begin > 1, 'a second to pass')
        share = (processor_seconds(daemon.pid) - used) / (time.monotonic() - begin)
        check(share < 0.5, 'the daemon spins: %.2f of a processor' % share)
        check(os.path.getsize(daemon.log) < MIB, 'the log grows')
        for peer in idle:
            peer.close()
        polite.check()
    finally:
        daemon.kill()


@case
def ten_thousand_connects_and_disconnects():
    with Daemon() as daemon:
        polite = Polite(daemon).push(20)
        before = descriptors(daemon.pid)
        with Watch(daemon.pid) as watch:
            for i in range(10000):
                peer = half_open(daemon.at[('events', 'firehose', 'alerts', 'query')[i % 4]])
                if i % 3:
                    peer.sendall(GREETING[:rng.randrange(1, 65)])
                peer.close()
                if i % 500 == 0:
                    polite.push()
        until(lambda: descriptors(daemon.pid) <= before + 5, 'descriptors to be given back')
        until(lambda: sum(v for k, v in daemon.metrics().items() if k.startswith('retaind_connections')) <= 5, 'connections to be counted out')
        watch.check(0, 'ten thousand connections')
        polite.check()


@case
def a_client_that_reads_no_answers():
    """Ten kilobytes of nonsense make half a megabyte of rejections."""
    with Daemon(limits__unread_bytes='16M') as daemon:
        polite, nonsense = Polite(daemon).push(), pack([1] * 10000)
        peer = mute(zmq.DEALER, daemon.at['events'])
        with Watch(daemon.pid) as watch:
            for _ in range(300):  # 150 MB of answers
                peer.send(nonsense)
                peer.send_multipart([b'e' * 4000, nonsense[:1] + b'x'])
            polite.push(20)
            until(lambda: dropped(daemon, 'reply') > 200, 'answers to be dropped')
            polite.push(20)
        watch.check(16 * MIB, 'answers that nobody reads')
        peer.close()
        polite.check()


def has_large_answer(daemon):
    """What those who left did not read goes in libzmq's own time; an answer that finds no room until then is dropped."""
    peer = Dealer(daemon.at['events'])
    try:
        return len(peer.ask([1] * 10000, 2)['rejected']) == 10000
    except Failed:
        return False
    finally:
        peer.close()


@case
def many_clients_that_read_no_answers():
    """When all that may be unread is, those who read still get their answers."""
    with Daemon(limits__unread_bytes='8M') as daemon:
        polite, nonsense = Polite(daemon).push(), pack([1] * 10000)
        peers = [mute(zmq.DEALER, daemon.at['events']) for _ in range(12)]
        with Watch(daemon.pid) as watch:
            for _ in range(30):
                for peer in peers:
                    peer.send(nonsense)
            until(lambda: dropped(daemon, 'reply') > 100, 'answers to be dropped')
            polite.push(20)
        watch.check(8 * MIB, 'answers that twelve do not read')
        for peer in peers:
            peer.close()
        until(lambda: has_large_answer(daemon), 'a large answer, as before')
        polite.check()


@case
def a_client_that_reads_no_timelines():
    with Daemon(limits__unread_bytes='16M') as daemon:
        daemon.load([event(account='big', x='p' * 50000) for _ in range(100)], batch=50)
        polite, question = Polite(daemon).push(), pack({'op': 'account.timeline', 'account': 'big', 'limit': 1000})
        peer = mute(zmq.DEALER, daemon.at['query'])
        with Watch(daemon.pid) as watch:
            for _ in range(100):  # 500 MB of answers
                peer.send(question)
            equal(len(daemon.timeline('big')), 100, 'the timeline of one who reads')
            until(lambda: daemon.metrics().get('retaind_queries_failed_total{code="busy"}', 0) >= 80, 'questions to be refused')
            polite.push(20)
        watch.check((16 + 64) * MIB, 'timelines that nobody reads')
        peer.close()
        equal(len(daemon.timeline('big')), 100, 'the timeline, as before')
        polite.check()


@case
def a_subscriber_that_reads_nothing():
    """Its alerts are within limits.unread_bytes; beyond, all subscribers begin anew, and the list has everything."""
    count = 6000
    with Daemon(limits__unread_bytes='1M', alerts__cursor_ms=200) as daemon:
        deaf = [connected(daemon.at['alerts'], b'SUB') for _ in range(3)]
        for peer in deaf:
            peer.setsockopt(6, 10, 1 << 12)  # TCP_WINDOW_CLAMP: the kernel holds little for it
            peer.sendall(frame(b'\x01'))
        honest, polite = Subscriber(daemon, 'alert.'), Polite(daemon)
        with Watch(daemon.pid) as watch:
            for i in range(0, count, 500):
                daemon.load(event('ticket', account='t%d' % (i + j), ts=now() - 5 * HOUR, severity=1) for j in range(500))
                polite.push()
            until(lambda: len(daemon.alerts(kind='ticket_overdue')) == count, 'all alerts in the list')
            until(lambda: dropped(daemon, 'subscribers') >= 1, 'subscribers to be dropped')
        watch.check(MIB, 'alerts that nobody reads')
        heard = len(honest.cursors)
        honest.until(lambda: len(honest.cursors) > heard + 3, 'the honest subscriber to be back')
        daemon.load([event('ticket', account='last', ts=now() - 5 * HOUR, severity=1)])
        honest.wait('last', 'ticket_overdue')
        for peer in deaf:
            peer.close()
        honest.close()
        polite.check()


def subscribes(daemon, polite, topics, met, what, bound):
    """One that asks for all these topics, while a polite client is served; returns its socket once `met` is (`what` is waited for)."""
    greedy = connect(zmq.SUB, daemon.at['alerts'])
    with Watch(daemon.pid) as watch:
        for topic in topics:
            greedy.setsockopt(zmq.SUBSCRIBE, topic)
        until(met, what)
        polite.push(20)
    watch.check(bound, 'subscriptions until %s' % what)
    return greedy


@case
def a_hundred_thousand_subscriptions():
    with Daemon(limits__subscriptions=100000) as daemon:
        polite, topics = Polite(daemon).push(), (b'alert.%d' % i for i in range(99000))
        greedy = subscribes(daemon, polite, topics, lambda: daemon.metrics()['retaind_subscriptions'] == 99000, 'all are counted', 400 * MIB)
        greedy.close()
        until(lambda: daemon.metrics()['retaind_subscriptions'] == 0, 'all to be gone')
        equal(dropped(daemon, 'subscribers'), 0, 'subscribers dropped')
        polite.check()


@case
def long_topics_count_more():
    topics = 2000 if SANITIZED else 20000  # 20 MB, each byte a node of libzmq: 600 MB, and a sanitizer's own beside each
    with Daemon(limits__subscriptions=10000) as daemon:
        polite, topics = Polite(daemon).push(), (rng.randbytes(1000) for _ in range(topics))
        greedy = subscribes(daemon, polite, topics, lambda: dropped(daemon, 'subscribers') >= 1, 'the limit is met', 200 * MIB)
        greedy.close()
        polite.check()


@case
def a_liar_gives_back_what_it_never_had():
    with Daemon(limits__subscriptions=5000) as daemon:
        polite = Polite(daemon).push()
        liar = connected(daemon.at['alerts'], b'SUB')
        liar.sendall(b''.join(frame(b'\x01topic-%d' % i) + frame(b'\x00nothing') for i in range(20000)))
        until(lambda: dropped(daemon, 'subscribers') >= 1, 'the lie to be noticed')
        liar.close()
        polite.check()


SMALL = {'workers': 1, 'workers__window_bytes': '128K', 'limits__message_bytes': '64K', 'workers__hang_ms': 60000}


class Asleep:
    """No worker takes anything while the block runs: windows fill up."""

    def __init__(self, daemon):
        self.pids = [w['pid'] for w in daemon.ok('stats')['workers']]

    def __enter__(self):
        for pid in self.pids:
            kill(pid, signal.SIGSTOP)

    def __exit__(self, *_):
        for pid in self.pids:
            kill(pid, signal.SIGCONT)


def small_payloads():
    return [pack(event(account='f%d' % (i % 40))) for i in range(100)]


@case
def a_producer_as_fast_as_it_can():
    """Beside it a polite one is never told `busy`, though its events are larger, and waits for some of the flood, not for all of it."""
    with Daemon(**SMALL) as daemon:
        polite = Polite(daemon, 2000).push(50)
        alone, polite.slowest = polite.slowest, 0.0
        flood, payloads, begin = Dealer(daemon.at['events']), small_payloads(), time.monotonic()
        with Asleep(daemon):
            marks = [flood.send(payloads[i % 100]) for i in range(5000)]
            until(lambda: daemon.metrics()['retaind_payloads_refused_total{code="busy"}'] > 1000, 'the window to be full')
            mark = polite.dealer.send(event(account=polite.account, note=polite.note))
            until(lambda: daemon.metrics()['retaind_payloads_total{endpoint="events"}'] == 5051, 'the polite push to be read')
        equal(polite.dealer.wait(mark), {'accepted': 1, 'duplicate': 0, 'rejected': []}, 'a polite push while the windows are full')
        polite.taken += 1
        marks += [flood.send(payloads[i % 100]) for i in range(20000)]
        polite.push(100)
        answers = [flood.wait(mark) for mark in marks]
        whole, refused = time.monotonic() - begin, sum('error' in a for a in answers)
        check(all(a.get('error', 'busy') == 'busy' for a in answers), 'answers to the flood')
        check(polite.slowest < 5 + whole / 2, 'a polite push took %.2f s of the flood\'s %.2f s' % (polite.slowest, whole))
        print('# slowest polite push: %.0f ms alone, %.0f ms beside the flood of %.1f s (%d of %d refused)'
              % (alone * 1e3, polite.slowest * 1e3, whole, refused, len(marks)), flush=True)
        flood.close()
        polite.check()


@case
def a_firehose_as_fast_as_it_can():
    """It fills its part of the windows and waits; pushes find room."""
    with Daemon(**SMALL) as daemon:
        polite = Polite(daemon, 2000).push()
        hose, payloads = connect(zmq.PUSH, daemon.at['firehose']), small_payloads()

        def read():
            return daemon.metrics()['retaind_payloads_total{endpoint="firehose"}']
        with Asleep(daemon):
            for i in range(20000):
                hose.send(payloads[i % 100])
            until(lambda: daemon.metrics()['retaind_window_bytes'] > 90000, 'the window to be full')
            seen = [-1.0]
            until(lambda: seen.append(read()) or seen[-1] == seen[-2], 'the firehose to wait', pause=0.3)
            check(read() < 20000, 'the test itself: all was read')
            mark = polite.dealer.send(event(account=polite.account, note=polite.note))
            until(lambda: daemon.metrics()['retaind_payloads_total{endpoint="events"}'] == 2, 'the polite push to be read')
        equal(polite.dealer.wait(mark), {'accepted': 1, 'duplicate': 0, 'rejected': []}, 'a polite push while the windows are full')
        polite.taken += 1
        polite.push(100)
        until(lambda: read() == 20000, 'the firehose to be read')
        hose.close()
        polite.check()


@case
def hostile_messagepack():
    """Four megabytes that declare more than they hold, nest, or hold millions of things: from several at once."""
    size = 4 * MIB
    many = size - 200
    payloads = [b'\x91\x81\xa1x\xdd' + many.to_bytes(4, 'big') + b'\xc0' * many,
                b'\x91\x81\xa1x\xdd' + (many // 13).to_bytes(4, 'big') + (b'\x91' * 11 + b'\xc0') * (many // 13),
                b'\xdd\xff\xff\xff\xff' + b'\x90' * many, b'\x91' * many, b'\xdf\x7f\xff\xff\xff' + b'\xa0\xc0' * (many // 2),
                b'\xdd' + many.to_bytes(4, 'big') + b'\x80' * many, rng.randbytes(many), b'\xc1' * (2 * size - 100)]
    with Daemon() as daemon:
        polite = Polite(daemon).push()
        peers = [Dealer(daemon.at['events']) for _ in range(4)]
        hose = connect(zmq.PUSH, daemon.at['firehose'])
        with Watch(daemon.pid) as watch:
            burst = payloads + payloads[:1] * (1 if SANITIZED else 18)
            marks = [(peer, peer.send(payload)) for peer in peers for payload in burst]
            sent = sum(len(payload) for payload in len(peers) * burst + payloads)
            for payload in payloads[2:]:
                hose.send(payload)
            polite.push(3)
            for peer, mark in marks:
                reply = peer.wait(mark)
                check('error' in reply or reply['accepted'] == 0, 'taken:', short(reply))
        watch.check(sent, 'hostile MessagePack')  # what waits to be read is held once, and nothing grows when it is looked at
        until(lambda: resident_bytes(daemon.pid) < watch.before + 64 * MIB + SPARE, 'memory to be given back')
        for peer in peers:
            peer.close()
        hose.close()
        polite.check()


class Endless:
    """A peer that sends parts of one message and never the last, until it is ended; `slow`: little of it once the limit is near."""

    def __init__(self, daemon, slow):
        self.daemon, self.slow, self.before = daemon, slow, dropped(daemon, 'connections')
        self.peer = connected(daemon.at['events'], b'DEALER')
        self.peer.settimeout(20)  # one that is ended need not hear of it

    def send(self, limit, polite):
        large, small, sent = frame(bytes(MIB), MORE), frame(bytes(64 << 10), MORE), 0
        try:
            while sent < 1500:
                if self.slow and resident_bytes(self.daemon.pid) > limit - 16 * MIB:
                    self.peer.sendall(small)
                    time.sleep(0.02)  # its pace: less than a flood is
                else:
                    self.peer.sendall(large)
                if sent % 100 == 0:
                    polite.push()
                    if dropped(self.daemon, 'connections') > self.before:
                        break
                sent += 1
        except OSError:
            pass
        until(lambda: dropped(self.daemon, 'connections') > self.before, 'the peer to be ended')
        self.peer.close()


def never_ends(ipc=False, slow=False):
    """libzmq keeps the parts of a message until the last has come. Whoever sends only more of them is ended."""
    if SANITIZED:
        skip('a sanitizer needs more memory than the bound of this case')
    with Daemon(ipc=ipc, limits__memory_bytes='160M', limits__total_bytes='32M', limits__unread_bytes='32M') as daemon:
        polite, before = Polite(daemon).push(), descriptors(daemon.pid)
        with Watch(daemon.pid) as watch:
            for _ in range(1 if slow else 2):
                Endless(daemon, slow).send(160 * MIB, polite)
        check(watch.most < 640 * MIB, 'memory', watch.most // MIB, 'MiB')
        print('# a message that never ends: %d MiB' % (watch.most // MIB), flush=True)
        until(lambda: resident_bytes(daemon.pid) < 160 * MIB, 'memory to be given back')
        until(lambda: descriptors(daemon.pid) <= before, 'descriptors to be given back')
        polite.check()


@case
def a_message_that_never_ends():
    never_ends()


@case
def a_message_that_never_ends_and_is_slow():
    """Less in a window than what is called a flood."""
    never_ends(slow=True)


@case
def a_message_that_never_ends_on_this_machine():
    never_ends(ipc=True)


if __name__ == '__main__':
    main()
