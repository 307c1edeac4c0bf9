/* The walk over every allocation of every operation: for each, the 1st, 2nd, ... allocation fails, once and
 * then for good, and after each failure an error has come back, the state is byte for byte as it was, the
 * same operation then does what it would have done, and no block is left over.
 *
 * These are definitions for one file of a program, as in short_memory.h; the program gives what stands
 * first: what a state is, how it is seen and let go. */
#ifndef RT_TESTS_LIB_MEMORY_WALK_H
#define RT_TESTS_LIB_MEMORY_WALK_H

#include "protocol/writer.h"
#include "tests/lib/short_memory.h"

struct state;

/* A zeroed one. */
static struct state *state_new(void);
/* All that can be seen of it, into *out anew. */
static void print(struct state *state, struct rt_buffer *out);
/* The output of an operation that failed is taken away before it runs again. */
static void forget_output(struct state *state);
static void release(struct state *state);

enum { WALK_CALLS_MAX = 5000 };

enum {
    LATER = 1,   /* what was not done is made up for by running it again */
    PARTLY = 2,  /* what was done stands, and running it again does the rest */
    IN_LIBC = 4, /* a block comes out of libc uncounted and is freed by us: fewer are no leak */
};

struct operation {
    const char *name;
    void (*make)(struct state *);
    bool (*run)(struct state *); /* false: there was no memory */
    unsigned flags;
};

static void finish(struct state *s, struct rt_buffer *seen)
{
    print(s, seen);
    release(s);
}

/* What the operation leads to when there is memory. */
static void run_freely(const struct operation *operation, struct rt_buffer *seen)
{
    struct state *s = state_new();

    operation->make(s);
    assert_true(operation->run(s));
    finish(s, seen);
}

/* True if an allocation failed. */
static bool run_short(const struct operation *operation, long calls, bool for_good,
                      const struct rt_buffer *wanted)
{
    struct rt_buffer before = {0}, after = {0};
    long blocks = short_memory_blocks();
    struct state *s = state_new();
    bool good, failed;

    operation->make(s);
    print(s, &before);
    short_memory_after(calls, for_good);
    good = operation->run(s);
    failed = short_memory_end();
    print(s, &after);
    if (!good && (operation->flags & (LATER | PARTLY)) == 0)
        assert_true(rt_span_equal(rt_buffer_span(&before), rt_buffer_span(&after)));
    if (!good) {
        forget_output(s);
        assert_true(operation->run(s));
    }
    assert_true(good || failed);
    finish(s, &after);
    if ((operation->flags & LATER) == 0)
        assert_true(rt_span_equal(rt_buffer_span(wanted), rt_buffer_span(&after)));
    rt_buffer_free(&before);
    rt_buffer_free(&after);
    if ((operation->flags & IN_LIBC) != 0 && short_memory_blocks() < blocks)
        return failed;
    if (short_memory_blocks() != blocks)
        print_error("%s, call %ld: %ld blocks more\n", operation->name, calls,
                    short_memory_blocks() - blocks);
    assert_int_equal(short_memory_blocks(), blocks);
    return failed;
}

static long walk(const struct operation *operation, bool for_good)
{
    struct rt_buffer wanted = {0};
    long calls = 0;

    run_freely(operation, &wanted);
    while (run_short(operation, calls, for_good, &wanted))
        assert_true(++calls < WALK_CALLS_MAX);
    rt_buffer_free(&wanted);
    return calls;
}

static void walk_all(const struct operation *operations, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        long once, for_good;

        print_message("%s\n", operations[i].name);
        once = walk(&operations[i], false);
        for_good = walk(&operations[i], true);
        print_message("%s: %ld allocations\n", operations[i].name,
                      once > for_good ? once : for_good);
    }
}

#endif
