/* A telephony hook: called once a call ends, must never block and never lose the call while retaind
 * is away. It writes into a spool; `retainctl spool --watch DIRECTORY` (or any program that
 * attaches the spool) sends it.
 *
 *     cc phone_hook.c -o phone_hook $(pkg-config --cflags --libs retain)
 *     ./phone_hook /var/spool/retain pbx-4711 ACME in answered 340 */
#include <retain.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

int main(int argc, char **argv)
{
    retain_spool *spool;
    retain_map *event;
    int error;

    if (argc != 7) {
        fprintf(stderr, "usage: phone_hook SPOOL ID ACCOUNT in|out OUTCOME SECONDS\n");
        return 2;
    }
    error = retain_spool_open(&spool, argv[1], 0);
    if (error != RETAIN_OK) {
        fprintf(stderr, "%s: %s\n", argv[1], retain_strerror(error));
        return 1;
    }
    event = retain_event_new("call", argv[3], argv[2], (int64_t)time(NULL) * 1000);
    retain_map_text(event, "source", "pbx");
    retain_map_text(event, "direction", argv[4]);
    retain_map_text(event, "outcome", argv[5]);
    retain_map_number(event, "duration", strtod(argv[6], NULL));
    error = retain_spool_put_map(spool, event); /* RETAIN_OK: on disk, whole */
    if (error != RETAIN_OK)
        fprintf(stderr, "%s\n", retain_strerror(error));
    retain_map_free(event);
    retain_spool_close(spool);
    return error == RETAIN_OK ? 0 : 1;
}
