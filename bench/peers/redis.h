/* What producer and worker agree on, and how they reach Redis. */
#ifndef BENCH_PEERS_REDIS_H
#define BENCH_PEERS_REDIS_H

#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>

#define REDIS_STREAM "events"
#define REDIS_GROUP "health"

static inline _Noreturn void redis_fail(const redisContext *redis, const char *what)
{
    fprintf(stderr, "redis: %s: %s\n", what,
            redis != NULL && redis->err != 0 ? redis->errstr : "refused");
    exit(1);
}

/* REDIS_ADDRESS: a port on 127.0.0.1, or the path of a socket. */
static inline redisContext *redis_connect(void)
{
    const char *address = getenv("REDIS_ADDRESS");
    redisContext *redis;

    if (address == NULL)
        redis_fail(NULL, "REDIS_ADDRESS is not set");
    redis = address[0] == '/' ? redisConnectUnix(address)
                              : redisConnect("127.0.0.1", (int)strtol(address, NULL, 10));
    if (redis == NULL || redis->err != 0)
        redis_fail(redis, address);
    return redis;
}

#endif
