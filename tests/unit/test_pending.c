/* Pushes under way: bad answers first, then how answers of several workers become one reply. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "daemon/pending.h"

static struct rt_pendings pendings;

static struct rt_reader done(struct rt_buffer *bytes, const struct rt_link_done *numbers,
                             const uint32_t *indexes)
{
    rt_buffer_clear(bytes);
    for (uint32_t i = 0; i < numbers->rejected; i++) {
        char text[40];
        struct rt_link_rejection rejection = {.index = indexes[i], .code = RT_BAD_FIELD};

        snprintf(text, sizeof text, "fault %u", indexes[i]);
        rejection.text = rt_span_text(text);
        rt_link_rejection_encode(bytes, &rejection);
    }
    return rt_reader(rt_buffer_span(bytes));
}

static void a_bad_answer_changes_nothing(void **state)
{
    struct rt_pending *pending = rt_pending_new(&pendings, 1);
    struct rt_link_done numbers = {.accepted = 1, .rejected = 1};
    struct rt_buffer bytes = {0};
    struct rt_reader reader;

    (void)state;
    pending->waiting = 1;
    reader = done(&bytes, &numbers, (uint32_t[]){3});
    reader.end -= 1;
    assert_false(rt_pending_done(pending, &numbers, reader));
    reader = done(&bytes, &numbers, (uint32_t[]){3});
    numbers.rejected = 2;
    assert_false(rt_pending_done(pending, &numbers, reader));
    numbers.rejected = 0;
    assert_false(rt_pending_done(pending, &numbers, reader));
    assert_int_equal(pending->waiting, 1);
    assert_int_equal(pending->accepted + pending->rejected, 0);
    pending->waiting = 0;
    rt_buffer_free(&bytes);
    rt_pendings_free(&pendings);
}

static void answers_become_one_reply_in_order(void **state)
{
    struct rt_pending *pending = rt_pending_new(&pendings, 1);
    const struct rt_link_done first = {.accepted = 2, .duplicate = 1, .rejected = 2};
    const struct rt_link_done second = {.accepted = 3, .rejected = 1};
    const uint32_t order[] = {0, 1, 4, 7};
    struct rt_buffer bytes = {0}, reply = {0};
    struct rt_push_reply read;
    enum rt_error code;
    struct rt_span text;
    uint32_t index;

    (void)state;
    pending->waiting = 2;
    rt_pending_reject(pending, 4, RT_BAD_EVENT, rt_span_text("ours"));
    assert_true(rt_pending_done(pending, &first, done(&bytes, &first, (uint32_t[]){7, 0})));
    assert_true(rt_pending_done(pending, &second, done(&bytes, &second, (uint32_t[]){1})));
    assert_int_equal(pending->waiting, 0);
    rt_pending_reply(pending, &reply);
    assert_true(rt_push_reply_decode(rt_buffer_span(&reply), &read));
    assert_int_equal(read.error, RT_OK);
    assert_int_equal(read.accepted, 5);
    assert_int_equal(read.duplicate, 1);
    assert_int_equal(read.rejected, 4);
    for (int i = 0; i < 4; i++) {
        assert_true(rt_push_reply_next(&read, &index, &code, &text));
        assert_int_equal(index, order[i]);
        assert_int_equal(code, index == 4 ? RT_BAD_EVENT : RT_BAD_FIELD);
    }
    rt_buffer_free(&bytes);
    rt_buffer_free(&reply);
    rt_pendings_free(&pendings);
}

static void one_worker_without_room_refuses_the_whole(void **state)
{
    struct rt_pending *pending = rt_pending_new(&pendings, 1);
    const struct rt_link_done good = {.accepted = 2}, busy = {.error = RT_BUSY};
    struct rt_buffer reply = {0};
    struct rt_push_reply read;

    (void)state;
    pending->waiting = 2;
    assert_true(rt_pending_done(pending, &busy, rt_reader(rt_span(NULL, 0))));
    assert_true(rt_pending_done(pending, &good, rt_reader(rt_span(NULL, 0))));
    rt_pending_reply(pending, &reply);
    assert_true(rt_push_reply_decode(rt_buffer_span(&reply), &read));
    assert_int_equal(read.error, RT_BUSY);
    rt_buffer_free(&reply);
    rt_pendings_free(&pendings);
}

static void they_stand_in_order_of_arrival(void **state)
{
    struct rt_pending *all[4];

    (void)state;
    for (int i = 0; i < 4; i++) {
        all[i] = rt_pending_new(&pendings, i);
    }
    rt_pending_free(&pendings, all[1]);
    assert_ptr_equal(pendings.oldest, all[0]);
    assert_ptr_equal(all[0]->next, all[2]);
    rt_pending_free(&pendings, all[0]);
    assert_ptr_equal(pendings.oldest, all[2]);
    rt_pending_free(&pendings, all[3]);
    assert_ptr_equal(pendings.newest, all[2]);
    assert_int_equal(pendings.count, 1);
    assert_ptr_equal(rt_pending_new(&pendings, 9), all[3]); /* the stock is used again */
    rt_pendings_free(&pendings);
    assert_null(pendings.spare);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bad_answer_changes_nothing),
        cmocka_unit_test(answers_become_one_reply_in_order),
        cmocka_unit_test(one_worker_without_room_refuses_the_whole),
        cmocka_unit_test(they_stand_in_order_of_arrival),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
