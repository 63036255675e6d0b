// SPDX-License-Identifier: GPL-2.0
#include <linux/kernel.h>
#include <linux/string.h>

#include "process.h"
#include "program.h"
#include "record.h"

struct sshobs_exec *sshobs_program_begin(struct sshobs_session *session, struct task_struct *task,
					 const struct sshobs_program *program)
{
	size_t path_len = min_t(size_t, program->path_total, SSHOBS_PATH_MAX);
	size_t argv_len = min_t(size_t, program->argv_total, SSHOBS_ARGV_MAX);
	struct sshobs_exec *rec;

	static_assert(sizeof(struct sshobs_hdr) + sizeof(struct sshobs_exec) +
		      SSHOBS_PATH_MAX + SSHOBS_ARGV_MAX <= SSHOBS_RECORD_MAX);

	rec = sshobs_record_begin(session, task, SSHOBS_EXEC, sizeof(*rec) + path_len + argv_len);
	if (!rec)
		return NULL;
	rec->uid = program->uid;
	rec->flags = program->flags;
	if (program->tty)
		sshobs_process_tty_name(rec->tty, program->tty);
	rec->path_len = path_len;
	rec->path_total = program->path_total;
	rec->argv_len = argv_len;
	rec->argv_total = program->argv_total;
	memcpy(rec->data, program->path, path_len);
	return rec;
}

void *sshobs_program_argv(struct sshobs_exec *rec)
{
	return rec->data + rec->path_len;
}

/* The bytes stay in the record as zeroes after its end; readers see none of them. */
void sshobs_program_argv_unread(struct sshobs_exec *rec)
{
	memset(sshobs_program_argv(rec), 0, rec->argv_len);
	rec->argv_len = 0;
	rec->flags |= SSHOBS_EXEC_ARGV_UNREAD;
}
