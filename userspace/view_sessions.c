// SPDX-License-Identifier: GPL-2.0
#include <string.h>

#include "../kmod/text.h"
#include "format.h"
#include "json_build.h"
#include "view_json.h"
#include "view_negotiation.h"
#include "view_limits.h"
#include "view_outcome.h"

static void add_programs(struct json_object *object, const struct process *process)
{
	struct json_object *array = json_object_new_array();
	size_t i;

	for (i = 0; i < process->n_execs; i++) {
		const struct program *program = &process->execs[i];
		struct json_object *one = json_object_new_object();

		json_add_ns(one, "mono_ns", program->time_ns);
		json_add_path(one, program->path, program->path_len, program->path_total);
		json_add_argv(one, program->argv, program->argv_len);
		if (program->argv_len < program->argv_total)
			json_add_u64(one, "argv_total", program->argv_total);
		json_add_tty(one, program->tty);
		json_add_u64(one, "uid", program->uid);
		json_object_array_add(array, one);
	}
	json_add(object, "execs", array);
}

static struct json_object *process_object(const struct process *process)
{
	const struct program *program = model_program(process);
	struct json_object *object = json_object_new_object();

	json_add_u64(object, "pid", process->pid);
	json_add_u64(object, "ppid", process->ppid);
	json_add_bytes(object, "comm", process->comm, strlen(process->comm));
	if (process->uid_known)
		json_add_u64(object, "uid", process->uid);
	else
		json_add(object, "uid", NULL);
	json_add_tty(object, process->tty);
	if (program) {
		json_add_path(object, program->path, program->path_len, program->path_total);
		json_add_argv(object, program->argv, program->argv_len);
	} else {
		json_add(object, "path", NULL);
		json_add(object, "argv", NULL);
	}
	add_programs(object, process);
	json_add_ns(object, "start_ns", process->start_ns);
	json_add_ns(object, "end_ns", process->end_ns);
	json_add_u64(object, "cpu_ns", process->cpu_ns);
	json_add_bool(object, "alive", !process->end_ns);
	if (process->end_ns) {
		json_add_outcome(object, process->code, process->signal);
		json_add_u64(object, "maxrss_kb", process->maxrss_kb);
	}
	json_add_u64(object, "exec_fails", process->exec_fails);
	json_add_u64(object, "clone_fails", process->clone_fails);
	json_add_u64(object, "threads", process->threads);
	json_add_bool(object, "adopted", process->adopted);
	return object;
}

static void add_processes(struct json_object *object, const struct session *session)
{
	struct json_object *array = json_object_new_array();
	const struct process *process;

	for (process = session->processes; process; process = process->next)
		json_object_array_add(array, process_object(process));
	json_add(object, "processes", array);
}

static const char *state_name(enum session_state state)
{
	static const char *const names[] = {
		[SESSION_UP] = "up",
		[SESSION_CLOSED] = "closed",
		[SESSION_ENDED] = "ended",
		[SESSION_REFUSED] = "refused",
	};

	return names[state];
}

static void add_user(struct json_object *object, const struct session *session,
		     const struct origin *origin)
{
	struct bytes logged = model_user_name(session);
	char name[FORMAT_MAX];
	uint32_t uid;
	bool known = model_user(session, &uid);

	if (known) {
		json_add_u64(object, "uid", uid);
		format_user(name, uid, origin->local);
	} else {
		json_add(object, "uid", NULL);
	}
	if (logged.at)
		json_add_bytes(object, "user", logged.at, logged.len);
	else if (known)
		json_add_bytes(object, "user", name, strlen(name));
	else
		json_add(object, "user", NULL);
	json_add_bool(object, "user_invalid", session->evidence.invalid_user);
	if (known && model_user_is_guess(session))
		json_add_bool(object, "user_guessed", true);
}

static void add_times(struct json_object *object, const struct session *session,
		      const struct model *model)
{
	uint64_t ns;

	json_add_u64(object, "start_ns", session->start_ns);
	json_add_ns(object, "end_ns", session->end_ns);
	json_add_u64(object, "duration_ns", model_ends_ns(model, session) - session->start_ns);
	json_add_ns(object, "prompt_ns", session->prompt_ns);
	json_add_ns(object, "syn_ns", session->established.syn_ns);
	json_add_ns(object, "established_ns", session->established.established_ns);
	if (model_time_to_prompt(session, &ns))
		json_add_u64(object, "time_to_prompt_ns", ns);
	else
		json_add(object, "time_to_prompt_ns", NULL);
}

static void add_acceptor(struct json_object *object, const struct session *session)
{
	struct json_object *acceptor = NULL;

	if (session->acceptor_pid) {
		acceptor = json_object_new_object();
		json_add_u64(acceptor, "pid", session->acceptor_pid);
		json_add_bytes(acceptor, "comm", session->acceptor_comm,
			       strlen(session->acceptor_comm));
	}
	json_add(object, "acceptor", acceptor);
}

static void add_shares(struct json_object *object, const struct shares *shares)
{
	json_add_u64(object, "cpu_ns", shares->cpu_ns);
	json_add_u64(object, "run_delay_ns", shares->delay_ns);
	json_add_u64(object, "wait_ns", shares->wait_ns);
	json_add_u64(object, "client_ns", shares->client_ns);
	json_add_u64(object, "network_ns", shares->network_ns);
	json_add_u64(object, "unknown_ns", shares->unknown_ns);
}

static struct json_object *phase_object(const struct phase *phase)
{
	struct json_object *object = json_object_new_object();
	struct json_object *covers = json_object_new_array();
	enum phase_name name;

	json_add_string(object, "name", phase_name(phase->name));
	for (name = phase->first; name <= phase->last; name++)
		json_object_array_add(covers, json_object_new_string(phase_name(name)));
	json_add(object, "covers", covers);
	json_add_u64(object, "start_ns", phase->start_ns);
	json_add_u64(object, "duration_ns", phase_ns(phase));
	add_shares(object, &phase->shares);
	return object;
}

static struct json_object *totals_object(const struct story *story)
{
	struct json_object *object = json_object_new_object();
	struct json_object *shares = json_object_new_object();
	struct totals totals;

	story_totals(story, &totals);
	json_add_u64(object, "duration_ns", story_ns(story));
	json_add_string(object, "end", login_end_name(story->login.end));
	json_add_u64(object, "network_ns", totals.network_ns);
	json_add_u64(object, "auth_ns", totals.auth_ns);
	json_add_u64(object, "session_ns", totals.session_ns);
	json_add_u64(object, "shell_ns", totals.shell_ns);
	json_add_u64(object, "unknown_ns", totals.unknown_ns);
	add_shares(shares, &totals.shares);
	json_add(object, "shares", shares);
	return object;
}

static void add_story(struct json_object *object, const struct story *story)
{
	struct json_object *array = json_object_new_array();
	size_t i;

	for (i = 0; i < story->login.n; i++)
		json_object_array_add(array, phase_object(&story->login.phases[i]));
	json_add(object, "phases", array);
	json_add(object, "totals", story->login.n ? totals_object(story) : NULL);
}

void view_json_session(const struct model *model, const struct session *session,
		       const struct origin *origin, bool processes, const struct story *story)
{
	struct json_object *object = json_object_new_object();
	uint32_t incomplete = model_incomplete(model, session);
	char when[FORMAT_MAX];

	json_add_string(object, "time",
			format_utc(when, (int64_t)(session->start_ns +
						   (uint64_t)origin->realtime_offset_ns)));
	json_add_origin(object, origin);
	json_add_u64(object, "session", session->id);
	json_add_string(object, "state", state_name(session->state));
	json_add_bool(object, "adopted", session->adopted);
	add_user(object, session, origin);
	view_outcome_json(object, session);
	view_limits_json(object, session);
	json_add_endpoints(object, &session->endpoints.peer, &session->endpoints.local);
	add_acceptor(object, session);
	add_times(object, session, model);
	json_add_u64(object, "ptys", session->ptys);
	json_add_u64(object, "prompts", session->prompts);
	json_add_u64(object, "process_count", session->n_processes);
	json_add_u64(object, "exec_count", session->n_execs);
	json_add_u64(object, "exec_fails", session->exec_fails);
	json_add_u64(object, "clone_fails", session->clone_fails);
	json_add_u64(object, "records", session->records);
	json_add_bool(object, "complete", !incomplete);
	json_add(object, "incomplete", json_bits(incomplete, model_incomplete_name));
	json_add_u64(object, "missing", session->missing);
	if (session->closed)
		json_add_close(object, &session->close);
	if (story)
		add_story(object, story);
	if (processes) {
		json_add_negotiation(object, session->negotiation);
		add_processes(object, session);
	}
	json_print(object);
}
