/* SPDX-License-Identifier: GPL-2.0 */
/* What the generator's records hold, for who writes them and who checks them. */
#ifndef _SSHOBS_GENERATOR_H
#define _SSHOBS_GENERATOR_H

#include <linux/types.h>

/* Numbers of writers are below; the record of "hold" has this one. */
#define SSHOBS_GENERATORS_MAX	32

/**
 * struct sshobs_generated - text of a generated mark
 * @writer: who wrote it
 * @words: how many @word has
 * @number: which one of that writer it is, from 1
 * @word: sshobs_generated_word() of the three
 */
struct sshobs_generated {
	__u32	writer;
	__u32	words;
	__u64	number;
	__u64	word[];
};

/* 1 to 32 words, and of each 64th record 92 more. */
static inline __u32 sshobs_generated_words(__u32 writer, __u64 number)
{
	__u32 words = 1 + ((number * 2654435761U >> 7) + writer) % 32;

	return number % 64 ? words : words + 92;
}

static inline __u64 sshobs_generated_word(__u32 writer, __u64 number, __u32 i)
{
	return (number << 8 | writer) * 0x9e3779b97f4a7c15ULL ^ i * 0xff51afd7ed558ccdULL;
}

#endif /* _SSHOBS_GENERATOR_H */
