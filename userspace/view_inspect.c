// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "escape.h"
#include "format.h"
#include "inspect.h"
#include "inspect_words.h"
#include "term.h"
#include "view_links.h"
#include "view_tcp.h"

/* --- status --------------------------------------------------------------------- */

static void put_state(const struct sshobs_task_info *task)
{
	const char *state = name_of_task_state(task->state);

	print_key("State");
	escape_put(stdout, &task->state, 1);
	printf(" (%s), PPid %u, PGid %u, Sid %u, TTY ", state ?: "?", task->ppid, task->pgid,
	       task->sid);
	if (task->tty[0])
		escape_put(stdout, task->tty, strnlen(task->tty, sizeof(task->tty)));
	else
		putchar('-');
	printf(", Threads %u, TracerPid %u\n", task->threads, task->tracer);
}

static void put_times(const struct sshobs_task_info *task, const struct origin *origin)
{
	char start[FORMAT_MAX], user[FORMAT_MAX], system[FORMAT_MAX];
	int64_t when = (int64_t)(task->start_ns + (uint64_t)origin->realtime_offset_ns);

	print_key("Started");
	printf("%s, CPU %s user, %s system\n", format_day(start, when),
	       format_duration(user, task->utime_ns), format_duration(system, task->stime_ns));
	print_key("Switches");
	printf("%" PRIu64 " voluntary, %" PRIu64 " nonvoluntary\n",
	       (uint64_t)task->voluntary_switches, (uint64_t)task->nonvoluntary_switches);
}

static void put_users(const struct sshobs_task_info *task, bool local)
{
	print_key("Uid");
	words_user(stdout, task->uid, local);
	if (task->euid != task->uid || task->suid != task->uid || task->fsuid != task->uid) {
		fputs(", effective ", stdout);
		words_user(stdout, task->euid, local);
		fputs(", saved ", stdout);
		words_user(stdout, task->suid, local);
		fputs(", fs ", stdout);
		words_user(stdout, task->fsuid, local);
	}
	printf("; Gid %u", task->gid);
	if (task->egid != task->gid || task->sgid != task->gid || task->fsgid != task->gid)
		printf(", effective %u, saved %u, fs %u", task->egid, task->sgid, task->fsgid);
	if (task->loginuid != UINT32_MAX) {
		fputs("; loginuid ", stdout);
		words_user(stdout, task->loginuid, local);
		printf(", audit session %u", task->audit_session);
	}
	putchar('\n');
}

static void put_security(const struct sshobs_task_info *task)
{
	print_key("Caps");
	printf("CapInh %" PRIx64 ", CapPrm %" PRIx64 ", CapEff %" PRIx64 ", CapBnd %" PRIx64
	       ", CapAmb %" PRIx64 "\n",
	       (uint64_t)task->cap_inh, (uint64_t)task->cap_prm, (uint64_t)task->cap_eff,
	       (uint64_t)task->cap_bnd, (uint64_t)task->cap_amb);
	print_key("Confined");
	printf("NoNewPrivs %u, Seccomp %u%s\n", task->no_new_privs, task->seccomp,
	       task->seccomp == 2 ? " (filter)" :
	       task->seccomp == 1 ? " (strict)" :
				    "");
}

static void put_memory(const struct sshobs_task_info *task)
{
	print_key("Memory");
	if (!task->vm_kb) {
		puts(task->state == 'Z' || task->state == 'X' ?
			     "none: it has ended, and its parent has not asked for its status" :
			     "none: a kernel thread");
		return;
	}
	printf("VmSize %" PRIu64 " kB (VmPeak %" PRIu64 "), VmRSS %" PRIu64 " kB (VmHWM %" PRIu64
	       "), VmSwap %" PRIu64 " kB, VmLck %" PRIu64 " kB\n",
	       (uint64_t)task->vm_kb, (uint64_t)task->vm_peak_kb, (uint64_t)task->rss_kb,
	       (uint64_t)task->rss_peak_kb, (uint64_t)task->swap_kb, (uint64_t)task->locked_kb);
}

static void put_status(const struct snapshot *snapshot, const struct inspection *inspection)
{
	const struct sshobs_task_info *task = snapshot->task;

	fputs(term_tint(TINT_BOLD), stdout);
	words_process(stdout, task);
	fputs(term_tint(TINT_NONE), stdout);
	fputs("  ", stdout);
	words_argv(stdout, snapshot);
	putchar('\n');
	if (snapshot->exe.len) {
		print_key("Exe");
		escape_put(stdout, snapshot->exe.data, snapshot->exe.len);
		putchar('\n');
	}
	put_state(task);
	put_times(task, inspection->origin);
	put_users(task, inspection->origin->local);
	put_security(task);
	put_memory(task);
}

/* --- limits --------------------------------------------------------------------- */

static const char *limit_text(char *buf, uint64_t value)
{
	if (value == SSHOBS_UNLIMITED)
		snprintf(buf, FORMAT_MAX, "unlimited");
	else
		snprintf(buf, FORMAT_MAX, "%" PRIu64, value);
	return buf;
}

/* From 80 % on, a limit is marked: soon something will fail that seems to have no reason. */
static enum tint fill_use(char *buf, const struct sshobs_limit *limit)
{
	double share;

	buf[0] = '\0';
	if (limit->used == SSHOBS_UNCOUNTED || limit->soft == SSHOBS_UNLIMITED || !limit->soft)
		return TINT_NONE;
	share = 100.0 * (double)limit->used / (double)limit->soft;
	snprintf(buf, FORMAT_MAX, "%.0f %%%s", share, share >= 80 ? " !" : "");
	return share >= 100 ? TINT_BAD : share >= 80 ? TINT_WARN : TINT_NONE;
}

static int put_limits(const struct sshobs_task_info *task)
{
	static const struct column columns[] = {
		{ "LIMIT", 1, 0 },
		{ "SOFT", 1, SCOLS_FL_RIGHT },
		{ "HARD", 1, SCOLS_FL_RIGHT },
		{ "USED", 1, SCOLS_FL_RIGHT },
		{ "USE", 1, SCOLS_FL_RIGHT },
		{ "UNIT", 1, 0 },
	};
	struct libscols_table *table = table_new(columns, sizeof(columns) / sizeof(columns[0]));
	unsigned int i;

	if (!table)
		return -ENOMEM;
	for (i = 0; i < SSHOBS_LIMITS; i++) {
		const struct sshobs_limit *limit = &task->limits[i];
		struct libscols_line *line = scols_table_new_line(table, NULL);
		char text[FORMAT_MAX];
		enum tint tint;

		table_cell(line, 0, name_of_limit(i), TINT_BOLD);
		table_cell(line, 1, limit_text(text, limit->soft), TINT_NONE);
		table_cell(line, 2, limit_text(text, limit->hard), TINT_NONE);
		table_cell(line, 3,
			   limit->used == SSHOBS_UNCOUNTED ? "-" : limit_text(text, limit->used),
			   TINT_NONE);
		tint = fill_use(text, limit);
		table_cell(line, 4, text, tint);
		table_cell(line, 5, unit_of_limit(i), TINT_DIM);
	}
	return table_print(table);
}

/* --- environment ---------------------------------------------------------------- */

/* What a login sets, and what most questions are about. */
static bool of_a_login(const struct blob *variable)
{
	static const char *const names[] = { "SSH_",  "LC_",   "PATH=",	 "TERM=",
					     "LANG=", "HOME=", "SHELL=", "USER=" };
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (variable->len >= strlen(names[i]) &&
		    memcmp(variable->data, names[i], strlen(names[i])) == 0)
			return true;
	return false;
}

static int put_variable(const struct blob *variable, const char *key)
{
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return -ENOMEM;
	escape_put(out, variable->data, variable->len);
	if (fclose(out) == 0) {
		if (*key)
			print_key(key);
		else
			printf("%*s", KEY_COLUMNS, "");
		term_wrap(text, KEY_COLUMNS, TINT_NONE);
	}
	free(text);
	return 0;
}

static int put_variables(const struct blob *all, const char *key, bool env_all)
{
	struct blob rest = *all, variable;
	size_t hidden = 0, total = 0;
	int err = 0;

	while (!err && next_string(&rest, &variable)) {
		total++;
		if (!env_all && !of_a_login(&variable)) {
			hidden++;
			continue;
		}
		err = put_variable(&variable, key);
		key = "";
	}
	if (!hidden && total)
		return err;
	if (*key)
		print_key(key);
	else
		printf("%*s", KEY_COLUMNS, "");
	if (total)
		printf("%s%zu more: --env=all%s\n", term_tint(TINT_DIM), hidden,
		       term_tint(TINT_NONE));
	else
		puts("empty");
	return err;
}

static int put_environ(const struct snapshot *snapshot, bool env_all)
{
	if (!snapshot->task->vm_kb)
		return 0;
	if (!environ_is_gone(&snapshot->environ)) {
		int err = put_variables(&snapshot->environ, "Environ", env_all);

		if (snapshot_is_cut(snapshot, SSHOBS_SNAPSHOT_ENVIRON))
			printf("%*s%scut: its first %u MiB%s\n", KEY_COLUMNS, "",
			       term_tint(TINT_DIM), SSHOBS_SNAPSHOT_MEMORY_MAX >> 20,
			       term_tint(TINT_NONE));
		return err;
	}
	print_key("Environ");
	printf("%soverwritten by the process, for its title; ", term_tint(TINT_DIM));
	if (!snapshot->exec_environ.data)
		fputs("what it was is not known: its exec was not seen", stdout);
	else
		printf("as it was given at exec%s:",
		       snapshot_is_cut(snapshot, SSHOBS_SNAPSHOT_EXEC_ENVIRON) ?
			       ", the whole variables of its first 4 KiB" :
			       "");
	printf("%s\n", term_tint(TINT_NONE));
	if (!snapshot->exec_environ.data)
		return 0;
	return put_variables(&snapshot->exec_environ, "At exec", env_all);
}

/* --- all of it ------------------------------------------------------------------ */

static int put_process(const struct inspection *inspection, const struct links *links,
		       size_t process, bool env_all)
{
	const struct snapshot *snapshot = &inspection->processes[process];
	int err = 0;

	putchar('\n');
	put_status(snapshot, inspection);
	err = put_environ(snapshot, env_all);
	putchar('\n');
	err = err ?: put_limits(snapshot->task);
	if (!err && snapshot->fds_count) {
		putchar('\n');
		err = view_fds(links, process);
	}
	return err;
}

int view_inspect(const struct inspection *inspection, const struct links *links, bool env_all)
{
	const struct link *connection = links->connection;
	size_t i;
	int err = 0;

	if (inspection->session) {
		printf("%sSession %" PRIu64 "%s\n", term_tint(TINT_BOLD), inspection->session,
		       term_tint(TINT_NONE));
		err = view_links(links, inspection->origin->local);
		if (connection) {
			putchar('\n');
			view_tcp(connection->ends[0].holders[0].fd);
		}
	}
	for (i = 0; i < inspection->n && !err; i++)
		if (!inspection->pid || inspection->pid == inspection->processes[i].task->pid)
			err = put_process(inspection, links, i, env_all);
	return err;
}
