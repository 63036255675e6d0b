/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _SSHOBS_WORDS_H
#define _SSHOBS_WORDS_H

#include <stdio.h>

#include "stream.h"
#include "term.h"

/**
 * struct step - one line of a time line: an event, or several that belong together
 * @first: first event of it; for cred its "before" counts
 * @last: last event of it; for cred its "after" counts, and its time is the step's
 * @count: how many events; they stand one after the other in memory
 */
struct step {
	const struct event *first;
	const struct event *last;
	size_t count;
};

/**
 * words_join() - whether an event belongs to the step before it
 * @step: the step
 * @event: the next event of the session
 *
 * PATH misses of one search are one step, and so is a change of user that takes
 * several calls, the same failed connect again and again, and a line to the log with
 * the connect before it.
 *
 * Return: whether it does.
 */
bool words_join(const struct step *step, const struct event *event);

/**
 * words_put() - tell a step in human words
 * @out: where to
 * @step: the step
 * @local: user ids are those of this host
 *
 * Return: the colour it deserves.
 */
enum tint words_put(FILE *out, const struct step *step, bool local);

#endif /* _SSHOBS_WORDS_H */
