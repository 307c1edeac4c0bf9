/* Memory that runs out at the n-th call: malloc, calloc, realloc and aligned_alloc of the whole test
 * program count down to a failure, and count what is not yet freed. These are definitions, for one
 * file of a program: in a library they would take every test's malloc.
 *
 * A sanitizer has its own malloc: then nothing ever fails and nothing is counted. */
#ifndef RT_TESTS_LIB_SHORT_MEMORY_H
#define RT_TESTS_LIB_SHORT_MEMORY_H

#include <stdbool.h>
#include <stdlib.h>

/* False under a sanitizer. */

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#define SANITIZED 1
#endif

static struct {
    long left; /* until the one that fails */
    bool armed, for_good, failed;
    unsigned paused;
    long blocks;
} memory;

static bool short_memory_works(void)
{
#ifdef SANITIZED
    return false;
#else
    return true;
#endif
}

/* After `calls` more allocations the next one fails; with `for_good` all that follow, too. */
static void short_memory_after(long calls, bool for_good)
{
    memory.left = calls;
    memory.for_good = for_good;
    memory.failed = false;
    memory.armed = true;
}

/* There is memory again. True if any allocation has failed. */
static bool short_memory_end(void)
{
    memory.armed = false;
    return memory.failed;
}

/* What is allocated between the two is the test's own: it does not fail. */
__attribute__((unused)) static void short_memory_pause(void)
{
    memory.paused++;
}

__attribute__((unused)) static void short_memory_resume(void)
{
    memory.paused--;
}

/* Blocks that are not freed. */
static long short_memory_blocks(void)
{
    return memory.blocks;
}

#ifndef SANITIZED
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);
void *__libc_memalign(size_t alignment, size_t size);
void __libc_free(void *block);
void *malloc(size_t size);
void *calloc(size_t count, size_t size);
void *realloc(void *old, size_t size);
void *aligned_alloc(size_t alignment, size_t size);
void free(void *block);

static bool fails(void)
{
    if (!memory.armed || memory.paused > 0 || memory.left-- > 0)
        return false;
    if (memory.for_good)
        memory.left = 0;
    else
        memory.armed = false;
    memory.failed = true;
    return true;
}

static void *counted(void *block)
{
    memory.blocks += block != NULL;
    return block;
}

void *malloc(size_t size)
{
    return fails() ? NULL : counted(__libc_malloc(size));
}

void *calloc(size_t count, size_t size)
{
    return fails() ? NULL : counted(__libc_calloc(count, size));
}

void *realloc(void *old, size_t size)
{
    if (fails())
        return NULL;
    return old == NULL ? counted(__libc_malloc(size)) : __libc_realloc(old, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    return fails() ? NULL : counted(__libc_memalign(alignment, size));
}

void free(void *block)
{
    memory.blocks -= block != NULL;
    __libc_free(block);
}
#endif

#endif
