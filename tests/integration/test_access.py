#!/usr/bin/env python3
"""Who may come in: CURVE keys with roles on every endpoint, nothing beyond loopback without them; and that a key whose file is gone is out at the reload, also where it is connected."""
import json
import os
import sys
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))
from harness import *

SILENT = 0.6  # seconds in which nothing may come; what must come is waited for with until()


class House:
    """A daemon with a server key and a folder of keys."""

    def __init__(self, **options):
        self.folder = scratch()
        self.public, self.secret = zmq.curve_keypair()
        self.server_file = self.path('server.secret')
        self.write(self.server_file, 'name=server\nsecret=%s\n' % self.secret.decode(), 0o600)
        self.keys = self.path('keys')
        os.mkdir(self.keys, 0o755)
        self.pairs = {}
        self.admin = self.key('root', 'admin')
        self.daemon = Daemon(access__server_key=self.server_file, access__keys=self.keys,
                             alerts__cursor_ms=100, **options)
        self.daemon._house = self

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, path, lines, mode=0o644):
        with open(path, 'w') as file:
            file.write('[key]\n' + lines)
        os.chmod(path, mode)

    def key(self, name, role, *lines, pair=None):
        """Lets a key in (at the next start or reload); returns its pair."""
        pair = pair or self.pairs.get(name) or zmq.curve_keypair()
        self.pairs[name] = pair
        self.write(os.path.join(self.keys, name + '.key'),
                   'name=%s\nrole=%s\npublic=%s\n%s' % (name, role, pair[0].decode(), ''.join(l + '\n' for l in lines)))
        return pair

    def drop(self, name):
        os.unlink(os.path.join(self.keys, name + '.key'))

    def reload(self):
        before = self.daemon.log_text().count('are let in')
        os.kill(self.daemon.pid, signal.SIGHUP)
        until(lambda: self.daemon.log_text().count('are let in') > before, 'the reload')

    def connect(self, kind, endpoint, pair, server=None):
        socket = ctx.socket(kind)
        socket.setsockopt(zmq.LINGER, 0)
        socket.setsockopt(zmq.RECONNECT_IVL, 50)
        if pair is not None:
            socket.curve_publickey, socket.curve_secretkey = pair
            socket.curve_serverkey = server or self.public
        socket.connect(self.daemon.at[endpoint])
        return socket

    def ask(self, endpoint, pair, payload, deadline=DEADLINE):
        """One request over a connection of its own."""
        socket = self.connect(zmq.DEALER, endpoint, pair)
        try:
            return self.exchange(socket, payload, deadline)
        finally:
            socket.close()

    def exchange(self, socket, payload, deadline=DEADLINE):
        socket.send_multipart([b'1', pack(payload)])
        frames = receive(socket, deadline)
        return frames and unpack(frames[1])

    def query(self, pair, op, **keys):
        return self.ask('query', pair, dict(keys, op=op))

    def denied(self, pair, op, **keys):
        reply = self.query(pair, op, **keys)
        check(reply.get('ok') is False and reply.get('error') == 'denied' and reply['message'], op, keys, reply)

    def push(self, pair, payload):
        return self.ask('events', pair, payload)

    def load(self, *events):
        equal(self.push(self.admin, list(events)), {'accepted': len(events), 'duplicate': 0, 'rejected': []}, 'load')

    def accounts(self):
        return self.query(self.admin, 'stats')['accounts']

    def dead(self):
        return self.query(self.admin, 'dead.list')['dead']


def refuses(house, *strangers):
    """Each of (kind, endpoint, pair[, server key]) fails its handshake; all at once, for libzmq takes seconds for it."""
    monitors = []
    for kind, endpoint, pair, *server in strangers:
        socket = ctx.socket(kind)
        socket.setsockopt(zmq.LINGER, 0)
        if pair is not None:
            socket.curve_publickey, socket.curve_secretkey = pair
            socket.curve_serverkey = server[0] if server else house.public
        monitors.append((socket, socket.get_monitor_socket(), endpoint))
        socket.connect(house.daemon.at[endpoint])
    for socket, monitor, endpoint in monitors:
        wait_refusal(monitor, endpoint)
        socket.disable_monitor()
        socket.close()


def wait_refusal(monitor, endpoint):
    while True:
        check(monitor.poll(int(DEADLINE * 1000)), 'no word of the handshake with', endpoint)
        event = int.from_bytes(monitor.recv_multipart()[0][:2], 'little')
        check(event != zmq.EVENT_HANDSHAKE_SUCCEEDED, 'the handshake succeeded with', endpoint)
        if event in (zmq.EVENT_HANDSHAKE_FAILED_AUTH, zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL,
                     zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL, zmq.EVENT_DISCONNECTED):
            return


def sub(house, pair, *topics):
    socket = house.connect(zmq.SUB, 'alerts', pair)
    for topic in topics:
        socket.subscribe(topic)
    return socket


def hears(socket, topic, what, deadline=DEADLINE):
    """Waits for a message whose topic begins so."""
    def look():
        while socket.poll(20):
            frames = socket.recv_multipart()
            if frames[0].startswith(topic):
                return frames
        return None
    return until(look, what, deadline, pause=0)


def back(house, socket, topic=b'alert.'):
    """It comes back by itself and hears of what happens then."""
    until(lambda: hears(socket, b'cursor', 'the cursor') and house.load(*unhappy(fresh('kims'), 'kim')) or
          socket.poll(100) and socket.recv_multipart()[0].startswith(topic), 'it to come back')


def unhappy(account, owner):
    """Events that raise an alert on an account of an owner."""
    return [event('account', account=account, owner=owner)] + critical_tickets(account, now() - 10 * DAY)


ENDPOINTS = [(zmq.DEALER, 'events'), (zmq.PUSH, 'firehose'), (zmq.SUB, 'alerts'), (zmq.DEALER, 'query')]


@case
def strangers_do_not_get_in():
    house = House()
    known = house.key('pbx', 'producer')
    with house.daemon:
        refuses(house, *[(kind, endpoint, None) for kind, endpoint in ENDPOINTS],  # no key at all
                *[(kind, endpoint, zmq.curve_keypair()) for kind, endpoint in ENDPOINTS],  # one nobody knows
                *[(kind, endpoint, known, zmq.curve_keypair()[0]) for kind, endpoint in ENDPOINTS])  # another server
        equal(house.ask('events', known, [event()])['accepted'], 1, 'the known one')
        check('no such key' in house.daemon.log_text(), 'the log names no stranger')
        check(house.secret.decode() not in house.daemon.log_text(), 'the secret is in the log')


@case
def each_role_does_its_own_and_no_more():
    house = House()
    keys = {role: house.key(role, role) for role in ('producer', 'subscriber', 'reader')}
    with house.daemon:
        house.load(*unhappy('acme', 'kim'))
        for role in ('subscriber', 'reader'):
            equal(house.push(keys[role], [event()]).get('error'), 'denied', role, 'pushes')
        equal(house.push(keys['producer'], [event(account='acme')])['accepted'], 1, 'a producer pushes')
        reads = [('account.get', {'account': 'acme'}), ('account.list', {}), ('account.timeline', {'account': 'acme'}),
                 ('report.portfolio', {}), ('dead.list', {}), ('stats', {})]
        writes = [('account.erase', {'account': 'acme'}),
                  ('account.override', {'account': 'acme', 'score': 5, 'by': 'k', 'reason': 'r', 'until': now() + DAY}),
                  ('account.override.end', {'account': 'acme', 'by': 'k'}), ('event.void', {'account': 'acme', 'id': '1', 'by': 'k'}), ('alert.ack', {'id': '1-1'}), ('alert.snooze', {'id': '1-1'}),
                  ('dead.retry', {'id': '1-1'}), ('dead.drop', {'id': '1-1'})]
        for op, params in reads:
            equal(house.query(keys['reader'], op, **params).get('ok'), True, op, 'of a reader')
            house.denied(keys['producer'], op, **params)
            house.denied(keys['subscriber'], op, **params)
        for op, params in writes:
            for pair in keys.values():
                house.denied(pair, op, **params)
        for role in ('subscriber', 'reader'):
            equal(house.query(keys[role], 'alert.list').get('ok'), True, 'alert.list of a', role)
        house.denied(keys['producer'], 'alert.list')
        house.denied(keys['producer'], 'no.such.op')
        equal(house.query(keys['reader'], 'no.such.op')['error'], 'unknown_op', 'a reader')
        refuses(house, *[(zmq.PUSH, 'firehose', keys[role]) for role in ('subscriber', 'reader')],
                *[(zmq.SUB, 'alerts', keys[role]) for role in ('producer', 'reader')])
        heard = sub(house, keys['subscriber'], 'alert.')
        house.load(*unhappy('other', 'lee'))
        hears(heard, b'alert.', 'an alert for the subscriber')
        heard.close()
        before = house.accounts()
        pusher = house.connect(zmq.PUSH, 'firehose', keys['producer'])
        pusher.send(pack(event(account='by-firehose')))
        until(lambda: house.accounts() == before + 1, 'the event of the firehose')
        pusher.close()
        equal(house.query(house.admin, 'account.erase', account='acme').get('ok'), True, 'the admin')


@case
def a_producer_writes_only_what_it_may():
    house = House()
    pbx = house.key('pbx', 'producer', 'source = pbx', 'account = acme', 'account = umlaut-ä')
    with house.daemon:
        sent = [event(source='crm', account='acme'), event(source='pbx', account='other'), event(account='acme'),
                event(source='pbx', account='acme'), event(source=5, account='acme'), 7,
                event(source='pbx', account='umlaut-ä'), event(source='pbx', account='acme', type='nonsense')]
        reply = house.push(pbx, sent)
        equal((reply['accepted'], reply['duplicate']), (2, 0), 'counts')
        equal([(r['index'], r['code']) for r in reply['rejected']],
              [(0, 'denied'), (1, 'denied'), (2, 'denied'), (4, 'denied'), (5, 'bad_event'), (7, 'bad_field')], 'codes')
        check('source' in reply['rejected'][0]['error'] and 'account' in reply['rejected'][1]['error'], reply)
        equal(house.accounts(), 2, 'accounts')
        # sending both keys twice cannot smuggle one past
        twice = map_bytes((pack('id'), pack('x')), (pack('type'), pack('call')), (pack('ts'), pack(now())),
                          (pack('source'), pack('pbx')), (pack('account'), pack('acme')),
                          (pack('source'), pack('crm')), (pack('account'), pack('victim')))
        dealer = house.connect(zmq.DEALER, 'events', pbx)
        dealer.send_multipart([b'1', twice])
        equal(unpack(receive(dealer)[1])['rejected'][0]['code'], 'bad_field', 'two sources')
        dealer.close()
        pusher = house.connect(zmq.PUSH, 'firehose', pbx)
        pusher.send(pack([event(source='crm', account='acme'), event(source='pbx', account='acme')]))
        letters = until(house.dead, 'the dead letter')
        check(len(letters) == 1 and letters[0]['code'] == 'denied', letters)
        pusher.close()
        # an operator may send it all the same
        equal(house.query(house.admin, 'dead.retry', id=letters[0]['id'])['accepted'], 1, 'dead.retry')


@case
def a_reader_sees_only_its_owners():
    house = House(workers=2)
    kim = house.key('kim', 'reader', 'owner = kim')
    team = house.key('team', 'reader', 'owner = kim', 'owner = -')
    with house.daemon:
        house.load(*(unhappy('kims', 'kim') + unhappy('lees', 'lee') + unhappy('kim-b', 'kim.b') +
                     critical_tickets('nobodys', now() - 10 * DAY)))
        alerts = house.query(house.admin, 'alert.list')['alerts']
        check({a['owner'] for a in alerts} == {'kim', 'lee', 'kim.b', None}, 'alerts of all', alerts)
        equal(house.query(kim, 'account.get', account='kims')['owner'], 'kim', 'its own')
        equal(house.query(team, 'account.get', account='nobodys')['account'], 'nobodys', 'of none')
        for op in ('account.get', 'account.timeline'):
            equal(house.query(kim, op, account='kims')['ok'], True, op)
            for account in ('lees', 'kim-b', 'nobodys', 'no such account'):
                house.denied(kim, op, account=account)
        for pair, names, owners in ((kim, {'kims'}, {'kim'}), (team, {'kims', 'nobodys'}, {'kim', None})):
            for sort in ('account', 'score', '-score', 'value', 'renewal'):
                listed = house.query(pair, 'account.list', sort=sort)['accounts']
                equal({a['account'] for a in listed}, names, 'account.list', sort)
            for params in ({}, {'open': True}, {'kind': 'ticket_overdue'}):
                got = {a['owner'] for a in house.query(pair, 'alert.list', **params)['alerts']}
                equal(got, owners, 'alert.list', params)
            equal(house.query(pair, 'report.portfolio')['accounts'], len(names), 'report.portfolio')
            for op in ('account.list', 'alert.list', 'report.portfolio'):
                house.denied(pair, op, owner='lee')
                equal(house.query(pair, op, owner='kim')['ok'], True, op, 'by owner')
            house.denied(pair, 'stats')
            house.denied(pair, 'dead.list')
        equal(house.query(kim, 'alert.list', account='lees')['alerts'], [], 'alerts of a foreign account')
        # what the client writes cannot widen what it sees
        equal(house.query(kim, 'account.list', owners=['lee'])['accounts'][0]['account'], 'kims', 'owners')
        house.load(event('account', account='kims', owner='lee', ts=now()))
        house.denied(kim, 'account.get', account='kims')


@case
def a_subscriber_hears_only_its_owners():
    house = House()
    kim = house.key('kim', 'subscriber', 'owner = kim')
    everything = house.key('all', 'subscriber')
    with house.daemon:
        all_of_it = sub(house, everything, 'alert.', 'cursor')
        own = sub(house, kim, 'owner.kim.', 'cursor')
        hears(all_of_it, b'cursor', 'the cursor for all')
        hears(own, b'cursor', 'the cursor for kim')
        house.load(*(unhappy('kims', 'kim') + unhappy('lees', 'lee') + unhappy('kim-b', 'kim.b')))
        hears(own, b'owner.kim.', 'its own alert')
        # Everything that is not its own, one after the other: never heard, not once, and it is out until the reload.
        for topic in (b'alert.', b'', b'owner.kim'):
            before = house.daemon.log_text().count('shut out until the next reload')
            greedy = sub(house, kim, topic, 'cursor')
            until(lambda: house.daemon.log_text().count('shut out until the next reload') > before or
                  greedy.poll(1) and check(False, 'it heard', greedy.recv_multipart()), 'its end')
            for _ in range(5):
                house.load(*unhappy(fresh('lees'), 'lee'))
            check(not greedy.poll(int(SILENT * 1000)), 'heard what it may not')
            greedy.close()
            back(house, all_of_it)
            if topic == b'alert.':
                refuses(house, (zmq.SUB, 'alerts', kim))
            house.reload()
        # after the reload it may come again, and hears its own
        back(house, own, b'owner.kim.')
        equal({a['owner'] for a in house.query(kim, 'alert.list')['alerts']}, {'kim'}, 'alert.list of a subscriber')
        own.close()
        all_of_it.close()


@case
def publishing_while_somebody_grabs_never_leaks():
    """The race of a subscription and an alert, over and over: subscribe to what is forbidden just as alerts go out."""
    house = House(workers=1)
    kim = house.key('kim', 'subscriber', 'owner = kim')
    with house.daemon:
        house.load(*unhappy('first', 'lee'))
        dealer = house.connect(zmq.DEALER, 'events', house.admin)
        for grabbed in range(12):
            accounts = [fresh('lee') for _ in range(20)]
            greedy = sub(house, kim, 'alert.')
            for n, account in enumerate(accounts):
                dealer.send_multipart([b'%d' % n, pack(unhappy(account, 'lee'))])
            for _ in accounts:
                check(receive(dealer), 'no answer')
            until(lambda: house.daemon.log_text().count('shut out until the next reload') > grabbed, 'its end')
            check(not greedy.poll(50), 'heard what it may not')
            greedy.close()
            house.reload()
        dealer.close()


@case
def a_key_that_is_gone_is_out():
    house = House()
    pbx, crm = house.key('pbx', 'producer'), house.key('crm', 'producer')
    reader = house.key('reader', 'reader')
    with house.daemon:
        pushing, other = (house.connect(zmq.DEALER, 'events', pair) for pair in (pbx, crm))
        firehose = house.connect(zmq.PUSH, 'firehose', pbx)
        asking = house.connect(zmq.DEALER, 'query', reader)
        for socket in (pushing, other):
            equal(house.exchange(socket, [event()])['accepted'], 1, 'before')
        equal(house.exchange(asking, {'op': 'account.list'})['ok'], True, 'before')
        accounts = house.accounts()
        firehose.send(pack(event()))
        until(lambda: house.accounts() == accounts + 1, 'the firehose before')
        house.drop('pbx')
        house.drop('reader')
        house.reload()
        equal(house.exchange(pushing, [event()]).get('error'), 'denied', 'a push afterwards')
        equal(house.exchange(asking, {'op': 'account.list'}).get('error'), 'denied', 'a query afterwards')
        firehose.send(pack(event()))
        letters = until(house.dead, 'the dead letter')
        check(letters[0]['code'] == 'denied', letters)
        equal(house.accounts(), accounts + 1, 'accounts')
        equal(house.exchange(other, [event()])['accepted'], 1, 'the other one')
        refuses(house, (zmq.DEALER, 'events', pbx))
        # another key under the same name does not let the old one in
        house.key('pbx', 'producer', pair=zmq.curve_keypair())
        house.reload()
        equal(house.exchange(pushing, [event()]).get('error'), 'denied', 'under the old name')
        # and with less rights it has less at once
        house.key('crm', 'producer', 'source = crm')
        house.reload()
        equal(house.exchange(other, [event()])['rejected'][0]['code'], 'denied', 'with less rights')
        for socket in (pushing, other, firehose, asking):
            socket.close()


@case
def nobody_takes_the_name_of_another():
    """A routing id that a client chose would be its successor's, with the answers that are on their way."""
    house = House()
    with house.daemon:
        for endpoint, payload in (('events', [event()]), ('query', {'op': 'stats'})):
            for name in (b'me', b'x' * 200, b'\0' + b'binary'):
                socket = ctx.socket(zmq.DEALER)
                socket.setsockopt(zmq.LINGER, 0)
                socket.setsockopt(zmq.IDENTITY, name)
                socket.curve_publickey, socket.curve_secretkey = house.admin
                socket.curve_serverkey = house.public
                socket.connect(house.daemon.at[endpoint])
                equal(house.exchange(socket, payload).get('error'), 'denied', endpoint, name)
                socket.close()
        equal(house.accounts(), 0, 'accounts')
    with Daemon() as daemon:  # without keys there is nothing to be protected
        socket = ctx.socket(zmq.DEALER)
        socket.setsockopt(zmq.LINGER, 0)
        socket.setsockopt(zmq.IDENTITY, b'me')
        socket.connect(daemon.at['events'])
        equal(house.exchange(socket, [event()])['accepted'], 1, 'without keys')
        socket.close()


@case
def a_subscriber_that_is_gone_hears_no_more_and_the_others_miss_nothing():
    house = House()
    gone, stays = house.key('gone', 'subscriber'), house.key('stays', 'subscriber')
    with house.daemon:
        one, other = sub(house, gone, 'alert.', 'cursor'), sub(house, stays, 'alert.', 'cursor')
        for socket in (one, other):
            hears(socket, b'cursor', 'the cursor')
        start = unpack(hears(other, b'cursor', 'the cursor')[1])['cursor']
        house.load(*unhappy('before', 'kim'))
        for socket in (one, other):
            hears(socket, b'alert.', 'an alert before')
        house.drop('gone')
        house.reload()
        house.load(*unhappy('meanwhile', 'kim'))
        hears(other, b'cursor', 'the cursor again')   # it came back by itself
        house.load(*unhappy('after', 'kim'))
        until(lambda: unpack(hears(other, b'alert.', 'an alert after')[1])['account'] == 'after', 'the one after')
        while one.poll(int(SILENT * 1000)):
            frames = one.recv_multipart()
            check(frames[0] == b'cursor' or unpack(frames[1])['account'] == 'before', 'it heard', frames)
        equal({a['account'] for a in house.query(stays, 'alert.list', since=start)['alerts']},
              {'before', 'meanwhile', 'after'}, 'the gap, filled')
        one.close()
        other.close()


ACTIVATE = '''
import os, socket, sys
listening = socket.socket()
listening.bind(('127.0.0.1', 0))
listening.listen(64)
os.dup2(listening.fileno(), 3, True)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS='1', LISTEN_FDNAMES='alerts')
os.execv(sys.argv[1], sys.argv[1:])
'''


@case
def a_socket_of_systemd_is_opened_again_after_a_revocation():
    house = House()
    house.key('gone', 'subscriber')
    stays = house.key('stays', 'subscriber')
    house.daemon.start(argv=[sys.executable, '-c', ACTIVATE] + house.daemon.argv())
    at = house.daemon.at['alerts']
    other = sub(house, stays, 'alert.', 'cursor')
    hears(other, b'cursor', 'the cursor')
    for n in range(3):
        house.drop('gone')
        house.reload()
        until(lambda: house.daemon.log_text().count('all subscribers dropped') == n + 1, 'subscribers to be dropped')
        back(house, other)
        house.key('gone', 'subscriber')
        house.reload()
    equal(house.daemon.at['alerts'], at, 'the address')
    other.close()
    equal(house.daemon.stop(), 0, 'exit code')


@case
def faulty_keys_are_named_and_admit_nobody():
    house = House()
    pairs = {name: house.key(name, 'producer') for name in
             ('open', 'foreign', 'torn', 'unreadable', 'twin-a', 'good', 'disabled')}
    path = lambda name: os.path.join(house.keys, name + '.key')
    os.chmod(path('open'), 0o666)
    os.chown(path('foreign'), 12345, -1) if os.geteuid() == 0 else os.unlink(path('foreign'))
    with open(path('torn'), 'a') as file:
        file.write('surce = pbx\n')
    os.unlink(path('unreadable'))
    os.symlink('/no/such/file', path('unreadable'))
    house.key('twin-b', 'admin', pair=pairs['twin-a'])
    os.rename(path('disabled'), path('disabled') + '.off')
    with house.daemon:
        log = house.daemon.log_text()
        for name in ('open', 'torn', 'unreadable', 'twin-a', 'twin-b') + (('foreign',) if os.geteuid() == 0 else ()):
            check(any('admits nobody' in line and name in line for line in log.splitlines()), name, 'is not named', log)
        equal(house.push(pairs['good'], [event()])['accepted'], 1, 'good')
        refuses(house, *[(zmq.DEALER, 'events', pair) for name, pair in pairs.items() if name != 'good'])
        # a folder that others may write to, or that is gone, admits nobody at all
        os.chmod(house.keys, 0o777)
        house.reload()
        check('may be written by others' in house.daemon.log_text(), 'the folder is not named')
        refuses(house, (zmq.DEALER, 'events', pairs['good']))
        os.chmod(house.keys, 0o755)
        house.reload()
        equal(house.push(pairs['good'], [event()])['accepted'], 1, 'mended')


def checked(house, *options, env=None):
    return run(house.daemon.argv() + ['--check-config'] + [w for o in options for w in ('-o', o)], env=env)


@case
def the_check_reads_keys_and_secrets():
    house = House()
    token, path = house.path('token'), lambda name: os.path.join(house.keys, name + '.key')
    with open(token, 'w') as file:
        file.write('t' * 40 + '\n')
    os.chmod(token, 0o600)
    good = 'access.http_token=' + token
    code, out, err = checked(house, good)
    check(code == 0 and not err and '1 keys in' in out and 'valid' in out, 'all is well:', code, out, err)
    house.key('torn', 'producer', 'surce = pbx')
    house.key('twin', 'producer', pair=house.admin)
    house.key('open', 'producer')
    os.chmod(path('open'), 0o666)
    os.chmod(token, 0o644)
    code, out, err = checked(house, good)
    check(code == 1 and 'valid' not in out, 'faulty files:', code, out)
    for words in ((path('torn'), 'line 5'), ('name=twin', 'same public key'), ('name=root', 'same public key'),
                  (path('open'), 'chmod go-w'), ('access.http_token', token, 'chmod go-rwx')):
        check(any(all(w in line for w in words) for line in err.splitlines()), words, 'is not said:', err)
    for option, word in (('access.keys=' + house.path('none'), 'No such file'), ('access.server_key=' + house.path('none'), 'No such file'),
                         ('access.server_key=' + token, 'chmod')):
        code, out, err = checked(house, option)
        check(code == 1 and word in err, option, 'is not said:', code, err)
    check('t' * 20 not in err and house.secret.decode() not in err, 'a secret is told')
    shutil.rmtree(house.keys)
    os.mkdir(house.keys)
    bare = {k: v for k, v in os.environ.items() if k != 'CREDENTIALS_DIRECTORY'}
    code, out, err = checked(house, 'access.server_key=server-key', env=bare)
    check(code == 0 and 'server-key is a credential' in out, 'a credential that is not here:', code, out, err)
    code, out, err = checked(house, 'access.server_key=server-key', env=dict(bare, CREDENTIALS_DIRECTORY=house.folder))
    check(code == 1 and 'server-key: No such file' in err, 'a credential that is missing:', code, out, err)


class Keys:
    """Keys as retainctl makes them, and retainctl as whoever holds one."""

    def __init__(self):
        self.folder = scratch()
        self.make('server', 'server')
        self.keys = os.path.join(self.folder, 'keys')
        os.mkdir(self.keys, 0o755)
        self.make('admin', 'root')

    def make(self, role, name, *options):
        argv = ['keygen', role, name, '-d', self.folder] + list(options)
        if role != 'server':
            argv += ['--server', self.path('server')]
        code, out, err = run([require('retainctl')] + argv)
        equal(code, 0, 'keygen', argv, err)
        if role != 'server':
            os.rename(os.path.join(self.folder, name + '.key'), os.path.join(self.keys, name + '.key'))

    def path(self, name):
        return os.path.join(self.folder, name + '.secret')

    def start(self):
        return Daemon(access__server_key=self.path('server'), access__keys=self.keys, alerts__cursor_ms=100)

    def argv(self, daemon, name, *argv):
        at = [option for name_ in ('events', 'alerts', 'query') for option in ('--' + name_, daemon.at[name_])]
        return [require('retainctl')] + at + (['--key', self.path(name)] if name else []) + list(argv)

    def run(self, daemon, name, *argv, **options):
        return run(self.argv(daemon, name, *argv), **options)


def lines_of(*events):
    return ''.join(json.dumps(e) + '\n' for e in events)


@case
def retainctl_makes_keys_and_shows_them():
    keys = Keys()
    keys.make('producer', 'pbx', '--source', 'pbx')
    keys.make('reader', 'kim', '--owner', 'kim')
    for name in ('server', 'pbx', 'kim', 'root'):
        equal(os.stat(keys.path(name)).st_mode & 0o777, 0o600, 'mode of the secret of', name)
    with keys.start() as daemon:
        code, out, err = keys.run(daemon, 'root', 'push', '--format', 'jsonl', input=lines_of(*unhappy('kims', 'kim')))
        equal(code, 0, err)
        code, out, err = keys.run(daemon, 'pbx', 'push', '--format', 'jsonl',
                                  input=lines_of(event(account='kims', source='pbx'), event(account='kims')))
        check(code == 1 and 'accepted 1' in out + err and 'rejected 1' in out + err and 'denied' in out + err, out, err)
        code, out, err = keys.run(daemon, 'kim', 'get', 'kims')
        check(code == 0 and 'kims' in out, out, err)
        for name, argv in (('kim', ['stats']), ('kim', ['get', 'other']), ('kim', ['erase', '--yes', 'kims']),
                           ('pbx', ['get', 'kims']), ('pbx', ['watch']), ('kim', ['push', '--format', 'jsonl'])):
            code, out, err = keys.run(daemon, name, *argv, input=lines_of(event()))
            check(code == 1 and 'denied' in out + err, name, argv, code, out, err)
        code, out, err = keys.run(daemon, None, '--timeout', '1', 'stats')
        check(code == 1 and '--key' in err, err)
        keys.make('admin', 'stranger')
        code, out, err = keys.run(daemon, 'stranger', '--timeout', '1', 'stats')  # nobody reloaded
        check(code == 1 and 'lets this key in' in err, err)
        code, out, err = run(keys.argv(daemon, None, 'get', 'kims'), env=dict(os.environ, RETAIND_KEY=keys.path('kim')))
        equal(code, 0, '$RETAIND_KEY', err)
        os.chmod(keys.path('kim'), 0o644)
        code, out, err = keys.run(daemon, 'kim', 'get', 'kims')
        check(code == 1 and 'others may read it' in err and keys.path('kim') in err, err)


@case
def watch_fills_the_gap_that_a_revocation_leaves():
    keys = Keys()
    keys.make('subscriber', 'kim', '--owner', 'kim')
    keys.make('subscriber', 'gone')
    with keys.start() as daemon:
        out = open(os.path.join(keys.folder, 'out'), 'wb')
        watching = spawn(keys.argv(daemon, 'kim', '--json', 'watch'), stdout=out, stderr=out)  # its key says whose

        def heard():
            with open(out.name) as lines:
                return [json.loads(line)['account'] for line in lines if line.startswith('{')]

        def load(account, owner='kim'):
            code, _, err = keys.run(daemon, 'root', 'push', '--format', 'jsonl', input=lines_of(*unhappy(account, owner)))
            equal(code, 0, err)

        def begun():
            load(fresh('begin'))
            return heard()
        until(begun, 'the first alert')
        for n in range(3):
            os.unlink(os.path.join(keys.keys, 'gone.key'))
            os.kill(daemon.pid, signal.SIGHUP)
            until(lambda: daemon.log_text().count('all subscribers dropped') == n + 1, 'subscribers to be dropped')
            load('meanwhile-%d' % n)
            load('lees-%d' % n, 'lee')
            until(lambda: 'meanwhile-%d' % n in heard(), 'the alert that came meanwhile')
            os.unlink(keys.path('gone'))
            keys.make('subscriber', 'gone')
            os.kill(daemon.pid, signal.SIGHUP)
            until(lambda: daemon.log_text().count('keys=3') >= n + 2, 'the reload')
        check(not any(a.startswith('lees') for a in heard()), heard())
        check('shut out' not in daemon.log_text(), 'it asked for what it may not hear')
        kill(watching.pid)
        watching.wait()


@case
def it_does_not_start_open_to_anyone_by_accident():
    house = House()
    for name in ('events', 'firehose', 'alerts', 'query'):
        fails_to_start('listen.%s: tcp://*:* can be reached from elsewhere' % name, **{'listen__' + name: 'tcp://*:*'})
    fails_to_start('listen.http: 0.0.0.0:0 can be reached', listen__http='0.0.0.0:0')
    fails_to_start('must both be set', access__server_key=house.server_file)
    fails_to_start('must both be set', access__keys=house.keys)
    fails_to_start('No such file', access__server_key=house.server_file, access__keys='/no/such/folder')
    fails_to_start('No such file', access__server_key='/no/such/file', access__keys=house.keys)
    fails_to_start('LoadCredential=', access__server_key='server', access__keys=house.keys)
    os.chmod(house.server_file, 0o640)
    fails_to_start('may be read by others', access__server_key=house.server_file, access__keys=house.keys)
    os.chmod(house.server_file, 0o600)
    house.write(house.server_file, 'secret=%s\n' % ('0' * 39 + '_'), 0o600)  # no Z85
    fails_to_start('no CURVE with this server key', access__server_key=house.server_file, access__keys=house.keys)
    with Daemon(listen__events='tcp://*:*', listen__http='0.0.0.0:0', access__open_to_anyone='yes') as daemon:
        check('0.0.0.0' in daemon.at['events'] and '0.0.0.0' in daemon.at['http'], daemon.at)
    house = House(listen__events='tcp://*:*')
    with house.daemon:
        at = house.daemon.at['events'] = house.daemon.at['events'].replace('0.0.0.0', '127.0.0.1')
        equal(house.push(house.admin, [event()])['accepted'], 1, 'with keys it may', at)


@case
def secrets_come_as_credentials_too():
    house = House()
    credentials = scratch()
    os.rename(house.server_file, os.path.join(credentials, 'server'))
    token = 'a-token-of-many-letters'
    with open(os.path.join(credentials, 'token'), 'w') as file:
        file.write(token + '\n')
    os.chmod(os.path.join(credentials, 'token'), 0o440)
    house.daemon.options.update({'access.server_key': 'server', 'access.http_token': 'token'})
    house.daemon.start(env=dict(os.environ, CREDENTIALS_DIRECTORY=credentials))
    equal(house.push(house.admin, [event()])['accepted'], 1, 'a push')
    equal(house.daemon.http('/metrics')[0], 401, '/metrics')
    equal(house.daemon.http('/metrics', token=token)[0], 200, '/metrics')
    check(token not in house.daemon.log_text() and house.secret.decode() not in house.daemon.log_text(), 'in the log')
    with open('/proc/%d/limits' % house.daemon.pid) as limits:
        core = next(line for line in limits if line.startswith('Max core file size'))
    equal(core.split()[4:6], ['0', '0'], 'core files')
    if os.geteuid() == 0:
        # not dumpable: its memory belongs to root alone, whoever it runs as
        equal(os.stat('/proc/%d/mem' % house.daemon.pid).st_uid, 0, 'owner of its memory')
    house.daemon.stop()


if __name__ == '__main__':
    main()
