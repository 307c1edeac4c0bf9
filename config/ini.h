/* Lines of an INI text, one at a time, without allocation.
 *
 *     [section]
 *     key = value      ; a comment, after a blank
 *     # a comment
 *
 * `;` and `#` begin a comment at the start of a line or after a blank; elsewhere they are part of
 * the value. Blanks around sections, keys and values do not count. There are no quotes, no
 * continued lines, and `=` is the only separator: whatever is none of the above is a fault, nothing
 * is swallowed. */
#ifndef RT_CONFIG_INI_H
#define RT_CONFIG_INI_H

#include <stdbool.h>

enum { RT_INI_TEXT = 1200 }; /* longest section, key or value, with its end */

enum rt_ini_kind { RT_INI_END, RT_INI_SECTION, RT_INI_VALUE, RT_INI_FAULT };

struct rt_ini {
    const char *rest; /* what is not read yet */
    int line;         /* of what was returned last, from 1 */
    const char *fault;
    char section[RT_INI_TEXT];
    char key[RT_INI_TEXT];
    char value[RT_INI_TEXT];
};

/* `text` must outlive *ini. A byte order mark at its start is skipped. */
void rt_ini_begin(struct rt_ini *ini, const char *text);

/* The next section or value. At a FAULT, `fault` says what is wrong (static); reading can not go on
 * after it. */
enum rt_ini_kind rt_ini_next(struct rt_ini *ini);

/* True if `value`, written after `key = `, is read back as it is. */
bool rt_ini_holds(const char *value);

#endif
