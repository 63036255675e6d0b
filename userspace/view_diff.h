/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _SSHOBS_VIEW_DIFF_H
#define _SSHOBS_VIEW_DIFF_H

#include "story.h"

/**
 * view_diff() - print two logins side by side, and what made the difference
 * @a: one login
 * @b: the other one
 * @all: also small differences
 *
 * Return: 0 or -ENOMEM.
 */
int view_diff(const struct story *a, const struct story *b, bool all);

/**
 * view_diff_json() - the same as one JSON object
 * @a: one login
 * @b: the other one
 * @origin: where the stream was recorded
 *
 * Return: 0 or -ENOMEM.
 */
int view_diff_json(const struct story *a, const struct story *b, const struct origin *origin);

#endif /* _SSHOBS_VIEW_DIFF_H */
