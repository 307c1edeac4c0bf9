/* The proposal as a configuration file to review: what it changes, with what is set today above it,
 * and what today's file says that is no default. It is read back before it is written: a file that
 * says something else than the proposal is never left. */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clients/retainctl/calibrate_show.h"
#include "clients/retainctl/when.h"

/* ---- configurations as lines ----------------------------------------------------------------- */

/* The lines of a configuration's canonical text, one after the other. */
struct lines {
    const char *next;
    char section[192], key[64], value[1088];
};

/* False after the last. */
static bool line_next(struct lines *lines)
{
    while (*lines->next != '\0') {
        const char *line = lines->next, *end = strchr(line, '\n');
        int size = (int)(end != NULL ? end - line : (long)strlen(line));
        const char *equals = memchr(line, '=', (size_t)size);

        lines->next = end != NULL ? end + 1 : line + size;
        if (line[0] == '[') {
            snprintf(lines->section, sizeof(lines->section), "%.*s", size - 2, line + 1);
        } else if (equals != NULL) {
            snprintf(lines->key, sizeof(lines->key), "%.*s", (int)(equals - line) - 1, line);
            snprintf(lines->value, sizeof(lines->value), "%.*s", size - (int)(equals - line) - 2,
                     equals + 2);
            return true;
        }
    }
    return false;
}

/* The value of a key in a configuration's text; a tier that does not set it has that of all. */
static bool value_in(const char *text, const char *section, const char *key, char value[1088])
{
    struct lines lines = {.next = text};
    bool found = false;

    while (!found && line_next(&lines))
        found = strcmp(lines.section, section) == 0 && strcmp(lines.key, key) == 0;
    if (!found && strncmp(section, "tier.", 5) == 0)
        return value_in(text, "tier", key, value);
    if (found)
        memcpy(value, lines.value, sizeof(lines.value));
    return found;
}

/* Texts of what is compared; NULL without memory. */
struct texts {
    char *today, *proposed, *defaults;
};

static void texts_free(struct texts *texts)
{
    free(texts->today);
    free(texts->proposed);
    free(texts->defaults);
}

static bool texts_make(struct texts *texts, const struct rt_calibration *calibration)
{
    struct rt_config *defaults = malloc(sizeof(*defaults));

    *texts = (struct texts){0};
    if (defaults == NULL)
        return false;
    rt_config_init(defaults);
    texts->today = rt_config_text(calibration->config[RT_TODAY]);
    texts->proposed = rt_config_text(calibration->config[RT_PROPOSED]);
    texts->defaults = rt_config_text(defaults);
    free(defaults);
    return texts->today != NULL && texts->proposed != NULL && texts->defaults != NULL;
}

static bool differs(const char *text, const struct lines *line, char value[1088])
{
    return !value_in(text, line->section, line->key, value) || strcmp(value, line->value) != 0;
}

struct rt_change *rt_calibration_changes(const struct rt_calibration *calibration, size_t *count)
{
    struct rt_change *changes = NULL;
    struct texts texts;
    size_t room = 0;

    *count = 0;
    if (texts_make(&texts, calibration)) {
        struct lines line = {.next = texts.proposed};

        for (const char *c = texts.proposed; *c != '\0'; c++)
            room += *c == '\n';
        changes = malloc((room + 1) * sizeof(*changes));
        while (changes != NULL && line_next(&line)) {
            char before[1088] = "";

            if (!differs(texts.today, &line, before))
                continue;
            snprintf(changes[*count].key, sizeof(changes[*count].key), "%s.%s", line.section,
                     line.key);
            snprintf(changes[*count].value[RT_TODAY], sizeof(changes[*count].value[0]), "%.63s",
                     before);
            snprintf(changes[*count].value[RT_PROPOSED], sizeof(changes[*count].value[0]), "%.63s",
                     line.value);
            (*count)++;
        }
    }
    texts_free(&texts);
    return changes;
}

/* ---- the file -------------------------------------------------------------------------------- */

static void write_head(FILE *out, const struct rt_calibration *calibration)
{
    const struct rt_figures *today = &calibration->cross[RT_TODAY],
                            *proposed = &calibration->cross[RT_PROPOSED];
    char at[RT_WHEN_TEXT];

    fprintf(out, "# Proposed by retainctl calibrate from %llu events. Nothing of it is in force.\n",
            (unsigned long long)calibration->past->events);
    fprintf(out, "# Accounts at %zu dates from %s on: %zu, %zu of them churned.\n",
            calibration->dates->count, rt_when_date(calibration->dates->at[0], at),
            calibration->accounts, calibration->churned);
    fprintf(out, "# Cross-validated, today and proposed: ROC AUC %.3f and %.3f;\n", today->auc,
            proposed->auc);
    fprintf(out, "# of %zu and %zu accounts on the alert list %zu and %zu churned;\n",
            today->listed, proposed->listed, today->listed_churned, proposed->listed_churned);
    fprintf(out, "# alerts per owner and week %.2f and %.2f.\n",
            calibration->load[RT_TODAY].per_owner_week,
            calibration->load[RT_PROPOSED].per_owner_week);
    fprintf(out, "# Keys that are not here have their defaults. Check it with:\n"
                 "#   retaind --check-config -c FILE\n");
}

static void write_keys(FILE *out, const struct texts *texts)
{
    struct lines line = {.next = texts->proposed};
    char section[sizeof(line.section)] = "", before[1088], standard[1088];

    while (line_next(&line)) {
        bool changed = differs(texts->today, &line, before);

        if (!changed && strncmp(line.section, "tier.", 5) != 0 &&
            !differs(texts->defaults, &line, standard))
            continue;
        if (strcmp(section, line.section) != 0)
            fprintf(out, "\n[%s]\n", line.section);
        snprintf(section, sizeof(section), "%s", line.section);
        if (changed)
            fprintf(out, "# today: %s\n", before);
        fprintf(out, "%s = %s\n", line.key, line.value);
    }
}

/* Whether the text says what is proposed. */
static bool reads_back(const char *text, const struct texts *texts, char *error)
{
    struct rt_config *config = malloc(sizeof(*config));
    char *again = NULL;
    bool same;

    if (config == NULL) {
        snprintf(error, RT_CONFIG_ERROR, "out of memory");
        return false;
    }
    rt_config_init(config);
    same = rt_config_parse(config, text, error) && rt_config_check(config, error);
    if (same) {
        again = rt_config_text(config);
        same = again != NULL && strcmp(again, texts->proposed) == 0;
        snprintf(error, RT_CONFIG_ERROR, "the proposal cannot be written as a file");
    }
    free(again);
    free(config);
    return same;
}

static bool file_write(const char *path, const char *text, size_t size, char *error)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    size_t written = 0;

    if (fd < 0) {
        snprintf(error, RT_CONFIG_ERROR, "%.150s: %s", path,
                 errno == EEXIST ? "is there already; give another name with --output"
                                 : strerror(errno));
        return false;
    }
    while (written < size) {
        ssize_t n = write(fd, text + written, size - written);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            break;
        written += (size_t)n;
    }
    if (written < size || close(fd) != 0) {
        snprintf(error, RT_CONFIG_ERROR, "%.150s: %s", path, strerror(errno));
        unlink(path);
        return false;
    }
    return true;
}

bool rt_calibration_write(const struct rt_calibration *calibration, char *error)
{
    char *text = NULL;
    size_t size = 0;
    struct texts texts;
    FILE *out = open_memstream(&text, &size);
    bool made = texts_make(&texts, calibration) && out != NULL, written;

    if (made) {
        write_head(out, calibration);
        write_keys(out, &texts);
        made = !ferror(out);
    }
    if (out != NULL)
        made = fclose(out) == 0 && made;
    if (!made)
        snprintf(error, RT_CONFIG_ERROR, "out of memory");
    written = made && reads_back(text, &texts, error) &&
              file_write(calibration->output, text, size, error);
    texts_free(&texts);
    free(text);
    return written;
}
