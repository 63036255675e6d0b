/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The header of a capture file. What follows it are records as the device gives
 * them.
 */
#ifndef _SSHOBS_CAPTURE_H
#define _SSHOBS_CAPTURE_H

#include <stdio.h>

#include "stream.h"

/* Every version's header has at least so many bytes, and at most so many. */
#define CAPTURE_HEADER_MIN 224
#define CAPTURE_HEADER_MAX 65536

/** capture_fill_origin() - what is known of this host now; no offset, not live */
void capture_fill_origin(struct origin *origin);

/**
 * capture_write() - begin a capture file
 * @file: the file; raw records follow
 * @origin: what the header tells
 *
 * Return: 0 or -errno.
 */
int capture_write(FILE *file, const struct origin *origin);

/**
 * capture_parse() - look at the beginning of a file
 * @bytes: its first bytes
 * @size: how many
 * @origin: out: what the header tells
 * @header_len: out: where the records begin
 *
 * Return: 0 or enum stream_error.
 */
int capture_parse(const void *bytes, size_t size, struct origin *origin, size_t *header_len);

#endif /* _SSHOBS_CAPTURE_H */
