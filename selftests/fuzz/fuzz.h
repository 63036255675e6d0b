/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the fuzz targets share. Each of them is a file with LLVMFuzzerTestOneInput(), for
 * libFuzzer under the address and undefined behaviour sanitizers, and does with its input
 * what the reader does with what comes from the network and from users.
 */
#ifndef _SSHOBS_FUZZ_H
#define _SSHOBS_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "../../userspace/stream.h"

/* What libFuzzer calls, and what it gives. */
int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed);

/**
 * struct input - bytes of an input that are to come
 * @at: the next one
 * @left: how many
 */
struct input {
	const uint8_t *at;
	size_t left;
};

/** input_number() - take a number of @bytes bytes, little-endian; what is missing is 0 */
uint64_t input_number(struct input *input, size_t bytes);

/**
 * input_bytes() - take bytes into memory of their own size, so that one read beyond it is found
 * @input: where from
 * @len: how many; fewer, if there are not so many; out: how many there were
 *
 * Return: memory to free().
 */
void *input_bytes(struct input *input, size_t *len);

/* Where captures that are made up come from. */
extern const struct origin fuzz_origin;

/** out_begin() - have the standard output go into memory */
void out_begin(void);

/**
 * out_end() - look at what was printed since out_begin(): a terminal must be safe from it
 * @len: out: bytes of it; may be NULL
 *
 * A control character but for a newline, a C1 control, what turns the direction of writing,
 * or bytes that are not UTF-8 are a finding.
 *
 * Return: it, with a NUL behind; to free().
 */
char *out_end(size_t *len);

/** out_end_json() - out_end(), and each line must be one JSON value */
void out_end_json(void);

#endif /* _SSHOBS_FUZZ_H */
