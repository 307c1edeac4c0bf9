/* Windows: room, order, what a crash changes; then a random history against a plain model. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <time.h>

#include "daemon/pending.h"
#include "daemon/restart.h"
#include "daemon/window.h"
#include "protocol/link.h"

/* A frame of `events` events, each of `size` bytes. */
static uint64_t add(struct rt_window *window, unsigned events, size_t size,
                    struct rt_pending *pending)
{
    struct rt_buffer bytes = {0};
    size_t mark = rt_link_begin(&bytes, RT_LINK_EVENTS, 0, window->end);
    struct rt_frame *frame;
    uint64_t tag;

    for (unsigned i = 0; i < events; i++) {
        uint8_t event[256];

        memset(event, (int)i, sizeof event);
        rt_put_u32(&bytes, i);
        rt_put_bytes(&bytes, rt_span(event, size));
    }
    rt_link_end(&bytes, mark);
    frame = rt_window_add(window, bytes.size, &tag);
    assert_non_null(frame);
    memcpy(frame->bytes, bytes.data, bytes.size);
    frame->pending = pending;
    if (pending != NULL) {
        pending->waiting++;
    }
    rt_buffer_free(&bytes);
    return tag;
}

/* Writes up to `most` bytes; appends them to `stream`. */
static size_t write_some(struct rt_window *window, size_t most, struct rt_buffer *stream)
{
    struct iovec pieces[4];
    size_t count =
        rt_window_begun(window, &pieces[0]) > 0 ? 1 : rt_window_pieces(window, pieces, 4);
    size_t written = 0;

    for (size_t i = 0; i < count && written < most; i++) {
        size_t size = pieces[i].iov_len < most - written ? pieces[i].iov_len : most - written;

        rt_buffer_append(stream, pieces[i].iov_base, size);
        written += size;
    }
    rt_window_written(window, written);
    return written;
}

static void write_all(struct rt_window *window, struct rt_buffer *stream)
{
    while (write_some(window, SIZE_MAX, stream) > 0) {
    }
}

/* The tags of the whole frames in a stream; returns how many. */
static unsigned tags_of(const struct rt_buffer *stream, uint64_t *tags)
{
    struct rt_link_header header;
    unsigned count = 0;

    for (size_t at = 0; at < stream->size; at += RT_LINK_HEADER + header.size) {
        assert_true(rt_link_header_decode(stream->data + at, &header));
        tags[count++] = header.tag;
    }
    return count;
}

static void a_full_window_takes_nothing_more(void **state)
{
    struct rt_window window = {0};
    uint64_t tag;

    (void)state;
    assert_true(rt_window_fits(&window, 5000, 1000)); /* alone in an empty one */
    tag = add(&window, 1, 200, NULL);
    assert_int_equal(window.bytes, RT_LINK_HEADER + 8 + 200);
    assert_false(rt_window_fits(&window, 5000, 1000));
    assert_true(rt_window_fits(&window, 1000 - window.bytes, 1000));
    assert_false(rt_window_fits(&window, 1001 - window.bytes, 1000));
    rt_window_done(&window, tag);
    assert_int_equal(window.bytes, 0);
    assert_null(rt_window_find(&window, tag));
    assert_null(rt_window_find(&window, tag + 1));
    rt_window_free(&window);
}

static void frames_leave_in_order_and_whole(void **state)
{
    struct rt_window window = {0};
    struct rt_buffer stream = {0};
    uint64_t tags[100];

    (void)state;
    for (unsigned i = 0; i < 100; i++) {
        add(&window, 1 + i % 3, 1 + i, NULL);
    }
    while (write_some(&window, 37, &stream) > 0) {
    }
    assert_int_equal(tags_of(&stream, tags), 100);
    for (unsigned i = 0; i < 100; i++) {
        assert_int_equal(tags[i], i);
        rt_window_done(&window, 99 - i); /* answers may come in any order */
    }
    assert_int_equal(window.bytes, 0);
    assert_true(rt_window_written_whole(&window));
    rt_buffer_free(&stream);
    rt_window_free(&window);
}

static void a_kill_from_outside_only_rewinds(void **state)
{
    struct rt_window window = {0};
    struct rt_buffer stream = {0};
    uint64_t tags[16];

    (void)state;
    for (int i = 0; i < 10; i++) {
        add(&window, 3, 20, NULL);
    }
    for (int kill = 0; kill < 5; kill++) {
        write_some(&window, 500, &stream);
        assert_true(rt_window_rewind(&window, false));
    }
    rt_buffer_clear(&stream);
    write_all(&window, &stream);
    assert_int_equal(tags_of(&stream, tags), 10);
    assert_int_equal(tags[9], 9);
    rt_buffer_free(&stream);
    rt_window_free(&window);
}

static void the_second_crash_splits_what_was_in_flight(void **state)
{
    struct rt_window window = {0};
    struct rt_buffer stream = {0};
    struct rt_pendings pendings = {0};
    struct rt_pending *first = rt_pending_new(&pendings, 1), *second = rt_pending_new(&pendings, 2);
    uint64_t tags[16], tag;

    (void)state;
    add(&window, 3, 20, first);
    write_all(&window, &stream);
    add(&window, 2, 20, second);
    assert_true(rt_window_rewind(&window, true));
    write_some(&window, 10, &stream); /* the second is not begun */
    assert_true(rt_window_rewind(&window, true));
    assert_int_equal(first->waiting, 3);
    assert_int_equal(second->waiting, 1);
    for (int i = 0; i < 3; i++) { /* one event at a time, the next after the answer */
        rt_buffer_clear(&stream);
        write_all(&window, &stream);
        assert_int_equal(tags_of(&stream, tags), 1);
        assert_int_equal(stream.data[RT_LINK_HEADER], i);
        assert_false(rt_window_poison(&window, &tag));
        rt_window_done(&window, tags[0]);
    }
    rt_buffer_clear(&stream);
    write_all(&window, &stream);
    assert_int_equal(tags_of(&stream, tags), 1); /* the second, whole */
    assert_int_equal(stream.size, RT_LINK_HEADER + 2 * 28);
    rt_window_done(&window, tags[0]);
    assert_int_equal(window.bytes, 0);
    first->waiting = second->waiting = 0;
    rt_pendings_free(&pendings);
    rt_buffer_free(&stream);
    rt_window_free(&window);
}

static void the_third_crash_on_one_event_is_poison(void **state)
{
    struct rt_window window = {0};
    struct rt_buffer stream = {0};
    uint64_t tag = 0, tags[8];

    (void)state;
    add(&window, 2, 20, NULL);
    for (int crash = 0; crash < 2; crash++) {
        write_all(&window, &stream);
        assert_false(rt_window_poison(&window, &tag));
        assert_true(rt_window_rewind(&window, true));
    }
    rt_buffer_clear(&stream);
    write_all(&window, &stream);
    assert_int_equal(tags_of(&stream, tags), 1);
    assert_true(rt_window_rewind(&window, true));
    assert_true(rt_window_poison(&window, &tag));
    assert_int_equal(tag, tags[0]);
    rt_window_done(&window, tag);
    assert_false(rt_window_poison(&window, &tag));
    rt_buffer_clear(&stream);
    write_all(&window, &stream);
    assert_int_equal(tags_of(&stream, tags), 1); /* its neighbour goes on */
    assert_int_equal(stream.data[RT_LINK_HEADER], 1);
    rt_buffer_free(&stream);
    rt_window_free(&window);
}

static void held_frames_come_again_at_the_end(void **state)
{
    struct rt_window window = {0};
    struct rt_buffer stream = {0};
    uint64_t tags[8];
    size_t bytes;

    (void)state;
    for (int i = 0; i < 3; i++) {
        add(&window, 1, 10, NULL);
    }
    write_all(&window, &stream);
    bytes = window.bytes;
    assert_true(rt_window_hold(&window, 0));
    assert_int_equal(window.bytes, bytes); /* still unacknowledged */
    assert_true(rt_window_rewind(&window, true));
    rt_window_release(&window);
    rt_buffer_clear(&stream);
    write_all(&window, &stream);
    assert_int_equal(tags_of(&stream, tags), 3);
    assert_int_equal(tags[0], 1);
    assert_int_equal(tags[2], 3);
    assert_true(rt_window_hold(&window, 3)); /* and is released with the window */
    rt_buffer_free(&stream);
    rt_window_free(&window);
}

/* What a worker that answers everything would have been told: every event once, whatever happens on
 * the way. */
static void a_random_history_loses_nothing(void **state)
{
    unsigned seed = (unsigned)time(NULL);
    struct rt_window window = {0};
    struct rt_buffer stream = {0};
    unsigned added = 0, answered = 0;

    (void)state;
    print_message("seed %u\n", seed);
    srandom(seed);
    for (int step = 0; step < 20000 || window.bytes > 0; step++) {
        long dice = random() % 100;

        if (dice < 40 && step < 20000) {
            unsigned events = 1 + (unsigned)random() % 4;

            add(&window, events, 1 + (size_t)random() % 200, NULL);
            added += events;
        } else if (dice < 70) {
            write_some(&window, 1 + (size_t)random() % 3000, &stream);
        } else if (dice < 99) {
            uint64_t tag = window.first + (uint64_t)random() % 4;
            struct rt_frame *frame = rt_window_find(&window, tag);
            struct rt_span event;
            uint32_t index;

            if (frame != NULL && frame->sent && tag < window.next) {
                struct rt_reader body =
                    rt_reader(rt_span(frame->bytes + RT_LINK_HEADER, frame->size - RT_LINK_HEADER));

                if (random() % 10 == 0) {
                    assert_true(rt_window_hold(&window, tag));
                    continue;
                }
                while (rt_link_next_event(&body, &index, &event)) {
                    answered++;
                }
                rt_window_done(&window, tag);
            }
            rt_window_release(&window);
        } else {
            uint64_t tag;

            assert_true(rt_window_rewind(&window, random() % 2));
            while (rt_window_poison(&window, &tag)) {
                answered++; /* buried: answered, too */
                rt_window_done(&window, tag);
            }
        }
        rt_buffer_clear(&stream);
    }
    assert_int_equal(answered, added);
    rt_buffer_free(&stream);
    rt_window_free(&window);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_full_window_takes_nothing_more),
        cmocka_unit_test(frames_leave_in_order_and_whole),
        cmocka_unit_test(a_kill_from_outside_only_rewinds),
        cmocka_unit_test(the_second_crash_splits_what_was_in_flight),
        cmocka_unit_test(the_third_crash_on_one_event_is_poison),
        cmocka_unit_test(held_frames_come_again_at_the_end),
        cmocka_unit_test(a_random_history_loses_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
