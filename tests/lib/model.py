"""A second reading of the contract: which events are taken, and what an account is then.

Written from the text alone and slow, to be compared with the daemon on random input. Where an event has several
faults, any of their codes is right.
"""
import math
import struct

CALL = 'answered missed voicemail busy failed abandoned'.split()
VISIT = 'held no_show cancelled'.split()
ACTIONS = 'opened updated replied escalated resolved reopened closed'.split()
PROFILE = 'name owner tier region renewal value currency status contacts'.split()
# Keys by the type they belong to; the others of a type are not checked.
GENERAL = 'id type account source ts direction contact agent sentiment party'.split()
OWN = {'call': 'duration outcome wait'.split(), 'email': ['thread', 'bounced'], 'visit': 'duration outcome channel'.split(),
       'ticket': 'ticket action severity csat'.split(), 'account': PROFILE}
AHEAD_MS = 5 * 60 * 1000


class Node:
    """One MessagePack object: kind, value (or children), and where its bytes are."""

    def __init__(self, kind, start, end, value):
        self.kind, self.start, self.end, self.value = kind, start, end, value


class Unreadable(Exception):
    pass


def parse(data):
    if not data:
        raise Unreadable('empty')
    node = _object(data, 0, 1)
    if node.end != len(data):
        raise Unreadable('trailing bytes')
    return node


def _take(data, at, size):
    if at + size > len(data):
        raise Unreadable('truncated')
    return data[at:at + size]


def _object(data, at, depth):
    head = _take(data, at, 1)[0]

    def number(size, signed=False, skip=1):
        return int.from_bytes(_take(data, at + skip, size), 'big', signed=signed)

    def leaf(kind, before, size):
        return Node(kind, at, at + before + size, _take(data, at + before, size))

    def group(kind, before, count):
        if depth > 16:
            raise Unreadable('nested deeper than 16')
        children, place = [], at + before
        for _ in range(count * (2 if kind == 'map' else 1)):
            children.append(_object(data, place, depth + 1))
            place = children[-1].end
        return Node(kind, at, place, children)

    def real(form, size):
        node = leaf('float', 1, size)
        node.value = struct.unpack(form, node.value)[0]
        return node
    if head <= 0x7f or head >= 0xe0:
        return Node('int', at, at + 1, head if head <= 0x7f else head - 256)
    if head <= 0x8f:
        return group('map', 1, head & 15)
    if head <= 0x9f:
        return group('array', 1, head & 15)
    if head <= 0xbf:
        return leaf('str', 1, head & 31)
    if head in (0xc0, 0xc2, 0xc3):
        return Node('nil' if head == 0xc0 else 'bool', at, at + 1, {0xc0: None, 0xc2: False, 0xc3: True}[head])
    if 0xc4 <= head <= 0xc6:
        size = 1 << (head - 0xc4)
        return leaf('bin', 1 + size, number(size))
    if 0xc7 <= head <= 0xc9:
        size = 1 << (head - 0xc7)
        node = leaf('ext', 2 + size, number(size))
        node.type = data[at + 1 + size]
        return node
    if head in (0xca, 0xcb):
        return real('>f', 4) if head == 0xca else real('>d', 8)
    if 0xcc <= head <= 0xd3:
        size = 1 << ((head - 0xcc) & 3)
        return Node('int', at, at + 1 + size, number(size, head >= 0xd0))
    if 0xd4 <= head <= 0xd8:
        node = leaf('ext', 2, 1 << (head - 0xd4))
        node.type = data[at + 1]
        return node
    if 0xd9 <= head <= 0xdb:
        size = 1 << (head - 0xd9)
        return leaf('str', 1 + size, number(size))
    if head in (0xdc, 0xdd):
        size = 2 << (head - 0xdc)
        return group('array', 1 + size, number(size))
    if head in (0xde, 0xdf):
        size = 2 << (head - 0xde)
        return group('map', 1 + size, number(size))
    raise Unreadable('0xc1')


class Faults(set):
    """Codes of what is wrong with one event."""

    def need(self, true, code='bad_field'):
        if not true:
            self.add(code)
        return true


def text(faults, node, low, high):
    if not faults.need(node.kind == 'str'):
        return ''
    try:
        value = node.value.decode('utf-8')
    except UnicodeDecodeError:
        faults.add('bad_field')
        return ''
    faults.need(low <= len(node.value) <= high)
    return value


def word(faults, node, words):
    value = text(faults, node, 0, 1 << 30)
    faults.need(value in words)
    return value


def whole(faults, node, low, high):
    faults.need(node.kind == 'int' and low <= node.value <= high)


def number(faults, node, low, high=math.inf):
    faults.need(node.kind in ('int', 'float') and math.isfinite(node.value) and low <= node.value <= high)


def keys_of(node, known, faults):
    """Known keys of a map, those of nil left out; a known one twice is a fault."""
    found = {}
    for key, value in zip(node.value[::2], node.value[1::2]):
        if key.kind != 'str':
            continue
        name = key.value.decode('utf-8', 'replace')
        if name in known:
            faults.need(name not in found)
            found[name] = value
    return {k: v for k, v in found.items() if v.kind != 'nil'}


def milliseconds(faults, node):
    value = None
    if node.kind == 'int':
        value = node.value
    elif node.kind == 'ext' and node.type == 255 and len(node.value) in (4, 8, 12):
        if len(node.value) == 4:
            value = int.from_bytes(node.value, 'big') * 1000
        elif len(node.value) == 8:
            both = int.from_bytes(node.value, 'big')
            value = (both & (1 << 34) - 1) * 1000 + (both >> 34) // 10 ** 6
        else:
            value = int.from_bytes(node.value[4:], 'big', signed=True) * 1000 + int.from_bytes(node.value[:4], 'big') // 10 ** 6
    faults.need(value is not None and value >= 0)
    return value if value is not None else 0


def contacts(faults, node):
    if not faults.need(node.kind == 'array' and len(node.value) <= 32):
        return
    for person in node.value:
        if faults.need(person.kind == 'map'):
            for value in keys_of(person, ('name', 'email', 'phone'), faults).values():
                text(faults, value, 0, 128)


def foreign_twice(node, kind):
    """A known key of another type twice: 'not checked' and 'a known key twice' both speak of it, so either is right."""
    foreign = {k for keys in OWN.values() for k in keys} - set(OWN.get(kind, ())) | {'events', 'quiet'}
    names = [k.value.decode('utf-8', 'replace') for k in node.value[::2] if k.kind == 'str']
    return any(names.count(k) > 1 for k in foreign)


def judge(data, node, now):
    """(codes of its faults, facts) of one event; facts['odd'] if bad_field is as right as no fault."""
    faults, facts = Faults(), {}
    if node.kind != 'map' or node.end - node.start > 65536:
        return {'bad_event'}, None
    keys = keys_of(node, GENERAL, faults)
    for key in ('id', 'type', 'account', 'ts'):
        faults.need(key in keys or key == 'account' and 'party' in keys, 'missing_field')
    faults.need('party' not in keys)
    kind = word(faults, keys['type'], OWN) if 'type' in keys else ''
    facts['type'] = kind
    for key, low, high in (('id', 1, 64), ('account', 1, 128), ('source', 0, 64)):
        facts[key] = text(faults, keys[key], low, high) if key in keys else ''
    if 'ts' in keys:
        facts['ts'] = milliseconds(faults, keys['ts'])
        faults.need(facts['ts'] <= now + AHEAD_MS, 'ts_in_future')
        if facts['ts'] >= 1 << 63:
            faults.add('bad_field')
    for key in ('contact', 'agent'):
        if key in keys:
            text(faults, keys[key], 1, 128)
    if 'direction' in keys:
        word(faults, keys['direction'], ('in', 'out'))
    if 'sentiment' in keys:
        number(faults, keys['sentiment'], -1, 1)
    facts['odd'] = foreign_twice(node, kind)
    own = keys_of(node, OWN.get(kind, ()), faults)
    facts['own'] = {k: v.value.decode('utf-8', 'replace') if v.kind == 'str' else v.value for k, v in own.items() if k != 'contacts'}
    checks = {'duration': (number, 0), 'wait': (number, 0), 'thread': (text, 1, 128), 'channel': (word, ('onsite', 'remote', 'web')),
              'outcome': (word, CALL if kind == 'call' else VISIT), 'ticket': (text, 1, 64), 'action': (word, ACTIONS),
              'severity': (whole, 1, 4), 'csat': (whole, 1, 5), 'name': (text, 1, 128), 'owner': (text, 1, 128),
              'tier': (text, 1, 128), 'region': (text, 1, 128), 'currency': (text, 1, 128), 'value': (number, 0),
              'renewal': (whole, -1 << 63, (1 << 64) - 1), 'status': (word, ('active', 'churned')), 'contacts': (contacts,)}
    for key, value in own.items():
        if key == 'bounced':
            faults.need(value.kind == 'bool')
        else:
            checks[key][0](faults, value, *checks[key][1:])
    faults.need(facts['own'].get('owner') != '-')
    renewal = own.get('renewal')
    if renewal is not None and renewal.kind == 'int' and not 0 <= renewal.value < 1 << 53:
        facts['odd'] = True  # no moment; the contract gives no range
    if kind == 'ticket':
        for key in ('ticket', 'action'):
            faults.need(key in own, 'missing_field')
    facts['nil'] = [k.value.decode('utf-8', 'replace') for k, v in zip(node.value[::2], node.value[1::2])
                    if k.kind == 'str' and v.kind == 'nil']
    return set(faults), facts


def is_contact(facts):
    own = facts['own']
    return {'call': True, 'email': own.get('bounced') is not True, 'visit': own.get('outcome', 'held') == 'held',
            'ticket': own.get('action') in ('opened', 'replied', 'reopened'), 'account': False}[facts['type']]


class Account:
    """What account.get tells of the facts of a set of events."""

    def __init__(self):
        self.events, self.last_contact, self.tickets, self.profile = {}, None, {}, {}

    def add(self, facts):
        kind, own = facts['type'], facts['own']
        self.events[kind] = self.events.get(kind, 0) + 1
        if is_contact(facts):
            self.last_contact = max(facts['ts'], -1 if self.last_contact is None else self.last_contact)
        if kind == 'ticket':
            order = {'opened': 1, 'reopened': 2, 'resolved': 3, 'closed': 4}.get(own['action'])
            newest = self.tickets.setdefault(own['ticket'], (-1, 1, ''))
            if order:
                self.tickets[own['ticket']] = max(newest, (facts['ts'], order, facts['id']))
        if kind == 'account':
            for key in PROFILE[:-1]:
                if key in own or key in facts['nil']:
                    stamp = (facts['ts'], facts['id'].encode())
                    if key not in self.profile or stamp > self.profile[key][0]:
                        self.profile[key] = (stamp, own.get(key))

    def open_tickets(self):
        return sum(1 for _, order, _ in self.tickets.values() if order < 3)
