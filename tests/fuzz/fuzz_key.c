/* Any text is refused with a sentence, or is a key that is whole and holds to its own limits. The
 * same text as the server's secret and as a token is taken or refused, too. */
#include <stdlib.h>

#include "daemon/access.h"
#include "daemon/secret.h"
#include "protocol/assert.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void key_is_sound(const struct rt_key *key)
{
    struct rt_span public_key = rt_span_text(key->public_key);
    bool limited = key->owners.count > 0;

    RT_ASSERT(key->name[0] != '\0' && strlen(key->name) < RT_KEY_NAME);
    RT_ASSERT(public_key.size == RT_KEY_TEXT - 1);
    RT_ASSERT((unsigned)key->role < RT_ROLES);
    RT_ASSERT(key->role == RT_ROLE_PRODUCER || key->sources.count + key->accounts.count == 0);
    RT_ASSERT(!limited || key->role == RT_ROLE_SUBSCRIBER || key->role == RT_ROLE_READER);
    RT_ASSERT(!limited || !rt_key_may_hear(key, rt_span_text("alert.")));
    RT_ASSERT(!limited || !rt_key_may_hear(key, rt_span_text("owner.")));
    RT_ASSERT(rt_key_may_push(key) || key->role != RT_ROLE_PRODUCER);
    RT_ASSERT(rt_key_equal(key, key) && !key->shut_out);
}

static void try_key(const char *text)
{
    char error[RT_KEY_ERROR] = "";
    struct rt_key key;

    if (rt_key_parse(text, &key, error)) {
        key_is_sound(&key);
        rt_key_clear(&key);
    } else {
        RT_ASSERT(error[0] != '\0' && strlen(error) < sizeof error);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char secret[RT_KEY_TEXT] = "", token[RT_TOKEN_TEXT] = "";
    const char *fault = NULL;
    char *text = malloc(size + 1);

    if (text == NULL) {
        return 0;
    }
    memcpy(text, data, size);
    text[size] = '\0';
    try_key(text);
    RT_ASSERT(rt_secret_parse(text, secret, &fault) == (strlen(secret) == RT_KEY_TEXT - 1));
    RT_ASSERT((fault == NULL) == (secret[0] != '\0'));
    RT_ASSERT(rt_token_parse(text, token) == (strlen(token) >= RT_TOKEN_LEAST));
    (void)rt_token_fits("0123456789abcdef", text);
    free(text);
    return 0;
}
