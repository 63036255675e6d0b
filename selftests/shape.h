/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What each byte of a record and of an answer may be: known padding and what is behind the
 * end of a string is zero, and nothing is what memory is filled with that nobody has
 * initialised, nor the address of anything in the kernel. Included once by a program.
 */
#ifndef _SSHOBS_SELFTESTS_SHAPE_H
#define _SSHOBS_SELFTESTS_SHAPE_H

#include <linux/ioctl.h>
#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

/* A hole that the compiler leaves is one that nobody can see to fill. */
#pragma GCC diagnostic push
#pragma GCC diagnostic error "-Wpadded"
#include "../uapi/sshobs.h"
#pragma GCC diagnostic pop

/* Findings that are printed; all are counted. */
#define FINDINGS_SHOWN	20

#define TYPES		(SSHOBS_PTY_FAIL + 1)

/**
 * struct shape - what the body of a type is made of
 * @size: bytes of its struct
 * @pad: where its padding is
 * @pad_len: and how long
 * @end: where its endpoints are, from the first on
 * @ends: how many
 * @len: where the lengths are of what follows the struct
 * @lens: how many
 * @random: a u64 of it that may be any
 */
struct shape {
	size_t	size;
	size_t	pad, pad_len;
	size_t	end, ends;
	size_t	len[2], lens;
	size_t	random;
};

#define PAD(type, name) \
	.pad = offsetof(struct type, name), .pad_len = sizeof(((struct type *)0)->name)

static const struct shape shapes[TYPES] = {
	[SSHOBS_ACCEPT] = { sizeof(struct sshobs_accept), PAD(sshobs_accept, pad), .ends = 2 },
	[SSHOBS_ADOPT] = { sizeof(struct sshobs_accept), PAD(sshobs_accept, pad), .ends = 2 },
	[SSHOBS_CLONE] = { sizeof(struct sshobs_clone) },
	[SSHOBS_CLONE_FAIL] = { sizeof(struct sshobs_clone_fail), PAD(sshobs_clone_fail, pad2) },
	[SSHOBS_EXEC] = { sizeof(struct sshobs_exec), .lens = 2,
		.len = { offsetof(struct sshobs_exec, path_len), offsetof(struct sshobs_exec, argv_len) } },
	[SSHOBS_EXEC_FAIL] = { sizeof(struct sshobs_exec_fail), PAD(sshobs_exec_fail, pad),
		.len = { offsetof(struct sshobs_exec_fail, path_len) }, .lens = 1 },
	[SSHOBS_CRED] = { sizeof(struct sshobs_cred) },
	[SSHOBS_PTY] = { sizeof(struct sshobs_pty), PAD(sshobs_pty, pad) },
	[SSHOBS_PROMPT] = { sizeof(struct sshobs_pty), PAD(sshobs_pty, pad) },
	[SSHOBS_EXIT] = { sizeof(struct sshobs_exit) },
	[SSHOBS_CLOSE] = { sizeof(struct sshobs_close), PAD(sshobs_close, pad), .ends = 2 },
	[SSHOBS_END] = { sizeof(struct sshobs_end) },
	[SSHOBS_MARK] = { sizeof(struct sshobs_mark), PAD(sshobs_mark, pad),
		.len = { offsetof(struct sshobs_mark, text_len) }, .lens = 1 },
	[SSHOBS_LOST] = { sizeof(struct sshobs_lost) },
	[SSHOBS_SYN] = { sizeof(struct sshobs_syn), PAD(sshobs_syn, pad), .ends = 2 },
	[SSHOBS_ESTABLISHED] = { sizeof(struct sshobs_established), PAD(sshobs_established, pad),
		.ends = 2, .random = offsetof(struct sshobs_established, peer_isn) },
	[SSHOBS_WIRE] = { sizeof(struct sshobs_wire), PAD(sshobs_wire, pad),
		.len = { offsetof(struct sshobs_wire, data_len) }, .lens = 1 },
	[SSHOBS_LOG] = { sizeof(struct sshobs_log), PAD(sshobs_log, pad),
		.len = { offsetof(struct sshobs_log, text_len) }, .lens = 1 },
	[SSHOBS_CONNECT] = { sizeof(struct sshobs_connect), .ends = 1,
		.len = { offsetof(struct sshobs_connect, path_len) }, .lens = 1 },
	[SSHOBS_READING] = { sizeof(struct sshobs_reading), PAD(sshobs_reading, pad) },
	[SSHOBS_PTY_FAIL] = { sizeof(struct sshobs_pty_fail), PAD(sshobs_pty_fail, pad) },
};

static unsigned long findings;

static inline void finding(const char *of, size_t at, const void *bytes, size_t len, const char *what)
{
	const unsigned char *byte = bytes;
	size_t i;

	if (__atomic_fetch_add(&findings, 1, __ATOMIC_SEQ_CST) >= FINDINGS_SHOWN)
		return;
	printf("# %s, offset %zu: ", of, at);
	for (i = 0; i < len && i < 16; i++)
		printf("%02x", byte[i]);
	printf(": %s\n", what);
}

static inline void check_zero(const char *of, const char *from, size_t at, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++) {
		if (from[at + i]) {
			finding(of, at, from + at, len, "not initialised: it is to be zero");
			return;
		}
	}
}

/* A string in a field of its own, and the zeroes behind it. */
static inline void check_string(const char *of, const char *from, size_t at, size_t size)
{
	size_t len = strnlen(from + at, size);

	check_zero(of, from, at + len, size - len);
}

/* A stack that was not initialised, memory that was freed or never used, a page that was freed. */
static inline bool is_poison(const void *at)
{
	static const __u32 poisons[] = { 0xfefefefe, 0x6b6b6b6b, 0x5a5a5a5a, 0xaaaaaaaa };
	__u32 word;
	size_t i;

	memcpy(&word, at, sizeof(word));
	for (i = 0; i < sizeof(poisons) / sizeof(*poisons); i++)
		if (word == poisons[i])
			return true;
	return false;
}

/* The upper half of x86-64's and arm64's address space, but for -1 and errors. */
static inline bool is_address(__u64 value)
{
	return value >= 0xffff000000000000ULL && value < 0xfffffffffffff000ULL;
}

/* Fields of fixed width, from a multiple of 8 to another one. */
static inline void check_fields(const char *of, const void *bytes, size_t at, size_t end)
{
	const char *from = bytes;
	__u64 value;

	for (; at + 8 <= end; at += 8) {
		memcpy(&value, from + at, 8);
		if (is_poison(from + at) || is_poison(from + at + 4))
			finding(of, at, from + at, 8, "not initialised");
		else if (is_address(value))
			finding(of, at, from + at, 8, "an address of the kernel");
	}
}

/* What the tests say of themselves is in plain letters, and none of them four times. */
static inline void check_text(const char *of, const char *from, size_t at, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++) {
		if (from[at + i] & 0x80 || (i + 4 <= len && is_poison(from + at + i))) {
			finding(of, at + i, from + at + i, len - i, "not initialised: no letters");
			return;
		}
	}
}

static inline void check_endpoint(const char *of, const char *from, size_t at)
{
	const struct sshobs_endpoint *end = (const void *)(from + at);

	if (end->family == AF_INET) {
		check_zero(of, from, at + 4, sizeof(end->addr) - 4);
	} else if (end->family == AF_UNIX) {
		check_zero(of, from, at, sizeof(end->addr));
	} else {
		finding(of, at, from + at, sizeof(*end), "not initialised: no family");
		return;
	}
	check_zero(of, from, at + offsetof(struct sshobs_endpoint, scope_id), 4);
}

/* All of a record: header, struct, what follows it, and the rest up to a multiple of 8. */
static inline void check_record(const char *of, const struct sshobs_hdr *hdr)
{
	const struct shape *shape = &shapes[hdr->type];
	const char *from = (const char *)hdr;
	size_t body = hdr->hdr_len, end = body + shape->size, i;
	__u32 len;

	check_string(of, from, offsetof(struct sshobs_hdr, comm), sizeof(hdr->comm));
	check_fields(of, from, 0, offsetof(struct sshobs_hdr, comm));
	check_fields(of, from, offsetof(struct sshobs_hdr, run_delay_ns), body);
	if (shape->random) {
		check_fields(of, from, body, body + shape->random);
		check_fields(of, from, body + shape->random + 8, end);
	} else {
		check_fields(of, from, body, end);
	}
	check_zero(of, from, body + shape->pad, shape->pad_len);
	for (i = 0; i < shape->ends; i++)
		check_endpoint(of, from, body + shape->end + i * sizeof(struct sshobs_endpoint));
	if (hdr->type == SSHOBS_EXEC)
		check_string(of, from, body + offsetof(struct sshobs_exec, tty), SSHOBS_TTY_LEN);
	for (i = 0; i < shape->lens; i++) {
		memcpy(&len, from + body + shape->len[i], sizeof(len));
		if (end + len > hdr->len) {
			finding(of, body + shape->len[i], &len, 4, "not initialised: no length");
			return;
		}
		check_text(of, from, end, len);
		end += len;
	}
	check_zero(of, from, end, hdr->len - end);
}

#endif /* _SSHOBS_SELFTESTS_SHAPE_H */
