/* What the targets for the import formats (CSV, JSON Lines, a MessagePack stream) share. */
#ifndef TESTS_LIB_FUZZ_IMPORT_H
#define TESTS_LIB_FUZZ_IMPORT_H

#include "clients/retainctl/input.h"

/* Reads the bytes twice, whole and in pieces of three. Asserts that every event that comes out is
 * one whole map, that every row that is none has its reason, and that the pieces the bytes came in
 * do not matter. */
void fuzz_import(enum rt_input_format format, const uint8_t *data, size_t size);

#endif
