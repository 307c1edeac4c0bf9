/* What producer and worker agree on, and how they reach NATS. */
#ifndef BENCH_PEERS_NATS_H
#define BENCH_PEERS_NATS_H

#include <nats/nats.h>
#include <stdio.h>
#include <stdlib.h>

#define NATS_STREAM "EVENTS"
#define NATS_SUBJECT "events"
#define NATS_CONSUMER "health"

static inline void nats_must(natsStatus status, const char *what)
{
    if (status == NATS_OK)
        return;
    fprintf(stderr, "nats: %s: %s\n", what, natsStatus_GetText(status));
    exit(1);
}

/* NATS_ADDRESS is a URL. `at_once`: each message is written when it is published, which is what latency
 * asks for; else the library collects them. */
static inline natsConnection *nats_connect(bool at_once)
{
    const char *address = getenv("NATS_ADDRESS");
    natsConnection *connection;
    natsOptions *options;

    nats_must(natsOptions_Create(&options), "options");
    nats_must(natsOptions_SetURL(options, address == NULL ? "" : address), "NATS_ADDRESS");
    nats_must(natsOptions_SetSendAsap(options, at_once), "options");
    nats_must(natsConnection_Connect(&connection, options), "connect");
    natsOptions_Destroy(options);
    return connection;
}

#endif
