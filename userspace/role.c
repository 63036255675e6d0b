// SPDX-License-Identifier: GPL-2.0
#include <linux/sched.h>
#include <string.h>

#include "model.h"
#include "role.h"

struct part role_base_name(const unsigned char *path, size_t len)
{
	const unsigned char *slash = len ? memrchr(path, '/', len) : NULL;
	const unsigned char *name = slash ? slash + 1 : path;

	return (struct part){ (const char *)name, len - (size_t)(name - path) };
}

bool role_serves(const struct session *session, const struct process *process)
{
	return process->pid == session->evidence.server.pid && !process->parent;
}

/* A child that shares the memory of its parent is about to exec. */
enum role role_after_clone(const struct session *session, const struct process *child,
			   unsigned long long flags)
{
	if (!child->parent)
		return child->ppid && child->ppid == session->acceptor_pid ? ROLE_OWN_CODE :
									     ROLE_SERVER;
	if (child->parent->role == ROLE_OWN_CODE && (flags & CLONE_VM))
		return ROLE_SERVER;
	return child->parent->role;
}

/* What was up before the module, and runs the same program as the server does. */
static bool is_adopted_server(const struct session *session, const struct process *process)
{
	const struct process *server = model_find_process(session, session->evidence.server.pid);
	const struct program *program = model_program(process);
	const struct program *its = server ? model_program(server) : NULL;

	return its && (program->flags & SSHOBS_EXEC_ADOPTED) &&
	       its->path_len == program->path_len &&
	       memcmp(its->path, program->path, its->path_len) == 0;
}

/* sshd, sshd-session and sshd-auth execute each other. */
static bool is_part_of_server(const struct program *program)
{
	struct part name = role_base_name(program->path, program->path_len);

	return name.len >= strlen("sshd") && memcmp(name.at, "sshd", strlen("sshd")) == 0;
}

enum role role_after_exec(const struct session *session, const struct process *process)
{
	if (process->role == ROLE_PROGRAM)
		return ROLE_PROGRAM;
	if (role_serves(session, process) || is_adopted_server(session, process))
		return process->role;
	if (!process->parent || is_part_of_server(model_program(process)))
		return ROLE_SERVER;
	return ROLE_PROGRAM;
}
