/* What changed since an alert last spoke: the points of its reasons then, as its last message says
 * them, beside those of now. A message that cannot be read changes nothing. */
#include <math.h>

#include "workers/rules.h"
#include "workers/score_sentence.h"

enum { POINTS_TO_SPEAK_OF = 1 };

struct last_message {
    int64_t ts;
    size_t count;
    struct {
        struct rt_span factor;
        double points;
    } reasons[RT_REASONS + 1];
};

static bool read_reason(struct rt_reader *reader, struct last_message *last)
{
    struct rt_span key, factor = {0};
    double points = 0;
    uint32_t pairs;

    if (!rt_read_map(reader, &pairs) || last->count > RT_REASONS)
        return false;
    for (uint32_t i = 0; i < pairs; i++) {
        bool good = rt_read_str(reader, &key);

        if (good && rt_span_is(key, "factor"))
            good = rt_read_str(reader, &factor);
        else if (good && rt_span_is(key, "points"))
            good = rt_read_number(reader, &points);
        else
            good = good && rt_read_skip(reader, NULL);
        if (!good)
            return false;
    }
    last->reasons[last->count].factor = factor;
    last->reasons[last->count++].points = points;
    return true;
}

static bool read_reasons(struct rt_reader *reader, struct last_message *last)
{
    uint32_t count;

    if (!rt_read_array(reader, &count))
        return false;
    while (count-- > 0)
        if (!read_reason(reader, last))
            return false;
    return true;
}

static bool read_last(struct rt_span map, struct last_message *last)
{
    struct rt_reader reader = rt_reader(map);
    struct rt_span key;
    uint32_t pairs;

    last->ts = -1;
    last->count = 0;
    if (!rt_read_map(&reader, &pairs))
        return false;
    while (pairs-- > 0) {
        bool good = rt_read_str(&reader, &key);

        if (good && rt_span_is(key, "ts"))
            good = rt_read_int(&reader, &last->ts);
        else if (good && rt_span_is(key, "reasons"))
            good = read_reasons(&reader, last);
        else
            good = good && rt_read_skip(&reader, NULL);
        if (!good)
            return false;
    }
    return last->ts >= 0;
}

static double points_then(const struct last_message *last, const char *factor)
{
    for (size_t i = 0; i < last->count; i++)
        if (rt_span_is(last->reasons[i].factor, factor))
            return last->reasons[i].points;
    return 0;
}

static struct rt_sentence go_on(char *text, size_t size)
{
    struct rt_sentence sentence = {.text = text, .size = size, .used = strlen(text)};

    return sentence;
}

static void tell_reason(struct rt_reason *reason, const struct last_message *last)
{
    struct rt_sentence text = go_on(reason->text, sizeof(reason->text));
    double then = points_then(last, reason->factor), by = fabs(reason->points) - fabs(then);

    if (fabs(by) < POINTS_TO_SPEAK_OF)
        return;
    if (then == 0)
        rt_say(&text, "; new since this alert spoke on ");
    else
        rt_say(&text, "; %.0f %s %s than when this alert spoke on ", fabs(by),
               fabs(by) < 1.5 ? "point" : "points", by > 0 ? "heavier" : "lighter");
    rt_say_date(&text, last->ts);
}

void rt_rules_tell_change(struct rt_transition *transition, struct rt_span last_message)
{
    struct rt_sentence text = go_on(transition->text, sizeof(transition->text));
    struct last_message last;

    if (!transition->has_previous || !read_last(last_message, &last))
        return;
    for (size_t i = 0; i < transition->reason_count; i++)
        tell_reason(&transition->reasons[i], &last);
    if (fabs(transition->score - transition->previous) >= POINTS_TO_SPEAK_OF) {
        rt_say(&text, "; it was at %.0f when this alert spoke on ", transition->previous);
        rt_say_date(&text, last.ts);
    }
}
