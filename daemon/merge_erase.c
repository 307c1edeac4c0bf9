/* Merging account.erase: its owner erases the account, every worker the dead letters that name it. */
#include "daemon/merge.h"
#include "protocol/writer.h"

bool rt_merge_erase(const struct rt_merge *merge, struct rt_buffer *out)
{
    struct rt_span error;
    int64_t events = 0;

    if (rt_merge_error(merge, &error)) {
        rt_buffer_append(out, error.data, error.size);
        return !out->failed;
    }
    for (uint32_t i = 0; i < merge->count; i++) {
        struct rt_reader value;
        int64_t part;

        if (!rt_merge_find(merge->parts[i], "events", &value) || !rt_read_int(&value, &part) ||
            part < 0) {
            return false;
        }
        events += part;
    }
    rt_write_map(out, 2);
    rt_write_key_bool(out, "ok", true);
    rt_write_key_int(out, "events", events);
    return !out->failed;
}
