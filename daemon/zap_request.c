/* See zap_request.h. */
#include "daemon/zap_request.h"

#include <zmq.h>

enum { KEY_BYTES = 32 };

static void read_key(const struct rt_envelope *request, struct rt_span body, char key[RT_KEY_TEXT])
{
    key[0] = '\0';
    if (request->count == RT_ZAP_FRAMES &&
        rt_span_is(rt_envelope_frame(request, RT_ZAP_VERSION), "1.0") &&
        rt_span_is(rt_envelope_frame(request, RT_ZAP_MECHANISM), "CURVE") &&
        body.size == KEY_BYTES) {
        zmq_z85_encode(key, body.data, KEY_BYTES);
    }
}

bool rt_zap_judge(const struct rt_access *access, const struct rt_envelope *request,
                  struct rt_span body, struct rt_zap_verdict *verdict)
{
    enum rt_door door;

    if (request->count <= RT_ZAP_ADDRESS) {
        return false;
    }
    *verdict = (struct rt_zap_verdict){.enters = false};
    read_key(request, body, verdict->key);
    verdict->known = rt_access_find(access, rt_span_text(verdict->key));
    verdict->enters = rt_door_parse(rt_envelope_frame(request, RT_ZAP_DOMAIN), &door) &&
                      rt_key_may_enter(verdict->known, door);
    return true;
}
