/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The exec record: which program a process became, or was found running. Written by
 * the exec hook and by the adoption of what was up before the module.
 */
#ifndef _SSHOBS_PROGRAM_H
#define _SSHOBS_PROGRAM_H

#include <linux/types.h>

#include "../uapi/sshobs.h"

struct sshobs_session;
struct task_struct;
struct tty_struct;

/**
 * struct sshobs_program - what is known of a program, but for its arguments
 * @uid: real user id in the initial user namespace
 * @flags: SSHOBS_EXEC_*
 * @tty: controlling terminal, referenced by the caller, or NULL
 * @path: its path
 * @path_total: bytes of @path
 * @argv_total: bytes of its arguments
 */
struct sshobs_program {
	u32			uid;
	u32			flags;
	struct tty_struct	*tty;
	const char		*path;
	size_t			path_total;
	size_t			argv_total;
};

/**
 * sshobs_program_begin() - start an exec record, all but the arguments
 * @session: its session
 * @task: the process
 * @program: what is known
 *
 * Followed by a copy of argv_len bytes to sshobs_program_argv(), then
 * sshobs_record_end().
 *
 * Context: as for sshobs_record_begin(). Return: the record's body, or NULL.
 */
struct sshobs_exec *sshobs_program_begin(struct sshobs_session *session, struct task_struct *task,
					 const struct sshobs_program *program);

/**
 * sshobs_program_argv() - where the arguments go
 * @rec: the record's body
 *
 * Return: room for argv_len bytes.
 */
void *sshobs_program_argv(struct sshobs_exec *rec);

/**
 * sshobs_program_argv_unread() - the arguments could not be read; say so
 * @rec: the record's body
 */
void sshobs_program_argv_unread(struct sshobs_exec *rec);

#endif /* _SSHOBS_PROGRAM_H */
