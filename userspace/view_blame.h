/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _SSHOBS_VIEW_BLAME_H
#define _SSHOBS_VIEW_BLAME_H

#include "story.h"

/**
 * view_blame() - print the culprits of a login, a sentence each, the longest first
 * @story: the login
 * @all: also the short ones
 *
 * Return: 0 or -ENOMEM.
 */
int view_blame(const struct story *story, bool all);

/**
 * view_blame_json() - the same as JSON, an object each, and all of them
 * @story: the login
 * @origin: where the stream was recorded
 *
 * Return: 0 or -ENOMEM.
 */
int view_blame_json(const struct story *story, const struct origin *origin);

#endif /* _SSHOBS_VIEW_BLAME_H */
