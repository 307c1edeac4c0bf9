/* Any bytes sent to the HTTP endpoint: answered with HTTP or not at all, the connection closed, and
 * no metric told to who does not show the token. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/daemon.h"
#include "protocol/assert.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char token[] = "abcdefghijklmnop";

enum { SENT_MAX = 60 << 10, WAIT_MS = 20, TURNS_MAX = 1000 };

static struct rt_daemon *the_daemon(void)
{
    static struct rt_daemon *made;
    char error[1024];

    if (made != NULL)
        return made;
    made = calloc(1, sizeof(*made));
    RT_ASSERT(made != NULL);
    rt_config_init(&made->config);
    strcpy(made->config.listen_http, "127.0.0.1:0");
    made->phase = RT_PHASE_SERVING;
    made->base = event_base_new();
    RT_ASSERT(made->base != NULL && rt_http_open(made, error, sizeof(error)));
    strcpy(made->http.token, token);
    return made;
}

/* A reset at the end leaves no port behind that has to wait. -1: the system has none left all the
 * same, for others have used them up. */
static int connect_to(const struct rt_daemon *daemon)
{
    const struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    struct sockaddr_in where = {.sin_family = AF_INET};
    int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    where.sin_port = htons((uint16_t)atoi(strrchr(daemon->http.address, ':') + 1));
    where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    RT_ASSERT(client >= 0);
    RT_ASSERT(setsockopt(client, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)) == 0);
    if (connect(client, (struct sockaddr *)&where, sizeof(where)) == 0)
        return client;
    RT_ASSERT(errno == EADDRNOTAVAIL);
    close(client);
    return -1;
}

/* Turns the daemon's loop until it has closed the connection; what it said in *answer. */
static void converse(struct rt_daemon *daemon, int client, struct rt_buffer *answer)
{
    struct pollfd readable = {.fd = client, .events = POLLIN};

    for (unsigned turn = 0;; turn++) {
        ssize_t got;

        RT_ASSERT(turn < TURNS_MAX);
        event_base_loop(daemon->base, EVLOOP_NONBLOCK);
        if (poll(&readable, 1, turn < 3 ? 0 : WAIT_MS) <= 0)
            continue;
        RT_ASSERT(rt_buffer_reserve(answer, 4096));
        got = recv(client, answer->data + answer->size, 4096, MSG_DONTWAIT);
        if (got <= 0)
            return;
        answer->size += (size_t)got;
    }
}

static bool begins_with(const struct rt_buffer *answer, const char *text)
{
    return answer->size >= strlen(text) && memcmp(answer->data, text, strlen(text)) == 0;
}

static bool contains(struct rt_span bytes, const char *text)
{
    return bytes.size > 0 && memmem(bytes.data, bytes.size, text, strlen(text)) != NULL;
}

/* False if it could not be asked. */
static bool ask(struct rt_daemon *daemon, struct rt_span request, struct rt_buffer *answer)
{
    int client = connect_to(daemon);

    if (client < 0)
        return false;
    RT_ASSERT(request.size == 0 ||
              send(client, request.data, request.size, MSG_NOSIGNAL) == (ssize_t)request.size);
    shutdown(client, SHUT_WR);
    converse(daemon, client, answer);
    close(client);
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static unsigned count;
    struct rt_daemon *daemon = the_daemon();
    struct rt_buffer answer = {0};

    (void)ask(daemon, rt_span(data, size < SENT_MAX ? size : SENT_MAX), &answer);
    RT_ASSERT(answer.size == 0 || begins_with(&answer, "HTTP/"));
    RT_ASSERT(!contains(rt_buffer_span(&answer), "retaind_build_info") ||
              contains(rt_span(data, size), token));
    if (count++ % 256 == 0) {
        rt_buffer_clear(&answer);
        RT_ASSERT(!ask(daemon, rt_span_text("GET /healthz HTTP/1.0\r\n\r\n"), &answer) ||
                  begins_with(&answer, "HTTP/1.0 200 OK\r\n"));
    }
    rt_buffer_free(&answer);
    return 0;
}
