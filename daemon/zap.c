/* See zap.h.
 *
 * A request is as zap_request.h says; the reply has the frames identity, "", version, request id,
 * status, text, user id, metadata. */
#include "daemon/zap.h"

#include "daemon/clock.h"
#include "daemon/daemon.h"
#include "daemon/log.h"
#include "daemon/zap_request.h"
#include "protocol/assert.h"

enum { REQUEST_BYTES = 4 << 10, TELL_EVERY_MS = 1000 };

static const char where[] = "inproc://zeromq.zap.01";
/* 300, "temporary": the connection ends without a word, and the client tries again, until its key is
 * let in. At 400 a client of libzmq would never come back. */
static const char refused[] = "300";

static void tell(struct rt_daemon *daemon, const struct rt_envelope *request,
                 const struct rt_zap_verdict *verdict)
{
    const struct rt_key *known = verdict->known;
    struct rt_span domain = rt_envelope_frame(request, RT_ZAP_DOMAIN);
    struct rt_span address = rt_envelope_frame(request, RT_ZAP_ADDRESS);
    int64_t now = rt_now_ms();

    daemon->metrics.turned_away++;
    if (daemon->zap.told_at != 0 && now - daemon->zap.told_at < TELL_EVERY_MS) {
        return;
    }
    daemon->zap.told_at = now;
    rt_log(RT_LOG_WARNING, "endpoint=%.*s peer=%.*s key=%s name=%s turned away: %s",
           (int)domain.size, (const char *)domain.data, (int)address.size,
           (const char *)address.data, verdict->key, known == NULL ? "-" : known->name,
           known == NULL     ? "no such key"
           : known->shut_out ? "it asked for alerts it may not hear"
                             : "its role does not enter here");
}

static void reply(struct rt_daemon *daemon, const struct rt_envelope *request, const char *user)
{
    struct rt_zsocket *socket = &daemon->zap.socket;
    const char *texts[] = {user == NULL ? refused : "200", user == NULL ? "denied" : "OK",
                           user == NULL ? "" : user};
    bool sent = true;

    for (unsigned frame = RT_ZAP_PEER; sent && frame <= RT_ZAP_REQUEST; frame++) {
        struct rt_span bytes = rt_envelope_frame(request, frame);

        sent = zmq_send(socket->socket, bytes.data, bytes.size, ZMQ_DONTWAIT | ZMQ_SNDMORE) >= 0;
    }
    for (size_t i = 0; sent && i < sizeof texts / sizeof *texts; i++) {
        sent =
            zmq_send(socket->socket, texts[i], strlen(texts[i]), ZMQ_DONTWAIT | ZMQ_SNDMORE) >= 0;
    }
    if (sent) {
        zmq_send(socket->socket, "", 0, ZMQ_DONTWAIT);
    }
    rt_zsocket_kick(socket);
}

static void decide(struct rt_daemon *daemon, const struct rt_envelope *request, struct rt_span body)
{
    struct rt_zap_verdict verdict;

    if (!rt_zap_judge(&daemon->doors.access, request, body, &verdict)) {
        return;
    }
    if (!verdict.enters) {
        tell(daemon, request, &verdict);
    }
    reply(daemon, request, verdict.enters ? verdict.key : NULL);
}

static bool on_request(void *context)
{
    struct rt_daemon *daemon = context;
    struct rt_envelope request = {0};
    zmq_msg_t body;
    enum rt_zsocket_result result = rt_zsocket_receive(&daemon->zap.socket, &request, &body);

    if (result != RT_RECEIVED) {
        return result == RT_DROPPED;
    }
    decide(daemon, &request, rt_span(zmq_msg_data(&body), zmq_msg_size(&body)));
    rt_envelope_clear(&request);
    zmq_msg_close(&body);
    return true;
}

bool rt_zap_open(struct rt_daemon *daemon, char *error, size_t error_size)
{
    struct rt_zsocket *socket = &daemon->zap.socket;
    struct rt_zsocket_user user = {.take = on_request, .context = daemon};

    if (!daemon->doors.access.asked) {
        return true;
    }
    if (!rt_zsocket_open(socket, daemon->zmq, ZMQ_ROUTER, "zap", REQUEST_BYTES, RT_UNSENT_ANSWERS,
                         error, error_size) ||
        !rt_zsocket_bind(socket, where, -1, error, error_size)) {
        return false;
    }
    RT_ASSERT(rt_zsocket_attach(socket, daemon->base, user));
    rt_zsocket_read(socket, true);
    return true;
}

void rt_zap_close(struct rt_daemon *daemon)
{
    rt_zsocket_close(&daemon->zap.socket);
}
