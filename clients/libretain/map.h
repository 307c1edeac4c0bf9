/* What the library itself needs of a map under construction. */
#ifndef RT_LIBRETAIN_MAP_H
#define RT_LIBRETAIN_MAP_H

#include "protocol/limits.h"
#include "protocol/reader.h"
#include "protocol/writer.h"
#include "retain.h"

/* The packed map, valid until the next change. OK, NO_MEMORY (also for NULL), BAD_ARGUMENT if a
 * setter was misused. */
int rt_map_pack(retain_map *map, struct rt_span *packed);

#endif
