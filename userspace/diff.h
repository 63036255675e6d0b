/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What made the difference between two logins. Pure.
 */
#ifndef _SSHOBS_DIFF_H
#define _SSHOBS_DIFF_H

#include "story.h"

/**
 * struct change - a culprit in both logins, or in one of them
 * @a: in the one; NULL: it is not there
 * @b: in the other one; NULL: it is not there
 * @ns: how much longer it took in the other one; negative: shorter
 */
struct change {
	const struct blame *a;
	const struct blame *b;
	int64_t ns;
};

/**
 * struct changes - the culprits of two logins, side by side
 * @changes: the greatest difference first
 * @n: how many
 */
struct changes {
	struct change *changes;
	size_t n;
};

/**
 * diff_match() - put the culprits of two logins side by side
 * @a: the one
 * @b: the other one
 * @changes: out: free() @changes->changes
 *
 * They are the same if they did the same in the same phase: the same script, the same
 * program, a process of the same name that waited for the same address. The sum of
 * all differences is that of the two logins.
 *
 * Return: 0 or -ENOMEM.
 */
int diff_match(const struct story *a, const struct story *b, struct changes *changes);

/** diff_ns() - how much longer @b is than @a; negative: shorter */
int64_t diff_ns(uint64_t a, uint64_t b);

#endif /* _SSHOBS_DIFF_H */
