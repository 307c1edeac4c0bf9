/* account.get, and what other answers need of an account. */
#include "protocol/cursor.h"
#include "workers/answer.h"
#include "workers/override.h"

static void write_factors(const struct rt_score *score, struct rt_buffer *out)
{
    rt_write_text(out, "factors");
    rt_write_array(out, (uint32_t)score->count);
    for (size_t i = 0; i < score->count; i++) {
        rt_write_map(out, 3);
        rt_write_key_text(out, "name", score->factors[i].factor);
        rt_write_key_double(out, "points", score->factors[i].points);
        rt_write_key_text(out, "text", score->factors[i].text);
    }
}

static void write_counts(const struct rt_account *account, struct rt_buffer *out)
{
    uint32_t written = 0;
    size_t mark;

    rt_write_text(out, "events");
    mark = rt_write_map_begin(out);
    for (int type = 0; type < RT_EVENT_TYPES; type++) {
        uint32_t count = rt_account_events(account, (enum rt_event_type)type);

        if (count == 0)
            continue;
        rt_write_key_int(out, rt_event_type_name((enum rt_event_type)type), count);
        written++;
    }
    rt_write_end(out, mark, written);
}

uint32_t rt_answer_profile(const struct rt_account *account, struct rt_buffer *out)
{
    uint32_t pairs = 0;

    for (int key = 0; key < RT_PROFILE_KEYS; key++) {
        struct rt_profile_value value = rt_account_profile(account, (enum rt_profile_key)key);

        if (value.presence != RT_KEY_SET)
            continue;
        rt_write_text(out, rt_profile_key_name((enum rt_profile_key)key));
        if (key == RT_PROFILE_RENEWAL)
            rt_write_int(out, value.renewal);
        else if (key == RT_PROFILE_VALUE)
            rt_write_double(out, value.value);
        else if (key == RT_PROFILE_CONTACTS)
            rt_write_raw(out, value.text);
        else
            rt_write_str(out, value.text);
        pairs++;
    }
    return pairs;
}

static void write_hold(struct rt_buffer *out, const char *key, const struct rt_hold *hold)
{
    rt_write_text(out, key);
    if (hold->by.data == NULL) {
        rt_write_nil(out);
        return;
    }
    rt_write_map(out, 4);
    rt_write_key_str(out, "by", hold->by);
    rt_write_key_int(out, "until", hold->until);
    rt_write_key_str(out, "note", hold->note);
    rt_write_key_int(out, "ts", hold->ts);
}

/* Copies a message, its acknowledgement and snooze replaced by those in force. */
static bool write_message(struct rt_buffer *out, struct rt_span map,
                          const struct rt_episode *episode, bool cursor)
{
    struct rt_reader reader = rt_reader(map);
    char text[RT_CURSOR_TEXT];
    uint32_t pairs;

    if (!rt_read_map(&reader, &pairs))
        return false;
    rt_write_map(out, pairs + cursor);
    for (; pairs > 0; pairs--) {
        struct rt_span key, value;

        if (!rt_read_str(&reader, &key) || !rt_read_skip(&reader, &value))
            return false;
        if (rt_span_is(key, "ack")) {
            write_hold(out, "ack", episode->ack);
        } else if (rt_span_is(key, "snooze")) {
            write_hold(out, "snooze", episode->snooze);
        } else {
            rt_write_str(out, key);
            rt_write_raw(out, value);
        }
    }
    if (cursor) {
        rt_cursor_encode(episode->number, text);
        rt_write_key_text(out, "cursor", text);
    }
    return true;
}

void rt_answer_episode(struct rt_core *core, const struct rt_account *account,
                       const struct rt_episode *episode, int64_t now, bool cursor,
                       struct rt_buffer *out)
{
    size_t before = out->size;
    struct rt_buffer again = {0};
    struct rt_link_alert message;
    struct rt_record record;

    if (core->store.read(core->store.context, episode->position, &record) &&
        rt_link_alert_decode(record.body, &message) &&
        write_message(out, message.map, episode, cursor))
        return;
    out->size = before;
    rt_core_say_again(core, account, episode, now, &again);
    if (again.failed || !write_message(out, rt_buffer_span(&again), episode, cursor))
        out->failed = true;
    rt_buffer_free(&again);
}

static void write_open_alerts(struct rt_core *core, const struct rt_account *account, int64_t now,
                              struct rt_buffer *out)
{
    size_t count = rt_account_episodes(account);

    rt_write_text(out, "alerts");
    rt_write_array(out, (uint32_t)count);
    for (size_t i = 0; i < count; i++)
        rt_answer_episode(core, account, rt_account_episode(account, i), now, true, out);
}

/* Points of days or of weeks, the oldest first; days without one are left out. */
static void write_points(const struct rt_curve *curve, const char *key, int32_t step, int count,
                         uint8_t (*point)(const struct rt_curve *curve, int32_t day),
                         int32_t newest, struct rt_buffer *out)
{
    uint32_t written = 0;

    for (int i = count - 1; i >= 0; i--)
        written += point(curve, newest - i * step) != RT_CURVE_UNKNOWN;
    rt_write_text(out, key);
    rt_write_array(out, written);
    for (int i = count - 1; i >= 0; i--) {
        int32_t day = newest - i * step;
        uint8_t value = point(curve, day);

        if (value == RT_CURVE_UNKNOWN)
            continue;
        rt_write_map(out, 2);
        rt_write_key_int(out, "ts", (day + INT64_C(1)) * RT_DAY_MS);
        rt_write_key_double(out, "score", (double)value / RT_CURVE_STEPS);
    }
}

static void write_history(struct rt_core *core, const struct rt_account *account, int64_t now,
                          struct rt_buffer *out)
{
    int32_t yesterday = (int32_t)(now / RT_DAY_MS) - 1;
    int32_t sunday = yesterday - (yesterday + 7 - RT_CURVE_WEEK_ENDS) % 7;
    struct rt_curve curve;

    rt_core_curve(core, account, now, &curve);
    rt_write_text(out, "history");
    rt_write_map(out, 2);
    write_points(&curve, "days", 1, RT_CURVE_DAYS, rt_curve_day, yesterday, out);
    write_points(&curve, "weeks", 7, RT_CURVE_WEEKS, rt_curve_week, sunday, out);
}

static void write_account(struct rt_core *core, const struct rt_account *account, int64_t now,
                          int64_t at, bool history, struct rt_buffer *out)
{
    enum { FIXED_PAIRS = 10 };
    const struct rt_override *override = rt_account_override(account, at);
    size_t mark = rt_write_map_begin(out);
    struct rt_score score;
    uint32_t profile;
    int64_t contact;

    rt_score_explain(rt_account_tier(account, core->config), account, at, &score);
    rt_write_key_bool(out, "ok", true);
    rt_write_key_str(out, "account", rt_account_name(account));
    rt_write_key_double(out, "score", score.score);
    rt_write_key_double(out, "base", score.base);
    rt_write_key_text(out, "band", rt_band_name(rt_band_of(score.score)));
    write_factors(&score, out);
    write_counts(account, out);
    if (rt_account_last_contact(account, &contact))
        rt_write_key_int(out, "last_contact", contact);
    else
        rt_write_key_nil(out, "last_contact");
    rt_write_key_int(out, "open_tickets", (int64_t)rt_account_open_tickets(account));
    write_open_alerts(core, account, now, out);
    if (history)
        write_history(core, account, now, out);
    profile = rt_answer_profile(account, out);
    if (override != NULL) {
        rt_write_text(out, "override");
        rt_override_write(out, override, score.score);
    }
    rt_write_end(out, mark, FIXED_PAIRS + history + profile + (override != NULL));
}

bool rt_answer_sees(const struct rt_query *query, const struct rt_account *account)
{
    struct rt_profile_value owner;

    if (query->owners.size == 0)
        return true;
    if (account == NULL)
        return false;
    owner = rt_account_profile(account, RT_PROFILE_OWNER);
    return rt_query_sees(query, owner.presence == RT_KEY_SET ? owner.text : rt_span("", 0));
}

/* A caller's own now is a little behind by the time its question is read: that much counts as now.
 */
enum { AT_BEHIND_MS = 1000 };

void rt_answer_account(struct rt_core *core, const struct rt_query *query, int64_t now,
                       struct rt_buffer *out)
{
    const struct rt_account *account = rt_core_find(core, query->account);
    int64_t at = query->has_at && query->at > now ? query->at : now;

    if (!rt_answer_sees(query, account))
        rt_query_error(out, RT_DENIED, "account: this key may not see it");
    else if (account == NULL)
        rt_query_error(out, RT_NOT_FOUND, "no such account");
    else if (query->has_at && query->at < now - AT_BEHIND_MS)
        rt_query_error(out, RT_BAD_REQUEST, "at: lies in the past");
    else
        write_account(core, account, now, at, query->history, out);
}

void rt_answer_stats(const struct rt_core *core, struct rt_buffer *out)
{
    rt_write_map(out, 3);
    rt_write_key_bool(out, "ok", true);
    rt_write_key_int(out, "accounts", (int64_t)core->accounts);
    rt_write_text(out, "events");
    rt_write_map(out, RT_EVENT_TYPES);
    for (int type = 0; type < RT_EVENT_TYPES; type++)
        rt_write_key_int(out, rt_event_type_name((enum rt_event_type)type),
                         (int64_t)core->events[type]);
}
