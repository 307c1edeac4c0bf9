/* Any frames as a request of ZAP: who comes in has shown, in a request that is exactly one of CURVE, the
 * public key of a file whose role enters there, and is not shut out; everybody else stays outside.
 *
 * The input: a byte, whose lowest bits say which of the keys are shut out, then frames as fuzz_envelope has
 * them; the last is the body. */
#include <stdlib.h>
#include <zmq.h>

#include "daemon/zap_request.h"
#include "protocol/assert.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { KEYS = RT_ROLES, KEY_BYTES = 32 };

static struct rt_access access_table = {.asked = true};

/* The key of a role: 32 bytes that are its letter. */
static void public_of(int role, uint8_t key[KEY_BYTES])
{
    memset(key, "psra"[role], KEY_BYTES);
}

static void make_keys(void)
{
    for (int role = 0; role < KEYS; role++) {
        struct rt_key key = {.name = "n", .role = (enum rt_role)role};
        uint8_t bytes[KEY_BYTES];

        public_of(role, bytes);
        RT_ASSERT(zmq_z85_encode(key.public_key, bytes, KEY_BYTES) != NULL);
        RT_ASSERT(rt_access_add(&access_table, &key));
    }
    rt_access_seal(&access_table, NULL, NULL);
}

static void shut_out(unsigned which)
{
    for (size_t i = 0; i < access_table.count; i++)
        access_table.keys[i].shut_out = (which >> i & 1) != 0;
}

/* As docs/PROTOCOL.md has the roles: producers push, subscribers hear, everybody with a key may ask and be
 * refused. Said anew here. */
static bool role_enters(const struct rt_key *key, struct rt_span domain)
{
    bool is_admin = key->role == RT_ROLE_ADMIN;

    if (rt_span_is(domain, "alerts"))
        return !key->shut_out && (is_admin || key->role == RT_ROLE_SUBSCRIBER);
    if (rt_span_is(domain, "firehose"))
        return is_admin || key->role == RT_ROLE_PRODUCER;
    return rt_span_is(domain, "events") || rt_span_is(domain, "query");
}

static const struct rt_key *shown(struct rt_span body)
{
    for (int role = 0; role < KEYS; role++) {
        uint8_t key[KEY_BYTES];

        public_of(role, key);
        if (!rt_span_equal(body, rt_span(key, KEY_BYTES)))
            continue;
        for (size_t i = 0; i < access_table.count; i++)
            if (access_table.keys[i].role == (enum rt_role)role)
                return &access_table.keys[i];
    }
    return NULL;
}

static void judge(const struct rt_envelope *request, struct rt_span body)
{
    const struct rt_key *key = shown(body);
    struct rt_zap_verdict verdict;
    bool is_curve, expected;

    if (!rt_zap_judge(&access_table, request, body, &verdict)) {
        RT_ASSERT(request->count < 6);
        return;
    }
    is_curve = request->count == 8 && rt_span_is(rt_envelope_frame(request, 2), "1.0") &&
               rt_span_is(rt_envelope_frame(request, 7), "CURVE");
    expected = is_curve && key != NULL && role_enters(key, rt_envelope_frame(request, 4));
    RT_ASSERT(verdict.enters == expected);
    RT_ASSERT(verdict.known == (is_curve ? key : NULL));
    RT_ASSERT(strlen(verdict.key) == (is_curve && body.size == KEY_BYTES ? RT_KEY_TEXT - 1 : 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rt_envelope request = {0};
    struct rt_span body = {0};

    if (access_table.count == 0)
        make_keys();
    if (size < 1)
        return 0;
    shut_out(data[0]);
    data++;
    size--;
    while (size >= 2) {
        size_t claimed = (size_t)(data[0] | data[1] << 8);
        size_t frame = claimed < size - 2 ? claimed : size - 2;

        if (body.data != NULL && !rt_envelope_add(&request, body))
            break;
        body = rt_span(data + 2, frame);
        data += 2 + frame;
        size -= 2 + frame;
    }
    judge(&request, body);
    rt_envelope_clear(&request);
    return 0;
}
