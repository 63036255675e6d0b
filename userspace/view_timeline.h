/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _SSHOBS_VIEW_TIMELINE_H
#define _SSHOBS_VIEW_TIMELINE_H

#include "model.h"

/**
 * view_summary() - print what a session was, in a few lines
 * @model: where it belongs to
 * @session: the session
 * @origin: where the stream was recorded
 */
void view_summary(const struct model *model, const struct session *session,
		  const struct origin *origin);

/**
 * view_timeline() - print what happened in a session, a line for each step
 * @session: the session, with its events kept
 * @origin: where the stream was recorded
 * @all: also what came after the first prompt
 *
 * Return: 0 or -errno.
 */
int view_timeline(const struct session *session, const struct origin *origin, bool all);

#endif /* _SSHOBS_VIEW_TIMELINE_H */
