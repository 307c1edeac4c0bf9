/* Whether an address looks like one that could be bound. The sockets have the last word; this is
 * here so that a slip is found by --check-config and named with its line. */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "config/options.h"

enum { IPC_PATH = 107, PORT_MAX = 65535 }; /* a Unix socket's path has 107 bytes at most */

static bool is_port(const char *text)
{
    if (strcmp(text, "*") == 0)
        return true;
    size_t digits = strspn(text, "0123456789");
    if (digits == 0 || digits > 5 || text[digits] != '\0')
        return false;
    return strtol(text, NULL, 10) <= PORT_MAX;
}

/* HOST:PORT, where an IPv6 host stands in brackets. */
static bool is_host_port(const char *text)
{
    const char *colon = strrchr(text, ':');

    if (colon == NULL || colon == text || !is_port(colon + 1) || strpbrk(text, " \t/") != NULL)
        return false;
    size_t host = (size_t)(colon - text);
    if (text[0] == '[')
        return host > 2 && text[host - 1] == ']';
    return memchr(text, ':', host) == NULL;
}

bool rt_address_endpoint(const char *text)
{
    if (text[0] == '\0')
        return true;
    if (strncmp(text, "tcp://", 6) == 0)
        return is_host_port(text + 6);
    if (strncmp(text, "ipc://", 6) == 0)
        return text[6] != '\0' && strlen(text + 6) <= IPC_PATH;
    return false;
}

bool rt_address_http(const char *text)
{
    return text[0] == '\0' || is_host_port(text);
}

/* 127.0.0.0/8 in full: "127.1" and the like are left to nobody's interpretation. */
static bool is_loopback_host(const char *host, size_t size)
{
    static const char *const names[] = {"localhost", "lo", "[::1]"};
    char text[16];
    struct in_addr address;

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (size == strlen(names[i]) && memcmp(host, names[i], size) == 0)
            return true;
    }
    if (size >= sizeof(text))
        return false;
    memcpy(text, host, size);
    text[size] = '\0';
    return inet_pton(AF_INET, text, &address) == 1 && ntohl(address.s_addr) >> 24 == 127;
}

bool rt_address_is_local(const char *address)
{
    if (strncmp(address, "ipc://", 6) == 0)
        return true;
    if (strncmp(address, "tcp://", 6) == 0)
        address += 6;
    const char *colon = strrchr(address, ':');
    return colon != NULL && is_loopback_host(address, (size_t)(colon - address));
}
