/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which processes of a session are the server's own, and of which of them that is sure.
 * Part of the model.
 */
#ifndef _SSHOBS_ROLE_H
#define _SSHOBS_ROLE_H

#include <stdbool.h>
#include <stddef.h>

#include "logline.h"

struct process;
struct program;
struct session;

/**
 * enum role - what a process is in its session
 * @ROLE_PROGRAM: a program that the server runs, or what such a program made
 * @ROLE_SERVER: part of the server: what it became has the name of a part of OpenSSH's
 *	server, or it has become nothing yet. Enough to tell whose time it was; anybody
 *	can give a program that name
 * @ROLE_OWN_CODE: it runs the server's own code: it is the child of the task that
 *	accepted, or came from that by fork alone. No code of a user's choice ever runs
 *	in it, for that takes an exec
 */
enum role {
	ROLE_PROGRAM,
	ROLE_SERVER,
	ROLE_OWN_CODE,
};

/**
 * role_after_clone() - the role that a process begins with
 * @session: where it is
 * @child: the process, linked to its parent
 * @flags: CLONE_* that it was made with
 */
enum role role_after_clone(const struct session *session, const struct process *child,
			   unsigned long long flags);

/**
 * role_after_exec() - the role that a process has after an exec
 * @session: where it is
 * @process: the process, with its role before; its newest program is the one it became
 */
enum role role_after_exec(const struct session *session, const struct process *process);

/** role_serves() - whether a process is the one that serves the connection, as root */
bool role_serves(const struct session *session, const struct process *process);

/** role_base_name() - the name of a program without its folders; @path has @len bytes */
struct part role_base_name(const unsigned char *path, size_t len);

#endif /* _SSHOBS_ROLE_H */
