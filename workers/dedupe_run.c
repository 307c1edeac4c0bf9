#include "workers/dedupe_run.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "workers/disk.h"

/* Filter and fences lie in the file as they do in memory. */
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "runs are little-endian");

enum { HEADER = 584, ENTRY = 16, STEP_BLOCKS = 64 };

static const uint8_t magic[8] = {'r', 't', 'i', 'n', 'd', 'e', 'x', '\n'};

/* ---- names and header --------------------------------------------------------------------- */

void rt_run_name(char name[RT_RUN_NAME], const struct rt_run_header *header)
{
    uint64_t within = (UINT64_C(1) << 48) - 1;

    snprintf(name, RT_RUN_NAME, "%04x-%012llx-%012llx.idx", header->log,
             (unsigned long long)(header->from & within),
             (unsigned long long)(header->to & within));
}

bool rt_run_name_parse(const char *name, struct rt_run_header *header)
{
    char again[RT_RUN_NAME];
    unsigned long long from, to;
    unsigned log;

    if (sscanf(name, "%4x-%12llx-%12llx.idx", &log, &from, &to) != 3 || log > UINT16_MAX) {
        return false;
    }
    *header = (struct rt_run_header){
        .log = log, .from = (uint64_t)log << 48 | from, .to = (uint64_t)log << 48 | to};
    rt_run_name(again, header);
    return strcmp(again, name) == 0;
}

static uint64_t block_count(uint64_t entries)
{
    return (entries + RT_RUN_ENTRIES - 1) / RT_RUN_ENTRIES;
}

/* Filter and fences, as they stand in the file. */
static size_t index_size(const struct rt_run *run)
{
    return run->filter_blocks * sizeof(*run->filter) + run->blocks * sizeof(*run->fences);
}

static uint64_t blocks_offset(const struct rt_run *run)
{
    return RT_RUN_PAGE + (index_size(run) + RT_RUN_PAGE - 1) / RT_RUN_PAGE * RT_RUN_PAGE;
}

static uint64_t index_hash(const struct rt_run *run)
{
    uint64_t filter = XXH3_64bits(run->filter, run->filter_blocks * sizeof(*run->filter));

    return XXH3_64bits_withSeed(run->fences, run->blocks * sizeof(*run->fences), filter);
}

static void encode_header(uint8_t page[RT_RUN_PAGE], const struct rt_run *run)
{
    const struct rt_run_header *header = &run->header;

    memset(page, 0, RT_RUN_PAGE);
    memcpy(page, magic, sizeof(magic));
    rt_store_u32(page + 8, RT_RUN_VERSION);
    rt_store_u32(page + 12, header->log);
    rt_store_u64(page + 16, header->from);
    rt_store_u64(page + 24, header->to);
    rt_store_u64(page + 32, (uint64_t)header->newest);
    rt_store_u64(page + 40, header->count);
    rt_store_u64(page + 48, run->filter_blocks);
    rt_store_u64(page + 56, index_hash(run));
    memcpy(page + 64, header->partitions, RT_RUN_PARTITIONS);
    rt_store_u64(page + HEADER - 8, XXH3_64bits(page, HEADER - 8));
}

static bool decode_header(const uint8_t page[RT_RUN_PAGE], struct rt_run *run, uint64_t file_size)
{
    struct rt_run_header *header = &run->header;

    if (memcmp(page, magic, sizeof(magic)) != 0 || rt_load_u32(page + 8) != RT_RUN_VERSION ||
        rt_load_u64(page + HEADER - 8) != XXH3_64bits(page, HEADER - 8)) {
        return false;
    }
    header->log = rt_load_u32(page + 12);
    header->from = rt_load_u64(page + 16);
    header->to = rt_load_u64(page + 24);
    header->newest = (int64_t)rt_load_u64(page + 32);
    header->count = rt_load_u64(page + 40);
    memcpy(header->partitions, page + 64, RT_RUN_PARTITIONS);
    if (header->count > file_size / ENTRY ||
        rt_load_u64(page + 48) != rt_filter_blocks(header->count)) {
        return false;
    }
    run->filter_blocks = rt_filter_blocks(header->count);
    run->blocks = (size_t)block_count(header->count);
    return file_size == blocks_offset(run) + run->blocks * (uint64_t)RT_RUN_PAGE;
}

/* ---- memory ------------------------------------------------------------------------------- */

void rt_run_free(struct rt_run *run)
{
    if (run == NULL) {
        return;
    }
    if (run->map != NULL) {
        munmap((void *)run->map, run->mapped);
    }
    free(run->filter);
    free(run->fences);
    free(run->checked);
    free(run);
}

size_t rt_run_bytes(const struct rt_run *run)
{
    return sizeof(*run) + index_size(run) + run->blocks / 8 + 1;
}

static bool allocate(struct rt_run *run)
{
    size_t filter = run->filter_blocks * sizeof(*run->filter);

    run->filter = aligned_alloc(64, (filter + 63) / 64 * 64);
    run->fences = calloc(run->blocks + 1, sizeof(*run->fences));
    run->checked = calloc(1, run->blocks / 8 + 1);
    if (run->filter == NULL || run->fences == NULL || run->checked == NULL) {
        errno = ENOMEM;
        return false;
    }
    memset(run->filter, 0, filter);
    return true;
}

static bool map_run(struct rt_run *run, int fd, uint64_t size)
{
    void *map = mmap(NULL, (size_t)size, PROT_READ, MAP_SHARED, fd, 0);

    if (map == MAP_FAILED) {
        return false;
    }
    madvise(map, (size_t)size, MADV_RANDOM);
    run->map = map;
    run->mapped = (size_t)size;
    return true;
}

/* ---- writing ------------------------------------------------------------------------------ */

static void fill_block(uint8_t *block, const struct rt_entry *entries, size_t count)
{
    memset(block, 0, RT_RUN_PAGE);
    for (size_t i = 0; i < count; i++) {
        rt_store_u64(block + 8 + i * ENTRY, entries[i].identity);
        rt_store_u64(block + 16 + i * ENTRY, entries[i].position);
    }
    rt_store_u64(block, XXH3_64bits(block + 8, RT_RUN_PAGE - 8));
}

/* Fills one block from the source. False if the source ends early. */
static bool take_block(struct rt_run *run, size_t index, rt_run_next *next, void *source,
                       uint8_t *block)
{
    uint64_t left = run->header.count - (uint64_t)index * RT_RUN_ENTRIES;
    size_t count = left < RT_RUN_ENTRIES ? (size_t)left : RT_RUN_ENTRIES;
    struct rt_entry entries[RT_RUN_ENTRIES] = {{0}};

    for (size_t i = 0; i < count; i++) {
        if (!next(source, &entries[i])) {
            errno = EBADMSG;
            return false;
        }
        rt_filter_add(run->filter, run->filter_blocks, entries[i].identity);
    }
    run->fences[index] = entries[0].identity;
    fill_block(block, entries, count);
    return true;
}

static bool write_blocks(struct rt_run *run, int fd, rt_run_next *next, void *source)
{
    uint8_t *buffer = malloc((size_t)STEP_BLOCKS * RT_RUN_PAGE);
    uint64_t offset = blocks_offset(run);
    struct rt_entry more;
    bool done = buffer != NULL;

    for (size_t i = 0; done && i < run->blocks; i += STEP_BLOCKS) {
        size_t some = run->blocks - i < STEP_BLOCKS ? run->blocks - i : STEP_BLOCKS;

        for (size_t k = 0; done && k < some; k++) {
            done = take_block(run, i + k, next, source, buffer + k * RT_RUN_PAGE);
        }
        done = done && rt_disk_write(fd, buffer, some * RT_RUN_PAGE, offset);
        offset += some * RT_RUN_PAGE;
    }
    free(buffer);
    if (done && next(source, &more)) {
        errno = EBADMSG;
        done = false;
    }
    return done;
}

/* A tail of zeroes up to the first block comes from extending the file when the blocks were
 * written. */
static bool write_index(const struct rt_run *run, int fd)
{
    size_t filter = run->filter_blocks * sizeof(*run->filter);
    uint8_t page[RT_RUN_PAGE];

    encode_header(page, run);
    return ftruncate(fd, (off_t)(blocks_offset(run) + run->blocks * (uint64_t)RT_RUN_PAGE)) == 0 &&
           rt_disk_write(fd, run->filter, filter, RT_RUN_PAGE) &&
           rt_disk_write(fd, run->fences, run->blocks * sizeof(*run->fences),
                         RT_RUN_PAGE + filter) &&
           rt_disk_write(fd, page, sizeof(page), 0) && rt_disk_sync(fd);
}

static bool write_file(struct rt_run *run, int folder, const char *fresh, rt_run_next *next,
                       void *source)
{
    char name[RT_RUN_NAME];
    int fd = rt_disk_open(folder, fresh, O_RDWR | O_CREAT | O_TRUNC);
    bool done = fd >= 0 && write_blocks(run, fd, next, source) && write_index(run, fd) &&
                map_run(run, fd, blocks_offset(run) + run->blocks * (uint64_t)RT_RUN_PAGE);
    int fault = errno;

    rt_run_name(name, &run->header);
    rt_disk_close(fd);
    done = done && rt_disk_rename(folder, fresh, name);
    fault = done ? fault : errno;
    if (!done) {
        rt_disk_unlink(folder, fresh);
        errno = fault;
        return false;
    }
    if (!rt_disk_sync_folder(folder)) {
        fault = errno;
        rt_disk_unlink(folder, name);
        errno = fault;
        return false;
    }
    return true;
}

struct rt_run *rt_run_write(int folder, const struct rt_run_header *header, rt_run_next *next,
                            void *source)
{
    char name[RT_RUN_NAME], fresh[RT_RUN_NAME + 24];
    struct rt_run *run = calloc(1, sizeof(*run));
    int fault;

    if (run == NULL) {
        return NULL;
    }
    run->header = *header;
    run->filter_blocks = rt_filter_blocks(header->count);
    run->blocks = (size_t)block_count(header->count);
    rt_run_name(name, header);
    snprintf(fresh, sizeof(fresh), "%s.%ld.new", name, (long)getpid());
    if (!allocate(run) || !write_file(run, folder, fresh, next, source)) {
        fault = errno;
        rt_run_free(run);
        errno = fault;
        return NULL;
    }
    memset(run->checked, 0xff, run->blocks / 8 + 1); /* they were right a moment ago */
    return run;
}

/* ---- opening ------------------------------------------------------------------------------ */

static bool read_index(struct rt_run *run, int fd, uint64_t hash)
{
    size_t filter = run->filter_blocks * sizeof(*run->filter);
    size_t fences = run->blocks * sizeof(*run->fences), got;

    if (!allocate(run) || !rt_disk_read(fd, run->filter, filter, RT_RUN_PAGE, &got)) {
        return false;
    }
    if (got == filter && !rt_disk_read(fd, run->fences, fences, RT_RUN_PAGE + filter, &got)) {
        return false;
    }
    if (index_hash(run) != hash) {
        errno = EBADMSG;
        return false;
    }
    return true;
}

static bool read_run(struct rt_run *run, int fd, const struct rt_run_header *named)
{
    uint8_t page[RT_RUN_PAGE];
    struct stat status;
    size_t got;

    if (fstat(fd, &status) != 0 || !rt_disk_read(fd, page, sizeof(page), 0, &got)) {
        return false;
    }
    if (got < sizeof(page) || !decode_header(page, run, (uint64_t)status.st_size) ||
        run->header.log != named->log || run->header.from != named->from ||
        run->header.to != named->to) {
        errno = EBADMSG;
        return false;
    }
    return read_index(run, fd, rt_load_u64(page + 56)) &&
           map_run(run, fd, (uint64_t)status.st_size);
}

struct rt_run *rt_run_open(int folder, const char *name)
{
    struct rt_run_header named;
    struct rt_run *run = calloc(1, sizeof(*run));
    int fd = rt_disk_open(folder, name, O_RDONLY), fault;

    if (run == NULL || fd < 0 || !rt_run_name_parse(name, &named) || !read_run(run, fd, &named)) {
        fault = errno;
        rt_run_free(run);
        run = NULL;
        errno = fault;
    }
    fault = errno;
    rt_disk_close(fd);
    errno = fault;
    return run;
}

/* ---- checking ----------------------------------------------------------------------------- */

static bool block_good(const uint8_t *block)
{
    return rt_load_u64(block) == XXH3_64bits(block + 8, RT_RUN_PAGE - 8);
}

/* The first byte of a page that is not as it should be. */
static size_t first_difference(const uint8_t *page, const uint8_t *wanted)
{
    size_t at = 0;

    while (at < RT_RUN_PAGE && page[at] == wanted[at]) {
        at++;
    }
    return at;
}

/* All behind the header: the page it stands in, the gap before the blocks, the blocks. */
static const char *check_pages(const struct rt_run *run, int fd, uint64_t *offset)
{
    static const uint8_t zeroes[RT_RUN_PAGE];
    uint64_t index = RT_RUN_PAGE + index_size(run), blocks = blocks_offset(run);
    uint8_t page[RT_RUN_PAGE], wanted[RT_RUN_PAGE];
    size_t got, gap = (size_t)(blocks - index);

    encode_header(wanted, run);
    *offset = 0;
    if (!rt_disk_read(fd, page, sizeof(page), 0, &got)) {
        return strerror(errno);
    }
    *offset = first_difference(page, wanted);
    if (*offset < RT_RUN_PAGE) {
        return "bytes that should be zero";
    }
    *offset = index;
    if (!rt_disk_read(fd, page, gap, index, &got)) {
        return strerror(errno);
    }
    if (memcmp(page, zeroes, gap) != 0) {
        return "bytes that should be zero";
    }
    for (size_t i = 0; i < run->blocks; i++) {
        *offset = blocks + i * (uint64_t)RT_RUN_PAGE;
        if (!rt_disk_read(fd, page, sizeof(page), *offset, &got)) {
            return strerror(errno);
        }
        if (got < sizeof(page) || !block_good(page)) {
            return "a block of identities is damaged";
        }
    }
    return NULL;
}

/* Why it did not open, by what stands in its first page. */
static const char *explain(int fd, uint64_t *offset)
{
    struct rt_run run = {0};
    uint8_t page[RT_RUN_PAGE];
    struct stat status;
    size_t got;

    *offset = 0;
    if (fstat(fd, &status) != 0 || !rt_disk_read(fd, page, sizeof(page), 0, &got)) {
        return strerror(errno);
    }
    if (got == sizeof(page) && decode_header(page, &run, (uint64_t)status.st_size)) {
        *offset = RT_RUN_PAGE;
        return "its filter or its fences are damaged";
    }
    return "its header is damaged, or the file is cut short";
}

const char *rt_run_check(int folder, const char *name, uint64_t *offset, uint64_t *entries)
{
    int fd = rt_disk_open(folder, name, O_RDONLY);
    struct rt_run *run = fd < 0 ? NULL : rt_run_open(folder, name);
    const char *wrong;

    *offset = *entries = 0;
    if (run == NULL) {
        wrong = fd < 0 || errno != EBADMSG ? strerror(errno) : explain(fd, offset);
    } else {
        wrong = check_pages(run, fd, offset);
        *entries = run->header.count;
    }
    rt_run_free(run);
    rt_disk_close(fd);
    return wrong;
}

/* ---- looking up --------------------------------------------------------------------------- */

static const uint8_t *block_at(const struct rt_run *run, size_t index)
{
    return run->map + blocks_offset(run) + index * RT_RUN_PAGE;
}

/* Checks a block the first time it is looked at. */
static bool block_passes(struct rt_run *run, size_t index)
{
    uint8_t bit = (uint8_t)(1 << index % 8);

    if (run->checked[index / 8] & bit) {
        return true;
    }
    if (!block_good(block_at(run, index))) {
        run->damaged = true;
        return false;
    }
    run->checked[index / 8] |= bit;
    return true;
}

static size_t block_entries(const struct rt_run *run, size_t index)
{
    uint64_t left = run->header.count - (uint64_t)index * RT_RUN_ENTRIES;

    return left < RT_RUN_ENTRIES ? (size_t)left : RT_RUN_ENTRIES;
}

static struct rt_entry entry_at(const uint8_t *block, size_t index)
{
    return (struct rt_entry){.identity = rt_load_u64(block + 8 + index * ENTRY),
                             .position = rt_load_u64(block + 16 + index * ENTRY)};
}

/* The first block that may hold the identity: the last whose fence is smaller. Identities are
 * spread evenly, so a guess by proportion lies near; from there the range doubles until it holds
 * the place. */
static size_t first_block(const struct rt_run *run, uint64_t identity)
{
    size_t guess = (size_t)(((identity >> 32) * (uint64_t)run->blocks) >> 32);
    size_t low = guess, high = guess + 1, step = 1;

    while (low > 0 && run->fences[low] >= identity) {
        high = low;
        low = low > step ? low - step : 0;
        step *= 2;
    }
    for (step = 1; high < run->blocks && run->fences[high] < identity; step *= 2) {
        low = high;
        high = run->blocks - high > step ? high + step : run->blocks;
    }
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;

        if (run->fences[middle] < identity) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return low;
}

static size_t first_entry(const uint8_t *block, size_t entries, uint64_t identity)
{
    size_t low = 0, high = entries;

    while (low < high) {
        size_t middle = (low + high) / 2;

        if (entry_at(block, middle).identity < identity) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

bool rt_run_find(struct rt_run *run, uint64_t identity, rt_position *found, size_t *count,
                 size_t max)
{
    if (!rt_filter_has(run->filter, run->filter_blocks, identity)) {
        return true;
    }
    for (size_t i = run->blocks == 0 ? 0 : first_block(run, identity);
         i < run->blocks && run->fences[i] <= identity; i++) {
        const uint8_t *block = block_at(run, i);
        size_t entries = block_entries(run, i);

        if (!block_passes(run, i)) {
            return false;
        }
        for (size_t k = first_entry(block, entries, identity);
             k < entries && *count < max && entry_at(block, k).identity == identity; k++) {
            found[(*count)++] = entry_at(block, k).position;
        }
    }
    return true;
}

bool rt_run_cursor_next(struct rt_run_cursor *cursor, struct rt_entry *entry)
{
    if (cursor->damaged || cursor->block == cursor->run->blocks) {
        return false;
    }
    if (cursor->within == 0) {
        cursor->bytes = block_at(cursor->run, cursor->block);
        cursor->entries = block_entries(cursor->run, cursor->block);
        cursor->damaged = !block_good(cursor->bytes);
        if (cursor->damaged) {
            return false;
        }
    }
    *entry = entry_at(cursor->bytes, cursor->within++);
    if (cursor->within == cursor->entries) {
        cursor->within = 0;
        cursor->block++;
    }
    return true;
}
