/* The owners a key may hear, as its file says: what `watch` asks for when it is not told. A
 * subscriber that asks for more is shut out. */
#include <stdio.h>
#include <string.h>

#include "clients/retainctl/cli.h"
#include "protocol/alert.h"

enum { LINE_BYTES = 512 };

/* The value of a line `owner = VALUE`; NULL if it is another. */
static const char *owner_of(char *line)
{
    char *value = line + strcspn(line, "=");

    line[strcspn(line, "\r\n")] = '\0';
    if (strncmp(line, "owner", 5) != 0 || *value != '=' ||
        strspn(line + 5, " ") != (size_t)(value - line - 5))
        return NULL;
    return value + 1 + strspn(value + 1, " ");
}

static int subscribe(retain_client *client, const char *owner)
{
    struct rt_buffer prefix = {0};
    int code = RETAIN_NO_MEMORY;

    rt_owner_prefix(&prefix, rt_span_text(owner));
    rt_put_u8(&prefix, 0);
    if (!prefix.failed)
        code = retain_subscribe(client, (const char *)prefix.data);
    rt_buffer_free(&prefix);
    return code;
}

int rt_cli_subscribe_owners(struct rt_cli *cli, int *count)
{
    FILE *file = cli->key == NULL ? NULL : fopen(cli->key, "re");
    char line[LINE_BYTES];
    int code = RETAIN_OK;

    *count = 0;
    while (file != NULL && code == RETAIN_OK && fgets(line, sizeof(line), file) != NULL) {
        const char *owner = owner_of(line);

        if (owner != NULL) {
            code = subscribe(cli->client, owner);
            ++*count;
        }
    }
    if (file != NULL)
        fclose(file);
    explicit_bzero(line, sizeof(line)); /* the secret stands in the same file */
    return code;
}
