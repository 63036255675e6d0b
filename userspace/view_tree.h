/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _SSHOBS_VIEW_TREE_H
#define _SSHOBS_VIEW_TREE_H

#include <stdio.h>

#include "model.h"
#include "term.h"

/**
 * view_command() - print what a process runs: its arguments; else its program; else its
 * name, which is its parent's until it runs something itself
 * @out: where to
 * @process: the process
 *
 * Return: the colour it deserves.
 */
enum tint view_command(FILE *out, const struct process *process);

/**
 * view_tree() - print a session's processes as pstree would
 * @session: the session
 * @origin: where the stream was recorded
 * @all: also what has ended, in a session that is up
 *
 * Return: 0 or -errno.
 */
int view_tree(struct session *session, const struct origin *origin, bool all);

/**
 * view_process_table() - print a session's processes, one row each, as a tree
 * @model: where it belongs to
 * @session: the session
 * @origin: where the stream was recorded
 * @all: also those that began after the first prompt and have ended
 *
 * Return: 0 or -errno.
 */
int view_process_table(const struct model *model, struct session *session,
		       const struct origin *origin, bool all);

#endif /* _SSHOBS_VIEW_TREE_H */
