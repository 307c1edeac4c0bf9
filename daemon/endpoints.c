#include "daemon/endpoints.h"

#include <stdio.h>
#include <string.h>

#include "daemon/daemon.h"

static const char name[] = "endpoints";

bool rt_endpoints_write(const struct rt_daemon *daemon)
{
    const struct rt_zsocket *sockets[] = {&daemon->ingest.events, &daemon->ingest.firehose,
                                          &daemon->publisher.socket, &daemon->queries.socket};
    char text[5 * (RT_ADDRESS_TEXT + 16)] = "";
    size_t size = 0;

    for (size_t i = 0; i < sizeof sockets / sizeof *sockets; i++) {
        if (sockets[i]->socket != NULL) {
            size += (size_t)snprintf(text + size, sizeof text - size, "%s %s\n", sockets[i]->name,
                                     sockets[i]->address);
        }
    }
    if (daemon->http.server != NULL) {
        size +=
            (size_t)snprintf(text + size, sizeof text - size, "http %s\n", daemon->http.address);
    }
    return rt_state_dir_write(&daemon->state, name, text, size);
}

void rt_endpoints_remove(const struct rt_daemon *daemon)
{
    rt_state_dir_remove(&daemon->state, name);
}
