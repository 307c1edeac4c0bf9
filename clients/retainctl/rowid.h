/* Ids for rows that have none: made from what the row says and how many rows before it said exactly
 * the same, so that they are the same in every run. Pure. */
#ifndef RT_RETAINCTL_ROWID_H
#define RT_RETAINCTL_ROWID_H

#include "protocol/span.h"

enum { RT_ROWID_TEXT = 32 };

struct rt_rowid;

/* For one file: rows are counted within it. NULL without memory; the caller owns it. */
struct rt_rowid *rt_rowid_new(void);
/* From now on rows that say the same get the same id, and nothing is kept of them: for those who only
 * look at the events. */
void rt_rowid_alike(struct rt_rowid *rowid);
void rt_rowid_free(struct rt_rowid *rowid); /* takes NULL */

/* The id (32 hexadecimal digits, not terminated) of the next row with these packed account, type
 * and ts (absent: size 0) and this content. False without memory: nothing changed. */
bool rt_rowid_make(struct rt_rowid *rowid, struct rt_span account, struct rt_span type,
                   struct rt_span ts, struct rt_span content, char id[RT_ROWID_TEXT]);

#endif
