/* Any text is refused with a sentence, the configuration unchanged, or taken; what is taken and
 * passes the check survives the canonical text. */
#include <stdlib.h>
#include <string.h>

#include "config/config.h"
#include "protocol/assert.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void same_after_text(const struct rt_config *config)
{
    static struct rt_config again;
    char error[RT_CONFIG_ERROR];
    char *text = rt_config_text(config);

    if (text == NULL)
        return;
    rt_config_init(&again);
    RT_ASSERT(rt_config_parse(&again, text, error));
    RT_ASSERT(memcmp(&again, config, sizeof(again)) == 0);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct rt_config config, before;
    char error[RT_CONFIG_ERROR] = "";
    char *text = malloc(size + 1);

    if (text == NULL)
        return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    rt_config_init(&config);
    before = config;
    if (rt_config_parse(&config, text, error)) {
        (void)rt_config_check(&config, error);
        same_after_text(&config);
    } else {
        RT_ASSERT(error[0] != '\0' && strlen(error) < sizeof(error));
        RT_ASSERT(memcmp(&before, &config, sizeof(config)) == 0);
    }
    free(text);
    return 0;
}
