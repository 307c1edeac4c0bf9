/* A record whose checksum passes holds what was written. Whether recovery will understand it is
 * asked of the same decoders. */
#include "protocol/event.h"
#include "protocol/link.h"
#include "protocol/partition.h"
#include "workers/check.h"
#include "workers/command.h"
#include "workers/record.h"

enum { ERASE_BODY = 16, PUBLISHED_BODY = 16 };

static const char *check_event(const struct rt_record *record, uint32_t partitions)
{
    struct rt_event event;
    struct rt_fault fault;

    if (rt_event_decode_accepted(record->body, &event, &fault) != RT_OK)
        return "an event that cannot be read";
    return rt_partition(event.account, partitions) == record->partition
               ? NULL
               : "an event of another partition";
}

static const char *check_alert(const struct rt_record *record)
{
    struct rt_link_alert message;
    struct rt_alert alert;

    return rt_link_alert_decode(record->body, &message) && rt_alert_decode(message.map, &alert)
               ? NULL
               : "an alert that cannot be read";
}

static const char *check_dead(const struct rt_record *record)
{
    struct rt_dead_letter letter;

    return rt_dead_decode(record->body, &letter) ? NULL : "a dead letter that cannot be read";
}

static const char *check_command(const struct rt_record *record)
{
    struct rt_command command;

    return rt_command_decode(record->body, &command) ? NULL : "a command that cannot be read";
}

static const char *check_size(const struct rt_record *record, size_t size)
{
    return record->body.size == size ? NULL : "a record of the wrong size";
}

const char *rt_check_record(const struct rt_record *record, uint32_t partitions)
{
    if (record->flags & RT_RECORD_SCRUBBED)
        return NULL;
    switch (record->type) {
    case RT_RECORD_EVENT:
        return check_event(record, partitions);
    case RT_RECORD_ALERT:
        return check_alert(record);
    case RT_RECORD_COMMAND:
        return check_command(record);
    case RT_RECORD_DEAD:
        return check_dead(record);
    case RT_RECORD_ERASE:
        return check_size(record, ERASE_BODY);
    case RT_RECORD_PUBLISHED:
        return check_size(record, PUBLISHED_BODY);
    case RT_RECORD_COMMIT:
        return check_size(record, RT_COMMIT_BODY);
    case RT_RECORD_START:
        return check_size(record, RT_START_BODY);
    default:
        return NULL;
    }
}
