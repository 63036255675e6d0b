// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "format.h"
#include "history.h"
#include "inspect.h"
#include "term.h"

static int check_usage(const struct options *options)
{
	const char *name = options->n_args ? options->args[0] : "";
	uint64_t number;

	if (options->read)
		return fail(
			STATUS_USAGE,
			"inspect: not with -r: what a capture tells of is not alive; see: sshobs show");
	if (options->n_args > 1 || (options->n_args && options->by_pid))
		return fail(
			STATUS_USAGE,
			"inspect: one login or one process; usage: sshobs inspect ID|PID, or -p PID");
	if (!options->n_args && !options->by_pid)
		return fail(STATUS_USAGE,
			    "inspect: which login or process? self, last, a number, or -p PID");
	if (options->n_args && strcmp(name, "self") != 0 && strcmp(name, "last") != 0 &&
	    !parse_number(name, UINT64_MAX, &number))
		return fail(STATUS_USAGE,
			    "%s: not a login, and not a process; self, last or a number", name);
	return 0;
}

/* --- which processes ------------------------------------------------------------- */

/* What was asked for, and what is there. @pid: one process; 0: the whole @session. */
struct request {
	const struct options *options;
	struct stream *stream;
	struct model model;
	const struct session *session;
	uint32_t pid;
};

static bool is_up(const struct session *session)
{
	return session && HASH_COUNT(session->live);
}

/* A number is that of a session that is up, or else a process. */
static int find_number(struct request *request, const char *name)
{
	const struct session *session;
	uint64_t number;

	parse_number(name, UINT64_MAX, &number);
	session = model_find(&request->model, number);
	if (is_up(session)) {
		request->session = session;
		return 0;
	}
	if (!number || number > INT32_MAX)
		return fail(STATUS_FAILURE, "%s: no such login, and no process; see: sshobs list",
			    name);
	if (session && !request->options->quiet)
		say("session %s has no process any more, so this is process %s; see: sshobs show %s",
		    name, name, name);
	request->pid = (uint32_t)number;
	return 0;
}

static int find_request(struct request *request)
{
	const struct options *options = request->options;
	struct session *session;
	const char *name;
	int status;

	if (options->by_pid) {
		request->pid = options->pid;
		return 0;
	}
	name = options->args[0];
	if (strcmp(name, "self") != 0 && strcmp(name, "last") != 0)
		return find_number(request, name);
	status = find_session(options, &request->model, stream_origin(request->stream), name,
			      &session);
	if (status)
		return status;
	if (!is_up(session))
		return fail(STATUS_FAILURE,
			    "session %llu has no process any more; see: sshobs show %llu",
			    (unsigned long long)session->id, (unsigned long long)session->id);
	request->session = session;
	return 0;
}

/* --- reading them ---------------------------------------------------------------- */

static int not_read(uint32_t pid, int err)
{
	switch (err) {
	case -ESRCH:
		return fail(STATUS_FAILURE, "process %u: there is none; see: ps -e", pid);
	case -EPERM:
	case -EACCES:
		return fail(STATUS_NOT_PERMITTED,
			    "process %u: not permitted; run it as root, with CAP_SYS_PTRACE", pid);
	case -ENOTTY:
		return fail(STATUS_FAILURE,
			    SSHOBS_DEVICE ": the module is older than inspect; load the new one");
	}
	return fail(STATUS_FAILURE, "process %u: %s; try again", pid,
		    err == -EPROTO ? "the module's answer is damaged" : strerror(-err));
}

static int compare_start(const void *one, const void *other)
{
	const struct sshobs_task_info *a = ((const struct snapshot *)one)->task;
	const struct sshobs_task_info *b = ((const struct snapshot *)other)->task;

	if (a->start_ns != b->start_ns)
		return a->start_ns < b->start_ns ? -1 : 1;
	return (a->pid > b->pid) - (a->pid < b->pid);
}

/* All that live; those that end meanwhile are counted. */
static int take_session(struct inspection *inspection, int device, const struct session *session)
{
	const struct process *process;
	int err;

	inspection->session = session->id;
	inspection->processes = calloc(HASH_COUNT(session->live) + 1, sizeof(struct snapshot));
	if (!inspection->processes)
		return not_read(session->processes->pid, -ENOMEM);
	for (process = session->processes; process; process = process->next) {
		struct snapshot *snapshot = &inspection->processes[inspection->n];

		if (process->end_ns)
			continue;
		err = snapshot_take(snapshot, device, process->pid,
				    process->start_ns ?: SSHOBS_SNAPSHOT_ANY);
		if (!err && snapshot->task->session != session->id) {
			snapshot_free(snapshot);
			err = -ESRCH;
		}
		if (err && err != -ESRCH)
			return not_read(process->pid, err);
		inspection->gone += !!err;
		inspection->n += !err;
	}
	qsort(inspection->processes, inspection->n, sizeof(struct snapshot), compare_start);
	return 0;
}

static const struct snapshot *find_pid(const struct inspection *inspection, uint32_t pid)
{
	size_t i;

	for (i = 0; i < inspection->n; i++)
		if (inspection->processes[i].task->pid == pid)
			return &inspection->processes[i];
	return NULL;
}

/* One process; if it is in a session, with all that it may be joined to. */
static int take_process(struct inspection *inspection, const struct request *request)
{
	int device = stream_device(request->stream);
	struct snapshot alone;
	int err = snapshot_take(&alone, device, request->pid, SSHOBS_SNAPSHOT_ANY);
	const struct session *session;

	if (err)
		return not_read(request->pid, err);
	inspection->pid = request->pid;
	session = alone.task->session ? model_find(&request->model, alone.task->session) : NULL;
	if (is_up(session)) {
		int status = take_session(inspection, device, session);

		if (status || find_pid(inspection, request->pid)) {
			snapshot_free(&alone);
			return status;
		}
		/* The ring does not hold its beginning, or it ended just now. */
		inspection->processes[inspection->n++] = alone;
		qsort(inspection->processes, inspection->n, sizeof(alone), compare_start);
		return 0;
	}
	inspection->session = alone.task->session;
	inspection->processes = calloc(1, sizeof(alone));
	if (!inspection->processes) {
		snapshot_free(&alone);
		return not_read(request->pid, -ENOMEM);
	}
	inspection->processes[inspection->n++] = alone;
	return 0;
}

static void free_inspection(struct inspection *inspection)
{
	size_t i;

	for (i = 0; i < inspection->n; i++)
		snapshot_free(&inspection->processes[i]);
	free(inspection->processes);
}

/* --- the command ----------------------------------------------------------------- */

static int print(const struct request *request, const struct inspection *inspection)
{
	const struct options *options = request->options;
	struct links links;
	uint64_t cookie = 0;
	int err;

	if (!inspection->n)
		return fail(STATUS_FAILURE,
			    "session %llu has no process any more; see: sshobs show %llu",
			    (unsigned long long)inspection->session,
			    (unsigned long long)inspection->session);
	if (inspection->gone && !options->quiet)
		say("%zu processes ended while they were read; ask again for what is left",
		    inspection->gone);
	if (inspection->session) {
		const struct session *session = model_find(&request->model, inspection->session);

		cookie = session ? session->cookie : 0;
	}
	err = links_find(&links, inspection->processes, inspection->n, cookie);
	if (!err && options->output == OUTPUT_JSON) {
		view_inspect_json(inspection, &links);
	} else if (!err) {
		term_page(options);
		err = view_inspect(inspection, &links, options->env_all);
	}
	links_free(&links);
	return err ? fail(STATUS_FAILURE, "inspect: %s; try again", strerror(-err)) : 0;
}

int command_inspect(const struct options *options)
{
	struct request request = { .options = options };
	struct inspection inspection = { 0 };
	int status = check_usage(options);

	status = status ?: open_source(options, &request.stream);
	if (status)
		return status;
	inspection.origin = stream_origin(request.stream);
	model_init(&request.model, KEEP_NONE, false);
	status = read_history(options, request.stream, &request.model);
	status = status ?: find_request(&request);
	if (!status && request.session)
		status = take_session(&inspection, stream_device(request.stream), request.session);
	else if (!status)
		status = take_process(&inspection, &request);
	status = status ?: print(&request, &inspection);
	free_inspection(&inspection);
	model_free(&request.model);
	stream_close(request.stream);
	return status;
}
