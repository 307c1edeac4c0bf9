#include "daemon/retry.h"

#include "daemon/merge.h"
#include "protocol/batch.h"

void rt_retry_request(struct rt_buffer *out, const char *op, struct rt_span id)
{
    rt_write_map(out, 2);
    rt_write_key_text(out, "op", op);
    rt_write_key_str(out, "id", id);
}

bool rt_retry_letter(struct rt_span answer, struct rt_span *letter)
{
    struct rt_reader value;

    return rt_merge_find(answer, "letter", &value) && rt_read_bin(&value, letter);
}

bool rt_retry_reply(struct rt_buffer *out, struct rt_span push_reply)
{
    struct rt_reader reader = rt_reader(push_reply);
    struct rt_push_reply reply;
    uint32_t pairs;

    if (!rt_push_reply_decode(push_reply, &reply) || !rt_read_map(&reader, &pairs)) {
        return false;
    }
    rt_write_map(out, pairs + 1);
    rt_write_key_bool(out, "ok", reply.error == RT_OK);
    rt_buffer_append(out, reader.at, (size_t)(reader.end - reader.at));
    return !out->failed;
}

bool rt_retry_taken(struct rt_span push_reply)
{
    struct rt_push_reply reply;

    return rt_push_reply_decode(push_reply, &reply) && reply.error == RT_OK &&
           reply.rejected == 0 && reply.accepted + reply.duplicate > 0;
}
