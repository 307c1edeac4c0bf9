/* An account as bytes, for snapshots. Little-endian, no padding; the same state has the same bytes.
 *
 * - u8 version, u8 size and bytes of the name, u64 chain, i64 deadline (INT64_MAX: none)
 * - u16 parts (u8 in versions 1 and 2): bits PART_*, then each part:
 * - COUNTS: u8 mask of types, u32 for each bit
 * - ACTIVITY: i64 first, i64 last, u32 newest day, u8 words of the bitmap, u64 each; u16 mask of
 *   people, u16 each; u16 newest visit (version 1 has none)
 * - CELLS: u16 number; u16 bucket, u8 kind, u32 amount each, ascending
 * - TICKETS: u32 number; each as put_ticket, open ones first, each list in its order
 * - THREADS: u8 number; u64 hash, i64 ts, u8 ours each, newest first
 * - PROFILE: u32 size, the block of profile.h
 * - PEAKS: u32 newest day, u8 mask of days, u16 each
 * - ALERTS: u8 mask of dwells, i64 each; u8 number of open episodes, each as put_open, by kind
 *   (versions 1 to 3 have no lapse)
 * - OVERRIDE: as rt_override_encode (versions 1 and 2 have none)
 *
 * To change it: raise VERSION; keep reading every older version there ever was in a release (a
 * branch in rt_account_decode for what it lacks, filled with what an account without the new fact
 * has); add a test that decodes bytes of the old one. A fact that can not be filled in needs the
 * journal to be replayed: then refuse the version (NULL), and recovery falls back to that.
 *
 * Decoding trusts nothing: masks, ranges and orders that no account can have are refused. */
#include "protocol/limits.h"
#include "workers/account_state.h"
#include "workers/group.h"

#include <math.h>
#include <stdlib.h>

enum {
    VERSION = 4,
    VERSION_WITHOUT_LAPSES = 3,
    VERSION_WITHOUT_OVERRIDES = 2,
    VERSION_WITHOUT_VISITS = 1
};

enum {
    PART_COUNTS = 1,
    PART_ACTIVITY = 2,
    PART_CELLS = 4,
    PART_TICKETS = 8,
    PART_THREADS = 16,
    PART_PROFILE = 32,
    PART_PEAKS = 64,
    PART_ALERTS = 128,
    PART_OVERRIDE = 256,
    PARTS = 512,
};

/* ---- small things ---------------------------------------------------------------------------- */

static void put_i64(struct rt_buffer *out, int64_t value)
{
    rt_put_u64(out, (uint64_t)value);
}

static bool get_i64(struct rt_reader *reader, int64_t *value)
{
    uint64_t bits;

    if (!rt_get_u64(reader, &bits))
        return false;
    *value = (int64_t)bits;
    return true;
}

static void put_f64(struct rt_buffer *out, double value)
{
    uint64_t bits;

    memcpy(&bits, &value, sizeof(bits));
    rt_put_u64(out, bits);
}

static bool get_f64(struct rt_reader *reader, double *value)
{
    uint64_t bits;

    if (!rt_get_u64(reader, &bits))
        return false;
    memcpy(value, &bits, sizeof(*value));
    return isfinite(*value);
}

static void put_short(struct rt_buffer *out, struct rt_span bytes)
{
    rt_put_u8(out, (uint8_t)bytes.size);
    rt_buffer_append(out, bytes.data, bytes.size);
}

static bool get_span(struct rt_reader *reader, size_t size, struct rt_span *bytes)
{
    if (reader->failed || (size_t)(reader->end - reader->at) < size) {
        reader->failed = true;
        return false;
    }
    *bytes = rt_span(reader->at, size);
    reader->at += size;
    return true;
}

static bool get_short(struct rt_reader *reader, struct rt_span *bytes)
{
    uint8_t size;

    return rt_get_u8(reader, &size) && get_span(reader, size, bytes);
}

/* ---- counts ---------------------------------------------------------------------------------- */

static bool has_counts(const struct rt_account *account)
{
    for (int type = 0; type < RT_EVENT_TYPES; type++)
        if (account->counts[type] > 0)
            return true;
    return false;
}

static void put_counts(struct rt_buffer *out, const struct rt_account *account)
{
    uint8_t mask = 0;

    for (int type = 0; type < RT_EVENT_TYPES; type++)
        mask |= (uint8_t)((account->counts[type] > 0) << type);
    rt_put_u8(out, mask);
    for (int type = 0; type < RT_EVENT_TYPES; type++)
        if (account->counts[type] > 0)
            rt_put_u32(out, account->counts[type]);
}

static bool get_counts(struct rt_reader *reader, struct rt_account *account)
{
    uint8_t mask;

    if (!rt_get_u8(reader, &mask) || mask == 0 || mask >> RT_EVENT_TYPES != 0)
        return false;
    for (int type = 0; type < RT_EVENT_TYPES; type++)
        if ((mask >> type & 1) != 0 &&
            (!rt_get_u32(reader, &account->counts[type]) || account->counts[type] == 0))
            return false;
    return true;
}

/* ---- activity -------------------------------------------------------------------------------- */

static void put_activity(struct rt_buffer *out, const struct rt_activity *activity)
{
    uint8_t words = RT_ACTIVITY_WORDS;
    uint16_t mask = 0;

    while (activity->days[words - 1] == 0)
        words--;
    put_i64(out, activity->first);
    put_i64(out, activity->last);
    rt_put_u32(out, (uint32_t)activity->newest);
    rt_put_u8(out, words);
    for (int i = 0; i < words; i++)
        rt_put_u64(out, activity->days[i]);
    for (int i = 0; i < RT_ACTIVITY_PEOPLE; i++)
        mask |= (uint16_t)((activity->people[i] != 0) << i);
    rt_put_u16(out, mask);
    for (int i = 0; i < RT_ACTIVITY_PEOPLE; i++)
        if (activity->people[i] != 0)
            rt_put_u16(out, activity->people[i]);
    rt_put_u16(out, activity->visit);
}

static bool get_people(struct rt_reader *reader, struct rt_activity *activity)
{
    uint16_t mask;

    if (!rt_get_u16(reader, &mask))
        return false;
    for (int i = 0; i < RT_ACTIVITY_PEOPLE; i++)
        if ((mask >> i & 1) != 0 &&
            (!rt_get_u16(reader, &activity->people[i]) || activity->people[i] == 0))
            return false;
    return true;
}

/* A visit is a contact: no later day than the newest one. */
static bool get_visit(struct rt_reader *reader, struct rt_activity *activity)
{
    return rt_get_u16(reader, &activity->visit) && activity->visit <= activity->newest + 1;
}

static bool get_activity(struct rt_reader *reader, struct rt_activity *activity, uint8_t version)
{
    uint32_t newest;
    uint8_t words;

    if (!get_i64(reader, &activity->first) || !get_i64(reader, &activity->last) ||
        !rt_get_u32(reader, &newest) || !rt_get_u8(reader, &words))
        return false;
    activity->newest = (int32_t)newest;
    if (activity->first < 0 || activity->first > activity->last || activity->last > RT_TS_MAX ||
        activity->newest != rt_activity_day(activity->last) || words == 0 ||
        words > RT_ACTIVITY_WORDS)
        return false;
    for (int i = 0; i < words; i++)
        if (!rt_get_u64(reader, &activity->days[i]))
            return false;
    return (activity->days[0] & 1) != 0 && activity->days[words - 1] != 0 &&
           get_people(reader, activity) &&
           (version == VERSION_WITHOUT_VISITS || get_visit(reader, activity));
}

/* ---- cells ----------------------------------------------------------------------------------- */

static bool has_cells(const struct rt_account *account)
{
    return account->cells != NULL && account->cells->count > 0;
}

static void put_cells(struct rt_buffer *out, const struct rt_cells *cells)
{
    rt_put_u16(out, cells->count);
    for (unsigned i = 0; i < cells->count; i++) {
        rt_put_u16(out, cells->cells[i].bucket);
        rt_put_u8(out, cells->cells[i].kind);
        rt_put_u32(out, cells->cells[i].amount);
    }
}

static bool get_cell(struct rt_reader *reader, struct rt_cells *cells, unsigned i)
{
    struct rt_cell *cell = &cells->cells[i], *before = i == 0 ? NULL : cell - 1;

    return rt_get_u16(reader, &cell->bucket) && rt_get_u8(reader, &cell->kind) &&
           rt_get_u32(reader, &cell->amount) && cell->kind < RT_CELL_KINDS && cell->amount > 0 &&
           (before == NULL || cell->bucket > before->bucket ||
            (cell->bucket == before->bucket && cell->kind > before->kind));
}

static bool get_cells(struct rt_reader *reader, struct rt_account *account, bool *no_memory)
{
    struct rt_span rest;
    uint16_t count;

    if (!rt_get_u16(reader, &count) || count == 0)
        return false;
    rest = rt_span(reader->at, (size_t)(reader->end - reader->at));
    if (rest.size / 7 < count)
        return false;
    if (!rt_cells_reserve(&account->cells, count)) {
        *no_memory = true;
        return false;
    }
    for (unsigned i = 0; i < count; i++) {
        if (!get_cell(reader, account->cells, i))
            return false;
        account->cells->count++;
    }
    return true;
}

/* ---- tickets --------------------------------------------------------------------------------- */

static bool has_tickets(const struct rt_account *account)
{
    return account->tickets != NULL &&
           account->tickets->open.count + account->tickets->closed.count > 0;
}

static void put_ticket(struct rt_buffer *out, const struct rt_ticket *ticket)
{
    put_short(out, rt_ticket_number(ticket));
    put_i64(out, ticket->first);
    put_i64(out, ticket->state_at);
    put_i64(out, ticket->response_at);
    rt_put_u8(out, ticket->state);
    rt_put_u8(out, ticket->escalated);
    rt_put_u8(out, ticket->reopened);
    rt_put_u8(out, ticket->severity);
    if (ticket->severity == 0)
        return;
    put_i64(out, ticket->severity_at);
    rt_put_u8(out, ticket->severity_rank);
    put_short(out, rt_span(ticket->text + ticket->number_size, ticket->id_size));
}

/* What stands before the severity's stamp. */
static bool get_ticket_head(struct rt_reader *reader, struct rt_span *number,
                            struct rt_ticket *head)
{
    return get_short(reader, number) && number->size >= 1 && number->size <= RT_TICKET_BYTES &&
           get_i64(reader, &head->first) && get_i64(reader, &head->state_at) &&
           get_i64(reader, &head->response_at) && rt_get_u8(reader, &head->state) &&
           rt_get_u8(reader, &head->escalated) && rt_get_u8(reader, &head->reopened) &&
           rt_get_u8(reader, &head->severity) && head->first >= 0 && head->first <= RT_TS_MAX &&
           head->state <= 4 && head->state_at <= RT_TS_MAX &&
           (head->response_at <= RT_TS_MAX || head->response_at == INT64_MAX) &&
           (head->state == 0 ? head->state_at == INT64_MIN : head->state_at >= head->first) &&
           head->response_at >= head->first && head->severity <= RT_SEVERITIES;
}

static bool get_ticket(struct rt_reader *reader, struct rt_account *account, bool *no_memory)
{
    struct rt_ticket head = {.severity_at = INT64_MIN}, *ticket;
    struct rt_span number, id = rt_span(NULL, 0);

    if (!get_ticket_head(reader, &number, &head))
        return false;
    if (head.severity != 0 &&
        (!get_i64(reader, &head.severity_at) || head.severity_at < head.first ||
         head.severity_at > RT_TS_MAX || !rt_get_u8(reader, &head.severity_rank) ||
         head.severity_rank > 4 || !get_short(reader, &id) || id.size > RT_ID_BYTES))
        return false;
    ticket = rt_ticket_new(number, id);
    if (ticket == NULL) {
        *no_memory = true;
        return false;
    }
    head.hash = ticket->hash;
    head.number_size = ticket->number_size;
    head.id_size = ticket->id_size;
    memcpy(ticket, &head, offsetof(struct rt_ticket, text));
    if (rt_tickets_restore(&account->tickets, ticket, no_memory))
        return true;
    free(ticket);
    return false;
}

static void put_tickets(struct rt_buffer *out, const struct rt_tickets *tickets)
{
    rt_put_u32(out, tickets->open.count + tickets->closed.count);
    for (uint32_t i = 0; i < tickets->open.count; i++)
        put_ticket(out, tickets->open.at[i]);
    for (uint32_t i = 0; i < tickets->closed.count; i++)
        put_ticket(out, tickets->closed.at[i]);
}

static bool get_tickets(struct rt_reader *reader, struct rt_account *account, bool *no_memory)
{
    uint32_t count;

    if (!rt_get_u32(reader, &count) || count == 0)
        return false;
    for (; count > 0; count--)
        if (!get_ticket(reader, account, no_memory))
            return false;
    return true;
}

/* ---- threads, profile ------------------------------------------------------------------------ */

static bool has_threads(const struct rt_account *account)
{
    return account->threads != NULL && account->threads->count > 0;
}

static void put_threads(struct rt_buffer *out, const struct rt_threads *threads)
{
    rt_put_u8(out, threads->count);
    for (unsigned i = 0; i < threads->count; i++) {
        rt_put_u64(out, threads->threads[i].hash);
        put_i64(out, threads->threads[i].ts);
        rt_put_u8(out, threads->threads[i].ours);
    }
}

static bool get_threads(struct rt_reader *reader, struct rt_account *account, bool *no_memory)
{
    uint8_t count, ours;

    if (!rt_get_u8(reader, &count) || count == 0 || count > RT_THREADS)
        return false;
    if (!rt_threads_reserve(&account->threads)) {
        *no_memory = true;
        return false;
    }
    for (unsigned i = 0; i < count; i++) {
        struct rt_thread *thread = &account->threads->threads[i];

        if (!rt_get_u64(reader, &thread->hash) || !get_i64(reader, &thread->ts) || thread->ts < 0 ||
            thread->ts > RT_TS_MAX || !rt_get_u8(reader, &ours) || ours > 1 ||
            (i > 0 && thread->ts > thread[-1].ts))
            return false;
        thread->ours = ours != 0;
    }
    account->threads->count = count;
    return true;
}

static bool get_profile(struct rt_reader *reader, struct rt_account *account, bool *no_memory)
{
    struct rt_profile_value status;
    struct rt_span data;

    if (!rt_get_bytes(reader, &data))
        return false;
    account->profile = rt_profile_load(data, no_memory);
    if (account->profile == NULL)
        return false;
    status = rt_profile_get(account->profile, RT_PROFILE_STATUS);
    account->churned = status.presence == RT_KEY_SET && rt_span_is(status.text, "churned");
    return true;
}

/* ---- peaks ----------------------------------------------------------------------------------- */

static void put_peaks(struct rt_buffer *out, const struct rt_account *account)
{
    uint8_t mask = 0;

    for (int i = 0; i < RT_PEAK_DAYS; i++)
        mask |= (uint8_t)((account->peaks[i] > 0) << i);
    rt_put_u32(out, (uint32_t)account->peak_day);
    rt_put_u8(out, mask);
    for (int i = 0; i < RT_PEAK_DAYS; i++)
        if (account->peaks[i] > 0)
            rt_put_u16(out, account->peaks[i]);
}

static bool get_peaks(struct rt_reader *reader, struct rt_account *account)
{
    uint32_t day;
    uint8_t mask;

    if (!rt_get_u32(reader, &day) || !rt_get_u8(reader, &mask) || day > INT32_MAX)
        return false;
    account->peak_day = (int32_t)day;
    for (int i = 0; i < RT_PEAK_DAYS; i++)
        if ((mask >> i & 1) != 0 &&
            (!rt_get_u16(reader, &account->peaks[i]) || account->peaks[i] == 0))
            return false;
    return true;
}

/* ---- alerts ---------------------------------------------------------------------------------- */

static void put_hold(struct rt_buffer *out, const struct rt_hold *hold)
{
    rt_put_u8(out, hold->by.data == NULL ? 0 : hold->note.data == NULL ? 1 : 2);
    if (hold->by.data == NULL)
        return;
    put_i64(out, hold->until);
    put_i64(out, hold->ts);
    rt_put_bytes(out, hold->by);
    if (hold->note.data != NULL)
        rt_put_bytes(out, hold->note);
}

static bool get_hold(struct rt_reader *reader, struct rt_hold *hold)
{
    uint8_t form;

    *hold = (struct rt_hold){0};
    if (!rt_get_u8(reader, &form) || form > 2)
        return false;
    if (form == 0)
        return true;
    return get_i64(reader, &hold->until) && get_i64(reader, &hold->ts) &&
           rt_get_bytes(reader, &hold->by) && (form == 1 || rt_get_bytes(reader, &hold->note));
}

static void put_open(struct rt_buffer *out, const struct rt_open *open)
{
    rt_put_u8(out, (uint8_t)open->episode.kind);
    rt_put_u8(out, (uint8_t)open->episode.severity);
    rt_put_u64(out, open->episode.sequence);
    put_i64(out, open->episode.raised);
    put_f64(out, open->episode.spoke_score);
    put_f64(out, open->peak);
    rt_put_u64(out, open->episode.position);
    rt_put_u64(out, open->episode.number);
    put_i64(out, open->episode.lapsed);
    put_hold(out, open->episode.ack);
    put_hold(out, open->episode.snooze);
}

static bool get_lapsed(struct rt_reader *reader, uint8_t version, int64_t *lapsed)
{
    *lapsed = 0;
    return version <= VERSION_WITHOUT_LAPSES ||
           (get_i64(reader, lapsed) && *lapsed >= 0 && *lapsed <= RT_TS_MAX);
}

static bool get_open(struct rt_reader *reader, struct rt_account *account, uint8_t version,
                     int *least, bool *no_memory)
{
    struct rt_hold ack, snooze;
    struct rt_open head = {0}, *open;
    uint8_t kind, severity;

    if (!rt_get_u8(reader, &kind) || !rt_get_u8(reader, &severity) || kind < *least ||
        kind >= RT_ALERT_KINDS || severity >= RT_SEVERITY_COUNT ||
        !rt_get_u64(reader, &head.episode.sequence) || !get_i64(reader, &head.episode.raised) ||
        head.episode.raised < 0 || head.episode.raised > RT_TS_MAX ||
        !get_f64(reader, &head.episode.spoke_score) || !get_f64(reader, &head.peak) ||
        !rt_get_u64(reader, &head.episode.position) || !rt_get_u64(reader, &head.episode.number) ||
        !get_lapsed(reader, version, &head.episode.lapsed) || !get_hold(reader, &ack) ||
        !get_hold(reader, &snooze))
        return false;
    *least = kind + 1;
    open = rt_account_open_new(account, (enum rt_alert_kind)kind);
    if (open == NULL) {
        *no_memory = true;
        return false;
    }
    head.next = open->next;
    head.episode.kind = (enum rt_alert_kind)kind;
    head.episode.severity = (enum rt_severity)severity;
    head.episode.ack = open->episode.ack;
    head.episode.snooze = open->episode.snooze;
    *open = head;
    *no_memory = !rt_account_hold(account, head.episode.kind, false, &ack) ||
                 !rt_account_hold(account, head.episode.kind, true, &snooze);
    return !*no_memory;
}

static void put_alerts(struct rt_buffer *out, const struct rt_account *account)
{
    uint8_t mask = 0;

    for (int kind = 0; kind < RT_ALERT_KINDS; kind++)
        mask |=
            (uint8_t)((rt_account_dwell(account, (enum rt_alert_kind)kind) != INT64_MIN) << kind);
    rt_put_u8(out, mask);
    for (int kind = 0; kind < RT_ALERT_KINDS; kind++)
        if ((mask >> kind & 1) != 0)
            put_i64(out, account->aside->dwell[kind]);
    rt_put_u8(out, (uint8_t)rt_account_episodes(account));
    for (const struct rt_open *open = account->open; open != NULL; open = open->next)
        put_open(out, open);
}

static bool get_dwell(struct rt_reader *reader, struct rt_account *account, int kind,
                      bool *no_memory)
{
    int64_t since;

    if (!get_i64(reader, &since) || since < 0 || since > RT_TS_MAX)
        return false;
    *no_memory = !rt_account_set_dwell(account, (enum rt_alert_kind)kind, since);
    return !*no_memory;
}

static bool get_alerts(struct rt_reader *reader, struct rt_account *account, uint8_t version,
                       bool *no_memory)
{
    uint8_t mask, count;
    int least = 0;

    if (!rt_get_u8(reader, &mask) || mask >> RT_ALERT_KINDS != 0)
        return false;
    for (int kind = 0; kind < RT_ALERT_KINDS; kind++)
        if ((mask >> kind & 1) != 0 && !get_dwell(reader, account, kind, no_memory))
            return false;
    if (!rt_get_u8(reader, &count) || (mask == 0 && count == 0))
        return false;
    for (; count > 0; count--)
        if (!get_open(reader, account, version, &least, no_memory))
            return false;
    return true;
}

/* ---- override -------------------------------------------------------------------------------- */

/* Also one that is over and was not looked at since. */
static const struct rt_override *override_of(const struct rt_account *account)
{
    return account->aside == NULL ? NULL : account->aside->override;
}

static bool get_override(struct rt_reader *reader, struct rt_account *account, bool *no_memory)
{
    struct rt_override read, *override;

    if (!rt_override_decode(reader, &read))
        return false;
    override = rt_override_copy(&read);
    *no_memory = override == NULL || !rt_account_set_override(account, override);
    if (*no_memory)
        free(override);
    return !*no_memory;
}

/* ---- the whole ------------------------------------------------------------------------------- */

static uint16_t parts_of(const struct rt_account *account)
{
    return (uint16_t)((has_counts(account) ? PART_COUNTS : 0) |
                      (rt_activity_any(&account->activity) ? PART_ACTIVITY : 0) |
                      (has_cells(account) ? PART_CELLS : 0) |
                      (has_tickets(account) ? PART_TICKETS : 0) |
                      (has_threads(account) ? PART_THREADS : 0) |
                      (account->profile != NULL ? PART_PROFILE : 0) |
                      (account->peak_day >= 0 ? PART_PEAKS : 0) |
                      (rt_account_dwells(account) || account->open != NULL ? PART_ALERTS : 0) |
                      (override_of(account) != NULL ? PART_OVERRIDE : 0));
}

void rt_account_encode(struct rt_buffer *out, const struct rt_account *account)
{
    uint16_t parts = parts_of(account);

    rt_put_u8(out, VERSION);
    put_short(out, rt_account_name(account));
    rt_put_u64(out, account->chain);
    /* What waits for the end of a quiet load is due at the next start, should that come first. */
    put_i64(out, account->wait.group == RT_GROUP_QUIET ? 0 : account->wait.at);
    rt_put_u16(out, parts);
    if ((parts & PART_COUNTS) != 0)
        put_counts(out, account);
    if ((parts & PART_ACTIVITY) != 0)
        put_activity(out, &account->activity);
    if ((parts & PART_CELLS) != 0)
        put_cells(out, account->cells);
    if ((parts & PART_TICKETS) != 0)
        put_tickets(out, account->tickets);
    if ((parts & PART_THREADS) != 0)
        put_threads(out, account->threads);
    if ((parts & PART_PROFILE) != 0)
        rt_put_bytes(out, rt_span(account->profile->data, account->profile->size));
    if ((parts & PART_PEAKS) != 0)
        put_peaks(out, account);
    if ((parts & PART_ALERTS) != 0)
        put_alerts(out, account);
    if ((parts & PART_OVERRIDE) != 0)
        rt_override_encode(out, override_of(account));
}

/* What version 1 does not say: the last visit was on an active day of the newest four weeks that had
 * any. Of those days the newest; the next visit puts it right. */
static void guess_visit(struct rt_account *account)
{
    const struct rt_cells *cells = account->cells;

    if (!rt_activity_any(&account->activity) || cells == NULL)
        return;
    for (unsigned i = cells->count; i-- > 0;) {
        int32_t from = cells->cells[i].bucket * RT_CELL_DAYS, day;

        if (cells->cells[i].kind != RT_CELL_HELD)
            continue;
        day = rt_activity_newest_in(&account->activity, from, from + RT_CELL_DAYS);
        day = day < 0 ? from : day;
        if (day > account->activity.newest) /* no account that was counted has that */
            day = account->activity.newest;
        rt_activity_visit(&account->activity, day * RT_DAY_MS);
        return;
    }
}

static bool get_parts(struct rt_reader *reader, struct rt_account *account, uint8_t version,
                      uint16_t parts, bool *no_memory)
{
    return ((parts & PART_COUNTS) == 0 || get_counts(reader, account)) &&
           ((parts & PART_ACTIVITY) == 0 || get_activity(reader, &account->activity, version)) &&
           ((parts & PART_CELLS) == 0 || get_cells(reader, account, no_memory)) &&
           ((parts & PART_TICKETS) == 0 || get_tickets(reader, account, no_memory)) &&
           ((parts & PART_THREADS) == 0 || get_threads(reader, account, no_memory)) &&
           ((parts & PART_PROFILE) == 0 || get_profile(reader, account, no_memory)) &&
           ((parts & PART_PEAKS) == 0 || get_peaks(reader, account)) &&
           ((parts & PART_ALERTS) == 0 || get_alerts(reader, account, version, no_memory)) &&
           ((parts & PART_OVERRIDE) == 0 || get_override(reader, account, no_memory));
}

static bool get_part_bits(struct rt_reader *reader, uint8_t version, uint16_t *parts)
{
    uint8_t narrow;

    if (version > VERSION_WITHOUT_OVERRIDES)
        return rt_get_u16(reader, parts) && *parts < PARTS;
    if (!rt_get_u8(reader, &narrow))
        return false;
    *parts = narrow;
    return true;
}

struct rt_account *rt_account_decode(struct rt_reader *reader, bool *no_memory)
{
    struct rt_account *account;
    struct rt_span name;
    uint16_t parts;
    uint8_t version;
    uint64_t chain;
    int64_t at;

    *no_memory = false;
    if (!rt_get_u8(reader, &version) || version < VERSION_WITHOUT_VISITS || version > VERSION ||
        !get_short(reader, &name) || name.size < 1 || name.size > RT_ACCOUNT_BYTES ||
        !rt_utf8_valid(name) || !rt_get_u64(reader, &chain) || !get_i64(reader, &at) ||
        !get_part_bits(reader, version, &parts))
        return NULL;
    account = rt_account_new(name);
    if (account == NULL) {
        *no_memory = true;
        return NULL;
    }
    account->chain = chain;
    account->wait.at = at;
    if (get_parts(reader, account, version, parts, no_memory) && parts_of(account) == parts) {
        if (version == VERSION_WITHOUT_VISITS)
            guess_visit(account);
        return account;
    }
    rt_account_free(account);
    return NULL;
}
