/* Any bytes as the answer to a message of the client library: taken, and then every event of it is
 * acknowledged once, or sent again as it was.
 *
 * The input: a byte of how many events the message has, then the answer. */
#include "clients/libretain/outbox.h"
#include "protocol/assert.h"
#include "protocol/limits.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { EVENTS_MAX = 8, NOW = 1000, RESEND_MS = 100, LATER = 1000000 };

static void fill(struct rt_outbox *outbox, unsigned events)
{
    static const uint8_t event[] = {0x81, 0xa2, 'i', 'd', 0xa1, 'x'};

    for (unsigned i = 0; i < events; i++)
        RT_ASSERT(rt_outbox_add(outbox, rt_span(event, sizeof(event)), i, false) == RETAIN_OK);
    rt_outbox_close_batch(outbox, false);
}

static void ack_is_sound(const struct retain_ack *ack)
{
    bool rejected = ack->outcome == RETAIN_REJECTED;

    RT_ASSERT((unsigned)ack->outcome <= RETAIN_REJECTED);
    RT_ASSERT((ack->code != NULL) == rejected && (ack->error != NULL) == rejected);
    RT_ASSERT(!rejected || ack->code[0] != '\0');
}

static void all_acknowledged(struct rt_outbox *outbox, unsigned events)
{
    struct rt_outbox_counts counts;
    struct retain_ack ack;
    unsigned seen = 0;

    for (unsigned i = 0; i < events; i++) {
        RT_ASSERT(rt_outbox_ack(outbox, false, &ack) && ack.token < events);
        RT_ASSERT((seen >> ack.token & 1) == 0);
        seen |= 1u << ack.token;
        ack_is_sound(&ack);
    }
    RT_ASSERT(!rt_outbox_ack(outbox, false, &ack) && rt_outbox_pending(outbox, false) == 0);
    rt_outbox_get_counts(outbox, &counts);
    RT_ASSERT(counts.accepted + counts.duplicate + counts.rejected == events);
}

static void is_sent_again(struct rt_outbox *outbox, uint64_t number, unsigned events)
{
    struct rt_span payload;
    uint64_t again;

    RT_ASSERT(rt_outbox_pending(outbox, false) == events && !rt_outbox_has_ack(outbox, false));
    RT_ASSERT(rt_outbox_next(outbox, LATER, &again, &payload) && again == number);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct rt_outbox_limits limits = {.messages = 4,
                                            .bytes = 4096,
                                            .batch_events = EVENTS_MAX,
                                            .batch_bytes = 4096,
                                            .resend_ms = RESEND_MS};
    struct rt_outbox *outbox = rt_outbox_new(&limits);
    unsigned events = size > 0 ? 1 + data[0] % EVENTS_MAX : 1;
    struct rt_span payload;
    uint64_t number;

    RT_ASSERT(outbox != NULL);
    fill(outbox, events);
    RT_ASSERT(rt_outbox_next(outbox, NOW, &number, &payload));
    RT_ASSERT(rt_msgpack_check(payload, RT_NESTING));
    rt_outbox_sent(outbox, number, NOW);
    (void)rt_outbox_answer(outbox, number, rt_span(data + (size > 0), size - (size > 0)), NOW);
    if (rt_outbox_has_ack(outbox, false))
        all_acknowledged(outbox, events);
    else
        is_sent_again(outbox, number, events);
    rt_outbox_free(outbox);
    return 0;
}
