// Sends one ticket and waits until it is on retaind's disk (npm install zeromq @msgpack/msgpack).
import { Request } from "zeromq";
import { encode, decode } from "@msgpack/msgpack";

const socket = new Request();
socket.connect(process.env.RETAIND_EVENTS ?? "tcp://127.0.0.1:7600");
await socket.send(encode({ id: `desk-${Date.now()}`, type: "ticket", account: "ACME", ts: Date.now(),
                           source: "desk", ticket: "42", action: "opened", severity: 2 }));
const [reply] = await socket.receive();
console.log(decode(reply)); // { accepted: 1, duplicate: 0, rejected: [] }
