#!/usr/bin/python3
"""Sends one call and waits until it is on retaind's disk (apt install python3-zmq python3-msgpack)."""
import os, time, msgpack, zmq

socket = zmq.Context().socket(zmq.REQ)
socket.connect(os.environ.get("RETAIND_EVENTS", "tcp://127.0.0.1:7600"))
event = {"id": "pbx-%d" % time.time_ns(), "type": "call", "account": "ACME", "ts": time.time_ns() // 1000000,
         "source": "pbx", "direction": "in", "outcome": "missed", "wait": 95}
socket.send(msgpack.packb(event))
print(msgpack.unpackb(socket.recv()))  # {'accepted': 1, 'duplicate': 0, 'rejected': []}
