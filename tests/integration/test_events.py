#!/usr/bin/python3
"""Events: every row of the table, types, ranges, lengths in bytes; what is an event's identity."""
import os
import struct
import sys
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))
from harness import *

KINDS = ('call', 'email', 'visit', 'ticket', 'account')
NAN, INF = float('nan'), float('inf')
BAD_UTF8 = ['\udcff', 'a\udcc0\udc80', '\udced\udca0\udc80', 'x\udcc3', '\udcf5\udc80\udc80\udc80', '\udc80',
            '\udcf0\udc80\udc80\udc80', '\udce2\udc82', '\udcf4\udc90\udc80\udc80', 'ok\udcfe']


def verdicts(payloads):
    """What became of each payload that holds one event: accepted, duplicate or (code, error)."""
    found = []
    for payload, reply in zip(payloads, shared().dealer('events').ask_all(payloads)):
        check(isinstance(reply, dict) and 'rejected' in reply, short(payload), 'answered', short(reply))
        equal(reply['accepted'] + reply['duplicate'] + len(reply['rejected']), 1, 'the sum for', short(payload))
        if reply['rejected']:
            refusal = reply['rejected'][0]
            equal(refusal['index'], 0, 'index')
            found.append((refusal['code'], refusal['error']))
        else:
            found.append('accepted' if reply['accepted'] else 'duplicate')
    return found


def all_accepted(events):
    events = list(events)
    bad = [(short(e, 200), v) for e, v in zip(events, verdicts(events)) if v != 'accepted']
    check(not bad, len(bad), 'of', len(events), 'not accepted, for instance', short(bad[:3], 900))


def all_refused(field, code, events):
    events = list(events)
    bad = []
    for made, verdict in zip(events, verdicts(events)):
        right = isinstance(verdict, tuple) and verdict[0] == code and isinstance(verdict[1], str)
        if not right or (field and field not in verdict[1]):
            bad.append((short(made, 200), verdict))
    check(not bad, len(bad), 'of', len(events), 'not refused as', code, 'with', field, 'named, for instance',
          short(bad[:3], 900))


def bad_field(field, events):
    all_refused(field, 'bad_field', events)


def with_values(kind, field, values):
    return [event(kind, **{field: v}) for v in values]


NO_STRING = [5, -1, 0, 1.5, True, False, b'bytes', [], ['a'], {}, {'a': 1}, msgpack.Timestamp(5),
             msgpack.ExtType(7, b'x')]
NO_NUMBER = ['5', '', True, False, b'5', [], [1], {}, msgpack.Timestamp(5), msgpack.ExtType(1, b'x'), NAN, INF, -INF]
NO_INT = ['5', '', True, False, b'5', [], {}, 1.0, 2.5, NAN, msgpack.ExtType(1, b'x')]
NO_BOOL = [0, 1, 'true', 'false', '', b'\1', [], {}, 1.0]


@case
def least_events():
    all_accepted(event(kind) for kind in KINDS)
    reply = shared().push([event(kind) for kind in KINDS])
    equal(reply, {'accepted': 5, 'duplicate': 0, 'rejected': []}, 'the least event of each type')


@case
def full_events():
    common = dict(source='pbx-berlin', contact='Frau Müller', agent='kim', sentiment=0.25, direction='in')
    all_accepted([
        event('call', duration=61.5, outcome='answered', wait=12, **common),
        event('email', thread='<abc@x>', bounced=False, **common),
        event('visit', duration=3600, outcome='held', channel='remote', **common),
        event('ticket', severity=2, csat=4, action='resolved', **common),
        event('account', name='Müller & Söhne', owner='kim', tier='key', region='north', renewal=now() + 90 * DAY,
              value=120000.5, currency='EUR', status='active', source='crm',
              contacts=[{'name': 'A', 'email': 'a@x', 'phone': '+49 30 1'}, {'name': 'B'}, {}])])


@case
def required_keys_missing():
    for kind in KINDS:
        for field in ('id', 'account', 'ts'):
            all_refused(field, 'missing_field', [event(kind, **{field: absent}), event(kind, **{field: None})])
    all_refused('type', 'missing_field', [event(type=absent), event(type=None)])
    for field in ('ticket', 'action'):
        all_refused(field, 'missing_field', [event('ticket', **{field: absent}), event('ticket', **{field: None})])
    all_refused(None, 'missing_field', [{}, {'x': 1}, {5: 5}])


@case
def nil_is_an_absent_key():
    for kind in KINDS:
        keys = ('source direction contact agent sentiment duration outcome wait thread bounced channel severity csat'
                ' party name owner tier region renewal value currency status contacts').split()
        all_accepted([event(kind, **{k: None}) for k in keys])
        all_accepted([event(kind, **{k: None for k in keys})])


@case
def ids():
    all_accepted(event(id=i) for i in (fresh(), 'x' * 64, 'é' * 32, '日' * 21 + 'a', '😀' * 16, ' ', 'a\0b', '\x01\x7f',
                                       '\u2028', '\ufeff', '\uffff', 'null', '0'))
    bad_field('id', with_values('call', 'id', ['', 'x' * 65, 'é' * 32 + 'a', '😀' * 16 + 'a', 'x' * 5000] + NO_STRING))
    bad_field('id', with_values('call', 'id', BAD_UTF8))


@case
def accounts():
    name = fresh()
    all_accepted(event(account=a) for a in ('x' * 128, 'é' * 64, '😀' * 32, 'a.b%c', ' ', name + '\0', name + '\0x',
                                            name + '\x1b[31m', '-', '*', '/', '../..', "'; --", 'a' * 127 + '\x7f'))
    bad_field('account', with_values('call', 'account', ['', 'x' * 129, 'é' * 64 + 'a'] + NO_STRING + BAD_UTF8))
    bad_field('account', with_values('account', 'account', ['', 'x' * 129] + NO_STRING))


@case
def types():
    bad_field('type', [event(type=t) for t in ['', 'fax', 'Call', 'CALL', 'calls', 'call ', 'cal', 'call\0', 'x' * 300]
                       + NO_STRING + BAD_UTF8])


@case
def sources():
    all_accepted(with_values('call', 'source', ['s', 'x' * 64, 'é' * 32, 'a.b']))
    bad_field('source', with_values('call', 'source', ['x' * 65, 'é' * 32 + 'a'] + NO_STRING + BAD_UTF8))


@case
def timestamps_as_int():
    all_accepted(event(ts=t) for t in (0, 1, 127, 128, 65535, 65536, 2 ** 32 - 1, 2 ** 32, now(), now() - 1000 * DAY,
                                       now() + 4 * MINUTE))
    bad_field('ts', with_values('call', 'ts', [-1, -2 ** 31, -2 ** 63, 1.0, 1e12, '2024-01-01', '', b'1', True, False, [],
                                               {}, NAN, INF, msgpack.ExtType(5, b'\0\0\0\1'),
                                               msgpack.ExtType(0, b'\0\0\0\1')]))
    head = b'\x84' + pack('type') + pack('call') + pack('account') + pack(fresh())
    formats = [b'\xd3' + struct.pack('>q', 77), b'\xcf' + struct.pack('>Q', 77), b'\xce' + struct.pack('>I', 77),
               b'\xd2' + struct.pack('>i', 77), b'\xcd\0\x4d', b'\xd1\0\x4d', b'\xcc\x4d', b'\xd0\x4d', b'\x4d']
    all_accepted(head + pack('id') + pack(fresh()) + pack('ts') + f for f in formats)
    bad_field('ts', (head + pack('id') + pack(fresh()) + pack('ts') + f
                     for f in (b'\xd0\xff', b'\xff', b'\xd1\xff\xff', b'\xd2\xff\xff\xff\xff',
                               b'\xd3' + b'\xff' * 8, b'\xca' + struct.pack('>f', 77), b'\xcb' + struct.pack('>d', 77))))


def extension(data):
    """The bytes of a MessagePack timestamp, or of something of its type that is none."""
    fixed = {1: b'\xd4', 2: b'\xd5', 4: b'\xd6', 8: b'\xd7', 16: b'\xd8'}.get(len(data))
    return (fixed or b'\xc7' + bytes([len(data)])) + b'\xff' + data


def with_ts(packed):
    """A call whose ts is given as bytes."""
    made = event(ts=absent)
    return b'\x84' + b''.join(pack(k) + pack(v) for k, v in made.items()) + pack('ts') + packed


@case
def timestamps_as_extension():
    account = fresh()
    seconds = now() // 1000 - 5
    good = [struct.pack('>I', 5), struct.pack('>I', seconds), struct.pack('>Q', (999999999 << 34) | seconds),
            struct.pack('>Q', seconds), struct.pack('>Iq', 0, seconds), struct.pack('>Iq', 999999999, seconds),
            struct.pack('>Iq', 0, 0)]
    all_accepted(with_ts(extension(d)) for d in good)
    all_accepted([event(ts=msgpack.Timestamp(seconds, 1999999))])
    # ext 8 in place of fixext is as good
    all_accepted(with_ts(b'\xc7' + bytes([len(d)]) + b'\xff' + d) for d in good)
    bad_field('ts', (with_ts(extension(d)) for d in (
        struct.pack('>Iq', 0, -1), struct.pack('>Iq', 999999999, -1), struct.pack('>Iq', 0, -2 ** 63), b'', b'\0', b'\0' * 3,
        b'\0' * 5, b'\0' * 9, b'\0' * 13, b'\0' * 16)))
    late = [struct.pack('>Iq', 0, 2 ** 62), struct.pack('>Iq', 0, 2 ** 63 - 1), struct.pack('>I', 2 ** 32 - 1),
            struct.pack('>Q', 2 ** 34 - 1), struct.pack('>Iq', 0, seconds + 400)]
    all_refused('ts', 'ts_in_future', (with_ts(extension(d)) for d in late))
    # cut to milliseconds, not rounded
    equal(shared().push(event(account=account, ts=msgpack.Timestamp(1000, 7999999)))['accepted'], 1, 'accepted')
    equal(shared().get(account)['last_contact'], 1000007, 'last_contact of a timestamp cut to ms')
    equal(len(shared().timeline(account, since=1000007, until=1000008)), 1, 'events in that very millisecond')
    equal(len(shared().timeline(account, since=1000008)), 0, 'events after it')


@case
def five_minutes_ahead():
    all_accepted(event(kind, ts=now() + 5 * MINUTE - 15 * SECOND) for kind in KINDS)
    for kind in KINDS:
        all_refused('ts', 'ts_in_future', (event(kind, ts=t) for t in (now() + 6 * MINUTE, now() + 400 * DAY, 2 ** 53,
                                                                       2 ** 63 - 1, 2 ** 62)))
    equal([v if v == 'accepted' else v[0] in ('ts_in_future', 'bad_field') for v in
           verdicts([event(ts=2 ** 63), event(ts=2 ** 64 - 1)])], [True, True], 'unsigned ts past 63 bits refused')


@case
def directions():
    for kind in KINDS:
        all_accepted(with_values(kind, 'direction', ['in', 'out']))
    bad_field('direction', with_values('call', 'direction', ['', 'both', 'In', 'OUT', 'i', 'inn', 'inbound'] + NO_STRING))


@case
def names_of_people():
    for field in ('contact', 'agent'):
        for kind in ('call', 'email', 'visit', 'ticket'):
            all_accepted(with_values(kind, field, ['a', 'x' * 128, 'é' * 64, 'Zoë 😀']))
            bad_field(field, with_values(kind, field, ['x' * 129, 'é' * 64 + 'a', ''] + NO_STRING + BAD_UTF8[:3]))


@case
def sentiments():
    for kind in ('call', 'email', 'visit', 'ticket'):
        all_accepted(with_values(kind, 'sentiment', [-1, 1, 0, 0.5, -0.999, 1.0, -1.0, 5e-324, -0.0]))
        bad_field('sentiment', with_values(kind, 'sentiment', [1.0001, -1.0001, 2, -2, 100, 2 ** 63, 1e308] + NO_NUMBER))
    head = b'\x85' + pack('type') + pack('call') + pack('account') + pack(fresh()) + pack('ts') + pack(5)
    all_accepted(head + pack('id') + pack(fresh()) + pack('sentiment') + f
                 for f in (b'\xca' + struct.pack('>f', 0.5), b'\xcb' + struct.pack('>d', -0.5), b'\xd3' + b'\xff' * 8,
                           b'\xcf' + b'\0' * 7 + b'\1'))
    bad_field('sentiment', (head + pack('id') + pack(fresh()) + pack('sentiment') + f
                            for f in (b'\xca' + struct.pack('>f', NAN), b'\xca' + struct.pack('>f', INF), b'\xc2')))


@case
def durations():
    for kind in ('call', 'visit'):
        all_accepted(with_values(kind, 'duration', [0, 0.0, 1, 1.5, 86400, 1e9, 2 ** 40]))
        bad_field('duration', with_values(kind, 'duration', [-1, -0.001, -2 ** 63] + NO_NUMBER))
    all_accepted(with_values('call', 'wait', [0, 0.0, 1, 1.5, 86400]))
    bad_field('wait', with_values('call', 'wait', [-1, -0.001] + NO_NUMBER))


@case
def outcomes():
    all_accepted(with_values('call', 'outcome', 'answered missed voicemail busy failed abandoned'.split()))
    all_accepted(with_values('visit', 'outcome', 'held no_show cancelled'.split()))
    wrong = ['', 'Answered', 'x', 'no-show', 'canceled'] + NO_STRING
    bad_field('outcome', with_values('call', 'outcome', ['held', 'no_show', 'cancelled'] + wrong))
    bad_field('outcome', with_values('visit', 'outcome', ['answered', 'missed', 'failed'] + wrong))


@case
def emails():
    all_accepted(with_values('email', 'thread', ['t', 'x' * 128, 'é' * 64]))
    bad_field('thread', with_values('email', 'thread', ['x' * 129, 'é' * 64 + 'a'] + NO_STRING + BAD_UTF8[:3]))
    all_accepted(with_values('email', 'bounced', [True, False]))
    bad_field('bounced', with_values('email', 'bounced', NO_BOOL))


@case
def visits():
    all_accepted(with_values('visit', 'channel', ['onsite', 'remote', 'web']))
    bad_field('channel', with_values('visit', 'channel', ['', 'phone', 'Onsite', 'on-site'] + NO_STRING))


@case
def tickets():
    all_accepted(with_values('ticket', 'ticket', ['1', 'x' * 64, 'é' * 32, '😀' * 16]))
    bad_field('ticket', with_values('ticket', 'ticket', ['', 'x' * 65, 'é' * 32 + 'a'] + NO_STRING + BAD_UTF8))
    all_accepted(with_values('ticket', 'action', 'opened updated replied escalated resolved reopened closed'.split()))
    bad_field('action', with_values('ticket', 'action', ['', 'open', 'Opened', 'done', 'answered'] + NO_STRING))
    all_accepted(with_values('ticket', 'severity', [1, 2, 3, 4]))
    bad_field('severity', with_values('ticket', 'severity', [0, 5, -1, 256, 2 ** 32 + 1, 2 ** 63] + NO_INT))
    all_accepted(with_values('ticket', 'csat', [1, 2, 3, 4, 5]))
    bad_field('csat', with_values('ticket', 'csat', [0, 6, -1, 257, 2 ** 32 + 1, 2 ** 63] + NO_INT))
    head = b'\x87' + b''.join(pack(x) for x in ('type', 'ticket', 'account', fresh(), 'ts', 5, 'action', 'opened', 'ticket',
                                                'T'))
    all_accepted(head + pack('id') + pack(fresh()) + pack('severity') + f
                 for f in (b'\xd3' + b'\0' * 7 + b'\4', b'\xcf' + b'\0' * 7 + b'\4', b'\xcc\4', b'\xd0\4', b'\xd1\0\4'))


@case
def keys_of_another_type_are_kept_and_not_checked():
    account = fresh()
    foreign = {
        'call': dict(thread=5, bounced='x', channel=1, ticket=7, action=b'', severity=99, csat=-1, name=1, owner='-', tier=2,
                     region=[], renewal='x', value=-5, currency=0, status='gone', contacts=7),
        'email': dict(duration=-5, outcome='odd', wait='x', channel=1, ticket='', action=True, severity=0, csat={}, value=-1,
                      owner='-', status=5, contacts=[5]),
        'visit': dict(wait=-1, thread=[], bounced=1, ticket='x' * 100, action='x', severity=1.5, csat='5', name='', value=True),
        'ticket': dict(duration='x', outcome=5, wait=-1, thread={}, bounced=0, channel='x', name=5, owner='-', value='1'),
        'account': dict(duration=-1, outcome='x', wait=True, thread=5, bounced=5, channel=5, ticket=5, action=5, severity='1',
                        csat='x'),
    }
    sent = [event(kind, account=account, ts=1000 + i, **keys) for i, (kind, keys) in enumerate(foreign.items())]
    all_accepted(sent)
    equal(shared().timeline(account), sent[::-1], 'timeline, as they were sent')


@case
def unknown_keys_are_ignored_and_kept():
    account = fresh()
    sent = [event(account=account, ts=5, x=1, y={'a': [1, {'b': None}]}, Type='fax', ID=5, **{'': 7, 'ts ': 'x'}),
            dict(event(account=account, ts=4), **{'\u00fc': b'\xff', 'zz': msgpack.Timestamp(5, 7)})]
    all_accepted(sent)
    equal(shared().timeline(account), sent, 'timeline, as they were sent')


@case
def keys_that_are_no_strings_are_ignored():
    base = event()
    for key in (1, 0, -5, 1.5, True, None, b'id', b'type', b'x'):
        data = b'\x85' + b''.join(pack(k) + pack(v) for k, v in dict(base, id=fresh()).items()) + pack(key) + pack('v')
        equal(verdicts([data]), ['accepted'], 'a key', key)
    for key in (b'\x90', b'\x91\x01', b'\x80', b'\xd4\x05x', b'\x81\x01\x02'):
        data = b'\x85' + b''.join(pack(k) + pack(v) for k, v in dict(base, id=fresh()).items()) + key + b'\x01'
        equal(verdicts([data]), ['accepted'], 'a key of bytes', key)
    data = b'\x86' + b''.join(pack(k) + pack(v) for k, v in dict(base, id=fresh()).items()) + b'\x01\x02\x01\x03'
    equal(verdicts([data]), ['accepted'], 'an int key twice')
    lost = {k: v for k, v in event().items() if k != 'id'}
    lost[b'id'] = 'x'
    all_refused('id', 'missing_field', [lost])


@case
def known_keys_twice():
    for kind in KINDS:
        for field in ('id', 'type', 'account', 'ts'):
            made = event(kind)
            pairs = [(pack(k), pack(v)) for k, v in made.items()] + [(pack(field), pack(made[field]))]
            bad_field(field, [map_bytes(*pairs)])
    once = {'direction': 'in', 'contact': 'a', 'agent': 'b', 'sentiment': 0.5, 'source': 's'}
    own = {'call': dict(once, duration=1, outcome='missed', wait=5), 'email': dict(once, thread='t', bounced=True),
           'visit': dict(once, duration=1, outcome='held', channel='web'), 'ticket': dict(once, severity=1, csat=5),
           'account': dict(name='a', owner='b', tier='c', region='d', renewal=5, value=5, currency='EUR', status='active',
                           contacts=[])}
    for kind, keys in own.items():
        for field, value in keys.items():
            pairs = [(pack(k), pack(v)) for k, v in event(kind).items()] + [(pack(field), pack(value))] * 2
            bad_field(field, [map_bytes(*pairs)])
    for field in ('ticket', 'action'):
        made = event('ticket')
        bad_field(field, [map_bytes(*[(pack(k), pack(v)) for k, v in made.items()] + [(pack(field), pack(made[field]))])])
    pairs = [(pack(k), pack(v)) for k, v in event().items()] + [(pack('x'), pack(1)), (pack('x'), pack(2))]
    equal(verdicts([map_bytes(*pairs)]), ['accepted'], 'an unknown key twice')


@case
def wide_encodings_of_strings():
    def wide(text, form):
        data = text.encode()
        return {1: b'\xd9' + struct.pack('>B', len(data)), 2: b'\xda' + struct.pack('>H', len(data)),
                4: b'\xdb' + struct.pack('>I', len(data))}[form] + data
    for form in (1, 2, 4):
        account = fresh()
        pairs = [(wide('id', form), wide(fresh(), form)), (wide('type', form), wide('email', form)),
                 (wide('account', form), wide(account, form)), (wide('ts', form), pack(5))]
        for head in (b'\x84', b'\xde\0\4', b'\xdf\0\0\0\4'):
            pairs[0] = (pairs[0][0], wide(fresh(), form))
            equal(verdicts([head + b''.join(k + v for k, v in pairs)]), ['accepted'], 'strings with heads of', form)
        equal(shared().get(account)['events'].get('email'), 3, 'counted under the account')


@case
def party_is_reserved():
    for kind in KINDS:
        made = event(kind, party='+4930123')
        del made['account']
        all_refused('party', 'bad_field', [made])


@case
def profiles():
    for field in ('name', 'owner', 'tier', 'region', 'currency'):
        all_accepted(with_values('account', field, ['a', 'x' * 128, 'é' * 64]))
        bad_field(field, with_values('account', field, ['x' * 129, 'é' * 64 + 'a'] + NO_STRING + BAD_UTF8[:3]))
    bad_field('owner', with_values('account', 'owner', ['-', '']))
    all_accepted(with_values('account', 'owner', ['--', '- ', 'kim.b', '%', 'a-b']))
    all_accepted(with_values('account', 'renewal', [0, 5, now(), now() + 4000 * DAY]))
    bad_field('renewal', with_values('account', 'renewal', ['2027-01-01', '', 1.5, True, b'1', [], {}]))
    all_accepted(with_values('account', 'value', [0, 1, 0.5, 1e12, 2 ** 40]))
    bad_field('value', with_values('account', 'value', [-1, -0.5] + NO_NUMBER))
    all_accepted(with_values('account', 'status', ['active', 'churned']))
    bad_field('status', with_values('account', 'status', ['', 'gone', 'Active', 'inactive'] + NO_STRING))


@case
def profile_contacts():
    all_accepted(with_values('account', 'contacts', [
        [], [{}], [{'name': 'A'}] * 32, [{'name': 'x' * 128, 'email': 'é' * 64, 'phone': '1'}],
        [{'name': 'A', 'more': 5, 7: 8}], [{'name': None, 'email': 'a@b'}]]))
    bad_field('contacts', with_values('account', 'contacts', [
        [{'name': 'A'}] * 33, 5, 'A', True, {}, {'name': 'A'}, b'x', 1.5, [5], ['A'], [[]], [None], [{'name': 'A'}, 5],
        [{'name': 5}], [{'email': True}], [{'phone': 49301}], [{'name': 'x' * 129}], [{'name': '\udcff'}]]))
    twice = b'\x82' + (pack('name') + pack('A')) * 2
    head = b'\x85' + b''.join(pack(k) + pack(v) for k, v in event('account').items())
    bad_field('contacts', [head + pack('contacts') + b'\x91' + twice])


@case
def indexes_in_a_mixed_batch():
    for _ in range(12):
        batch, want, size = [], {}, rng.randrange(1, 400)
        for i in range(size):
            kind = rng.choice(KINDS)
            sort = rng.randrange(7)
            if sort == 0:
                batch.append(event(kind, id=''))
                want[i] = 'bad_field'
            elif sort == 1:
                batch.append(event(kind, ts=absent))
                want[i] = 'missing_field'
            elif sort == 2:
                batch.append(event(kind, ts=now() + DAY))
                want[i] = 'ts_in_future'
            elif sort == 3:
                batch.append(rng.choice([5, None, [], 'x', 1.5]))
                want[i] = 'bad_event'
            elif sort == 4:
                batch.append(event(kind, account=absent))
                want[i] = 'missing_field'
            else:
                batch.append(event(kind))
        twins = [dict(e) for e in batch if isinstance(e, dict) and rng.random() < 0.1
                 and want.get(batch.index(e)) is None]
        for form in (batch + twins, {'events': batch + twins, 'quiet': False}):
            reply = shared().push(form)
            odd = [r for r in reply['rejected'] if want.get(r['index']) != r['code']]
            check(not odd, 'refused', short(odd), [short((batch + twins)[r['index']]) for r in odd[:2]], 'seed', SEED)
            equal({r['index']: r['code'] for r in reply['rejected']}, want, 'refused, seed', SEED)
            equal(len(reply['rejected']), len(want), 'no index twice')
            equal(reply['accepted'] + reply['duplicate'], len(batch) + len(twins) - len(want), 'the rest')
            if isinstance(form, list):
                equal(reply['duplicate'], len(twins), 'duplicates within a batch')
            else:
                equal(reply['accepted'], 0, 'accepted a second time')
            for r in reply['rejected']:
                check(isinstance(r['error'], str) and r['error'], 'no text beside', r['code'])


@case
def identity_is_source_account_id():
    base = event(source='s1')
    other = [dict(base, source='s2'), dict(base, account=fresh()), dict(base, id=fresh()),
             {k: v for k, v in base.items() if k != 'source'}]
    same = [base, dict(base, ts=base['ts'] - 5), dict(base, type='email'), dict(base, contact='x', extra=1)]
    equal(verdicts([base]), ['accepted'], 'the first')
    equal(verdicts(other), ['accepted'] * 4, 'other identities')
    equal(verdicts(same), ['duplicate'] * 4, 'the same identity')
    equal(verdicts(other), ['duplicate'] * 4, 'other identities again')
    equal(verdicts([dict(other[3], source=None)]), ['duplicate'], 'source nil is no source')
    equal(shared().get(base['account'])['events'], {'call': 4}, 'counted once each')


@case
def identities_do_not_run_together():
    name = fresh()
    events = [event(source=s, account=a, id=i) for s, a, i in (
        ('a', name, 'bc'), ('ab', name, 'c'), ('abc', name, 'd'), ('', name, 'abc'), ('a\0', name, 'b'), ('a', name, '\0b'),
        ('s', name + 'x', 'y'), ('s', name, 'xy'), ('s', name + '\0', 'y'), ('s', name, '\0y'), ('A', name, 'bc'),
        ('a', name.upper(), 'bc'), ('é', name, 'n'), ('e\u0301', name, 'n')) if s]
    equal(verdicts(events), ['accepted'] * len(events), 'each is another event')
    equal(verdicts(events), ['duplicate'] * len(events), 'again')


@case
def first_content_stands():
    account = fresh()
    first = event('call', account=account, id='one', ts=5000, contact='first')
    second = event('email', account=account, id='one', ts=9000, contact='second')
    equal(shared().push([first, second, first]), {'accepted': 1, 'duplicate': 2, 'rejected': []}, 'in one batch')
    equal(verdicts([second]), ['duplicate'], 'afterwards')
    told = shared().get(account)
    equal((told['events'], told['last_contact']), ({'call': 1}, 5000), 'the account')
    equal(shared().timeline(account), [first], 'the timeline')


@case
def a_rejected_event_leaves_no_trace():
    made = event(sentiment=5)
    all_refused('sentiment', 'bad_field', [made])
    shared().refused('account.get', 'not_found', account=made['account'])
    equal(verdicts([dict(made, sentiment=0.5)]), ['accepted'], 'the corrected event')


@case
def age_does_not_matter():
    account = fresh()
    times = [0, 1, DAY, 20000 * DAY // 2, now() - 3000 * DAY, now() - 700 * DAY, now()]
    rng.shuffle(times)
    for t in times:
        equal(verdicts([event(account=account, ts=t)]), ['accepted'], 'ts', t)
    told = shared().get(account)
    equal((told['events'], told['last_contact']), ({'call': len(times)}, max(times)), 'the account')


@case
def duplicates_over_restart_and_kill():
    with Daemon(workers=2) as daemon:
        events = [event(account='acct-%d' % rng.randrange(40), source=rng.choice(['', 'pbx', 'crm']) or absent)
                  for _ in range(600)]
        daemon.load(events, batch=100)
        again = {'accepted': 0, 'duplicate': 600, 'rejected': []}
        equal(daemon.push(events), again, 'at once')
        daemon.restart()
        equal(daemon.push(events), again, 'after a restart')
        daemon.crash()
        equal(daemon.push(events), again, 'after kill -9')
        more = [event(account='acct-%d' % i) for i in range(40)]
        daemon.load(more)
        daemon.crash(workers_too=True)
        equal(daemon.push(events + more), {'accepted': 0, 'duplicate': 640, 'rejected': []}, 'after kill -9 of all')
        counts = {}
        for e in events + more:
            counts[e['account']] = counts.get(e['account'], 0) + 1
        for account, n in counts.items():
            equal(daemon.get(account)['events'], {'call': n}, 'count of', account)


@case
def no_event_kills_anything():
    """Random damage to good payloads: always an answer, never an end."""
    pids = set(shared().workers())
    good = [pack(event('account', contacts=[{'name': 'A'}])), pack([event('ticket', severity=1), event('visit')]),
            pack({'events': [event('email', thread='t')], 'quiet': True})]
    payloads = []
    for _ in range(3000):
        data = bytearray(rng.choice(good))
        for _ in range(rng.randrange(1, 4)):
            data[rng.randrange(len(data))] = rng.randrange(256)
        payloads.append(bytes(data))
    for payload, reply in zip(payloads, shared().dealer('events').ask_all(payloads)):
        check('error' in reply or 'accepted' in reply, payload.hex(), 'answered', short(reply))
    equal(set(shared().workers()), pids, 'the workers, seed', SEED)


if __name__ == '__main__':
    main()
