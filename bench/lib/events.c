#include "bench/lib/events.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    DRAWS_MIN = 1 << 16,
    DRAWS_MAX = 1 << 23,
    SPREAD_DAYS = 90,
    OVERDUE_HOURS = 30,
    OWNERS = 50
};
static const int64_t day_ms = 86400000;

static uint64_t random_state;
static uint32_t *draws, draws_count, next_draw;

int64_t bench_now_ns(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * INT64_C(1000000000) + time.tv_nsec;
}

int64_t bench_cpu_ns(void)
{
    struct timespec time;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return time.tv_sec * INT64_C(1000000000) + time.tv_nsec;
}

int64_t bench_wall_ms(void)
{
    struct timespec time;

    clock_gettime(CLOCK_REALTIME, &time);
    return time.tv_sec * INT64_C(1000) + time.tv_nsec / 1000000;
}

void bench_seed(uint64_t seed)
{
    random_state = seed;
}

uint64_t bench_random(void)
{
    uint64_t z = (random_state += UINT64_C(0x9e3779b97f4a7c15));

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* ---- accounts -------------------------------------------------------------------------------- */

/* Ranks by Zipf's law as in Gray et al., "Quickly generating billion-record synthetic databases"
 * (1994), the way YCSB does it. */
struct zipf {
    double theta, zeta, eta, alpha;
    uint64_t count;
};

static struct zipf zipf_over(uint64_t count)
{
    struct zipf z = {.theta = 0.99, .count = count};

    for (uint64_t i = 1; i <= count; i++)
        z.zeta += pow((double)i, -z.theta);
    z.alpha = 1 / (1 - z.theta);
    z.eta = (1 - pow(2 / (double)count, 1 - z.theta)) / (1 - (1 + pow(0.5, z.theta)) / z.zeta);
    return z;
}

static uint64_t zipf_rank(const struct zipf *z)
{
    double u = (double)(bench_random() >> 11) / 9007199254740992.0, uz = u * z->zeta;
    uint64_t rank;

    if (uz < 1)
        return 0;
    if (uz < 1 + pow(0.5, z->theta))
        return 1;
    rank = (uint64_t)((double)z->count * pow(z->eta * u - z->eta + 1, z->alpha));
    return rank < z->count ? rank : z->count - 1;
}

void bench_accounts(uint64_t count, bool zipf)
{
    struct zipf z = {0};

    if (zipf)
        z = zipf_over(count);
    for (draws_count = DRAWS_MIN; draws_count < DRAWS_MAX && draws_count < 4 * count;)
        draws_count *= 2;
    free(draws);
    draws = malloc(draws_count * sizeof(*draws));
    if (draws == NULL)
        abort();
    for (uint32_t i = 0; i < draws_count; i++) {
        uint64_t drawn = zipf ? zipf_rank(&z) * UINT64_C(0x9e3779b97f4a7c15) >> 16 : bench_random();

        draws[i] = (uint32_t)(drawn % count);
    }
    next_draw = 0;
}

static uint64_t draw_account(void)
{
    return draws[next_draw++ & (draws_count - 1)];
}

/* ---- bytes ----------------------------------------------------------------------------------- */

/* A call whose id, account and ts have fixed places. */
static struct {
    struct rt_buffer bytes;
    size_t id, account, ts;
} call;

static void make_call(void)
{
    struct rt_buffer *b = &call.bytes;

    rt_write_map(b, 9);
    rt_write_text(b, "id");
    rt_write_text(b, "0000000000000000");
    call.id = b->size - 16;
    rt_write_key_text(b, "type", "call");
    rt_write_text(b, "account");
    rt_write_text(b, "acc-00000000");
    call.account = b->size - 12;
    rt_write_text(b, "ts");
    rt_write_int(b, INT64_MAX);
    call.ts = b->size - 8;
    rt_write_key_text(b, "source", "pbx-berlin");
    rt_write_key_text(b, "direction", "in");
    rt_write_key_text(b, "agent", "kim");
    rt_write_key_int(b, "duration", 245);
    rt_write_key_text(b, "contact", "j.doe@example.com");
    if (b->failed)
        abort();
}

static void put_hex(uint8_t *to, uint64_t value)
{
    static const char digits[] = "0123456789abcdef";

    for (int i = 15; i >= 0; i--, value >>= 4)
        to[i] = (uint8_t)digits[value & 15];
}

static void put_account(uint8_t *to, uint64_t number)
{
    for (int i = 11; i >= 4; i--, number /= 10)
        to[i] = (uint8_t)('0' + number % 10);
}

static void put_ts(uint8_t *to, int64_t ms)
{
    for (int i = 7; i >= 0; i--, ms >>= 8)
        to[i] = (uint8_t)(ms & 255);
}

void bench_append_call_of(struct rt_buffer *out, uint64_t account, uint64_t id, int64_t ts)
{
    uint8_t *at;

    if (call.bytes.size == 0)
        make_call();
    rt_buffer_append(out, call.bytes.data, call.bytes.size);
    if (out->failed)
        abort();
    at = out->data + out->size - call.bytes.size;
    put_hex(at + call.id, id);
    put_account(at + call.account, account);
    put_ts(at + call.ts, ts);
}

void bench_append_call(struct rt_buffer *out, uint64_t id, int64_t wall_ms)
{
    int64_t back = (int64_t)(bench_random() % (uint64_t)(SPREAD_DAYS * day_ms));

    bench_append_call_of(out, draw_account(), id, wall_ms - back);
}

void bench_append_ticket(struct rt_buffer *out, uint64_t prefix, uint64_t number, int64_t wall_ms)
{
    char name[48];

    snprintf(name, sizeof(name), "lat-%" PRIx64 "-%" PRIu64, prefix & 0xffffff, number);
    rt_write_map(out, 7);
    rt_write_key_text(out, "id", name);
    rt_write_key_text(out, "type", "ticket");
    rt_write_key_text(out, "account", name);
    rt_write_key_int(out, "ts", wall_ms - OVERDUE_HOURS * INT64_C(3600000));
    rt_write_key_text(out, "ticket", name);
    rt_write_key_text(out, "action", "opened");
    rt_write_key_int(out, "severity", 1);
    if (out->failed)
        abort();
}

void bench_append_profile(struct rt_buffer *out, uint64_t number, int64_t wall_ms)
{
    char name[13] = "acc-00000000", owner[32];

    put_account((uint8_t *)name, number);
    snprintf(owner, sizeof(owner), "owner-%" PRIu64, number % OWNERS);
    rt_write_map(out, 8);
    rt_write_key_text(out, "id", "profile");
    rt_write_key_text(out, "type", "account");
    rt_write_key_text(out, "account", name);
    rt_write_key_int(out, "ts", wall_ms);
    rt_write_key_text(out, "owner", owner);
    rt_write_key_text(out, "tier", number % 10 == 0 ? "key" : "standard");
    rt_write_key_int(out, "value", (int64_t)(1000 + number % 90000));
    rt_write_key_int(out, "renewal", wall_ms + (int64_t)(number % 365) * day_ms);
    if (out->failed)
        abort();
}
