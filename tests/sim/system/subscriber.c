/* What is published, and the history that is told at the end.
 *
 * An alert is numbered when it is on disk, in ascending order, once for each life of the daemon; a
 * position in the journal always means the same message, a message (episode, state, moment, score) is at one
 * position only, an episode is raised once, and each kind has one open episode of an account. The
 * history holds what was published, under the number it was given last. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/alert.h"
#include "protocol/cursor.h"
#include "tests/sim/system/daemon.h"
#include "tests/sim/system/world.h"

enum { MESSAGES = 1 << 16, KEY = 96, EPISODES = 1 << 14 };

struct message {
    uint64_t position; /* 0: free */
    uint64_t number;
    unsigned life, account;
    bool published, forgotten, in_history;
    char key[KEY];
};

struct open_episode {
    char id[48];
};

static struct message messages[MESSAGES]; /* open addressing by position */
static struct message *all[MESSAGES];     /* those in use, in the order they came */
static unsigned all_count;
static struct message *current; /* numbered last, to be published now */
static uint64_t last_number, history_number;
static bool erased_any;
static uint64_t audited_number; /* of the newest alert when the history was asked for */
static struct open_episode history[SIM_ACCOUNTS][RT_ALERT_KINDS];
static struct open_episode latest[SIM_ACCOUNTS][RT_ALERT_KINDS];

/* ---- numbers --------------------------------------------------------------------------------- */

static struct message *message_at(uint64_t position)
{
    uint64_t place = position * UINT64_C(0x9e3779b97f4a7c15) >> 48;

    while (messages[place & (MESSAGES - 1)].position != 0 &&
           messages[place & (MESSAGES - 1)].position != position)
        place++;
    return &messages[place & (MESSAGES - 1)];
}

static bool is_on_disk(uint64_t position)
{
    char path[256];

    snprintf(path, sizeof(path), "%s/journal/%04x-%06x.seg", sim_state_dir(),
             (unsigned)(position >> 48), (unsigned)(position >> 26 & ((1u << 22) - 1)));
    return os_disk_is_synced(path, (position & ((1u << 26) - 1)) * 8, 64);
}

static void on_number(uint64_t position, uint64_t number, bool again)
{
    struct message *message = message_at(position);

    current = message;
    os_trace("alert %" PRIx64 " is number %" PRIu64 "%s", position, number, again ? ", again" : "");
    if (again) {
        OS_CHECK(message->position == position && message->number == number,
                 "alert %" PRIx64 " has another number than before", position);
        return;
    }
    /* A daemon goes on beyond what workers have kept, and at the clock; the alerts of an erased account
     * are kept no more. Both together may go back. */
    OS_CHECK(number > last_number || (sim_clock_is_behind() && erased_any),
             "number %" PRIu64 " after %" PRIu64, number, last_number);
    OS_CHECK(is_on_disk(position), "alert %" PRIx64 " is told and not on disk", position);
    OS_CHECK(message->position == 0 || message->life != sim_life(),
             "alert %" PRIx64 " is numbered twice", position);
    last_number = number;
    if (message->position == 0)
        all[all_count++] = message;
    message->position = position;
    message->number = number;
    message->life = sim_life();
}

/* ---- messages -------------------------------------------------------------------------------- */

static void key_of(const struct rt_alert *alert, char key[KEY])
{
    snprintf(key, KEY, "%.*s %s %s %" PRId64 " %.15g", (int)alert->id.size,
             (const char *)alert->id.data, rt_alert_state_name(alert->state),
             rt_severity_name(alert->severity), alert->ts, alert->score);
}

static void read_alert(struct rt_span map, struct rt_alert *alert, uint64_t *number)
{
    char cursor[RT_CURSOR_TEXT];

    OS_CHECK(rt_alert_decode(map, alert), "an alert cannot be read");
    OS_CHECK(sim_find_text(map, "cursor", cursor, sizeof(cursor)) &&
                 rt_cursor_decode(rt_span_text(cursor), number),
             "an alert without a cursor");
}

static void note_open(struct open_episode open[SIM_ACCOUNTS][RT_ALERT_KINDS], unsigned account,
                      const struct rt_alert *alert)
{
    snprintf(open[account][alert->kind].id, sizeof(open[account][alert->kind].id), "%.*s",
             alert->state == RT_CLEARED ? 0 : (int)alert->id.size, (const char *)alert->id.data);
}

void sim_subscriber_hear(const struct os_message *heard)
{
    struct rt_alert alert;
    uint64_t number;
    unsigned account;
    char key[KEY];

    if (heard->frames[0].size < 6 || memcmp(heard->frames[0].data, "alert.", 6) != 0)
        return; /* the other tree, or the cursor */
    read_alert(rt_span(heard->frames[1].data, heard->frames[1].size), &alert, &number);
    OS_CHECK(current != NULL && current->number == number, "published under a number of nobody");
    account = sim_account_number(alert.account);
    OS_CHECK(account < SIM_ACCOUNTS, "an alert of an account that was never heard of");
    key_of(&alert, key);
    os_trace("heard %s account.%u %s", key, account, rt_alert_kind_name(alert.kind));
    if (current->key[0] != '\0')
        OS_CHECK(strcmp(current->key, key) == 0, "what was '%s' is now '%s'", current->key, key);
    for (unsigned i = 0; i < all_count && current->key[0] == '\0'; i++)
        OS_CHECK(strcmp(all[i]->key, key) != 0, "'%s' is said twice", key);
    snprintf(current->key, KEY, "%s", key);
    current->account = account;
    current->published = true;
    note_open(latest, account, &alert);
}

bool sim_open_alert(char id[48], unsigned *account)
{
    for (unsigned tries = 0; tries < 8; tries++) {
        const struct open_episode *open;

        *account = (unsigned)os_draw(SIM_ACCOUNTS);
        open = &latest[*account][os_draw(RT_ALERT_KINDS)];
        if (open->id[0] != '\0') {
            snprintf(id, 48, "%s", open->id);
            return true;
        }
    }
    return false;
}

void sim_subscriber_forget(unsigned account)
{
    erased_any = true;
    memset(latest[account], 0, sizeof(latest[account]));
    for (unsigned i = 0; i < all_count; i++)
        if (all[i]->account == account)
            all[i]->forgotten = true;
}

void sim_subscriber_begin(void)
{
    sim_on_number(on_number);
}

/* ---- history --------------------------------------------------------------------------------- */

void sim_history_begin(void)
{
    history_number = 0;
    audited_number = last_number;
    memset(history, 0, sizeof(history));
    for (unsigned i = 0; i < all_count; i++)
        all[i]->in_history = false;
}

static void check_life(unsigned account, const struct rt_alert *alert)
{
    struct open_episode *open = &history[account][alert->kind];
    bool is_open = open->id[0] != '\0';

    if (alert->state == RT_RAISED)
        OS_CHECK(!is_open, "account.%u: %s raised while %s is open", account,
                 rt_alert_kind_name(alert->kind), open->id);
    else
        OS_CHECK(is_open && rt_span_is(alert->id, open->id), "account.%u: %s %s, but open is '%s'",
                 account, rt_alert_kind_name(alert->kind), rt_alert_state_name(alert->state),
                 open->id);
    note_open(history, account, alert);
}

void sim_history_add(struct rt_span map)
{
    struct rt_alert alert;
    uint64_t number;
    unsigned account;
    char key[KEY];

    read_alert(map, &alert, &number);
    OS_CHECK(number > history_number, "the history is not in the order of its cursors");
    history_number = number;
    account = sim_account_number(alert.account);
    OS_CHECK(account < SIM_ACCOUNTS, "the history of an account that was never heard of");
    check_life(account, &alert);
    key_of(&alert, key);
    for (unsigned i = 0; i < all_count; i++)
        if (all[i]->published && strcmp(all[i]->key, key) == 0) {
            OS_CHECK(all[i]->number == number, "'%s' was published with another cursor", key);
            OS_CHECK(!all[i]->forgotten, "'%s' was erased", key);
            all[i]->in_history = true;
        }
}

void sim_history_end(void)
{
    for (unsigned i = 0; i < all_count; i++)
        OS_CHECK(!all[i]->published || all[i]->forgotten || all[i]->in_history ||
                     all[i]->number > audited_number,
                 "'%s' was published and is not in the history", all[i]->key);
}
