/* Any bytes as CSV: tests/lib/fuzz_import.h. */
#include "clients/retainctl/input.h"
#include "tests/lib/fuzz_import.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_import(RT_FORMAT_CSV, data, size);
    return 0;
}
