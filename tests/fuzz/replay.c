/* Runs a fuzz target over files, for compilers without libFuzzer and for a debugger:
 *
 *     cc ... tests/fuzz/replay.c tests/fuzz/fuzz_event.c ... -o replay
 *     ./replay tests/fuzz/corpus/event/xxx
 *
 * Exits 1 if a file cannot be read; a fault of the target ends the process as it would a fuzzer. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* On the heap and of exactly the file's size, so that a sanitizer sees a read beyond it. */
static int replay(const char *path)
{
    FILE *file = fopen(path, "rb");
    uint8_t *data;
    long size;

    if (file == NULL || fseek(file, 0, SEEK_END) != 0 || (size = ftell(file)) < 0) {
        perror(path);
        return 1;
    }
    rewind(file);
    data = malloc(size > 0 ? (size_t)size : 1);
    if (data == NULL || fread(data, 1, (size_t)size, file) != (size_t)size) {
        perror(path);
        return 1;
    }
    fclose(file);
    LLVMFuzzerTestOneInput(data, (size_t)size);
    free(data);
    return 0;
}

int main(int count, char **paths)
{
    int failed = 0;

    for (int i = 1; i < count; i++)
        failed |= replay(paths[i]);
    printf("%d files\n", count - 1);
    return failed;
}
