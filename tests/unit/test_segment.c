/* Segment files: header, names, and what is left behind when making one fails. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include <cmocka.h>

#include "tests/lib/bad_disk.h"
#include "workers/segment_scan.h"

enum { SIZE = RT_SEGMENT_BYTES_MIN };

static const struct rt_segment_header header = {
    .log = 0xabcd, .number = 0x12ef, .size = SIZE, .epoch = UINT64_C(0x0123456789abcdef)};

static int open_folder(const char *path)
{
    int folder = open(path, O_RDONLY | O_DIRECTORY);

    assert_true(folder >= 0);
    return folder;
}

static void one_good_copy_of_the_header_suffices(void **state)
{
    uint8_t page[RT_SEGMENT_FIRST];
    struct rt_segment_header read;

    (void)state;
    rt_segment_encode(page, &header);
    for (size_t first = 0; first < RT_SEGMENT_HEADER; first++) {
        page[first] ^= 1;
        assert_true(rt_segment_decode(page, &read));
        assert_int_equal(read.log, header.log);
        assert_int_equal(read.number, header.number);
        assert_int_equal(read.size, header.size);
        assert_true(read.epoch == header.epoch);
        for (size_t second = 0; second < RT_SEGMENT_HEADER; second++) {
            page[RT_SEGMENT_COPY + second] ^= 1;
            assert_false(rt_segment_decode(page, &read));
            assert_false(rt_segment_unknown(page));
            page[RT_SEGMENT_COPY + second] ^= 1;
        }
        page[first] ^= 1;
    }
}

/* The format is a promise to files that exist: a change of these bytes is a new version. */
static void the_header_is_these_bytes(void **state)
{
    static const uint8_t expected[48] = {
        'r',  't',  'j',  'r',  'n',  'l',  '\r', '\n', 2, 0, 0, 0, 0xcd, 0xab, 0, 0,
        0xef, 0x12, 0,    0,    0,    16,   0,    0,    0, 0, 1, 0, 0,    0,    0, 0,
        0xef, 0xcd, 0xab, 0x89, 0x67, 0x45, 0x23, 0x01, 0, 0, 0, 0, 0,    0,    0, 0};
    uint8_t page[RT_SEGMENT_FIRST];

    (void)state;
    rt_segment_encode(page, &header);
    assert_memory_equal(page, expected, sizeof(expected));
    assert_memory_equal(page + RT_SEGMENT_COPY, page, RT_SEGMENT_HEADER);
}

static void only_its_own_names_are_names(void **state)
{
    static const char *const strangers[] = {"",
                                            "abcd-0012ef.se",
                                            "abcd-0012ef.seg.new",
                                            "abcd-0012ef.bad",
                                            "ABCD-0012EF.seg",
                                            "bcd-0012ef.seg",
                                            "abcd-12ef.seg",
                                            "abcd-ffffff.seg",
                                            " abc-0012ef.seg",
                                            "abcd--012ef.seg"};
    char name[RT_SEGMENT_NAME];
    uint32_t log, number;

    (void)state;
    for (size_t i = 0; i < sizeof(strangers) / sizeof(strangers[0]); i++)
        assert_false(rt_segment_name_parse(strangers[i], &log, &number));
    rt_segment_name(name, header.log, header.number);
    assert_string_equal(name, "abcd-0012ef.seg");
    assert_true(rt_segment_name_parse(name, &log, &number));
    assert_int_equal(log, header.log);
    assert_int_equal(number, header.number);
}

static size_t files_in(const char *path)
{
    DIR *listing = opendir(path);
    struct dirent *entry;
    size_t count = 0;

    assert_non_null(listing);
    while ((entry = readdir(listing)) != NULL)
        count += entry->d_name[0] != '.';
    closedir(listing);
    return count;
}

static void a_segment_is_made_whole_or_not_at_all(void **state)
{
    (void)state;
    for (long at = 1, more = 1; more; at++) {
        char *path = rt_scratch_new();
        int folder = open_folder(path), fd;
        struct stat status;

        rt_bad_disk_begin(RT_BAD_FAIL, at, ENOSPC);
        fd = rt_segment_create(folder, &header);
        if (fd < 0)
            assert_int_equal(errno, ENOSPC);
        more = rt_bad_disk_end() >= at;
        assert_int_equal(fd < 0, more);
        if (fd < 0) {
            assert_int_equal(files_in(path), 0);
        } else {
            assert_int_equal(fstat(fd, &status), 0);
            assert_int_equal(status.st_size, SIZE);
            assert_true(status.st_blocks * 512 >= SIZE); /* the space is its own */
            close(fd);
        }
        close(folder);
        rt_scratch_remove(path);
    }
}

/* Who writes the header of an older one again (a copy, a check) writes what it was. */
static void an_older_version_stays_what_it_is(void **state)
{
    struct rt_segment_header old = header, read;
    uint8_t page[RT_SEGMENT_FIRST], again[RT_SEGMENT_FIRST];

    (void)state;
    old.version = RT_SEGMENT_VERSION_OLDEST;
    rt_segment_encode(page, &old);
    assert_int_equal(page[8], 1);
    assert_false(rt_segment_unknown(page));
    assert_true(rt_segment_decode(page, &read));
    assert_true(read.log == header.log && read.epoch == header.epoch);
    rt_segment_encode(again, &read);
    assert_memory_equal(again, page, sizeof(page));
}

static void an_unknown_version_is_refused_and_left_alone(void **state)
{
    char *path = rt_scratch_new();
    int folder = open_folder(path), fd = rt_segment_create(folder, &header);
    uint8_t page[RT_SEGMENT_FIRST];
    struct rt_segment_scan scan;

    (void)state;
    rt_segment_encode(page, &header);
    page[8] = RT_SEGMENT_VERSION + 1;
    rt_store_u64(page + 48, XXH3_64bits(page, 48));
    memcpy(page + RT_SEGMENT_COPY, page, RT_SEGMENT_HEADER);
    assert_true(rt_segment_unknown(page));
    assert_int_equal(pwrite(fd, page, sizeof(page), 0), sizeof(page));
    assert_false(rt_segment_scan_open(&scan, folder, header.log, header.number, 0, 0));
    assert_int_equal(errno, EPROTONOSUPPORT);
    rt_segment_scan_close(&scan);
    close(fd);
    close(folder);
    rt_scratch_remove(path);
}

/* ---- scanning ----------------------------------------------------------------------------- */

static size_t put(uint8_t *bytes, size_t at, enum rt_record_type type, const char *body)
{
    const struct rt_record record = {.type = type, .body = rt_span_text(body)};

    rt_record_encode(bytes + at, header.epoch, at, &record);
    return at + rt_record_space(record.body.size);
}

/* Writes the bytes as the segment and scans it: 'r' for a record, 'g' for a gap, 't' for one that
 * looks torn, then 'E' or 'e' for an end with or without its record. */
static void scan_as(const uint8_t *bytes, size_t size, const char *expected)
{
    char *path = rt_scratch_new(), seen[64];
    int folder = open_folder(path);
    struct rt_segment_scan scan;
    struct rt_segment_found found;
    size_t count = 0;

    rt_scratch_write(path, "abcd-0012ef.seg", bytes, size);
    assert_true(rt_segment_scan_open(&scan, folder, header.log, header.number, 0, 0));
    while (count + 2 < sizeof(seen)) {
        enum rt_segment_result result = rt_segment_scan_next(&scan, &found);

        assert_int_not_equal(result, RT_SCAN_ERROR);
        if (result == RT_SCAN_END)
            break;
        seen[count++] = result == RT_SCAN_RECORD ? 'r' : found.torn ? 't' : 'g';
    }
    seen[count++] = found.sealed ? 'E' : 'e';
    seen[count] = '\0';
    assert_string_equal(seen, expected);
    rt_segment_scan_close(&scan);
    close(folder);
    rt_scratch_remove(path);
}

static void a_scan_finds_its_way(void **state)
{
    uint8_t *bytes = calloc(1, SIZE);
    char body[1200];
    size_t first, second, third, end;

    (void)state;
    assert_non_null(bytes);
    memset(body, 'x', sizeof(body));
    body[sizeof(body) - 1] = '\0';
    rt_segment_encode(bytes, &header);
    scan_as(bytes, SIZE, "e");
    first = put(bytes, RT_SEGMENT_FIRST, RT_RECORD_EVENT, "first");
    second = put(bytes, first, RT_RECORD_EVENT, body);
    third = put(bytes, second, RT_RECORD_EVENT, "third");
    scan_as(bytes, SIZE, "rrre");
    end = put(bytes, third, RT_RECORD_END, "");
    scan_as(bytes, SIZE, "rrrE");
    scan_as(bytes, end, "rrrE"); /* cut behind the END: nothing is missing */
    scan_as(bytes, third, "rrrge");
    scan_as(bytes, third - 4, "rrge");
    bytes[first + 30] ^= 1;
    scan_as(bytes, SIZE, "rgrE");
    bytes[first + 4] ^= 64; /* its size, too */
    scan_as(bytes, SIZE, "rgrE");
    memset(bytes + 4608, 0, 512);
    scan_as(bytes, SIZE, "rtrE");
    memset(bytes + second, 0xff, SIZE - second);
    scan_as(bytes, SIZE, "rte");
    free(bytes);
}

/* Headers that claim much in a damaged place: the scan stays quick and finds what follows. */
static void false_claims_cost_little(void **state)
{
    uint8_t *bytes = calloc(1, SIZE);

    (void)state;
    assert_non_null(bytes);
    rt_segment_encode(bytes, &header);
    for (size_t at = RT_SEGMENT_FIRST; at < SIZE - 4096; at += 8) {
        rt_store_u32(bytes + at, 20000); /* the size of the record before, its type and flags */
        rt_store_u32(bytes + at + 4, 0x01010101);
    }
    put(bytes, SIZE - 2048, RT_RECORD_EVENT, "here");
    scan_as(bytes, SIZE, "tre");
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_good_copy_of_the_header_suffices),
        cmocka_unit_test(the_header_is_these_bytes),
        cmocka_unit_test(only_its_own_names_are_names),
        cmocka_unit_test(a_segment_is_made_whole_or_not_at_all),
        cmocka_unit_test(an_older_version_stays_what_it_is),
        cmocka_unit_test(an_unknown_version_is_refused_and_left_alone),
        cmocka_unit_test(a_scan_finds_its_way),
        cmocka_unit_test(false_claims_cost_little),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
