#!/usr/bin/python3
"""Framing: envelopes, sizes, unreadable payloads, batches as a whole."""
import os
import sys
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))
from harness import *

KB, MB = 1024, 1024 * 1024
GOOD = {'accepted': 1, 'duplicate': 0, 'rejected': []}


def talk(name, frames, deadline=DEADLINE):
    """One message over a DEALER of its own; the frames of the answer."""
    socket = connect(zmq.DEALER, shared().at[name])
    try:
        socket.send_multipart(frames)
        return receive(socket, deadline)
    finally:
        socket.close()


def whole(payload, name='events'):
    """The reply to a payload given as bytes or value."""
    return shared().dealer(name).ask(payload)


def one_bad_event(payload):
    reply = whole(payload)
    check(isinstance(reply, dict) and 'rejected' in reply, short(payload), 'answered', short(reply))
    equal((reply['accepted'], reply['duplicate'], len(reply['rejected'])), (0, 0, 1), 'counts for', short(payload))
    equal((reply['rejected'][0]['index'], reply['rejected'][0]['code']), (0, 'bad_event'), 'for', short(payload))


def refused_whole(payload, code, name='events'):
    reply = whole(payload, name)
    check(isinstance(reply, dict) and reply.get('error') == code, short(payload, 80), 'on', name, 'answered',
          short(reply), 'instead of', code)
    check(isinstance(reply.get('message'), str) and reply['message'], 'no message beside', code)
    if name == 'query':
        check(reply.get('ok') is False, 'a refused query without ok: false')


@case
def req_one_event():
    socket = connect(zmq.REQ, shared().at['events'])
    for _ in range(20):
        socket.send(pack(event()))
        frames = receive(socket)
        check(frames, 'no reply to a REQ')
        equal(len(frames), 1, 'frames of a reply to REQ')
        equal(unpack(frames[0]), GOOD, 'reply')
    socket.close()


@case
def req_query():
    socket = connect(zmq.REQ, shared().at['query'])
    for _ in range(20):
        socket.send(pack({'op': 'stats'}))
        frames = receive(socket)
        check(frames and unpack(frames[0])['ok'] is True, 'stats over REQ')
    socket.close()


@case
def payload_alone():
    frames = talk('events', [pack(event())])
    equal(len(frames), 1, 'frames of the reply to a payload alone')
    equal(unpack(frames[0]), GOOD, 'reply')
    frames = talk('query', [pack({'op': 'stats'})])
    equal(len(frames), 1, 'frames of the reply to a query alone')


@case
def envelopes_returned_untouched():
    every = bytes(range(256))
    envelopes = [[b''], [b'', b''], [b'x', b''], [b'', b'x'], [every], [b'\0'], [b'a'] * 8, [b''] * 8,
                 [b'', b'\xff\xfe', b'', every, b'0', b'', b'\x81\xa2id', b''], [pack(event()), pack({'op': 'x'})]]
    for name, payload in (('events', lambda: pack(event())), ('query', lambda: pack({'op': 'stats'}))):
        for envelope in envelopes:
            frames = talk(name, envelope + [payload()])
            check(frames, 'no reply on', name, 'to envelope', short(envelope))
            equal(frames[:-1], envelope, 'envelope on', name)
            check(isinstance(unpack(frames[-1]), dict), 'payload of the reply')


@case
def envelope_of_4_kib():
    for name, payload in (('events', lambda: pack(event())), ('query', lambda: pack({'op': 'stats'}))):
        for envelope in ([b'x' * 4096], [b'x' * 2048, b'', b'y' * 2048], [b'z' * 512] * 8):
            frames = talk(name, envelope + [payload()])
            check(frames, 'no reply on', name, 'to an envelope of 4 KiB')
            equal(frames[:-1], envelope, 'envelope of 4 KiB on', name)


def dropped_and_counted(name, envelopes, payload):
    before = shared().metrics()
    socket = connect(zmq.DEALER, shared().at[name])
    for envelope in envelopes:
        socket.send_multipart(envelope + [payload()])
    socket.send_multipart([b'good', payload()])
    frames = receive(socket)
    check(frames, 'no reply on', name, 'to a good request after dropped ones')
    equal(frames[0], b'good', 'the first reply on %s belongs to' % name)
    check(receive(socket, 0.2) is None, 'a request to be dropped was answered')
    socket.close()

    def counted():
        after = shared().metrics()
        return [k for k in after if after[k] - before.get(k, 0) == len(envelopes)]
    until(counted, 'a metric that counts %d dropped requests' % len(envelopes), 10)


@case
def too_much_envelope_is_dropped_and_counted():
    envelopes = [[b'x'] * 9, [b''] * 9, [b''] * 20, [b'x' * 4097], [b'x' * 2048, b'y' * 2049], [b'x' * 100000],
                 [b'x' * 600] * 7]
    dropped_and_counted('events', envelopes, lambda: pack(event()))
    dropped_and_counted('query', envelopes, lambda: pack({'op': 'stats'}))


@case
def many_in_flight():
    for name, make, right in (
            ('events', lambda: event(account='inflight-%d' % rng.randrange(50)), lambda r: r == GOOD),
            ('query', lambda: {'op': 'stats'}, lambda r: r['ok'] is True)):
        socket = connect(zmq.DEALER, shared().at[name])
        want = set()
        for i in range(3000 if name == 'events' else 500):
            want.add(b'%d' % i)
            socket.send_multipart([b'%d' % i, b'', pack(make())])
        while want:
            frames = receive(socket)
            check(frames, len(want), 'requests on', name, 'were never answered')
            check(frames[0] in want, 'a reply twice, or to nobody:', frames[0])
            want.remove(frames[0])
            check(right(unpack(frames[-1])), 'reply', short(unpack(frames[-1])))
        check(receive(socket, 0.1) is None, 'a reply too many')
        socket.close()


@case
def many_clients_get_their_own():
    sockets = []
    for i in range(30):
        socket = connect(zmq.DEALER, shared().at['events'])
        sockets.append(socket)
        for j in range(20):
            socket.send_multipart([b'%d/%d' % (i, j), pack([event()] * (1 + j % 3))])
    for i, socket in enumerate(sockets):
        for _ in range(20):
            frames = receive(socket)
            check(frames and frames[0].startswith(b'%d/' % i), 'client', i, 'got', short(frames))
            j = int(frames[0].split(b'/')[1])
            equal(unpack(frames[1]), {'accepted': 1, 'duplicate': j % 3, 'rejected': []}, 'reply')
        socket.close()


UNREADABLE = [
    ('empty', b''), ('never used byte', b'\xc1'), ('trailing byte', pack(event()) + b'\xc0'),
    ('two events', pack(event()) + pack(event())), ('truncated map', pack(event())[:-1]), ('map of nothing', b'\x81'),
    ('key without value', b'\x81\xa2id'), ('truncated str', b'\xa5abc'), ('half an int', b'\xcd\x01'),
    ('array that asks for 4 G', b'\xdd\xff\xff\xff\xff'), ('map that asks for 4 G', b'\xdf\xff\xff\xff\xff'),
    ('str that asks for 4 G', b'\xdb\xff\xff\xff\xff'), ('bin that asks for 4 G', b'\xc6\xff\xff\xff\xff'),
    ('ext that asks for 4 G', b'\xc9\xff\xff\xff\xff\x01'), ('0xc1 within', b'\x92\x01\xc1'), ('text', b'GET / HTTP/1.1'),
    ('truncated batch', pack([event(), event()])[:-3]), ('nested 17', b'\x91' * 16 + b'\x90'),
    ('nested 17 in an event', b'\x81\xa1x' + b'\x91' * 15 + b'\x90'), ('nested 1000', b'\x91' * 1000 + b'\xc0'),
    ('nested 200000 maps', b'\x81\xc0' * 200000 + b'\xc0'), ('truncated float', b'\xcb\0\0\0'),
    ('arrays of arrays, 1 MB, cut', b'\xdd\x00\x20\x00\x00' + b'\x90' * MB),
]


@case
def bad_msgpack_events():
    for what, data in UNREADABLE:
        reply = whole(data)
        check(reply.get('error') == 'bad_msgpack', what, 'answered', short(reply))
        check(isinstance(reply.get('message'), str), what, 'has no message')
        check('accepted' not in reply, what, 'is answered both ways')


@case
def bad_msgpack_queries():
    for what, data in UNREADABLE:
        reply = whole(data, 'query')
        check(reply.get('ok') is False and reply.get('error') == 'bad_msgpack', what, 'answered', short(reply))


@case
def nested_16_is_readable():
    deep = 0
    for _ in range(14):
        deep = [deep]
    equal(whole(event(x=deep)), GOOD, 'an event with an unknown key nested 15 deep')
    reply = whole(b'\x91' * 15 + b'\x90')
    check('error' not in reply and len(reply['rejected']) == 1, 'nested 16 answered', short(reply))


@case
def query_shapes():
    for payload in ([], 5, 'stats', None, True, ['op'], b'\xc4\x01x', [{'op': 'stats'}]):
        refused_whole(payload if isinstance(payload, bytes) else pack(payload), 'bad_request', 'query')
    for payload in ({}, {'op': None}, {'op': 5}, {'op': True}, {'op': b'stats'}, {'op': ['stats']}, {'x': 'stats'}):
        refused_whole(pack(payload), 'bad_request', 'query')
    refused_whole(pack({'op': 'no.such'}), 'unknown_op', 'query')
    refused_whole(pack({'op': 'STATS'}), 'unknown_op', 'query')
    refused_whole(pack({'op': 'stats\0'}), 'unknown_op', 'query')
    check(whole({'op': 'stats', 'x': 1, 5: 6, None: None, b'op': 1, 'limit ': []}, 'query')['ok'] is True,
          'unknown keys of a query are ignored')


@case
def empty_array_gives_zeros():
    zeros = {'accepted': 0, 'duplicate': 0, 'rejected': []}
    equal(whole([]), zeros, 'an empty array')
    equal(whole({'events': []}), zeros, 'an empty batch with options')
    equal(whole({'events': [], 'quiet': True}), zeros, 'an empty quiet batch')
    equal(whole(b'\xdc\0\0'), zeros, 'an empty array 16')
    equal(whole(b'\xdd\0\0\0\0'), zeros, 'an empty array 32')


@case
def scalar_payload_is_one_bad_event():
    for value in (5, -1, 1.5, 'event', True, False, None, b'bytes', msgpack.ExtType(5, b'x'), msgpack.Timestamp(1)):
        one_bad_event(pack(value))


@case
def events_that_is_no_array():
    for value in (1, 'x', {}, True, 1.5, b'x', {'id': 'x'}):
        refused_whole(pack({'events': value}), 'bad_request')
        refused_whole(pack({'quiet': True, 'events': value}), 'bad_request')


@case
def options_beside_events():
    equal(whole({'events': [event()]}), GOOD, 'batch with options')
    equal(whole({'events': [event()], 'quiet': False}), GOOD, 'quiet: false')
    equal(whole({'events': [event()], 'quiet': None}), GOOD, 'quiet: nil')
    equal(whole({'quiet': True, 'events': [event(), event()], 'later': [1], 7: 8}),
          {'accepted': 2, 'duplicate': 0, 'rejected': []}, 'unknown options are ignored')
    equal(whole({'id': 5, 'events': [event()], 'type': 1}), GOOD, 'a map with events is a batch')
    same = event()
    equal(whole({'events': [same], 'quiet': True}), GOOD, 'quiet batch')
    equal(whole({'events': [same]}), {'accepted': 0, 'duplicate': 1, 'rejected': []}, 'again, not quiet')


@case
def elements_that_are_no_maps():
    reply = whole([event(), [1, 2], 5, event(), None, 'x', [], b'y', event()])
    equal((reply['accepted'], reply['duplicate']), (3, 0), 'counts')
    equal(sorted(r['index'] for r in reply['rejected']), [1, 2, 4, 5, 6, 7], 'rejected')
    for r in reply['rejected']:
        equal(r['code'], 'bad_event', 'code of element', r['index'])
        check(isinstance(r['error'], str) and r['error'], 'no text')


@case
def ten_thousand_events():
    account = fresh()
    many = [event(account=account, id='%d' % i) for i in range(10000)]
    equal(whole(many), {'accepted': 10000, 'duplicate': 0, 'rejected': []}, '10 000 events')
    refused_whole(pack(many + [event(account=account)]), 'too_large')
    refused_whole(pack({'events': many + [event(account=account)]}), 'too_large')
    equal(shared().get(account)['events'].get('call'), 10000, 'a refused payload counts for nothing')


def padded_event(size, **keys):
    """An event whose bytes are `size` long, by a key nobody knows."""
    made = event(x=b'', **keys)
    made['x'] = b'p' * (size - len(pack(made)) - 3)
    data = pack(made)
    extra = size - len(data)
    if extra:
        made['x'] = b'p' * (len(made['x']) + extra)
    equal(len(pack(made)), size, 'the test itself: size of a padded event')
    return made


@case
def event_of_64_kib():
    equal(whole(padded_event(64 * KB)), GOOD, 'an event of 64 KiB')
    one_bad_event(pack(padded_event(64 * KB + 1)))
    one_bad_event(pack(padded_event(300 * KB)))
    reply = whole([event(), padded_event(64 * KB + 1), padded_event(64 * KB), padded_event(MB), event()])
    equal((reply['accepted'], [r['index'] for r in reply['rejected']]), (3, [1, 3]), 'big ones among others')
    check(all(r['code'] == 'bad_event' for r in reply['rejected']), 'codes', short(reply))


def payload_of(size, account):
    """A batch of exactly `size` bytes: one event and ballast that is no event."""
    one = event(account=account)
    data = pack([one, b'b' * (size - len(pack([one])) - 5)])
    equal(len(data), size, 'the test itself: size of a payload')
    return data


@case
def payload_of_4_mib():
    account = fresh()
    reply = whole(payload_of(4 * MB, account))
    equal((reply.get('accepted'), [r['index'] for r in reply.get('rejected', [])]), (1, [1]), 'a payload of 4 MiB')
    for size in (4 * MB + 1, 6 * MB, 8 * MB):
        refused_whole(payload_of(size, account), 'too_large')
    equal(shared().get(account)['events'], {'call': 1}, 'too_large counts for nothing')
    refused_whole(pack({'op': 'stats', 'x': b'x' * (5 * MB)}), 'too_large', 'query')
    refused_whole(b'\xc1' * (5 * MB), 'too_large')


@case
def beyond_8_mib_the_connection_is_dropped():
    other = Dealer(shared().at['events'])
    equal(other.ask(event()), GOOD, 'the other client before')
    for name in ('events', 'query'):
        socket = connect(zmq.DEALER, shared().at[name])
        monitor = socket.get_monitor_socket(zmq.EVENT_DISCONNECTED)
        socket.send_multipart([b'big', b'\xc4' * (9 * MB)])
        check(monitor.poll(int(DEADLINE * 1000)), 'the connection on', name, 'outlives a payload of 9 MiB')
        check(receive(socket, 0.1) is None, 'a payload of 9 MiB was answered on', name)
        payload = pack(event()) if name == 'events' else pack({'op': 'stats'})

        def again():
            socket.send_multipart([b'small', payload])
            return receive(socket, 2)
        equal(until(again, 'service after a dropped connection')[0], b'small', 'the first answer')
        socket.disable_monitor()
        socket.close()
    for _ in range(50):
        equal(other.ask(event()), GOOD, 'the other client after')
    other.close()


@case
def limits_by_configuration():
    with Daemon(workers=1, limits__message_bytes=128 * KB, limits__event_bytes=1000) as daemon:
        equal(daemon.push(padded_event(1000)), GOOD, 'an event of 1000 bytes')
        reply = daemon.push(padded_event(1001))
        equal([r['code'] for r in reply['rejected']], ['bad_event'], 'an event of 1001 bytes')
        equal(daemon.push([event()] + [b'b' * 500] * 100)['accepted'], 1, 'a payload below the limit')
        equal(daemon.push(payload_of(128 * KB, fresh()))['accepted'], 1, 'a payload at the limit')
        equal(daemon.push(payload_of(128 * KB + 1, fresh())).get('error'), 'too_large', 'a payload over it')
        equal(daemon.push(payload_of(250 * KB, fresh())).get('error'), 'too_large', 'a payload of nearly twice of it')


@case
def big_frames_before_the_payload():
    socket = connect(zmq.DEALER, shared().at['events'])
    for _ in range(3):
        socket.send_multipart([b'x' * MB, b'y' * MB, pack(event())])
    socket.send_multipart([b'ok', pack(event())])
    frames = receive(socket)
    check(frames and frames[0] == b'ok', 'after huge envelopes', short(frames))
    socket.close()


@case
def odd_peers_do_no_harm():
    import socket as plain
    host, port = shared().at['events'].rsplit('/', 1)[1].split(':')
    for junk in (b'', b'GET / HTTP/1.0\r\n\r\n', b'\xff' * 100, os.urandom(1000)):
        with plain.create_connection((host, int(port)), 10) as raw:
            raw.sendall(junk)
    for _ in range(20):
        lost = connect(zmq.DEALER, shared().at['events'])
        lost.send_multipart([b'gone', pack(event())])
        lost.close()
    equal(whole(event()), GOOD, 'service after strangers')


if __name__ == '__main__':
    main()
