/* The world runs day by day: every account rolls whether somebody is in touch today, what follows
 * from it (an answer, a resolution, a rating) is put on a heap for its moment, and the day's events
 * leave the heap by time.
 *
 * Failure: without memory the world ends early and says so. */
#include "clients/retainctl/world.h"

#include <stdio.h>
#include <stdlib.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "clients/retainctl/dice.h"
#include "protocol/limits.h"

enum { MINUTE_MS = 60000, PEOPLE_MAX = 4, TROUBLED = 5 };

/* ---- who they are ---------------------------------------------------------------------------- */

enum temperament { STEADY, CHATTY, RESERVED, SEASONAL, DIFFICULT, GROWING, TEMPERAMENTS };
enum cause { STAYS, SILENCE, SLOWING, TICKETS, UNANSWERED, SENTIMENT, NO_SHOWS, BOUNCES, CAUSES };

static const struct {
    const char *name;
    uint32_t share;   /* of 100 accounts */
    uint32_t contact; /* contacts in 1000 working days */
    uint32_t ticket;  /* of 1000 contacts, tickets */
    int32_t mood;     /* mean sentiment, 1/100 */
} temperaments[TEMPERAMENTS] = {
    [STEADY] = {"steady", 40, 220, 60, 25},       [CHATTY] = {"chatty", 15, 600, 50, 30},
    [RESERVED] = {"reserved", 18, 75, 40, 15},    [SEASONAL] = {"seasonal", 10, 150, 60, 20},
    [DIFFICULT] = {"difficult", 9, 300, 220, -5}, [GROWING] = {"growing", 8, 150, 50, 40},
};

/* Who has a grievance speaks up before leaving: at least so often, and says what the mood is. */
enum { GRIEVED_CONTACT = 400, ANGRY_MOOD = -40, ANGRY_SAYS_SO = 850 };

static const struct {
    const char *name;
    int32_t shortest, longest; /* days from the onset to the last sign of life */
    uint32_t contact;          /* at least, while it declines; of 1000 working days */
} causes[CAUSES] = {
    [SILENCE] = {"silence", 2, 10, 0},
    [SLOWING] = {"slowing", 60, 120, 0},
    [TICKETS] = {"tickets", 30, 60, GRIEVED_CONTACT},
    [UNANSWERED] = {"unanswered", 30, 60, GRIEVED_CONTACT},
    [SENTIMENT] = {"sentiment", 30, 60, GRIEVED_CONTACT},
    [NO_SHOWS] = {"no_shows", 30, 60, GRIEVED_CONTACT},
    [BOUNCES] = {"bounces", 30, 60, GRIEVED_CONTACT},
};

struct account {
    struct rt_dice dice;
    enum temperament temperament;
    enum cause cause;
    int64_t onset, gone; /* days since the epoch; INT64_MAX: never */
    uint32_t events;     /* made so far: part of their ids */
    uint32_t tickets, people;
};

/* An event that waits for its moment. */
struct planned {
    int64_t ts;
    uint64_t order; /* equal moments: the one made first */
    uint8_t *bytes;
    size_t size;
};

struct rt_world {
    struct rt_world_options options;
    struct account *accounts;
    struct planned *heap;
    size_t planned, capacity;
    uint64_t order;
    int64_t first_day, day, last_day;
    struct rt_buffer scratch, current;
    struct rt_dice live;
    uint64_t live_count;
    bool failed;
};

static enum temperament temperament_roll(struct rt_dice *dice)
{
    uint32_t at = rt_dice_below(dice, 100);

    for (int i = 0; i < TEMPERAMENTS; i++) {
        if (at < temperaments[i].share)
            return (enum temperament)i;
        at -= temperaments[i].share;
    }
    return STEADY;
}

/* One in six declines; some began long ago and are gone, some have only just begun. */
static void fate_roll(const struct rt_world *world, struct account *account)
{
    int64_t span = world->options.days * 2 / 3;
    int64_t ago = 3 + rt_dice_below(&account->dice, (uint32_t)(span > 3 ? span : 3));

    account->onset = account->gone = INT64_MAX;
    account->cause = STAYS;
    if (!rt_dice_chance(&account->dice, 170) || account->temperament == GROWING)
        return;
    account->cause = (enum cause)rt_dice_between(&account->dice, STAYS + 1, CAUSES - 1);
    account->onset = world->last_day - ago;
    account->gone =
        account->onset + rt_dice_between(&account->dice, causes[account->cause].shortest,
                                         causes[account->cause].longest);
}

static void account_init(const struct rt_world *world, uint32_t index)
{
    struct account *account = &world->accounts[index];

    account->dice = rt_dice(world->options.seed, index + 1);
    account->temperament = temperament_roll(&account->dice);
    fate_roll(world, account);
    account->people = 1 + rt_dice_below(&account->dice, PEOPLE_MAX);
}

struct rt_world *rt_world_new(const struct rt_world_options *options)
{
    struct rt_world *world;

    if (options->accounts == 0 || options->accounts > RT_WORLD_ACCOUNTS_MAX || options->days == 0 ||
        options->days > RT_WORLD_DAYS_MAX || options->until < options->days * RT_DAY_MS)
        return NULL;
    world = calloc(1, sizeof(*world));
    if (world == NULL)
        return NULL;
    world->options = *options;
    world->last_day = (options->until - 1) / RT_DAY_MS;
    world->first_day = world->day = world->last_day - options->days + 1;
    world->live = rt_dice(options->seed, 0);
    world->accounts = calloc(options->accounts, sizeof(*world->accounts));
    if (world->accounts == NULL) {
        rt_world_free(world);
        return NULL;
    }
    for (uint32_t i = 0; i < options->accounts; i++)
        account_init(world, i);
    return world;
}

void rt_world_free(struct rt_world *world)
{
    if (world == NULL)
        return;
    for (size_t i = 0; i < world->planned; i++)
        free(world->heap[i].bytes);
    free(world->heap);
    free(world->accounts);
    rt_buffer_free(&world->scratch);
    rt_buffer_free(&world->current);
    free(world);
}

bool rt_world_failed(const struct rt_world *world)
{
    return world->failed;
}

static void account_name(uint32_t index, char name[16])
{
    snprintf(name, 16, "SIM-%05u", index + 1);
}

void rt_world_truth(const struct rt_world *world, uint32_t index, struct rt_world_truth *truth)
{
    const struct account *account = &world->accounts[index];

    *truth = (struct rt_world_truth){.temperament = temperaments[account->temperament].name,
                                     .cause = causes[account->cause].name};
    account_name(index, truth->account);
    if (account->cause == STAYS)
        return;
    truth->onset = account->onset * RT_DAY_MS;
    truth->gone = account->gone <= world->last_day ? account->gone * RT_DAY_MS : 0;
}

/* ---- the heap -------------------------------------------------------------------------------- */

static bool before(const struct planned *a, const struct planned *b)
{
    return a->ts != b->ts ? a->ts < b->ts : a->order < b->order;
}

static void swap(struct planned *a, struct planned *b)
{
    struct planned kept = *a;

    *a = *b;
    *b = kept;
}

static bool heap_reserve(struct rt_world *world)
{
    size_t capacity = world->capacity == 0 ? 1024 : world->capacity * 2;
    struct planned *heap;

    if (world->planned < world->capacity)
        return true;
    heap = realloc(world->heap, capacity * sizeof(*heap));
    if (heap == NULL)
        return false;
    world->heap = heap;
    world->capacity = capacity;
    return true;
}

static void heap_push(struct rt_world *world, struct planned planned)
{
    size_t at = world->planned++;

    world->heap[at] = planned;
    for (; at > 0 && before(&world->heap[at], &world->heap[(at - 1) / 2]); at = (at - 1) / 2)
        swap(&world->heap[at], &world->heap[(at - 1) / 2]);
}

static struct planned heap_pop(struct rt_world *world)
{
    struct planned top = world->heap[0];
    size_t at = 0;

    world->heap[0] = world->heap[--world->planned];
    for (;;) {
        size_t child = 2 * at + 1;

        if (child >= world->planned)
            return top;
        if (child + 1 < world->planned && before(&world->heap[child + 1], &world->heap[child]))
            child++;
        if (!before(&world->heap[child], &world->heap[at]))
            return top;
        swap(&world->heap[child], &world->heap[at]);
        at = child;
    }
}

/* ---- making events --------------------------------------------------------------------------- */

/* An event under construction: a map of unknown size in world->scratch. */
struct making {
    struct rt_world *world;
    uint32_t index;
    struct account *account;
    int64_t ts;
    size_t mark;
    uint32_t pairs;
};

static void put_text(struct making *making, const char *key, const char *value)
{
    rt_write_key_text(&making->world->scratch, key, value);
    making->pairs++;
}

static void put_int(struct making *making, const char *key, int64_t value)
{
    rt_write_key_int(&making->world->scratch, key, value);
    making->pairs++;
}

static void put_bool(struct making *making, const char *key, bool value)
{
    rt_write_key_bool(&making->world->scratch, key, value);
    making->pairs++;
}

static void put_hundredths(struct making *making, const char *key, int32_t value)
{
    rt_write_key_double(&making->world->scratch, key, value / 100.0);
    making->pairs++;
}

/* The same options make the same ids; other options others, so that worlds do not pass for each
 * other's duplicates. */
static void put_id(struct making *making)
{
    const uint64_t parts[] = {making->world->options.seed, (uint64_t)making->world->options.until,
                              making->world->options.days, making->index,
                              making->account->events++};
    char text[32];

    snprintf(text, sizeof(text), "sim-%016llx",
             (unsigned long long)XXH3_64bits(parts, sizeof(parts)));
    put_text(making, "id", text);
}

static struct making begin(struct rt_world *world, uint32_t index, const char *type, int64_t ts)
{
    struct making making = {world, index, &world->accounts[index], ts, 0, 0};
    char name[16];

    account_name(index, name);
    rt_buffer_clear(&world->scratch);
    making.mark = rt_write_map_begin(&world->scratch);
    put_id(&making);
    put_text(&making, "type", type);
    put_text(&making, "account", name);
    put_text(&making, "source", "simulate");
    put_int(&making, "ts", ts);
    return making;
}

static void finish(struct making *making)
{
    rt_write_end(&making->world->scratch, making->mark, making->pairs);
}

/* Finishes it and puts it on the heap. */
static void plan(struct making *making)
{
    struct rt_world *world = making->world;
    struct planned planned = {
        .ts = making->ts, .order = world->order++, .size = world->scratch.size};

    finish(making);
    if (making->ts >= world->options.until)
        return;
    planned.bytes = malloc(planned.size);
    if (planned.bytes == NULL || world->scratch.failed || !heap_reserve(world)) {
        free(planned.bytes);
        world->failed = true;
        return;
    }
    memcpy(planned.bytes, world->scratch.data, planned.size);
    heap_push(world, planned);
}

/* ---- what happens ---------------------------------------------------------------------------- */

/* How an account feels and behaves on a day. */
struct climate {
    uint32_t contact, ticket, unanswered; /* per 1000 */
    uint32_t no_show, bounced;            /* per 1000: of visits, of mails of ours */
    int32_t mood;                         /* 1/100 */
    bool slow, critical;                  /* tickets: hardly ever resolved; severe */
    bool visits, mails;                   /* most contacts are those */
};

static bool declining(const struct account *account, int64_t day)
{
    return account->cause != STAYS && day >= account->onset;
}

static void decline(struct climate *climate, const struct account *account, int64_t day)
{
    if (climate->contact < causes[account->cause].contact)
        climate->contact = causes[account->cause].contact;
    switch (account->cause) {
    case SILENCE:
        climate->contact /= (uint32_t)(2 + (day - account->onset));
        break;
    case SLOWING: /* to a third within a month, and on */
        climate->contact = climate->contact * 15 / (uint32_t)(15 + (day - account->onset));
        break;
    case TICKETS:
        climate->ticket = 600;
        climate->slow = climate->critical = true;
        climate->mood -= 15;
        break;
    case UNANSWERED:
        climate->unanswered = 800;
        break;
    case SENTIMENT:
        climate->mood = -75;
        break;
    case NO_SHOWS: /* they make appointments and do not keep them */
        climate->no_show = 750;
        climate->visits = true;
        break;
    case BOUNCES: /* whom we know there has left, and nobody tells us */
        climate->bounced = 800;
        climate->mails = true;
        break;
    default:
        break;
    }
    if (day >= account->gone)
        climate->contact = 0;
}

static struct climate climate_of(const struct rt_world *world, const struct account *account,
                                 int64_t day)
{
    enum temperament temperament = account->temperament;
    struct climate climate = {.contact = temperaments[temperament].contact,
                              .ticket = temperaments[temperament].ticket,
                              .unanswered = 60,
                              .no_show = 30,
                              .mood = temperaments[temperament].mood};
    int64_t age = day - world->first_day, days = world->options.days;

    if (temperament == SEASONAL)
        climate.contact = day / 45 % 2 == 0 ? 350 : 60;
    if (temperament == GROWING)
        climate.contact = (uint32_t)(climate.contact + 450 * age / days);
    if (declining(account, day))
        decline(&climate, account, day);
    if ((day + 4) % 7 == 0 ||
        (day + 4) % 7 == 6) /* the epoch began on a Thursday: Sunday, Saturday */
        climate.contact /= 12;
    return climate;
}

static void put_person(struct making *making, struct rt_dice *dice)
{
    static const char *const first[] = {"Ada",  "Ben",  "Cem",  "Dora", "Eva",  "Finn",
                                        "Gül",  "Hugo", "Ida",  "Jan",  "Kaya", "Lena",
                                        "Mats", "Nina", "Olaf", "Pia"};
    char text[48];
    uint32_t person = rt_dice_below(dice, making->account->people);

    snprintf(text, sizeof(text), "%s %u", first[(making->index * 7 + person * 5) % 16],
             making->index + 1);
    put_text(making, "contact", text);
}

static const char *owner_of(uint32_t index)
{
    static const char *const owners[] = {"kim",  "alex",  "sam",  "robin",
                                         "toni", "jules", "mika", "noor"};

    return owners[index % 8];
}

static void put_mood(struct making *making, struct rt_dice *dice, const struct climate *climate,
                     uint32_t chance)
{
    int32_t mood = climate->mood;

    if (!rt_dice_chance(dice, mood < ANGRY_MOOD ? ANGRY_SAYS_SO : chance))
        return;
    for (int i = 0; i < 3; i++)
        mood += rt_dice_between(dice, -18, 18);
    put_hundredths(making, "sentiment", mood < -100 ? -100 : mood > 100 ? 100 : mood);
}

static void make_call(struct rt_world *world, uint32_t index, const struct climate *climate,
                      int64_t ts)
{
    static const char *const failures[] = {"missed", "abandoned", "voicemail", "busy"};
    struct making making = begin(world, index, "call", ts);
    struct rt_dice *dice = &making.account->dice;
    bool in = rt_dice_chance(dice, climate->unanswered > 500 ? 850 : 550);
    bool answered = !rt_dice_chance(dice, in ? climate->unanswered : 80);

    put_text(&making, "direction", in ? "in" : "out");
    put_person(&making, dice);
    put_text(&making, "agent", owner_of(index));
    put_text(&making, "outcome", answered ? "answered" : failures[rt_dice_below(dice, 4)]);
    if (in)
        put_int(&making, "wait",
                answered ? rt_dice_between(dice, 2, 60) : rt_dice_between(dice, 45, 600));
    if (answered) {
        put_int(&making, "duration", rt_dice_between(dice, 40, 900));
        put_mood(&making, dice, climate, 450);
    }
    plan(&making);
}

static void make_mail(struct rt_world *world, uint32_t index, const struct climate *climate,
                      int64_t ts)
{
    struct making making = begin(world, index, "email", ts);
    struct rt_dice *dice = &making.account->dice;
    bool in = rt_dice_chance(dice, climate->mails ? 150 : 600);
    char thread[40];

    snprintf(thread, sizeof(thread), "th-%u-%u", index + 1, making.account->events);
    put_text(&making, "direction", in ? "in" : "out");
    put_text(&making, "thread", thread);
    put_person(&making, dice);
    if (in)
        put_mood(&making, dice, climate, 500);
    else if (rt_dice_chance(dice, climate->bounced))
        put_bool(&making, "bounced", true);
    plan(&making);
    if (!in || !rt_dice_chance(dice, 930))
        return;
    making = begin(world, index, "email", ts + rt_dice_between(dice, 15, 26 * 60) * INT64_C(60000));
    put_text(&making, "direction", "out");
    put_text(&making, "thread", thread);
    put_text(&making, "agent", owner_of(index));
    plan(&making);
}

static void make_visit(struct rt_world *world, uint32_t index, const struct climate *climate,
                       int64_t ts)
{
    static const char *const channels[] = {"onsite", "remote", "web"};
    struct making making = begin(world, index, "visit", ts);
    struct rt_dice *dice = &making.account->dice;
    bool shown = !rt_dice_chance(dice, climate->no_show);
    bool held = shown && !rt_dice_chance(dice, 50);

    put_text(&making, "channel", channels[rt_dice_below(dice, 3)]);
    put_text(&making, "outcome", held ? "held" : shown ? "cancelled" : "no_show");
    put_text(&making, "agent", owner_of(index));
    put_person(&making, dice);
    if (held) {
        put_int(&making, "duration", rt_dice_between(dice, 1200, 7200));
        put_mood(&making, dice, climate, 400);
    }
    plan(&making);
}

static struct making ticket_begin(struct rt_world *world, uint32_t index, const char *ticket,
                                  const char *action, int64_t ts)
{
    struct making making = begin(world, index, "ticket", ts);

    put_text(&making, "ticket", ticket);
    put_text(&making, "action", action);
    return making;
}

/* Opened, answered, resolved, rated; or, where the decline is about tickets, escalated and left
 * lying. */
static void make_ticket(struct rt_world *world, uint32_t index, const struct climate *climate,
                        int64_t ts)
{
    struct account *account = &world->accounts[index];
    struct rt_dice *dice = &account->dice;
    int32_t severity =
        climate->critical ? rt_dice_between(dice, 1, 2) : rt_dice_between(dice, 2, 4);
    struct making making;
    char ticket[40];

    snprintf(ticket, sizeof(ticket), "T-%u-%u", index + 1, ++account->tickets);
    making = ticket_begin(world, index, ticket, "opened", ts);
    put_int(&making, "severity", severity);
    put_text(&making, "direction", "in");
    put_person(&making, dice);
    put_mood(&making, dice, climate, 600);
    plan(&making);
    if (climate->slow && rt_dice_chance(dice, 850)) {
        making = ticket_begin(world, index, ticket, "escalated",
                              ts + rt_dice_between(dice, 20, 60) * INT64_C(3600000));
        put_text(&making, "direction", "in");
        plan(&making);
        return;
    }
    ts += rt_dice_between(dice, 10, 300) * (int64_t)MINUTE_MS;
    making = ticket_begin(world, index, ticket, "replied", ts);
    put_text(&making, "direction", "out");
    plan(&making);
    ts += rt_dice_between(dice, 1, severity * 12) * INT64_C(3600000);
    making = ticket_begin(world, index, ticket, "resolved", ts);
    put_text(&making, "direction", "out");
    if (rt_dice_chance(dice, 400))
        put_int(&making, "csat",
                climate->mood < ANGRY_MOOD ? rt_dice_between(dice, 1, 2)
                                           : rt_dice_between(dice, 3, 5));
    plan(&making);
}

static void put_people(struct making *making)
{
    struct rt_buffer *out = &making->world->scratch;

    rt_write_text(out, "contacts");
    rt_write_array(out, making->account->people);
    for (uint32_t i = 0; i < making->account->people; i++) {
        char text[48];

        rt_write_map(out, 2);
        snprintf(text, sizeof(text), "Contact %u", i + 1);
        rt_write_key_text(out, "name", text);
        snprintf(text, sizeof(text), "contact%u@sim-%05u.example", i + 1, making->index + 1);
        rt_write_key_text(out, "email", text);
    }
    making->pairs++;
}

static void make_profile(struct rt_world *world, uint32_t index, int64_t ts)
{
    static const char *const first[] = {"Nord", "Alster", "Rhein",  "Isar",  "Havel",
                                        "Elbe", "Saale",  "Neckar", "Spree", "Weser"};
    static const char *const second[] = {"Logistik", "Textil", "Optik",   "Druck",    "Holz",
                                         "Metall",   "Pharma", "Energie", "Software", "Bau"};
    static const char *const regions[] = {"north", "south", "east", "west"};
    struct making making = begin(world, index, "account", ts);
    struct rt_dice *dice = &making.account->dice;
    uint32_t size = rt_dice_below(dice, 100);
    char name[64];

    snprintf(name, sizeof(name), "%s %s %u (synthetic)", first[rt_dice_below(dice, 10)],
             second[rt_dice_below(dice, 10)], index + 1);
    put_text(&making, "name", name);
    put_text(&making, "owner", owner_of(index));
    put_text(&making, "tier",
             size < 5    ? "key"
             : size < 20 ? "national"
             : size < 50 ? "regional"
                         : "standard");
    put_text(&making, "region", regions[rt_dice_below(dice, 4)]);
    put_int(&making, "value",
            rt_dice_between(dice, 2, 60) * (size < 5    ? 10000
                                            : size < 20 ? 3000
                                            : size < 50 ? 1000
                                                        : 300));
    put_text(&making, "currency", "EUR");
    put_int(&making, "renewal", (world->last_day + rt_dice_between(dice, 5, 400)) * RT_DAY_MS);
    put_people(&making);
    plan(&making);
}

/* One contact of whatever kind. */
static void make_contact(struct rt_world *world, uint32_t index, const struct climate *climate,
                         int64_t ts)
{
    struct rt_dice *dice = &world->accounts[index].dice;
    uint32_t roll;

    if (rt_dice_chance(dice, climate->ticket)) {
        make_ticket(world, index, climate, ts);
        return;
    }
    roll = rt_dice_below(dice, 100);
    if (climate->visits && roll < 75)
        make_visit(world, index, climate, ts);
    else if (climate->unanswered > 500 || (!climate->mails && roll < 47))
        make_call(world, index, climate, ts);
    else if (roll < 93)
        make_mail(world, index, climate, ts);
    else
        make_visit(world, index, climate, ts);
}

static void make_day(struct rt_world *world)
{
    int64_t midnight = world->day * RT_DAY_MS;

    for (uint32_t i = 0; i < world->options.accounts && !world->failed; i++) {
        struct account *account = &world->accounts[i];
        struct climate climate = climate_of(world, account, world->day);
        uint32_t left = climate.contact;

        if (world->day == world->first_day)
            make_profile(world, i, midnight + i % 1000);
        for (; left > 0; left = left > 1000 ? left - 1000 : 0) {
            int64_t moment = midnight +
                             rt_dice_between(&account->dice, 7 * 60, 18 * 60) * (int64_t)MINUTE_MS +
                             rt_dice_between(&account->dice, 0, MINUTE_MS - 1);

            if (rt_dice_chance(&account->dice, left > 1000 ? 1000 : left))
                make_contact(world, i, &climate, moment);
        }
    }
    world->day++;
}

bool rt_world_next(struct rt_world *world, struct rt_span *event)
{
    struct planned next;

    while (!world->failed && world->day <= world->last_day &&
           (world->planned == 0 || world->heap[0].ts >= world->day * RT_DAY_MS))
        make_day(world);
    if (world->failed || world->planned == 0)
        return false;
    next = heap_pop(world);
    rt_buffer_clear(&world->current);
    rt_buffer_append(&world->current, next.bytes, next.size);
    free(next.bytes);
    world->failed = world->current.failed;
    *event = rt_buffer_span(&world->current);
    return !world->failed;
}

/* ---- live ------------------------------------------------------------------------------------ */

/* Trouble: critical tickets that nobody answers, angry calls, calls that nobody takes. */
static struct making trouble(struct rt_world *world, uint32_t index, int64_t now)
{
    uint32_t kind = rt_dice_below(&world->live, 4);
    struct making making;
    char ticket[48];

    if (kind >= 2) {
        snprintf(ticket, sizeof(ticket), "L-%u-%lld", index + 1, (long long)now);
        making = ticket_begin(world, index, ticket, "opened", now);
        put_int(&making, "severity", 1);
        put_text(&making, "direction", "in");
        put_person(&making, &world->live);
        return making;
    }
    making = begin(world, index, "call", now);
    put_text(&making, "direction", "in");
    put_person(&making, &world->live);
    put_text(&making, "agent", owner_of(index));
    put_text(&making, "outcome", kind == 0 ? "abandoned" : "answered");
    put_int(&making, "wait", rt_dice_between(&world->live, 120, 900));
    if (kind == 1)
        put_hundredths(&making, "sentiment", -rt_dice_between(&world->live, 70, 100));
    return making;
}

static struct making ordinary(struct rt_world *world, uint32_t index, int64_t now)
{
    struct making making = begin(world, index, "call", now);

    put_text(&making, "direction", rt_dice_chance(&world->live, 500) ? "in" : "out");
    put_person(&making, &world->live);
    put_text(&making, "agent", owner_of(index));
    put_text(&making, "outcome", "answered");
    put_int(&making, "duration", rt_dice_between(&world->live, 40, 900));
    put_hundredths(&making, "sentiment", rt_dice_between(&world->live, 10, 80));
    return making;
}

/* The troubled ones: steady or chatty accounts that had no reason to leave. */
static uint32_t troubled_find(const struct rt_world *world, uint32_t nth)
{
    uint32_t found = 0;

    for (uint32_t i = 0; i < world->options.accounts; i++) {
        const struct account *account = &world->accounts[i];

        if (account->cause == STAYS &&
            (account->temperament == STEADY || account->temperament == CHATTY) && found++ == nth)
            return i;
    }
    return nth % world->options.accounts;
}

/* Anybody who has no reason to leave; without one, anybody. */
static uint32_t alive_find(struct rt_world *world)
{
    uint32_t index = 0;

    for (int tries = 0; tries < 16; tries++) {
        index = rt_dice_below(&world->live, world->options.accounts);
        if (world->accounts[index].cause == STAYS)
            break;
    }
    return index;
}

bool rt_world_live(struct rt_world *world, int64_t now, struct rt_span *event)
{
    uint64_t turn = world->live_count++;
    struct making making;

    /* ids: no other event is made at `now` by the same world in its history */
    if (turn == 0) {
        for (uint32_t i = 0; i < world->options.accounts; i++)
            world->accounts[i].events = UINT32_C(1) << 31;
    }
    if (turn % 2 == 0)
        making = trouble(world, troubled_find(world, (uint32_t)(turn / 2 % TROUBLED)), now);
    else
        making = ordinary(world, alive_find(world), now);
    finish(&making);
    world->failed = world->scratch.failed;
    *event = rt_buffer_span(&world->scratch);
    return !world->failed;
}
