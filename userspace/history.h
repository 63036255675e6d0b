/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the ring or a capture holds, and the session in it that is asked for.
 */
#ifndef _SSHOBS_HISTORY_H
#define _SSHOBS_HISTORY_H

#include "model.h"
#include "options.h"

/**
 * read_history() - fold all that the ring or the capture holds
 * @options: the command line
 * @stream: the stream, at its beginning
 * @model: out: what it told; it was initialised
 *
 * Return: 0, or the exit status; why was said, and @model has what came before it.
 */
int read_history(const struct options *options, struct stream *stream, struct model *model);

/**
 * find_session() - find the session that a word names
 * @options: the command line
 * @model: where to look
 * @origin: of its stream
 * @name: "self", "last" or a number
 * @session: out: the session
 *
 * Return: 0, or the exit status; why was said.
 */
int find_session(const struct options *options, const struct model *model,
		 const struct origin *origin, const char *name, struct session **session);

#endif /* _SSHOBS_HISTORY_H */
