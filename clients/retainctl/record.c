/* Events that come as maps (JSON Lines, MessagePack): renamed by --map, completed by --set, given
 * an id.
 *
 * Only a textual time and a whole number that JSON wrote with a fraction change their form; all
 * else goes on as it came. */
#include "clients/retainctl/input.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

struct pair {
    struct rt_span key,
        value; /* the key unpacked, the value packed; they point into the map that came */
    enum rt_key_kind kind;
    bool known;
};

/* How a pair ends up. */
struct record {
    struct rt_input_common *common;
    struct rt_buffer *event;
    size_t mark;
    uint32_t pairs;
    struct rt_span account, type, ts; /* as they came */
    bool id, has[RT_MAPPING_MAX];     /* has: presets that are not needed */
    char error[RT_KEY_ERROR];
};

static bool is_nothing(struct rt_span packed)
{
    return packed.size == 1 && (packed.data[0] == 0xc0 || packed.data[0] == 0xa0); /* nil, "" */
}

/* A time as text becomes a number, and a whole number that JSON wrote as a float one without a
 * fraction. */
static bool value_write(struct record *record, const struct pair *pair)
{
    struct rt_reader reader = rt_reader(pair->value);
    enum rt_kind kind = rt_read_kind(&reader);
    struct rt_span text;
    double number;

    if (pair->known && pair->kind == RT_KEY_TIME && kind == RT_KIND_STR &&
        rt_read_str(&reader, &text))
        return rt_key_convert(pair->key, RT_KEY_TIME, text, record->event, record->error);
    if (pair->known && (pair->kind == RT_KEY_TIME || pair->kind == RT_KEY_WHOLE) &&
        kind == RT_KIND_FLOAT && rt_read_number(&reader, &number) && number == floor(number) &&
        fabs(number) < 9e15)
        rt_write_int(record->event, (int64_t)number);
    else
        rt_write_raw(record->event, pair->value);
    return true;
}

static void note(struct record *record, const struct pair *pair)
{
    if (rt_span_is(pair->key, "account"))
        record->account = pair->value;
    else if (rt_span_is(pair->key, "type"))
        record->type = pair->value;
    else if (rt_span_is(pair->key, "ts"))
        record->ts = pair->value;
    else if (rt_span_is(pair->key, "id"))
        record->id = !is_nothing(pair->value);
}

/* A pair under the name it goes by now; left out if --set says something and it says nothing, or if
 * it is an empty id. */
static bool pair_write(struct record *record, struct rt_span key, struct rt_span value)
{
    struct pair pair = {.key = key, .value = value};
    const struct rt_set_entry *preset = rt_mapping_preset(record->common->mapping, key);

    if ((preset != NULL || rt_span_is(key, "id")) && is_nothing(value))
        return true;
    if (preset != NULL)
        record->has[preset - record->common->mapping->sets] = true;
    pair.known = rt_key_find(key, &pair.kind);
    note(record, &pair);
    rt_write_str(record->event, key);
    record->pairs++;
    return value_write(record, &pair);
}

/* All names of a column: the targets it is mapped to, else its own unless that is a target. */
static bool column_write(struct record *record, struct rt_span column, struct rt_span value)
{
    const struct rt_mapping *mapping = record->common->mapping;

    for (size_t i = 0; i < mapping->map_count; i++) {
        if (rt_span_is(column, mapping->maps[i].column) &&
            !pair_write(record, rt_span_text(mapping->maps[i].target), value))
            return false;
    }
    if (rt_mapping_renames(mapping, column) || rt_mapping_column(mapping, column) != NULL)
        return true;
    return pair_write(record, column, value);
}

static bool pairs_write(struct record *record, struct rt_span map)
{
    struct rt_reader reader = rt_reader(map);
    uint32_t pairs;

    (void)rt_read_map(&reader, &pairs);
    for (uint32_t i = 0; i < pairs; i++) {
        struct rt_span key, value;
        bool named = rt_read_kind(&reader) == RT_KIND_STR;

        if (named ? !rt_read_str(&reader, &key) : !rt_read_skip(&reader, &key))
            return false;
        if (!rt_read_skip(&reader, &value))
            return false;
        if (named && !column_write(record, key, value))
            return false; /* keys that are no text are ignored by everybody */
    }
    return true;
}

static void presets_write(struct record *record)
{
    const struct rt_mapping *mapping = record->common->mapping;

    for (size_t i = 0; i < mapping->set_count; i++) {
        const struct rt_set_entry *preset = &mapping->sets[i];
        struct rt_span value = rt_buffer_span(&preset->packed);

        if (record->has[i])
            continue;
        note(record, &(struct pair){.key = rt_span_text(preset->key), .value = value});
        rt_write_text(record->event, preset->key);
        rt_write_raw(record->event, value);
        record->pairs++;
    }
}

static enum rt_input_result failed(struct rt_input_common *common)
{
    snprintf(common->error, sizeof(common->error), "out of memory");
    return RT_INPUT_FAILED;
}

static bool id_write(struct record *record, struct rt_span content)
{
    char id[RT_ROWID_TEXT];

    if (record->id)
        return true;
    if (!rt_rowid_make(record->common->rowid, record->account, record->type, record->ts, content,
                       id))
        return false;
    rt_write_key_str(record->event, "id", rt_span(id, sizeof(id)));
    record->pairs++;
    return true;
}

/* Whether a value stands in the form it is wanted in. */
static bool value_fits(struct rt_span key, struct rt_span value)
{
    struct rt_reader reader = rt_reader(value);
    enum rt_kind kind = rt_read_kind(&reader);
    enum rt_key_kind wanted;

    return (kind != RT_KIND_STR && kind != RT_KIND_FLOAT) || !rt_key_find(key, &wanted) ||
           (wanted != RT_KEY_TIME && (kind == RT_KIND_STR || wanted != RT_KEY_WHOLE));
}

/* Whether the map is an event as it stands: nothing to rename or fill in, an id, every key a text,
 * every value in its form. What retaind itself wrote is; writing it again costs as much as reading. */
static bool is_event(const struct rt_mapping *mapping, struct rt_span map)
{
    struct rt_reader reader = rt_reader(map);
    struct rt_span key, value;
    uint32_t pairs;
    bool id = false;

    if (mapping->map_count > 0 || mapping->set_count > 0 || !rt_read_map(&reader, &pairs))
        return false;
    for (uint32_t i = 0; i < pairs; i++) {
        if (rt_read_kind(&reader) != RT_KIND_STR || !rt_read_str(&reader, &key) ||
            !rt_read_skip(&reader, &value) || !value_fits(key, value))
            return false;
        if (rt_span_is(key, "id")) {
            if (is_nothing(value))
                return false;
            id = true;
        }
    }
    return id;
}

enum rt_input_result rt_record_emit(struct rt_input_common *common, uint64_t line,
                                    struct rt_span map, struct rt_span content)
{
    struct record record = {.common = common, .event = &common->event};
    const struct rt_sink *sink = common->sink;

    if (is_event(common->mapping, map))
        return sink->event(sink->arg, line, map) ? RT_INPUT_OK : RT_INPUT_STOPPED;
    rt_buffer_clear(&common->event);
    record.mark = rt_write_map_begin(&common->event);
    if (!pairs_write(&record, map))
        return sink->bad(sink->arg, line, record.error) ? RT_INPUT_OK : RT_INPUT_STOPPED;
    presets_write(&record);
    if (!id_write(&record, content))
        return failed(common);
    rt_write_end(&common->event, record.mark, record.pairs);
    if (common->event.failed)
        return failed(common);
    return sink->event(sink->arg, line, rt_buffer_span(&common->event)) ? RT_INPUT_OK
                                                                        : RT_INPUT_STOPPED;
}
