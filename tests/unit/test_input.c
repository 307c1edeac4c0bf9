/* Reading events: CSV, JSON Lines and MessagePack, --map and --set, made-up ids. Every case is fed
 * byte by byte as well. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "clients/retainctl/input.h"
#include "clients/retainctl/json.h"

enum { EVENTS_MAX = 16, BAD_MAX = 16 };

static struct {
    json_t *events[EVENTS_MAX];
    uint64_t lines[EVENTS_MAX];
    size_t count;
    struct {
        uint64_t line;
        char text[200];
    } bad[BAD_MAX];
    size_t bad_count;
    size_t stop_after;
    uint8_t last[200]; /* bytes of the last event */
    size_t last_size;
    char error[RT_INPUT_ERROR];
} got;

static bool on_event(void *arg, uint64_t line, struct rt_span packed)
{
    (void)arg;
    assert_true(rt_msgpack_check(packed, 16));
    assert_in_range(got.count, 0, EVENTS_MAX - 1);
    got.lines[got.count] = line;
    got.last_size = packed.size < sizeof(got.last) ? packed.size : sizeof(got.last);
    memcpy(got.last, packed.data, got.last_size);
    got.events[got.count++] = rt_json_of(retain_value_of(packed.data, packed.size));
    return got.stop_after == 0 || got.count < got.stop_after;
}

static bool on_bad(void *arg, uint64_t line, const char *text)
{
    (void)arg;
    assert_in_range(got.bad_count, 0, BAD_MAX - 1);
    got.bad[got.bad_count].line = line;
    snprintf(got.bad[got.bad_count++].text, sizeof(got.bad[0].text), "%s", text);
    return true;
}

static void forget(void)
{
    for (size_t i = 0; i < got.count; i++)
        json_decref(got.events[i]);
    memset(&got, 0, sizeof(got));
}

static const struct rt_sink sink = {NULL, on_event, on_bad};

static enum rt_input_result read_pieces(enum rt_input_format format,
                                        const struct rt_mapping *mapping, struct rt_span text,
                                        size_t piece)
{
    struct rt_input *input = rt_input_new(format, mapping, &sink, 0);
    enum rt_input_result result = RT_INPUT_OK;

    assert_non_null(input);
    for (size_t at = 0; at < text.size && result == RT_INPUT_OK; at += piece)
        result =
            rt_input_feed(input, text.data + at, text.size - at < piece ? text.size - at : piece);
    if (result == RT_INPUT_OK)
        result = rt_input_end(input);
    snprintf(got.error, sizeof(got.error), "%s", rt_input_error(input));
    rt_input_free(input);
    return result;
}

/* Reads it byte by byte, then whole: both must say the same; the latter is left in `got`. */
static enum rt_input_result read_all(enum rt_input_format format, const char *map, const char *set,
                                     struct rt_span text)
{
    struct rt_mapping mapping = {0};
    char error[RT_MAPPING_ERROR];
    enum rt_input_result first, second;
    json_t *events[EVENTS_MAX];
    size_t count, bad_count, stop = got.stop_after;

    assert_true(map == NULL || rt_mapping_map(&mapping, map, error));
    assert_true(set == NULL || rt_mapping_set(&mapping, set, error));
    forget();
    got.stop_after = stop;
    first = read_pieces(format, &mapping, text, 1);
    count = got.count;
    bad_count = got.bad_count;
    for (size_t i = 0; i < count; i++)
        events[i] = json_incref(got.events[i]);
    forget();
    got.stop_after = stop;
    second = read_pieces(format, &mapping, text, text.size + 1);
    assert_int_equal(first, second);
    assert_int_equal(count, got.count);
    assert_int_equal(bad_count, got.bad_count);
    for (size_t i = 0; i < count; i++) {
        assert_true(json_equal(events[i], got.events[i]));
        json_decref(events[i]);
    }
    rt_mapping_free(&mapping);
    return second;
}

static enum rt_input_result csv(const char *map, const char *set, const char *text)
{
    return read_all(RT_FORMAT_CSV, map, set, rt_span_text(text));
}

static enum rt_input_result jsonl(const char *map, const char *set, const char *text)
{
    return read_all(RT_FORMAT_JSONL, map, set, rt_span_text(text));
}

static const char *text_of(size_t event, const char *key)
{
    return json_string_value(json_object_get(got.events[event], key));
}

/* ---- CSV ------------------------------------------------------------------------------------- */

static void csv_without_a_needed_column_is_refused_whole(void **state)
{
    (void)state;
    assert_int_equal(csv(NULL, NULL, "customer,ts\nA,1\n"), RT_INPUT_FAILED);
    assert_non_null(strstr(got.error, "no column says account"));
    assert_non_null(strstr(got.error, "customer, ts"));
    assert_int_equal(csv("account=kunde", "type=call", "customer,ts\nA,1\n"), RT_INPUT_FAILED);
    assert_non_null(strstr(got.error, "no column 'kunde'"));
    assert_int_equal(csv(NULL, "type=call", "account,ts,ts\nA,1,2\n"), RT_INPUT_FAILED);
    assert_non_null(strstr(got.error, "two columns 'ts'"));
    assert_int_equal(got.count, 0);
    forget();
}

static void csv_cells_that_say_no_value_are_bad_with_their_line(void **state)
{
    (void)state;
    assert_int_equal(csv(NULL, NULL,
                         "type,account,ts,duration,severity,bounced,id\n"
                         "call,A,31.12.2020,,,,1\n"
                         "call,A,2020-01-01,3 minutes,,,2\n"
                         "call,A,2020-01-01,0x10,,,3\n"
                         "\n"
                         "call,A,2020-01-01,,1.5,,4\n"
                         "call,A,2020-01-01,,,perhaps,5\n"
                         "call,A,2020-01-01,,,,6,7\n"
                         "call,A,2020-01-01,nan,,,8\n"
                         "call,A,2020-01-01,12,1,no,9\n"),
                     RT_INPUT_OK);
    assert_int_equal(got.bad_count, 7);
    assert_int_equal(got.bad[0].line, 2);
    assert_non_null(strstr(got.bad[0].text, "ts: '31.12.2020' is no time"));
    assert_int_equal(got.bad[2].line, 4);
    assert_int_equal(got.bad[3].line, 6);
    assert_non_null(strstr(got.bad[3].text, "severity"));
    assert_int_equal(got.bad[5].line, 8);
    assert_non_null(strstr(got.bad[5].text, "8 cells, the header 7"));
    assert_int_equal(got.count, 1);
    assert_string_equal(text_of(0, "id"), "9");
    assert_int_equal(got.lines[0], 10);
    forget();
}

static void csv_with_an_open_quote_fails(void **state)
{
    (void)state;
    assert_int_equal(csv(NULL, NULL, "type,account,ts,id\ncall,A,1,1\ncall,\"B,1,2\ncall,C,1,3\n"),
                     RT_INPUT_FAILED);
    assert_non_null(strstr(got.error, "line 3"));
    assert_int_equal(got.count, 1);
    forget();
}

static void csv_types_stay_what_the_key_is(void **state)
{
    (void)state;
    assert_int_equal(csv(NULL, NULL,
                         "\xef\xbb\xbfid,type,account,ts,sentiment,severity,bounced,contact,"
                         "renewal,value,other\r\n"
                         "0007,call,00001,2020-01-01,0.5,2,true,123,2021-01-01,1e3,dropped\r\n"
                         "8,call,\"a \"\"b\"\", c\nd\", 1577836800000 ,,,,,,,\r\n"),
                     RT_INPUT_OK);
    assert_int_equal(got.count, 2);
    assert_string_equal(text_of(0, "id"), "0007");
    assert_string_equal(text_of(0, "account"), "00001");
    assert_string_equal(text_of(0, "contact"), "123");
    assert_int_equal(json_integer_value(json_object_get(got.events[0], "ts")),
                     INT64_C(1577836800000));
    assert_int_equal(json_integer_value(json_object_get(got.events[0], "renewal")),
                     INT64_C(1609459200000));
    assert_true(json_is_integer(json_object_get(got.events[0], "severity")));
    assert_true(json_is_true(json_object_get(got.events[0], "bounced")));
    assert_true(json_is_real(json_object_get(got.events[0], "sentiment")));
    assert_true(json_is_real(json_object_get(got.events[0], "value")));
    assert_null(json_object_get(got.events[0], "other"));
    assert_string_equal(text_of(1, "account"), "a \"b\", c\nd");
    assert_int_equal(json_integer_value(json_object_get(got.events[1], "ts")),
                     INT64_C(1577836800000));
    assert_int_equal(json_object_size(got.events[1]), 4); /* empty cells are absent keys */
    assert_int_equal(got.lines[1], 3);
    forget();
}

static void csv_map_renames_and_set_fills_in(void **state)
{
    (void)state;
    assert_int_equal(csv("account=customer,ts=date,contact=agent",
                         "type=visit,channel=web,source=a, b",
                         "customer,date,channel,agent,account\n1,2020-01-01,,x,not "
                         "this\n2,2020-01-02,onsite,y,nor this\n"),
                     RT_INPUT_OK);
    assert_int_equal(got.count, 2);
    assert_string_equal(text_of(0, "account"), "1");
    assert_string_equal(text_of(0, "type"), "visit");
    assert_string_equal(text_of(0, "channel"), "web");
    assert_string_equal(text_of(1, "channel"), "onsite");
    assert_string_equal(text_of(0, "contact"), "x");
    assert_null(text_of(0, "agent"));
    assert_string_equal(text_of(0, "source"), "a, b");
    forget();
}

static void csv_ids_are_stable_and_tell_identical_rows_apart(void **state)
{
    static const char text[] = "account,ts,extra\nA,2020-01-01,1\nA,2020-01-01,1\nA,2020-01-01,"
                               "2\nB,2020-01-01,1\nA,2020-01-01,1\n";
    char ids[5][40];

    (void)state;
    assert_int_equal(csv(NULL, "type=call", text), RT_INPUT_OK);
    assert_int_equal(got.count, 5);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(strlen(text_of((size_t)i, "id")), 32);
        snprintf(ids[i], sizeof(ids[i]), "%s", text_of((size_t)i, "id"));
        for (int j = 0; j < i; j++)
            assert_string_not_equal(ids[i], ids[j]);
    }
    assert_int_equal(csv(NULL, "type=call", text), RT_INPUT_OK);
    for (int i = 0; i < 5; i++)
        assert_string_equal(text_of((size_t)i, "id"), ids[i]);
    /* never to change: files that were pushed with these ids must stay duplicates */
    assert_string_equal(ids[0], "07e15ac703f6ab097becf11371b6ec6b");
    assert_string_equal(ids[1], "8df941b86700937fc292925aae811c0e");
    assert_int_equal(csv(NULL, "type=visit", text), RT_INPUT_OK);
    assert_string_not_equal(text_of(0, "id"), ids[0]); /* another type is another event */
    assert_int_equal(
        csv(NULL, "type=call", "account,ts,extra,id\nA,2020-01-01,1,\nA,2020-01-01,1,x\n"),
        RT_INPUT_OK);
    assert_int_equal(strlen(text_of(0, "id")), 32);
    assert_string_equal(text_of(1, "id"), "x");
    forget();
}

static void the_sink_can_stop(void **state)
{
    (void)state;
    got.stop_after = 2;
    assert_int_equal(csv(NULL, "type=call", "account,ts\nA,1\nB,1\nC,1\n"), RT_INPUT_STOPPED);
    assert_int_equal(got.count, 2);
    got.stop_after = 1;
    assert_int_equal(jsonl(NULL, NULL, "{\"id\":\"1\"}\n{\"id\":\"2\"}\n"), RT_INPUT_STOPPED);
    assert_int_equal(got.count, 1);
    got.stop_after = 0;
    forget();
}

/* ---- JSON Lines ------------------------------------------------------------------------------ */

static void json_that_is_no_event_is_bad_with_its_line(void **state)
{
    (void)state;
    assert_int_equal(jsonl(NULL, NULL,
                           "{\"id\":\"1\"\n"
                           "[1,2]\n"
                           "\n"
                           "{\"id\":\"1\",\"id\":\"2\"}\n"
                           "{\"id\":\"3\",\"ts\":\"yesterday\"}\n"
                           "7\n"
                           "{\"id\":\"4\",\"x\":[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]}\n"
                           "{\"id\":\"\\ud800\"}\n"
                           "{\"id\":\"5\"}"),
                     RT_INPUT_OK);
    assert_int_equal(got.bad_count, 7);
    assert_int_equal(got.bad[1].line, 2);
    assert_int_equal(got.bad[2].line, 4);
    assert_non_null(strstr(got.bad[3].text, "ts: 'yesterday' is no time"));
    assert_int_equal(got.count, 1);
    assert_int_equal(got.lines[0], 9);
    forget();
}

static void json_goes_on_as_it_came(void **state)
{
    json_t *expected = json_loads("{\"id\":\"1\",\"ts\":1577836800000,\"sentiment\":1,\"severity\":"
                                  "2,\"bounced\":true,\"name\":null,"
                                  "\"contacts\":[{\"name\":\"A\"}],\"unknown\":{\"a\":[1.5]}}",
                                  0, NULL);

    (void)state;
    assert_int_equal(
        jsonl(NULL, NULL,
              "\xef\xbb\xbf{\"id\":\"1\",\"ts\":\"2020-01-01T00:00:00Z\",\"sentiment\":1,"
              "\"severity\":2.0,\"bounced\":true,"
              "\"name\":null,\"contacts\":[{\"name\":\"A\"}],\"unknown\":{\"a\":[1.5]}}\r\n"),
        RT_INPUT_OK);
    assert_int_equal(got.count, 1);
    assert_true(json_equal(got.events[0], expected));
    json_decref(expected);
    forget();
}

static void json_takes_map_and_set(void **state)
{
    (void)state;
    assert_int_equal(jsonl("account=customer", "type=call,direction=in",
                           "{\"customer\":\"A\",\"account\":\"not "
                           "this\",\"type\":\"\",\"direction\":\"out\",\"ts\":1,\"id\":\"\"}\n"),
                     RT_INPUT_OK);
    assert_int_equal(got.count, 1);
    assert_string_equal(text_of(0, "account"), "A");
    assert_string_equal(text_of(0, "type"), "call");
    assert_string_equal(text_of(0, "direction"), "out");
    assert_int_equal(strlen(text_of(0, "id")), 32);
    assert_int_equal(json_object_size(got.events[0]), 5);
    forget();
}

static void json_ids_do_not_depend_on_the_order_of_keys(void **state)
{
    char id[40];

    (void)state;
    assert_int_equal(jsonl(NULL, NULL,
                           "{\"account\":\"A\",\"ts\":1, "
                           "\"type\":\"call\"}\n{\"type\":\"call\",\"account\":\"A\",\"ts\":1}\n"),
                     RT_INPUT_OK);
    assert_string_not_equal(text_of(0, "id"),
                            text_of(1, "id")); /* the second of two identical ones */
    snprintf(id, sizeof(id), "%s", text_of(0, "id"));
    assert_int_equal(jsonl(NULL, NULL, "{\"type\":\"call\",\"account\":\"A\",\"ts\":1}\n"),
                     RT_INPUT_OK);
    assert_string_equal(text_of(0, "id"), id);
    forget();
}

static void an_array_of_objects_is_read_too(void **state)
{
    (void)state;
    assert_int_equal(jsonl(NULL, NULL, "\n [\n {\"id\":\"1\"},\n 5, {\"id\":\"2\"} ]\n"),
                     RT_INPUT_OK);
    assert_int_equal(got.count, 2);
    assert_int_equal(got.bad_count, 1);
    assert_int_equal(got.bad[0].line, 2);
    assert_int_equal(jsonl(NULL, NULL, "[{\"id\":\"1\"},"), RT_INPUT_FAILED);
    forget();
}

/* ---- MessagePack ----------------------------------------------------------------------------- */

static void a_broken_stream_fails_behind_what_was_whole(void **state)
{
    (void)state;
    assert_int_equal(
        read_all(RT_FORMAT_MSGPACK, NULL, NULL, rt_span("\x81\xa2id\xa1x\x82\xa2id", 10)),
        RT_INPUT_FAILED);
    assert_int_equal(got.count, 1);
    assert_non_null(strstr(got.error, "in the middle"));
    assert_int_equal(read_all(RT_FORMAT_MSGPACK, NULL, NULL, rt_span("\xc1", 1)), RT_INPUT_FAILED);
    forget();
}

static void maps_and_arrays_of_maps_are_events(void **state)
{
    (void)state;
    assert_int_equal(read_all(RT_FORMAT_MSGPACK, NULL, "type=call",
                              rt_span("\x81\xa2id\xa1x\x92\x81\xa2id\xa1y\x07\x81\x01\x02", 17)),
                     RT_INPUT_OK);
    assert_int_equal(got.count, 3);
    assert_int_equal(got.bad_count, 1);
    assert_int_equal(got.bad[0].line, 3);
    assert_string_equal(text_of(0, "type"), "call");
    assert_string_equal(text_of(1, "id"), "y");
    assert_int_equal(strlen(text_of(2, "id")), 32);
    forget();
}

/* ---- options --------------------------------------------------------------------------------- */

/* What has an id and every value in its form is not written again; what lacks one of them is. */
static void events_as_retaind_writes_them_go_on_as_they_lie(void **state)
{
    static const struct {
        const char *bytes, *set;
        bool lies;
    } cases[] = {
        {"\x84\xa2id\xa1x\xa7"
         "account\xa1"
         "A\xa4type\xa4"
         "call\xa2ts\x07",
         NULL, true},
        {"\x84\xa2id\xa0\xa7"
         "account\xa1"
         "A\xa4type\xa4"
         "call\xa2ts\x07",
         NULL, false},
        {"\x83\xa7"
         "account\xa1"
         "A\xa4type\xa4"
         "call\xa2ts\x07",
         NULL, false},
        {"\x84\xa2id\xa1x\xa7"
         "account\xa1"
         "A\xa4type\xa4"
         "call\xa2ts\xb8"
         "1970-01-01T00:00:00.007Z",
         NULL, false},
        {"\x84\xa2id\xa1x\xa7"
         "account\xa1"
         "A\xa4type\xa4"
         "call\xa2ts\x07",
         "source=crm", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct rt_span bytes = rt_span_text(cases[i].bytes);
        struct rt_mapping mapping = {0};
        char error[RT_MAPPING_ERROR];

        assert_true(cases[i].set == NULL || rt_mapping_set(&mapping, cases[i].set, error));
        forget();
        assert_int_equal(read_pieces(RT_FORMAT_MSGPACK, &mapping, bytes, bytes.size), RT_INPUT_OK);
        assert_int_equal(got.count, 1);
        assert_int_equal(json_integer_value(json_object_get(got.events[0], "ts")), 7);
        assert_true(json_string_length(json_object_get(got.events[0], "id")) > 0);
        assert_int_equal(rt_span_equal(rt_span(got.last, got.last_size), bytes), cases[i].lies);
        rt_mapping_free(&mapping);
    }
    forget();
}

static void mappings_that_mean_nothing_are_refused(void **state)
{
    static const char *const maps[] = {
        "account", "=x", "account=", "nokey=x", "account=x,account=y", "account=x,,", ""};
    static const char *const sets[] = {
        "type", "type=", "nokey=x", "severity=high", "type=call,type=visit", ""};
    char error[RT_MAPPING_ERROR];

    (void)state;
    for (size_t i = 0; i < sizeof(maps) / sizeof(maps[0]); i++) {
        struct rt_mapping mapping = {0};

        assert_false(rt_mapping_map(&mapping, maps[i], error));
        assert_int_not_equal(error[0], '\0');
        rt_mapping_free(&mapping);
    }
    for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++) {
        struct rt_mapping mapping = {0};

        assert_false(rt_mapping_set(&mapping, sets[i], error));
        rt_mapping_free(&mapping);
    }
}

static void formats_are_told_by_name_and_by_bytes(void **state)
{
    enum rt_input_format format;

    (void)state;
    assert_false(rt_input_format_parse("xml", &format));
    assert_int_equal(rt_input_format_of_name("a.csv.gz"), RT_FORMAT_UNKNOWN);
    assert_int_equal(rt_input_format_of_name("a.b/c.NDJSON"), RT_FORMAT_JSONL);
    assert_int_equal(rt_input_format_of_name("x.mp"), RT_FORMAT_MSGPACK);
    assert_int_equal(rt_input_format_of_bytes(rt_span_text(" \n{")), RT_FORMAT_JSONL);
    assert_int_equal(rt_input_format_of_bytes(rt_span("\x84", 1)), RT_FORMAT_MSGPACK);
    assert_int_equal(rt_input_format_of_bytes(rt_span_text("\xef\xbb\xbfid,ts")), RT_FORMAT_CSV);
    assert_int_equal(rt_input_format_of_bytes(rt_span_text("")), RT_FORMAT_UNKNOWN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(csv_without_a_needed_column_is_refused_whole),
        cmocka_unit_test(csv_cells_that_say_no_value_are_bad_with_their_line),
        cmocka_unit_test(csv_with_an_open_quote_fails),
        cmocka_unit_test(csv_types_stay_what_the_key_is),
        cmocka_unit_test(csv_map_renames_and_set_fills_in),
        cmocka_unit_test(csv_ids_are_stable_and_tell_identical_rows_apart),
        cmocka_unit_test(the_sink_can_stop),
        cmocka_unit_test(json_that_is_no_event_is_bad_with_its_line),
        cmocka_unit_test(json_goes_on_as_it_came),
        cmocka_unit_test(json_takes_map_and_set),
        cmocka_unit_test(json_ids_do_not_depend_on_the_order_of_keys),
        cmocka_unit_test(an_array_of_objects_is_read_too),
        cmocka_unit_test(a_broken_stream_fails_behind_what_was_whole),
        cmocka_unit_test(maps_and_arrays_of_maps_are_events),
        cmocka_unit_test(events_as_retaind_writes_them_go_on_as_they_lie),
        cmocka_unit_test(mappings_that_mean_nothing_are_refused),
        cmocka_unit_test(formats_are_told_by_name_and_by_bytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
