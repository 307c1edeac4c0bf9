#!/usr/bin/python3
"""The daemon and workers that crash, hang, refuse or cannot start. The worker is tests/lib/fake_worker.c, which misbehaves on demand."""
import os
import re
import shutil
import signal
import socket
import struct
import sys
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))
from harness import *

_fake = []


def fake():
    """The program, built once."""
    if not _fake:
        compiler = shutil.which('cc') or shutil.which('gcc')
        if not compiler:
            skip('no C compiler')
        path = os.path.join(scratch(), 'fake-worker')
        sources = [os.path.join(REPO, 'protocol', n) for n in os.listdir(os.path.join(REPO, 'protocol')) if n.endswith('.c')]
        code, _, err = run([compiler, '-std=c11', '-D_GNU_SOURCE', '-O1', '-I' + REPO, '-o', path,
                            os.path.join(REPO, 'tests', 'lib', 'fake_worker.c')] + sources + ['-lxxhash', '-lm'])
        if code != 0:
            skip('the fake worker does not build: ' + short(err))
        _fake.append(path)
    return _fake[0]


def faked(workers=2, **options):
    return Daemon(workers=workers, **dict({'workers__program': fake(), 'workers__backoff_ms': 10}, **options))


def worker_pids(daemon):
    return [w['pid'] for w in daemon.ok('stats')['workers']]


@case
def poison_is_buried_and_nothing_else():
    with faked() as daemon:
        events = [event(account='a%d' % i) for i in range(99)]
        events.insert(50, event(account='a7', contact='crash-me'))
        reply = daemon.push(events)
        equal((reply['accepted'], reply['duplicate']), (99, 0), 'its neighbours')
        equal([(r['index'], r['code']) for r in reply['rejected']], [(50, 'poison')], 'rejected')
        equal(daemon.log_text().count('ended: Aborted'), 3, 'crashes')
        reply = daemon.push(event(account='b', contact='crash-me'))
        equal([r['code'] for r in reply['rejected']], ['poison'], 'alone')
        equal(daemon.push(event(account='b'))['accepted'], 1, 'the next')
        equal(daemon.stop(), 0, 'exit code')


@case
def a_worker_of_another_version_does_not_start():
    """It would not know what the daemon's frames mean: an upgrade restarts both."""
    with Daemon(workers=1) as daemon:
        version = daemon.ok('stats')['version']
    for told, refused in (('9.9.9', True), (version, False)):
        state = scratch()
        body = pack([0, 1, 256, 1, state, '', told])
        ours, theirs = socket.socketpair()
        argv = [sys.executable, '-c', 'import os, sys; os.dup2(int(sys.argv[1]), 3); os.execv(sys.argv[2], sys.argv[2:])',
                str(theirs.fileno()), require('retain-worker')]
        process = spawn(argv, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, pass_fds=[theirs.fileno()])
        theirs.close()
        ours.sendall(struct.pack('<IBBHQ', len(body), 1, 0, 0, 0) + body)
        ours.shutdown(socket.SHUT_WR)
        _, err = process.communicate(timeout=DEADLINE)
        if refused:
            equal(process.returncode, 1, 'exit code')
        equal(b'not of this version' in err, refused, 'it says so', err.decode(errors='replace'))


@case
def kill_9_blames_nobody():
    """However often: the events in flight are given to the next worker, none is refused."""
    with faked() as daemon:
        dealer, sent = daemon.dealer('events'), []
        for i in range(2000):
            sent.append(dealer.send([event(account='a%d' % (7 * i + j)) for j in range(10)]))
            if i % 100 == 50:
                for child in daemon.workers():
                    kill(child)
        for mark in sent:
            equal(dealer.wait(mark), {'accepted': 10, 'duplicate': 0, 'rejected': []}, 'a batch')


@case
def a_hung_worker_is_replaced():
    with faked(workers__hang_ms=500) as daemon:
        before = worker_pids(daemon)
        os.kill(before[0], signal.SIGSTOP)
        dealer = daemon.dealer('events')
        for mark in [dealer.send(event(account='a%d' % i)) for i in range(200)]:
            equal(dealer.wait(mark)['accepted'], 1, 'accepted')
        until(lambda: daemon.query('stats')['ok'], 'all workers to be there again')
        after = worker_pids(daemon)
        check(before[0] not in after and before[1] in after, before, after)


@case
def a_full_firehose_waits_and_loses_nothing():
    with faked(workers__hang_ms=3000, workers__window_bytes=100000, limits__message_bytes=65536) as daemon:
        for pid in worker_pids(daemon):
            os.kill(pid, signal.SIGSTOP)
        hose = ctx.socket(zmq.PUSH)
        hose.setsockopt(zmq.SNDHWM, 10)
        hose.setsockopt(zmq.SNDTIMEO, 300)
        hose.connect(daemon.at['firehose'])
        sent = 0
        try:
            while sent < 100000:
                hose.send(pack([event(account='f%d' % j, contact='c' * 50) for j in range(100)]))
                sent += 1
        except zmq.Again:
            pass
        check(sent < 100000, 'the sender never felt it')
        check(daemon.metrics()['retaind_window_bytes'] <= 2 * 100000, 'bytes in the windows')
        until(lambda: daemon.metrics()['retaind_events_accepted_total'] == 100 * sent, 'all of it to be taken')
        hose.close(0)


@case
def what_is_not_answered_in_time_is_busy():
    with faked(workers=1, limits__answer_ms=700, workers__hang_ms=60000) as daemon:
        pid = worker_pids(daemon)[0]
        os.kill(pid, signal.SIGSTOP)
        equal(daemon.push(event())['error'], 'busy', 'a push')
        daemon.refused('stats', 'busy')
        os.kill(pid, signal.SIGCONT)
        equal(daemon.push(event())['accepted'], 1, 'accepted, later')
        until(lambda: daemon.metrics()['retaind_dropped_total{what="late_answer"}'] == 2, 'late answers to be counted')


@case
def a_worker_without_room_makes_busy():
    with faked() as daemon:
        equal(daemon.push([event(account='a%d' % i) for i in range(20)] + [event(contact='refuse-me')])['error'], 'busy',
              'the whole payload')
        hose = connect(zmq.PUSH, daemon.at['firehose'])
        hose.send(pack(event(contact='refuse-me')))
        until(lambda: daemon.metrics()['retaind_window_bytes'] > 0, 'the frame to be held')
        equal(daemon.push(event())['accepted'], 1, 'what comes after it')
        hose.close(0)
        equal(daemon.stop(), 1, 'exit code of a stop that lost the held frame')
        check('frame lost: the worker has no space for it' in daemon.log_text(), 'nothing is said')


@case
def a_worker_that_cannot_start_is_a_clear_state():
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        port = probe.getsockname()[1]
    daemon = faked(listen__http='127.0.0.1:%d' % port)
    told = Status(daemon)
    with open(daemon.log, 'w'):
        pass
    try:
        daemon.start(wait=False, env=dict(os.environ, FAKE_WORKER_EXIT='3', NOTIFY_SOCKET=told.path))
        daemon.at = {'http': '127.0.0.1:%d' % port}

        def given_up():
            check(daemon.process.poll() is None, 'retaind ended:', daemon.tail())
            return daemon.log_text().count('failed: it ended 5 times') == 2
        until(given_up, 'both to be given up')
        status, _, text = daemon.http('/healthz')
        equal(status, 503, 'status')
        check('worker 0 failed' in text and 'worker 1 failed' in text, text)
        until(lambda: told().startswith('worker 0 failed: it ended 5 times in a row'), 'STATUS= to say it')
        check(told.extended > 0, 'systemd would begin the start anew')
        equal(len(re.findall(r'^worker=\d+ pid=\d+ log=\d+ started', daemon.log_text(), re.M)), 10, 'starts')
        check(not os.path.exists(os.path.join(daemon.state, 'endpoints')), 'endpoints without workers')
        equal(daemon.stop(), 0, 'exit code')
    finally:
        daemon.kill()


@case
def too_many_subscriptions_are_dropped():
    with faked(limits__subscriptions=1000, alerts__cursor_ms=200) as daemon:
        honest = Subscriber(daemon)
        greedy = connect(zmq.SUB, daemon.at['alerts'])
        for i in range(1500):
            greedy.setsockopt(zmq.SUBSCRIBE, b'topic%d' % i)
        until(lambda: daemon.metrics()['retaind_dropped_total{what="subscribers"}'] >= 1, 'the limit to be met')
        greedy.close()
        heard = len(honest.cursors)
        honest.until(lambda: len(honest.cursors) > heard + 2, 'an honest subscriber to be back')
        until(lambda: daemon.metrics()['retaind_subscriptions'] == 1, 'nobody else to be counted')
        honest.close()


@case
def http_does_not_wait_for_ever():
    with faked() as daemon:
        host, port = daemon.at['http'].split(':')
        slow, begin = socket.create_connection((host, int(port))), time.monotonic()
        slow.settimeout(0.3)
        slow.sendall(b'GET /metrics HTTP/1.1\r\nHost: x\r\nX: ')

        def cut():
            try:
                slow.sendall(b'a')
                return slow.recv(100) == b''
            except socket.timeout:
                return False
            except OSError:
                return True
        until(cut, 'a client that sends a byte now and then to be cut off', pause=0.3)
        check(time.monotonic() - begin < 20, 'too late')
        for request in (b'POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello',
                        b'GET /' + b'x' * 20000 + b' HTTP/1.1\r\n\r\n', b'nonsense\r\n\r\n'):
            with socket.create_connection((host, int(port))) as client:
                client.settimeout(DEADLINE)
                client.sendall(request)
                answer = client.recv(1000)
                check(not answer.startswith(b'HTTP/1.1 200'), answer)
        equal(daemon.http('/healthz')[0], 200, 'health')


@case
def sigterm_under_load_answers_everything():
    with faked() as daemon:
        dealer = daemon.dealer('events')
        marks = [dealer.send([event(account='a%d' % j) for j in range(20)]) for _ in range(3000)]
        dealer.wait(marks[0])
        os.kill(daemon.pid, signal.SIGTERM)
        answered = 1
        for mark in marks[1:]:
            try:
                reply = dealer.wait(mark, 2)
            except Failed:
                break  # sent too late to be read
            check(reply == {'accepted': 20, 'duplicate': 0, 'rejected': []} or reply.get('error') == 'stopping', reply)
            answered += 1
        equal(daemon.wait(), 0, 'exit code')
        check(answered > 1, 'nothing was finished')


main()
