/* Prints alerts and misses none: the subscription is fast, the history fills its gaps, and the
 * cursor is kept between runs.
 *
 *     cc follow_alerts.c -o follow_alerts $(pkg-config --cflags --libs retain)
 *     ./follow_alerts owner.kim. cursor.txt */
#include <retain.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *field(retain_value map, const char *key, char *out, size_t size)
{
    retain_value_copy(retain_value_get(map, key), out, size);
    return out;
}

static void cursor_load(const char *path, char *cursor, int size)
{
    FILE *file = fopen(path, "r");

    if (file == NULL)
        return;
    if (fgets(cursor, size, file) != NULL)
        cursor[strcspn(cursor, "\n")] = '\0';
    fclose(file);
}

static void cursor_store(const char *path, const char *cursor)
{
    FILE *file = fopen(path, "w");

    if (file == NULL)
        return;
    fprintf(file, "%s\n", cursor);
    fclose(file);
}

int main(int argc, char **argv)
{
    char cursor[4096] = "", account[256], text[512], severity[16];
    struct retain_options options;
    retain_client *client;

    if (argc != 3) {
        fprintf(stderr, "usage: follow_alerts PREFIX CURSOR-FILE\n");
        return 2;
    }
    retain_options_init(&options);
    if (getenv("RETAIND_ALERTS") != NULL)
        options.alerts = getenv("RETAIND_ALERTS");
    if (getenv("RETAIND_QUERY") != NULL)
        options.query = getenv("RETAIND_QUERY");
    cursor_load(argv[2], cursor, sizeof(cursor));
    if (retain_open(&client, &options) != RETAIN_OK ||
        retain_subscribe(client, argv[1]) != RETAIN_OK ||
        retain_resume(client, cursor) != RETAIN_OK)
        return 1;
    while (retain_work(client, -1) == RETAIN_OK) {
        struct retain_alert alert;

        while (retain_next_alert(client, &alert)) {
            if (alert.gap)
                printf("(the history no longer reaches back to the cursor)\n");
            else
                printf("%s %s: %s\n", field(alert.map, "severity", severity, sizeof(severity)),
                       field(alert.map, "account", account, sizeof(account)),
                       field(alert.map, "text", text, sizeof(text)));
            fflush(stdout);
        }
        if (strcmp(cursor, retain_cursor(client)) != 0) {
            snprintf(cursor, sizeof(cursor), "%s", retain_cursor(client));
            cursor_store(argv[2], cursor);
        }
    }
    retain_close(client);
    return 1;
}
