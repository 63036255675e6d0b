/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _SSHOBS_VIEW_LIST_H
#define _SSHOBS_VIEW_LIST_H

#include "model.h"
#include "options.h"

/**
 * view_list() - print a table of sessions, one row each
 * @model: where they belong to
 * @sessions: the sessions
 * @n: how many
 * @origin: where the stream was recorded
 *
 * Return: 0 or -errno.
 */
int view_list(const struct model *model, struct session *const *sessions, size_t n,
	      const struct origin *origin);

#endif /* _SSHOBS_VIEW_LIST_H */
