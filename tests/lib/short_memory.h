/* Memory that runs out at the n-th call: malloc, calloc, realloc and aligned_alloc of the whole test
 * program count down to a failure, and count what is not yet freed. These are definitions, for one
 * file of a program: in a library they would take every test's malloc. With short_memory_own() only
 * what the program's own code allocates and frees counts: libzmq ends a process without memory.
 *
 * A sanitizer has its own malloc: then nothing ever fails and nothing is counted. */
#ifndef RT_TESTS_LIB_SHORT_MEMORY_H
#define RT_TESTS_LIB_SHORT_MEMORY_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

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
    bool armed, for_good, failed, own;
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

/* From now on calls that come from shared libraries, in whatever thread, are let alone. */
__attribute__((unused)) static void short_memory_own(void)
{
    memory.own = true;
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
char *strdup(const char *text);
void free(void *block);

extern const char __executable_start,
    etext; /* from the linker: where the program's own code lies */

static bool is_ours(const void *caller)
{
    uintptr_t at = (uintptr_t)caller;

    return !memory.own || (at >= (uintptr_t)&__executable_start && at < (uintptr_t)&etext);
}

static bool fails(const void *caller)
{
    if (!is_ours(caller) || !memory.armed || memory.paused > 0 || memory.left-- > 0)
        return false;
    if (memory.for_good)
        memory.left = 0;
    else
        memory.armed = false;
    memory.failed = true;
    return true;
}

static void *counted(const void *caller, void *block)
{
    memory.blocks += block != NULL && is_ours(caller);
    return block;
}

#define CALLER __builtin_return_address(0)

void *malloc(size_t size)
{
    return fails(CALLER) ? NULL : counted(CALLER, __libc_malloc(size));
}

void *calloc(size_t count, size_t size)
{
    return fails(CALLER) ? NULL : counted(CALLER, __libc_calloc(count, size));
}

void *realloc(void *old, size_t size)
{
    if (fails(CALLER))
        return NULL;
    return old == NULL ? counted(CALLER, __libc_malloc(size)) : __libc_realloc(old, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    return fails(CALLER) ? NULL : counted(CALLER, __libc_memalign(alignment, size));
}

/* Here because libc's allocates on somebody's behalf. */
char *strdup(const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = fails(CALLER) ? NULL : counted(CALLER, __libc_malloc(size));

    return copy == NULL ? NULL : memcpy(copy, text, size);
}

void free(void *block)
{
    memory.blocks -= block != NULL && is_ours(CALLER);
    __libc_free(block);
}
#endif

#endif
