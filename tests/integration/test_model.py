#!/usr/bin/python3
"""Random events, good and bad, against a second reading of the contract (tests/lib/model.py)."""
import os
import struct
import sys
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))
from harness import *
import model

KINDS = list(model.OWN)
KEYS = sorted(set(model.GENERAL) | {k for keys in model.OWN.values() for k in keys}) + ['x', '', 'ts ', 'Id']
ACCOUNTS = ['model%d' % i for i in range(12)]


def odd_value():
    """Packed bytes of anything."""
    pick = rng.randrange(12)
    if pick == 0:
        return pack(rng.choice([None, True, False, [], {}, [1], {'a': 1}, {'name': 'A'}, [{'name': 'A'}], [{'email': 5}], b'', b'in']))
    if pick == 1:
        return pack(rng.choice([0, 1, 2, 3, 4, 5, 6, -1, 127, 128, 255, 256, 2 ** 31, 2 ** 32, 2 ** 53, 2 ** 63, 2 ** 64 - 1, -2 ** 63, now()]))
    if pick == 2:
        return pack(rng.choice([0.0, -0.0, 0.5, 1.0, -1.0, 1.0000001, -2.5, 1e300, float('nan'), float('inf'), -float('inf'), 3.0]))
    if pick == 3:
        return b'\xca' + struct.pack('>f', rng.choice([0.5, 1.0, -1.0, 2.0, float('nan')]))
    if pick == 4:
        return pack(rng.choice(['in', 'out', 'answered', 'held', 'no_show', 'opened', 'closed', 'web', 'churned', 'active', '-', 'call']))
    if pick == 5:
        return pack(rng.choice(['', ' ', '\0', 'é' * rng.choice((31, 32, 33, 63, 64, 65)), 'x' * rng.choice((1, 63, 64, 65, 127, 128, 129, 300))]))
    if pick == 6:
        return pack(rng.choice(['\udcff', '\udcc3', 'a\udced\udca0\udc80', '\udcc0\udcaf', '\udcf4\udc90\udc80\udc80', '\U0010ffff', '\ufffe']))
    if pick == 7:
        data = rng.choice([struct.pack('>I', rng.randrange(2 ** 31)), struct.pack('>Q', rng.randrange(2 ** 30)),
                           struct.pack('>Iq', rng.randrange(10 ** 9), rng.randrange(-5, 10 ** 9)), b'', b'\0', b'1234567', b'x' * 16])
        return b'\xc7' + bytes([len(data), rng.choice((255, 255, 255, 0, 5))]) + data
    if pick == 8:
        return rng.choice([b'\xd3', b'\xcf']) + struct.pack('>Q', rng.choice([0, 1, 4, 5, now()]))
    if pick == 9:
        text = rng.choice([b'in', b'opened', b'T', b'ok'])
        return rng.choice([b'\xd9' + bytes([len(text)]), b'\xda' + struct.pack('>H', len(text)), b'\xdb' + struct.pack('>I', len(text))]) + text
    if pick == 10:
        return pack([{'name': 'A', 'phone': None}] * rng.choice((0, 1, 32, 33)))
    return pack(rng.choice([now() - rng.randrange(1000 * DAY), now() + 4 * MINUTE, now() + 10 * MINUTE]))


def good_pairs():
    kind = rng.choice(KINDS)
    made = event(kind, account=rng.choice(ACCOUNTS), ts=(now() - rng.randrange(300 * DAY)) // DAY * DAY)
    extra = {'direction': ['in', 'out'], 'contact': ['ann', 'é'], 'sentiment': [0, -1, 0.5], 'source': ['s', 'pbx']}
    extra.update({'call': {'outcome': model.CALL, 'duration': [0, 5.5], 'wait': [3]}, 'email': {'thread': ['t'], 'bounced': [True, False]},
                  'visit': {'outcome': model.VISIT, 'channel': ['web']},
                  'ticket': {'action': model.ACTIONS, 'ticket': ['T1', 'T2', 'T3'], 'severity': [1, 2, 3, 4], 'csat': [1, 5]},
                  'account': {'owner': ['kim', 'lee', None], 'tier': ['key', 'standard', None], 'value': [5, 7.5, None],
                              'name': ['A', None], 'status': ['active', 'churned'], 'renewal': [now(), None], 'region': ['r', None]}}[kind])
    for key, values in extra.items():
        if rng.random() < 0.5 or key in made:
            made[key] = rng.choice(values)
    pairs = [[pack(k), pack(v)] for k, v in made.items()]
    rng.shuffle(pairs)
    return pairs


def random_event():
    pairs = good_pairs()
    for _ in range(rng.choice((0, 0, 1, 1, 2))):
        pick = rng.randrange(5)
        if pick == 0 and pairs:
            rng.choice(pairs)[1] = odd_value()
        elif pick == 1:
            pairs.append([pack(rng.choice(KEYS)), odd_value()])
        elif pick == 2 and pairs:
            pairs.remove(rng.choice(pairs))
        elif pick == 3:
            pairs.append([odd_value(), odd_value()])
        elif pairs:
            pairs.insert(rng.randrange(len(pairs)), list(rng.choice(pairs)))
    head = rng.choice([bytes([0x80 | len(pairs)]) if len(pairs) < 16 else b'\xde' + struct.pack('>H', len(pairs)),
                       b'\xde' + struct.pack('>H', len(pairs)), b'\xdf' + struct.pack('>I', len(pairs))])
    return head + b''.join(k + v for k, v in pairs)


def same(told, account):
    """What account.get tells, against the model."""
    equal(told['events'], account.events, 'events of', told['account'], 'seed', SEED)
    equal((told['last_contact'], told['open_tickets']), (account.last_contact, account.open_tickets()), 'contact and tickets of',
          told['account'], 'seed', SEED)
    for key, (_, value) in account.profile.items():
        equal(told.get(key), value, key, 'of', told['account'], 'seed', SEED)


@case
def verdicts_and_accounts():
    with Daemon(workers=2) as daemon:
        seen, accounts, sent = set(), {}, 0
        for _ in range(60):
            batch = []
            while len(batch) < 200:
                raw = random_event()
                batch.append(raw if rng.random() < 0.98 else odd_value())
            payload = b'\xdc' + struct.pack('>H', len(batch)) + b''.join(batch)
            nodes = model.parse(payload).value
            reply = daemon.push(payload)
            check('rejected' in reply, 'a batch was refused whole', short(reply))
            got = {r['index']: r['code'] for r in reply['rejected']}
            accepted = duplicate = 0
            for i, node in enumerate(nodes):
                codes, facts = model.judge(payload, node, now())
                if facts and facts['odd'] and got.get(i) == 'bad_field':
                    continue
                if not codes:
                    identity = (facts['source'], facts['account'], facts['id'])
                    if identity in seen:
                        duplicate += 1
                    else:
                        accepted += 1
                        seen.add(identity)
                        accounts.setdefault(facts['account'], model.Account()).add(facts)
                if (got.get(i) in codes) if codes else (i not in got):
                    continue
                why = [r for r in reply['rejected'] if r['index'] == i]
                raise Failed('%s: daemon says %s, model says %s, seed %d' % (batch[i].hex(), why or 'accepted', sorted(codes) or 'accepted', SEED))
            equal((reply['accepted'], reply['duplicate']), (accepted, duplicate), 'counts, seed', SEED)
            sent += len(batch)
        for again in (None, daemon.restart):
            if again:
                again()
            for name, account in accounts.items():
                same(daemon.get(name), account)
        check(len(seen) > sent / 5, 'the test itself: few good events')


if __name__ == '__main__':
    main()
